#!/bin/sh
# build.sh BIN: NVIDIA's nvidia-ctk and nvidia-cdi-hook, and the stand-in for its device plugin and its DRA driver, from published Go modules, into BIN; go and
# gcc are on PATH.
# They open the driver's library when they run, so they are not static. A program that is in BIN already is kept.
set -eu
bin=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$bin/.modules
toolkit=github.com/NVIDIA/nvidia-container-toolkit
# -w: half of nvml.h is marked as old, and gcc says so at length
export CGO_ENABLED=1 CGO_CFLAGS="-O2 -w" GOFLAGS="-buildvcs=false '-gcflags=all=-l -dwarf=false'" GOTOOLCHAIN=auto
mkdir -p "$bin"

if [ ! -e "$work/.ready" ]; then
    cp -r "$here/go" "$work"
    (cd "$work" && go mod tidy) >"$work.log" 2>&1 || { tail -n 5 "$work.log" >&2; exit 1; }
    touch "$work/.ready"
fi

build() { # PROGRAM PACKAGE [LDFLAGS]
    [ ! -x "$bin/$1" ] || return 0
    (cd "$work" && go build -trimpath -ldflags "-s -w ${3:-}" -o "$bin/.$1" "$2" && mv "$bin/.$1" "$bin/$1")
    echo "built $1"
}

version=$(sed -n "s#^[[:space:]]*$toolkit v##p" "$here/go/go.mod")
for program in nvidia-ctk nvidia-cdi-hook; do build "$program" "$toolkit/cmd/$program" "-X $toolkit/internal/info.version=$version"; done
build nvidia-device-plugin .
