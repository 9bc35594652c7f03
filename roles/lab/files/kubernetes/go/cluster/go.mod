// What a cluster runs beside Kubernetes, which build.sh adds with the release that a site names: its store, what resolves names in it (coredns/main.go says with
// which plugins), the plugins of pod networks, and the command line of a runtime. It is one module, so that what they share is compiled once.
module ai-stack-lab.invalid/cluster

go 1.26.8

tool (
	github.com/containernetworking/plugins/plugins/ipam/host-local
	github.com/containernetworking/plugins/plugins/main/bridge
	github.com/containernetworking/plugins/plugins/main/loopback
	github.com/containernetworking/plugins/plugins/main/ptp
	github.com/containernetworking/plugins/plugins/meta/portmap
	go.etcd.io/etcd/etcdctl/v3
	go.etcd.io/etcd/etcdutl/v3
	go.etcd.io/etcd/server/v3
	sigs.k8s.io/cri-tools/cmd/crictl
)

require (
	github.com/containernetworking/plugins v1.10.0
	github.com/coredns/coredns v1.15.0
	go.etcd.io/etcd/etcdctl/v3 v3.7.3
	go.etcd.io/etcd/etcdutl/v3 v3.7.3
	go.etcd.io/etcd/server/v3 v3.7.3
	sigs.k8s.io/cri-tools v1.37.0
)
