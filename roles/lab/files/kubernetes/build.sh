#!/bin/sh
# build.sh BIN [KUBERNETES [STAMP]]: programs from their published Go modules, static, into BIN; go is on PATH. Without KUBERNETES those of the runtime,
# with it those of a cluster. A program that is in BIN already is kept. STAMP: another version that the same code of Kubernetes calls itself by, for a
# cluster to upgrade from: it shows the way of an upgrade, and not what differs between two minors.
set -eu
bin=$1 kubernetes=${2:-} stamp=${3:-${2:-}}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$bin/.modules
# a module that wants a later compiler gets it as a module too
# neither inlined nor described for debuggers: what costs a third of the compiling and changes nothing that a cluster shows
export CGO_ENABLED=0 GOFLAGS="-buildvcs=false '-gcflags=all=-l -dwarf=false'" GOTOOLCHAIN=auto
mkdir -p "$work"

# k8s.io/kubernetes asks for its own parts at v0.0.0 and finds them in folders of its tree, so no go.mod can name it as it is: one that puts the
# published release of each part in its place builds the same code
with_kubernetes() {
    parts=v0.${kubernetes#1.}
    {
        printf '\ntool (\n'
        for program in $programs; do printf '\tk8s.io/kubernetes/cmd/%s\n' "$program"; done
        printf ')\n\nrequire k8s.io/kubernetes v%s\n\n' "$kubernetes"
    } >>go.mod
    go mod download -json "k8s.io/kubernetes@v$kubernetes" >download.json
    upstream=$(sed -n 's/^\t"GoMod": "\(.*\)",*$/\1/p' download.json)
    sed -n 's#^[[:space:]]*\(k8s\.io/[a-z0-9-]*\) => \./staging.*#\1#p' "$upstream" | sort -u |
        while read -r part; do echo "replace $part => $part $parts"; done >>go.mod
}

module() {
    [ ! -e "$work/$1/.ready" ] || return 0
    rm -rf "${work:?}/$1"
    cp -r "$here/go/$1" "$work/$1"
    (
        cd "$work/$1"
        [ "$1" != cluster ] || with_kubernetes
        go mod tidy
    ) >"$work/$1.log" 2>&1 || { tail -n 5 "$work/$1.log" >&2; exit 1; }
    touch "$work/$1/.ready"
}

build() { # MODULE PROGRAM PACKAGE [LDFLAGS]
    [ ! -x "$bin/$2" ] || return 0
    module "$1"
    (cd "$work/$1" && go build -trimpath -ldflags "-s -w ${4:-}" -o "$bin/.$2" "$3" && mv "$bin/.$2" "$bin/$2")
    echo "built $2"
}

version_of() { sed -n "s#^[[:space:]]*\(require \)\?$2 \(v[^ ]*\).*#\2#p" "$here/go/$1/go.mod" | head -n 1; }
if [ -z "$kubernetes" ]; then
    containerd=github.com/containerd/containerd/v2
    for program in containerd containerd-shim-runc-v2 ctr; do
        build containerd "$program" "$containerd/cmd/$program" "-X $containerd/version.Version=$(version_of containerd "$containerd")"
    done
    exit 0
fi

programs="kube-apiserver kubelet kube-controller-manager kube-scheduler kube-proxy kubeadm kubectl"
at=k8s.io/component-base/version
minor=${stamp#1.}
said="-X $at.gitVersion=v$stamp -X $at.gitMajor=1 -X $at.gitMinor=${minor%%.*} -X $at.gitTreeState=clean"
# the first one compiles what all of them share
for program in $programs; do build cluster "$program" "k8s.io/kubernetes/cmd/$program" "$said"; done
[ "$stamp" = "$kubernetes" ] || exit 0

build cluster etcd go.etcd.io/etcd/server/v3
build cluster etcdctl go.etcd.io/etcd/etcdctl/v3
build cluster etcdutl go.etcd.io/etcd/etcdutl/v3
build cluster crictl sigs.k8s.io/cri-tools/cmd/crictl "-X sigs.k8s.io/cri-tools/pkg/version.Version=$(version_of cluster sigs.k8s.io/cri-tools)"
plugins=github.com/containernetworking/plugins/plugins
build cluster bridge "$plugins/main/bridge"
build cluster ptp "$plugins/main/ptp"
build cluster loopback "$plugins/main/loopback"
build cluster host-local "$plugins/ipam/host-local"
build cluster portmap "$plugins/meta/portmap"
build cluster coredns ./coredns
