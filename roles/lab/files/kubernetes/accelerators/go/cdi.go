// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) 2026, sovereign.ai_stack contributors

package main

import (
	"fmt"
	"path/filepath"

	"github.com/NVIDIA/go-nvlib/pkg/nvlib/device"
	"github.com/NVIDIA/go-nvlib/pkg/nvlib/info"
	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/nvidia-container-toolkit/pkg/nvcdi"
	"github.com/NVIDIA/nvidia-container-toolkit/pkg/nvcdi/spec"
	"github.com/NVIDIA/nvidia-container-toolkit/pkg/nvcdi/transform/root"
	"tags.cncf.io/container-device-interface/pkg/cdi"
)

// The real one names devices in a specification of its own too, beside the one that the host's nvidia-cdi-refresh writes for nvidia.com/gpu: its manifest
// mounts the host's folder at this place.
const (
	cdiFolder = "/var/run/cdi"
	cdiVendor = "k8s.device-plugin.nvidia.com"
	cdiClass  = "gpu"
)

// By NVIDIA's own library, as the real one does; the paths in it are then the host's.
func writeSpecification(s settings, library nvml.Interface, devices device.Interface) error {
	written, err := specify(s, library, devices, cdiVendor, cdiClass)
	if err != nil {
		return err
	}
	name, err := cdi.GenerateNameForSpec(written.Raw())
	if err != nil {
		return err
	}
	return written.Save(filepath.Join(cdiFolder, name+".json"))
}

// Of these devices, by their UUIDs; of all where none is named.
func specify(s settings, library nvml.Interface, devices device.Interface, vendor, class string, ids ...string) (spec.Interface, error) {
	namer, err := nvcdi.NewDeviceNamer(nvcdi.DeviceNameStrategyUUID)
	if err != nil {
		return nil, err
	}
	generator, err := nvcdi.New(
		nvcdi.WithDriverRoot(s.containerDriverRoot), nvcdi.WithDevRoot(s.containerDriverRoot), nvcdi.WithNVIDIACDIHookPath(s.hookPath),
		nvcdi.WithNvmlLib(library), nvcdi.WithDeviceLib(devices), nvcdi.WithDeviceNamers(namer), nvcdi.WithVendor(vendor), nvcdi.WithClass(class),
		nvcdi.WithInfoLib(info.New(info.WithRoot(s.containerDriverRoot), info.WithNvmlLib(library), info.WithDeviceLib(devices))),
	)
	if err != nil {
		return nil, fmt.Errorf("failed to create nvcdi library: %w", err)
	}
	specification, err := generator.GetSpec(ids...)
	if err != nil {
		return nil, fmt.Errorf("failed to get CDI spec: %w", err)
	}
	moved := root.New(root.WithRoot(s.containerDriverRoot), root.WithTargetRoot(s.driverRoot), root.WithRelativeTo("host"))
	if err := moved.Transform(specification.Raw()); err != nil {
		return nil, fmt.Errorf("failed to transform driver root in CDI spec: %w", err)
	}
	return specification, nil
}
