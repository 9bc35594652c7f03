// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) 2026, sovereign.ai_stack contributors

package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/NVIDIA/go-nvlib/pkg/nvlib/device"
	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

const (
	account      = "/var/run/secrets/kubernetes.io/serviceaccount/"
	resourceAPI  = "/apis/resource.k8s.io/v1"
	publishFor   = 2 * time.Minute
	publishPause = 2 * time.Second
)

// A whole card, as the driver tells of it.
type card struct {
	uuid, product, address string
	memory                 uint64
}

// Those that are cut up are no whole cards any more.
func findCards(devices device.Interface) (map[string]card, error) {
	found := map[string]card{}
	err := devices.VisitDevices(func(i int, gpu device.Device) error {
		mig, err := gpu.IsMigEnabled()
		if err != nil || mig {
			return err
		}
		minor, ret := gpu.GetMinorNumber()
		uuid, ret2 := gpu.GetUUID()
		product, ret3 := gpu.GetName()
		pci, ret4 := gpu.GetPciInfo()
		memory, ret5 := gpu.GetMemoryInfo()
		for _, one := range []nvml.Return{ret, ret2, ret3, ret4, ret5} {
			if one != nvml.SUCCESS {
				return fmt.Errorf("error getting details of GPU %d: %v", i, one)
			}
		}
		address := fmt.Sprintf("%04x:%02x:%02x.0", pci.Domain, pci.Bus, pci.Device)
		found[fmt.Sprintf("gpu-%d", minor)] = card{uuid: uuid, product: product, address: address, memory: memory.Total}
		return nil
	})
	return found, err
}

type object = map[string]any

func said(value string) object { return object{"string": value} }

// What the real one says of a card, as far as the driver tells it here.
func described(name string, one card) object {
	attributes := object{"type": said("gpu"), "uuid": said(one.uuid), "productName": said(one.product),
		"resource.kubernetes.io/pciBusID": said(one.address)}
	return object{"name": name, "attributes": attributes, "capacity": object{"memory": object{"value": strconv.FormatUint(one.memory, 10)}}}
}

// The API server, by what every pod with an account has.
type apiServer struct {
	address string
	client  http.Client
}

func newServer() (*apiServer, error) {
	authority, err := os.ReadFile(account + "ca.crt")
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	server := &apiServer{address: "https://" + net.JoinHostPort(os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"))}
	server.client = http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	return server, nil
}

// The status, and the answer; a token is read anew each time, as the kubelet renews it.
func (a *apiServer) ask(method, path string, document, into any) (int, error) {
	token, err := os.ReadFile(account + "token")
	if err != nil {
		return 0, err
	}
	data, err := json.Marshal(document)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequest(method, a.address+path, bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	request.Header.Set("Content-Type", "application/json")
	answer, err := a.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode < 300 && into != nil {
		err = json.Unmarshal(body, into)
	}
	if err == nil && answer.StatusCode >= 300 && answer.StatusCode != http.StatusNotFound {
		err = fmt.Errorf("%s %s: %s: %.300s", method, path, answer.Status, body)
	}
	return answer.StatusCode, err
}

type kept struct {
	Metadata struct {
		UID             string `json:"uid"`
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Spec struct {
		Pool struct {
			Generation int64 `json:"generation"`
		} `json:"pool"`
	} `json:"spec"`
}

// One slice for the node, of the pool of its name. The service of the API may come later than this pod.
func (a *apiServer) publish(node string, cards map[string]card) error {
	end := time.Now().Add(publishFor)
	for {
		err := a.publishOnce(node, cards)
		if err == nil || time.Now().After(end) {
			return err
		}
		time.Sleep(publishPause)
	}
}

func (a *apiServer) publishOnce(node string, cards map[string]card) error {
	var owner, before kept
	if status, err := a.ask("GET", "/api/v1/nodes/"+node, nil, &owner); err != nil || status == http.StatusNotFound {
		return fmt.Errorf("node %s: %d %v", node, status, err)
	}
	name, all := node+"-"+draDriver, resourceAPI+"/resourceslices"
	status, err := a.ask("GET", all+"/"+name, nil, &before)
	if err != nil {
		return err
	}
	metadata := object{"name": name, "ownerReferences": []object{{"apiVersion": "v1", "kind": "Node", "name": node, "uid": owner.Metadata.UID, "controller": true}}}
	devices := []object{}
	for name, one := range cards {
		devices = append(devices, described(name, one))
	}
	slices.SortFunc(devices, func(a, b object) int { return strings.Compare(a["name"].(string), b["name"].(string)) })
	pool := object{"name": node, "generation": before.Spec.Pool.Generation + 1, "resourceSliceCount": 1}
	slice := object{"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": metadata,
		"spec": object{"driver": draDriver, "nodeName": node, "pool": pool, "devices": devices}}
	if status == http.StatusNotFound {
		_, err = a.ask("POST", all, slice, nil)
		return err
	}
	metadata["resourceVersion"] = before.Metadata.ResourceVersion
	_, err = a.ask("PUT", all+"/"+name, slice, nil)
	return err
}

type result struct {
	Driver, Pool, Device, Request string
}

// What of a claim is this driver's.
func (a *apiServer) allocated(namespace, name, uid string) ([]result, error) {
	var claim struct {
		kept
		Status struct {
			Allocation *struct {
				Devices struct {
					Results []result `json:"results"`
				} `json:"devices"`
			} `json:"allocation"`
		} `json:"status"`
	}
	status, err := a.ask("GET", resourceAPI+"/namespaces/"+namespace+"/resourceclaims/"+name, nil, &claim)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound || claim.Metadata.UID != uid:
		return nil, fmt.Errorf("there is no claim with UID %s", uid)
	case claim.Status.Allocation == nil:
		return nil, fmt.Errorf("claim not yet allocated")
	}
	return slices.DeleteFunc(claim.Status.Allocation.Devices.Results, func(one result) bool { return one.Driver != draDriver }), nil
}
