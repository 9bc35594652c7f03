// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) 2026, sovereign.ai_stack contributors

package main

import (
	"fmt"
	"slices"
	"strings"
)

// between a device's name and the number of a share of it
const shareMark = "::"

// Devices that several pods get at a time, one after the other on the card.
type sharing struct {
	RenameByDefault            bool  `json:"renameByDefault"`
	FailRequestsGreaterThanOne *bool `json:"failRequestsGreaterThanOne"`
	Resources                  []struct {
		Name     string `json:"name"`
		Replicas int    `json:"replicas"`
	} `json:"resources"`
}

func (s sharing) check() error {
	for _, one := range s.Resources {
		if one.Name == "" || one.Replicas < 2 {
			return fmt.Errorf("sharing.timeSlicing.resources: a name and at least 2 replicas are wanted, not %q and %d", one.Name, one.Replicas)
		}
	}
	return nil
}

// The resources in the order of their names.
func (s sharing) apply(found map[string][]item) []*resource {
	var all []*resource
	for name, items := range found {
		one := &resource{name: name, items: items, sick: map[string]bool{}, changed: make(chan struct{}), ended: make(chan struct{})}
		for _, wanted := range s.Resources {
			if wanted.Name != name && vendor+wanted.Name != name {
				continue
			}
			one.replicas, one.oneOnly = wanted.Replicas, s.FailRequestsGreaterThanOne != nil && *s.FailRequestsGreaterThanOne
			if s.RenameByDefault {
				one.name += ".shared"
			}
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b *resource) int { return strings.Compare(a.name, b.name) })
	return all
}
