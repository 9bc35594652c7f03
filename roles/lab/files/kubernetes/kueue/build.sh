#!/bin/sh
# build.sh BIN KUBECTL: Kueue's manager from its published module, static, and manifests.yaml as its release has them, into BIN; go is on PATH.
# What is in BIN already is kept.
set -eu
bin=$1 kubectl=$2
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$bin/.modules
kueue=sigs.k8s.io/kueue
export CGO_ENABLED=0 GOFLAGS="-buildvcs=false '-gcflags=all=-l -dwarf=false'" GOTOOLCHAIN=auto
mkdir -p "$work"

if [ ! -e "$work/.ready" ]; then
    cp "$here"/go/* "$work"
    (cd "$work" && go mod tidy) >"$work.log" 2>&1 || { tail -n 5 "$work.log" >&2; exit 1; }
    touch "$work/.ready"
fi
cd "$work"
version=$(go list -m -f '{{.Version}}' $kueue)

# a release names its image, and its files of the branch one that was never published
if [ ! -e "$bin/manifests.yaml" ]; then
    source=$(go list -m -f '{{.Dir}}' $kueue)
    "$kubectl" kustomize "$source/config/default" | sed "s#image: .*/kueue:main\$#image: registry.k8s.io/kueue/kueue:$version#" >.manifests
    grep -q "image: registry.k8s.io/kueue/kueue:$version\$" .manifests
    mv .manifests "$bin/manifests.yaml"
    echo "built manifests.yaml"
fi

if [ ! -x "$bin/manager" ]; then
    go build -trimpath -ldflags "-s -w -X $kueue/pkg/version.GitVersion=$version" -o "$bin/.manager" $kueue/cmd/kueue
    mv "$bin/.manager" "$bin/manager"
    echo "built manager"
fi
