// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) 2026, sovereign.ai_stack contributors

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
	"sigs.k8s.io/yaml"
)

// where a driver's library lies below the root of a host, in the order in which they are tried
var libraryFolders = []string{"usr/lib64", "usr/lib/x86_64-linux-gnu", "lib64", "lib/x86_64-linux-gnu"}

type settings struct {
	migStrategy         string // none, single or mixed
	driverRoot          string // as the host sees it
	containerDriverRoot string // the same folder, as this container sees it
	hookPath            string // of the host's nvidia-ctk
	kubeletSocket       string
	failOnInitError     bool
	sharing             sharing
}

// The file that CONFIG_FILE names, as far as it is known here. A variable wins over it.
type file struct {
	Version string `json:"version"`
	Flags   struct {
		MigStrategy      *string `json:"migStrategy"`
		FailOnInitError  *bool   `json:"failOnInitError"`
		NvidiaDriverRoot *string `json:"nvidiaDriverRoot"`
		Plugin           struct {
			DeviceListStrategy  any     `json:"deviceListStrategy"`
			ContainerDriverRoot *string `json:"containerDriverRoot"`
		} `json:"plugin"`
	} `json:"flags"`
	Sharing struct {
		TimeSlicing sharing `json:"timeSlicing"`
	} `json:"sharing"`
}

func readFile(path string) (f file, err error) {
	if path == "" {
		return f, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return f, fmt.Errorf("CONFIG_FILE: %w", err)
	}
	if err := yaml.UnmarshalStrict(text, &f); err != nil {
		return f, fmt.Errorf("CONFIG_FILE %s: %w (this stand-in knows no more of it)", path, err)
	}
	if f.Version != "" && f.Version != "v1" {
		return f, fmt.Errorf("CONFIG_FILE %s: unknown version: %s", path, f.Version)
	}
	return f, nil
}

// The first that says something.
func first(ways ...string) string {
	for _, way := range ways {
		if way != "" {
			return way
		}
	}
	return ""
}

func text(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case *string:
		if value == nil {
			return ""
		}
		return *value
	case []any:
		if len(value) == 1 {
			return fmt.Sprint(value[0])
		}
	}
	return fmt.Sprint(value)
}

func readSettings() (settings, error) {
	if len(os.Args) > 1 {
		return settings{}, fmt.Errorf("%v: this stand-in takes its settings from the environment and from CONFIG_FILE, as no arguments", os.Args[1:])
	}
	f, err := readFile(os.Getenv("CONFIG_FILE"))
	if err != nil {
		return settings{}, err
	}
	s := settings{
		migStrategy:         first(os.Getenv("MIG_STRATEGY"), text(f.Flags.MigStrategy), "none"),
		driverRoot:          first(os.Getenv("NVIDIA_DRIVER_ROOT"), text(f.Flags.NvidiaDriverRoot), "/"),
		containerDriverRoot: first(os.Getenv("DRIVER_ROOT_CTR_PATH"), os.Getenv("CONTAINER_DRIVER_ROOT"), text(f.Flags.Plugin.ContainerDriverRoot), "/driver-root"),
		hookPath:            first(os.Getenv("NVIDIA_CDI_HOOK_PATH"), os.Getenv("NVIDIA_CTK_PATH"), "/usr/bin/nvidia-ctk"),
		kubeletSocket:       first(os.Getenv("KUBELET_SOCKET"), pluginapi.KubeletSocket),
		failOnInitError:     f.Flags.FailOnInitError == nil || *f.Flags.FailOnInitError,
		sharing:             f.Sharing.TimeSlicing,
	}
	if said := os.Getenv("FAIL_ON_INIT_ERROR"); said != "" {
		if s.failOnInitError, err = strconv.ParseBool(said); err != nil {
			return s, fmt.Errorf("FAIL_ON_INIT_ERROR: %w", err)
		}
	}
	if !slices.Contains([]string{"none", "single", "mixed"}, s.migStrategy) {
		return s, fmt.Errorf("unknown MIG strategy: %s", s.migStrategy)
	}
	strategy := first(os.Getenv("DEVICE_LIST_STRATEGY"), text(f.Flags.Plugin.DeviceListStrategy), "envvar")
	if strategy != "cdi-cri" {
		return s, fmt.Errorf("DEVICE_LIST_STRATEGY is %s: this stand-in hands devices out by cdi-cri only", strategy)
	}
	if said := first(os.Getenv("DEVICE_ID_STRATEGY"), "uuid"); said != "uuid" {
		return s, fmt.Errorf("DEVICE_ID_STRATEGY is %s: this stand-in names devices by uuid only", said)
	}
	return s, s.sharing.check()
}

// The driver's library below the root that the host's is mounted at, as a file that is no link; only its name where there is none.
func (s settings) library() string {
	for _, folder := range libraryFolders {
		if found, err := filepath.EvalSymlinks(filepath.Join(s.containerDriverRoot, folder, "libnvidia-ml.so.1")); err == nil {
			return found
		}
	}
	return "libnvidia-ml.so.1"
}
