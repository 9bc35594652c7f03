// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) 2026, sovereign.ai_stack contributors

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/NVIDIA/go-nvlib/pkg/nvlib/device"
	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

const (
	vendor   = "nvidia.com/"
	wholeGPU = ^uint32(0)
)

// A GPU, or an instance of one.
type item struct {
	uuid   string
	parent nvml.Device
	gi, ci uint32 // wholeGPU both where it is no instance
}

// {resource: what there is of it}
func discover(devices device.Interface, strategy string) (map[string][]item, error) {
	found := map[string][]item{}
	enabled, profiles := 0, map[string]bool{}
	err := devices.VisitDevices(func(i int, gpu device.Device) error {
		mig, err := gpu.IsMigEnabled()
		if err != nil {
			return fmt.Errorf("error checking if MIG is enabled on GPU %d: %w", i, err)
		}
		if !mig || strategy == "none" {
			return add(found, vendor+"gpu", gpu, gpu, wholeGPU, wholeGPU)
		}
		enabled++
		return addInstances(found, i, gpu, strategy, profiles)
	})
	if err != nil {
		return nil, err
	}
	if strategy == "single" && enabled > 0 {
		err = allAlike(devices, enabled, profiles)
	}
	return found, err
}

func add(found map[string][]item, resource string, one, parent nvml.Device, gi, ci uint32) error {
	uuid, ret := one.GetUUID()
	if ret != nvml.SUCCESS {
		return fmt.Errorf("error getting UUID: %v", ret)
	}
	found[resource] = append(found[resource], item{uuid: uuid, parent: parent, gi: gi, ci: ci})
	return nil
}

func addInstances(found map[string][]item, i int, gpu device.Device, strategy string, profiles map[string]bool) error {
	instances, err := gpu.GetMigDevices()
	if err != nil {
		return err
	}
	if len(instances) == 0 && strategy == "single" {
		return fmt.Errorf("device %d has no MIG devices configured", i)
	}
	for _, instance := range instances {
		profile, err := instance.GetProfile()
		if err != nil {
			return fmt.Errorf("error getting MIG profile on GPU %d: %w", i, err)
		}
		if info := profile.GetInfo(); info.C != info.G {
			return fmt.Errorf("MIG profile '%v' does not match any resource patterns", profile)
		}
		profiles[profile.String()] = true
		resource := vendor + "gpu"
		if strategy == "mixed" {
			resource = vendor + "mig-" + strings.ReplaceAll(profile.String(), "+", ".")
		}
		gi, ret := instance.GetGpuInstanceId()
		ci, ret2 := instance.GetComputeInstanceId()
		if ret != nvml.SUCCESS || ret2 != nvml.SUCCESS {
			return fmt.Errorf("error getting the place of an instance on GPU %d: %v, %v", i, ret, ret2)
		}
		if err := add(found, resource, instance, gpu, uint32(gi), uint32(ci)); err != nil {
			return err
		}
	}
	return nil
}

// What the strategy single demands of a node.
func allAlike(devices device.Interface, enabled int, profiles map[string]bool) error {
	all, err := devices.GetDevices()
	switch {
	case err != nil:
		return err
	case len(all) != enabled:
		return errors.New("all devices on the node must be configured with the same migEnabled value")
	case len(profiles) > 1:
		return errors.New("more than one MIG device type present on node")
	}
	return nil
}
