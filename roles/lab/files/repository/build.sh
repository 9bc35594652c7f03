#!/bin/sh
# build.sh: fill /out with a signed repository; runs in the repository's container.
#   /out/debian   suite stable: fabric manager and IMEX of exactly the driver that each suite of Debian ships today
#                 suite wrong: a fabric manager one patch release off, for tests
#   /out/ubuntu, /out/rhel9, /out/rhel9-base   see vendor.sh
#   /out/key.asc  public half of the key in /keys, which is made here once and stays
# LAB_MIRROR, LAB_SECURITY_MIRROR: the archive that is asked for the versions.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GNUPGHOME=/keys DEBIAN_FRONTEND=noninteractive

# the version that a suite would install, asked of the archive with lists of its own
driver() {
    root=$work/apt-$1
    mkdir -p "$root/lists/partial" "$root/cache/archives/partial"
    : >"$root/status"
    printf 'deb %s %s non-free\ndeb %s %s-security non-free\n' "$LAB_MIRROR" "$1" "$LAB_SECURITY_MIRROR" "$1" >"$root/sources.list"
    set -- -o Dir::State="$root" -o Dir::State::lists="$root/lists" -o Dir::State::status="$root/status" -o Dir::Cache="$root/cache" \
        -o Dir::Etc::SourceList="$root/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Acquire::Languages=none -o APT::Sandbox::User=root
    apt-get -qq "$@" update
    apt-cache "$@" policy nvidia-kernel-dkms | sed -n 's/^ *Candidate: \([0-9.]*\).*/\1/p'
}

deb() { # name version program unit config-path: the configuration comes on standard input
    root=$work/$1
    rm -rf "$root"
    mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/lib/systemd/system" "$root$(dirname "$5")"
    cat >"$root$5"
    echo "$5" >"$root/DEBIAN/conffiles"
    sed "s/@VERSION@/$2/" "$here/$3" >"$root/usr/bin/$3"
    chmod 755 "$root/usr/bin/$3"
    cat >"$root/DEBIAN/control" <<CONTROL
Package: $1
Version: $2-1
Architecture: amd64
Maintainer: The lab <root@localhost>
Description: stand-in for tests: checks its versions and its configuration, does no work
CONTROL
    cat >"$root/lib/systemd/system/$4.service" <<UNIT
[Unit]
Description=$4 (stand-in)
After=network-online.target
[Service]
ExecStart=/usr/bin/$3 -c $5
TimeoutStartSec=30
Restart=no
[Install]
WantedBy=multi-user.target
UNIT
    dpkg-deb --root-owner-group -Zgzip -b "$root" "$pool" >/dev/null
}

packages() { # version
    deb "nvidia-fabricmanager-${1%%.*}" "$1" nv-fabricmanager nvidia-fabricmanager /usr/share/nvidia/nvswitch/fabricmanager.cfg <<'CONFIG'
LOG_LEVEL=4
LOG_FILE_NAME=/var/log/fabricmanager.log
LOG_APPEND_TO_LOG=1
DAEMONIZE=1
BIND_INTERFACE_IP=127.0.0.1
STARTING_TCP_PORT=16000
FABRIC_MODE=0
FABRIC_MODE_RESTART=0
FM_STAY_RESIDENT_ON_FAILURES=0
CONFIG
    deb "nvidia-imex-${1%%.*}" "$1" nvidia-imex nvidia-imex /etc/nvidia-imex/config.cfg <<'CONFIG'
LOG_LEVEL=4
LOG_FILE_NAME=/var/log/nvidia-imex.log
SERVER_PORT=50000
IMEX_CMD_PORT=50005
IMEX_NODE_CONFIG_FILE=/etc/nvidia-imex/nodes_config.cfg
CONFIG
}

index() { # suite pool of the archive $archive
    lists=$archive/dists/$1/main/binary-amd64
    mkdir -p "$lists"
    (cd "$archive" && apt-ftparchive packages "pool/$2" >"$lists/Packages")
    gzip -k "$lists/Packages"
    apt-ftparchive -o APT::FTPArchive::Release::Origin=lab-site -o APT::FTPArchive::Release::Label=lab-site \
        -o APT::FTPArchive::Release::Suite="$1" -o APT::FTPArchive::Release::Codename="$1" -o APT::FTPArchive::Release::Components=main \
        -o APT::FTPArchive::Release::Architectures=amd64 release "$archive/dists/$1" >"$work/Release"
    mv "$work/Release" "$archive/dists/$1/Release"
    gpg --batch --yes --clearsign -o "$archive/dists/$1/InRelease" "$archive/dists/$1/Release"
}

gpg --list-secret-keys lab-site >/dev/null 2>&1 ||
    gpg --batch --quiet --passphrase '' --quick-generate-key 'lab-site <root@localhost>' rsa3072 sign never

fresh=/out/.new
rm -rf "$fresh"
for suite in $LAB_SUITES; do
    version=$(driver "$suite")
    [ -n "$version" ] || { echo "build.sh: $suite offers no nvidia-kernel-dkms at $LAB_MIRROR" >&2; exit 1; }
    pool=$fresh/debian/pool/stable
    mkdir -p "$pool" "$fresh/debian/pool/wrong"
    packages "$version"
    pool=$fresh/debian/pool/wrong
    packages "${version%.*}.99"
done
archive=$fresh/debian
index stable stable
index wrong wrong
if [ -n "$LAB_VENDOR_VERSIONS" ]; then
    sh "$here/vendor.sh" "$fresh" "$work"
    archive=$fresh/ubuntu
    index noble main
fi
gpg --batch --armor --export lab-site >"$fresh/key.asc"
# swapped in place: the folder itself is mounted by the server
for name in debian ubuntu rhel9 rhel9-base key.asc; do
    [ -e "$fresh/$name" ] || continue
    rm -rf "/out/$name"
    mv "$fresh/$name" "/out/$name"
done
rmdir "$fresh"
