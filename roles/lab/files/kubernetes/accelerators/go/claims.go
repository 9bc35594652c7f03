// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) 2026, sovereign.ai_stack contributors

package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/NVIDIA/go-nvlib/pkg/nvlib/device"
	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"google.golang.org/grpc"
	drapb "k8s.io/kubelet/pkg/apis/dra/v1"
	registerapi "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
	"tags.cncf.io/container-device-interface/pkg/cdi"
)

// Stands in for the program of this name of NVIDIA's DRA driver, which is published as an image alone. Above it all is real: the kubelet's API for DRA and
// for plugins, ResourceSlices and claims of the API server; and below it the driver's library by NVIDIA's bindings, and what writes CDI. In between it does
// what version 0.5 does for whole cards with no feature gate: the same names of devices, attributes, sockets and files. It looks for cards once, at its start.
const (
	claimsProgram = "gpu-kubelet-plugin"
	draDriver     = "gpu.nvidia.com"
	claimVendor   = "k8s." + draDriver
	claimClass    = "claim"
)

type claims struct {
	drapb.UnimplementedDRAPluginServer
	registerapi.UnimplementedRegistrationServer
	settings settings
	cdiRoot  string
	socket   string
	nvml     nvml.Interface
	devices  device.Interface
	cards    map[string]card // by the names that a ResourceSlice has
	api      *apiServer
	lock     sync.Mutex
}

func readClaims() (*claims, error) {
	if len(os.Args) > 1 {
		return nil, fmt.Errorf("%v: this stand-in takes its settings from the environment, as no arguments", os.Args[1:])
	}
	for _, name := range []string{"NODE_NAME", "IMAGE_NAME"} {
		if os.Getenv(name) == "" {
			return nil, fmt.Errorf("%s is required", name)
		}
	}
	if gates := os.Getenv("FEATURE_GATES"); gates != "" {
		return nil, fmt.Errorf("FEATURE_GATES is %s: this stand-in knows none", gates)
	}
	c := &claims{cdiRoot: first(os.Getenv("CDI_ROOT"), "/etc/cdi"), settings: settings{
		driverRoot:          first(os.Getenv("NVIDIA_DRIVER_ROOT"), os.Getenv("HOST_DRIVER_ROOT"), "/"),
		containerDriverRoot: first(os.Getenv("DRIVER_ROOT_CTR_PATH"), "/driver-root"),
		hookPath:            os.Getenv("NVIDIA_CDI_HOOK_PATH"),
	}}
	if c.settings.hookPath == "" {
		return nil, errors.New("NVIDIA_CDI_HOOK_PATH is not set: this stand-in brings no hook of its own")
	}
	c.socket = filepath.Join(first(os.Getenv("KUBELET_PLUGINS_DIRECTORY_PATH"), "/var/lib/kubelet/plugins"), draDriver, "dra.sock")
	var err error
	c.api, err = newServer()
	return c, err
}

// Until a signal says that it is enough. A kubelet that starts anew looks through the folder of sockets by itself.
func runClaims() error {
	c, err := readClaims()
	if err != nil {
		return err
	}
	c.nvml = nvml.New(nvml.WithLibraryPath(c.settings.library()))
	if ret := c.nvml.Init(); ret != nvml.SUCCESS {
		return fmt.Errorf("%w: %v", errNoDriver, ret)
	}
	defer c.nvml.Shutdown()
	c.devices = device.New(c.nvml)
	if c.cards, err = findCards(c.devices); err != nil {
		return err
	}
	plugin, err := c.listen(c.socket, func(server *grpc.Server) { drapb.RegisterDRAPluginServer(server, c) })
	if err != nil {
		return err
	}
	defer plugin.Stop()
	if err := c.api.publish(os.Getenv("NODE_NAME"), c.cards); err != nil {
		return err
	}
	log.Printf("published %d devices of %s", len(c.cards), draDriver)
	registry := filepath.Join(first(os.Getenv("KUBELET_REGISTRAR_DIRECTORY_PATH"), "/var/lib/kubelet/plugins_registry"), draDriver+"-reg.sock")
	registration, err := c.listen(registry, func(server *grpc.Server) { registerapi.RegisterRegistrationServer(server, c) })
	if err != nil {
		return err
	}
	defer registration.Stop()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	<-signals
	return nil
}

