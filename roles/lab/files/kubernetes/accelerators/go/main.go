// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) 2026, sovereign.ai_stack contributors

// nvidia-device-plugin stands in for NVIDIA's program of this name, which is published neither as a module nor as a package. Both sides of it are real: the
// kubelet's device plugin API, and the driver's library through NVIDIA's own bindings; and so is what writes the CDI specification. In between it does what
// version 0.20 does: the same variables, names of resources, sockets and devices, the same health by Xid. What it was not asked for it refuses by name. By the name gpu-kubelet-plugin it stands in for
// NVIDIA's DRA driver, see claims.go.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/NVIDIA/go-nvlib/pkg/nvlib/device"
	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/fsnotify/fsnotify"
)

const retryAfter = 5 * time.Second

var errNoDriver = errors.New("failed to initialize NVML")

// One round, from loading the driver's library to giving it back. A kubelet that starts anew forgets every plugin, so each of its sockets begins a round.
type round struct {
	settings  settings
	nvml      nvml.Interface
	resources []*resource
	stop      chan struct{}
	healthEnd chan struct{}
}

func begin(s settings) (*round, error) {
	r := &round{settings: s, nvml: nvml.New(nvml.WithLibraryPath(s.library())), stop: make(chan struct{}), healthEnd: make(chan struct{})}
	if ret := r.nvml.Init(); ret != nvml.SUCCESS {
		return nil, fmt.Errorf("%w: %v", errNoDriver, ret)
	}
	devices := device.New(r.nvml)
	found, err := discover(devices, s.migStrategy)
	if err == nil {
		err = writeSpecification(s, r.nvml, devices)
	}
	if err != nil {
		r.nvml.Shutdown()
		return nil, err
	}
	r.resources = s.sharing.apply(found)
	go r.watchHealth()
	return r, nil
}

func (r *round) serve() error {
	for _, resource := range r.resources {
		if err := resource.serve(r.settings.kubeletSocket); err != nil {
			return err
		}
		log.Printf("registered %s with %d devices", resource.name, len(resource.devices()))
	}
	return nil
}

func (r *round) end() {
	close(r.stop)
	<-r.healthEnd
	for _, resource := range r.resources {
		resource.end()
	}
	r.nvml.Shutdown()
}

// Rounds until a signal says that it is enough.
func run(s settings) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer watcher.Close()
	if err := watcher.Add(filepath.Dir(s.kubeletSocket)); err != nil {
		return fmt.Errorf("cannot watch %s: %w", filepath.Dir(s.kubeletSocket), err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	for {
		again, err := oneRound(s, watcher, signals)
		if err != nil || !again {
			return err
		}
	}
}

func oneRound(s settings, watcher *fsnotify.Watcher, signals chan os.Signal) (bool, error) {
	var retry <-chan time.Time
	r, err := begin(s)
	switch {
	case errors.Is(err, errNoDriver) && !s.failOnInitError:
		log.Printf("%v; waiting indefinitely", err)
	case err != nil:
		return false, err
	default:
		defer r.end()
		if err := r.serve(); err != nil {
			log.Printf("%v; trying again in %v", err, retryAfter)
			retry = time.After(retryAfter)
		} else if len(r.resources) == 0 {
			log.Print("no devices found; waiting indefinitely")
		}
	}
	for {
		select {
		case <-retry:
			return true, nil
		case event := <-watcher.Events:
			if event.Name == s.kubeletSocket && event.Has(fsnotify.Create) {
				log.Printf("%s is new: starting again", s.kubeletSocket)
				return true, nil
			}
		case s := <-signals:
			return s == syscall.SIGHUP, nil
		}
	}
}

func runDevicePlugin() error {
	s, err := readSettings()
	if err != nil {
		return err
	}
	return run(s)
}

// One program with two names: what a cluster asks for is one of both.
func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	way := runDevicePlugin
	if filepath.Base(os.Args[0]) == claimsProgram {
		way = runClaims
	}
	err := way()
	if err != nil {
		log.Fatal(err)
	}
}
