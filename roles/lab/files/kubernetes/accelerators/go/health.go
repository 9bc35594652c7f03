// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) 2026, sovereign.ai_stack contributors

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

const waitMilliseconds = 1000

// Xids that a program causes; the card is well
var ofPrograms = []string{"13", "31", "43", "45", "68", "109"}

// Says of an Xid whether it makes a card sick.
func counts(xid uint64) bool {
	name, list := fmt.Sprint(xid), func(variable string) []string {
		return strings.FieldsFunc(strings.ToLower(os.Getenv(variable)), func(r rune) bool { return r == ',' || r == ' ' })
	}
	on, off := list("DP_ENABLE_HEALTHCHECKS"), list("DP_DISABLE_HEALTHCHECKS")
	all := func(names []string) bool { return slices.Contains(names, "all") || slices.Contains(names, "xids") }
	switch {
	case all(on) || slices.Contains(on, name):
		return true
	case all(off) || slices.Contains(off, name):
		return false
	}
	return !slices.Contains(ofPrograms, name)
}

// Until the round ends: events of the driver, and each second whether the cards answer at all. The latter is more than the real one does, which asks once at
// its start: here a card is lost by a line in a file and no event tells of it.
func (r *round) watchHealth() {
	defer close(r.healthEnd)
	events, ret := r.nvml.EventSetCreate()
	if ret != nvml.SUCCESS {
		r.all(fmt.Sprintf("no events: %v", ret), func(item) bool { return true })
		return
	}
	defer events.Free()
	r.register(events)
	for {
		select {
		case <-r.stop:
			return
		default:
		}
		event, ret := events.Wait(waitMilliseconds)
		switch {
		case ret == nvml.SUCCESS:
			r.handle(event)
		case ret != nvml.ERROR_TIMEOUT:
			r.all(fmt.Sprintf("waiting for events: %v", ret), func(item) bool { return true })
		}
		r.all("the card does not answer", func(one item) bool {
			_, ret := one.parent.GetUUID()
			return ret != nvml.SUCCESS
		})
	}
}

func (r *round) register(events nvml.EventSet) {
	wanted := uint64(nvml.EventTypeXidCriticalError | nvml.EventTypeDoubleBitEccError | nvml.EventTypeSingleBitEccError)
	r.all("its events cannot be had", func(one item) bool {
		known, ret := one.parent.GetSupportedEventTypes()
		if ret == nvml.SUCCESS {
			ret = one.parent.RegisterEvents(wanted&known, events)
		}
		return ret != nvml.SUCCESS && ret != nvml.ERROR_NOT_SUPPORTED
	})
}

func (r *round) handle(event nvml.EventData) {
	if event.EventType != nvml.EventTypeXidCriticalError || !counts(event.EventData) {
		return
	}
	uuid, ret := event.Device.GetUUID()
	r.all(fmt.Sprintf("Xid %d", event.EventData), func(one item) bool {
		own, _ := one.parent.GetUUID()
		here := event.GpuInstanceId == wholeGPU || event.ComputeInstanceId == wholeGPU || one.gi == wholeGPU ||
			one.gi == event.GpuInstanceId && one.ci == event.ComputeInstanceId
		return ret != nvml.SUCCESS || own == uuid && here
	})
}

// Makes every item sick of which it is so.
func (r *round) all(why string, so func(item) bool) {
	for _, resource := range r.resources {
		for _, one := range resource.items {
			if so(one) {
				resource.fallsSick(one, why)
			}
		}
	}
}