func (c *claims) listen(socket string, register func(*grpc.Server)) (*grpc.Server, error) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o750); err != nil {
		return nil, err
	}
	os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer()
	register(server)
	go server.Serve(listener)
	return server, nil
}

func (c *claims) GetInfo(context.Context, *registerapi.InfoRequest) (*registerapi.PluginInfo, error) {
	return &registerapi.PluginInfo{Type: registerapi.DRAPlugin, Name: draDriver, Endpoint: c.socket, SupportedVersions: []string{drapb.DRAPluginService}}, nil
}

func (c *claims) NotifyRegistrationStatus(_ context.Context, status *registerapi.RegistrationStatus) (*registerapi.RegistrationStatusResponse, error) {
	log.Printf("the kubelet registered %s: %v %s", draDriver, status.PluginRegistered, status.Error)
	return &registerapi.RegistrationStatusResponse{}, nil
}

func (c *claims) NodePrepareResources(_ context.Context, request *drapb.NodePrepareResourcesRequest) (*drapb.NodePrepareResourcesResponse, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	answer := &drapb.NodePrepareResourcesResponse{Claims: map[string]*drapb.NodePrepareResourceResponse{}}
	for _, claim := range request.Claims {
		devices, err := c.prepare(claim)
		one := &drapb.NodePrepareResourceResponse{Devices: devices}
		if err != nil {
			one = &drapb.NodePrepareResourceResponse{Error: fmt.Sprintf("error preparing devices for claim %s/%s: %v", claim.Namespace, claim.Name, err)}
			log.Print(one.Error)
		}
		answer.Claims[claim.Uid] = one
	}
	return answer, nil
}

// A file of its own for each claim, with the devices that the scheduler wrote into its status.
func (c *claims) prepare(claim *drapb.Claim) ([]*drapb.Device, error) {
	results, err := c.api.allocated(claim.Namespace, claim.Name, claim.Uid)
	if err != nil {
		return nil, err
	}
	names, ids := map[string]string{}, []string{}
	var devices []*drapb.Device
	for _, result := range results {
		card, there := c.cards[result.Device]
		if !there {
			return nil, fmt.Errorf("requested device is not allocatable: %s", result.Device)
		}
		name := claim.Uid + "-" + result.Device
		if _, again := names[card.uuid]; !again {
			ids = append(ids, card.uuid)
		}
		names[card.uuid] = name
		devices = append(devices, &drapb.Device{RequestNames: []string{result.Request}, PoolName: result.Pool, DeviceName: result.Device,
			CdiDeviceIds: []string{claimVendor + "/" + claimClass + "=" + name}})
	}
	specification, err := specify(c.settings, c.nvml, c.devices, claimVendor, claimClass, ids...)
	if err != nil {
		return nil, err
	}
	for at, one := range specification.Raw().Devices {
		specification.Raw().Devices[at].Name = names[one.Name]
	}
	log.Printf("claim %s/%s: %v", claim.Namespace, claim.Name, names)
	return devices, specification.Save(c.file(claim.Uid))
}

func (c *claims) file(uid string) string {
	return filepath.Join(c.cdiRoot, cdi.GenerateTransientSpecName(claimVendor, claimClass, uid)+".yaml")
}

func (c *claims) NodeUnprepareResources(_ context.Context, request *drapb.NodeUnprepareResourcesRequest) (*drapb.NodeUnprepareResourcesResponse, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	answer := &drapb.NodeUnprepareResourcesResponse{Claims: map[string]*drapb.NodeUnprepareResourceResponse{}}
	for _, claim := range request.Claims {
		one := &drapb.NodeUnprepareResourceResponse{}
		if err := os.Remove(c.file(claim.Uid)); err != nil && !errors.Is(err, os.ErrNotExist) {
			one.Error = err.Error()
		}
		answer.Claims[claim.Uid] = one
	}
	return answer, nil
}
