#!/bin/sh
# packages.sh runtime | accelerators | VERSION: the programs in /bin-runtime, in /bin-accelerators, or those in /bin-VERSION and /bin-all, as packages with
# the names, paths and dependencies of the published ones, in signed repositories below /out; runs in the container that puts packages together.
#   /out/containerd              suite stable: containerd.io, as Docker lays it out
#   /out/kubernetes/vMINOR/deb   kubeadm, kubelet, kubectl, cri-tools, kubernetes-cni: flat, as the community lays it out
#   /out/libnvidia-container/stable/deb/amd64   nvidia-container-toolkit-base: flat, as NVIDIA lays it out
#   /out/key.asc                 public half of the key in /keys
set -eu
what=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GNUPGHOME=/keys
gpg --list-secret-keys lab-site >/dev/null 2>&1 ||
    gpg --batch --quiet --passphrase '' --quick-generate-key 'lab-site <root@localhost>' rsa3072 sign never
fresh=/out/.new
rm -rf "$fresh"
mkdir -p "$fresh"

deb() { # NAME VERSION FOLDER [FIELD...]: what is in $work/NAME
    name=$1
    mkdir -p "$work/$name/DEBIAN"
    printf 'Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: The lab <root@localhost>\n' "$name" "$2" >"$work/$name/DEBIAN/control"
    folder=$3
    shift 3
    for field; do printf '%s\n' "$field" >>"$work/$name/DEBIAN/control"; done
    printf 'Description: %s, built from its published module\n' "$name" >>"$work/$name/DEBIAN/control"
    # not compressed: they live as long as the lab does
    dpkg-deb --root-owner-group -Znone --build "$work/$name" "$folder" >/dev/null
}
put() { # NAME FOLDER PROGRAM...
    name=$1 folder=$2
    shift 2
    mkdir -p "$work/$name$folder"
    for program; do
        from=/bin-all/$program
        [ ! -e "/bin-$what/$program" ] || from=/bin-$what/$program
        install -m 0755 "$from" "$work/$name$folder/"
    done
}

sign() {
    gpg --batch --quiet --yes --clearsign -o "$1/InRelease" "$1/Release"
}
flat_index() { # FOLDER: a repository of one folder, signed
    (cd "$1" && apt-ftparchive packages . >Packages && apt-ftparchive release . >"$work/Release" && mv "$work/Release" Release)
    sign "$1"
}
# swapped in place: the folder itself is mounted by the server
swap() {
    mkdir -p "$(dirname "/out/$1")"
    rm -rf "/out/${1:?}"
    mv "$fresh/$1" "/out/$1"
}

case $what in
runtime)
    # shellcheck source=packages_runtime.sh
    . "$here/packages_runtime.sh"
    ;;
accelerators)
    # shellcheck source=accelerators/packages.sh
    . "$here/accelerators/packages.sh"
    ;;
*)
    version=$what
    # shellcheck source=packages_kubernetes.sh
    . "$here/packages_kubernetes.sh"
    ;;
esac
gpg --batch --armor --export lab-site >/out/key.asc
gpgconf --kill all
rm -rf "$fresh"
