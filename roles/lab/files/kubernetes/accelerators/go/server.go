// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) 2026, sovereign.ai_stack contributors

package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

const answerWithin = 5 * time.Second

// One resource: a socket and a registration of its own.
type resource struct {
	pluginapi.UnimplementedDevicePluginServer
	name     string
	items    []item
	replicas int  // shares of each device, 0 for the device itself
	oneOnly  bool // a container may have one share
	server   *grpc.Server

	lock    sync.Mutex
	sick    map[string]bool // by uuid
	changed chan struct{}   // closed when somebody fell sick
	ended   chan struct{}
}

func (r *resource) socket(kubelet string) string {
	return filepath.Join(filepath.Dir(kubelet), "nvidia-"+strings.TrimPrefix(r.name, vendor)+".sock")
}

// Answers on its socket, and tells the kubelet of it.
func (r *resource) serve(kubelet string) error {
	socket := r.socket(kubelet)
	os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	r.server = grpc.NewServer()
	pluginapi.RegisterDevicePluginServer(r.server, r)
	go r.server.Serve(listener)
	connection, err := grpc.NewClient("unix://"+kubelet, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	within, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	request := &pluginapi.RegisterRequest{Version: pluginapi.Version, Endpoint: filepath.Base(socket), ResourceName: r.name}
	if _, err = pluginapi.NewRegistrationClient(connection).Register(within, request); err != nil {
		return fmt.Errorf("could not register %s: %w", r.name, err)
	}
	return nil
}

func (r *resource) end() {
	close(r.ended)
	if r.server != nil {
		r.server.Stop()
	}
}

func (r *resource) fallsSick(one item, why string) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.sick[one.uuid] {
		return
	}
	// as with the real one there is no way back but a new start
	r.sick[one.uuid] = true
	close(r.changed)
	r.changed = make(chan struct{})
	log.Printf("%s: %s is unhealthy: %s", r.name, one.uuid, why)
}

func (r *resource) devices() []*pluginapi.Device {
	devices, _ := r.state()
	return devices
}

func (r *resource) state() (devices []*pluginapi.Device, changed chan struct{}) {
	r.lock.Lock()
	defer r.lock.Unlock()
	for _, one := range r.items {
		health := pluginapi.Healthy
		if r.sick[one.uuid] {
			health = pluginapi.Unhealthy
		}
		for _, id := range r.shares(one) {
			devices = append(devices, &pluginapi.Device{ID: id, Health: health})
		}
	}
	return devices, r.changed
}

func (r *resource) shares(one item) []string {
	if r.replicas == 0 {
		return []string{one.uuid}
	}
	var ids []string
	for n := range r.replicas {
		ids = append(ids, fmt.Sprintf("%s%s%d", one.uuid, shareMark, n))
	}
	return ids
}

func (r *resource) GetDevicePluginOptions(context.Context, *pluginapi.Empty) (*pluginapi.DevicePluginOptions, error) {
	return &pluginapi.DevicePluginOptions{}, nil
}

func (r *resource) ListAndWatch(_ *pluginapi.Empty, stream pluginapi.DevicePlugin_ListAndWatchServer) error {
	for {
		devices, changed := r.state()
		if err := stream.Send(&pluginapi.ListAndWatchResponse{Devices: devices}); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-r.ended:
			return nil
		case <-stream.Context().Done():
			return nil
		}
	}
}

func (r *resource) Allocate(_ context.Context, request *pluginapi.AllocateRequest) (*pluginapi.AllocateResponse, error) {
	answer := &pluginapi.AllocateResponse{}
	for _, container := range request.ContainerRequests {
		if r.replicas > 0 && r.oneOnly && len(container.DevicesIds) > 1 {
			return nil, fmt.Errorf("invalid request: maximum request size for shared resources is 1; found %d", len(container.DevicesIds))
		}
		one, err := r.allocate(container.DevicesIds)
		if err != nil {
			return nil, err
		}
		answer.ContainerResponses = append(answer.ContainerResponses, one)
	}
	return answer, nil
}

// Names of the specification that this program wrote; two shares of a device are one name.
func (r *resource) allocate(ids []string) (*pluginapi.ContainerAllocateResponse, error) {
	answer, named := &pluginapi.ContainerAllocateResponse{}, map[string]bool{}
	for _, id := range ids {
		uuid, _, _ := strings.Cut(id, shareMark)
		if !slices.ContainsFunc(r.items, func(one item) bool { return one.uuid == uuid }) {
			return nil, fmt.Errorf("invalid request: unknown device: %s", id)
		}
		if !named[uuid] {
			named[uuid] = true
			answer.CdiDevices = append(answer.CdiDevices, &pluginapi.CDIDevice{Name: cdiVendor + "/" + cdiClass + "=" + uuid})
		}
	}
	return answer, nil
}

func (r *resource) PreStartContainer(context.Context, *pluginapi.PreStartContainerRequest) (*pluginapi.PreStartContainerResponse, error) {
	return &pluginapi.PreStartContainerResponse{}, nil
}
