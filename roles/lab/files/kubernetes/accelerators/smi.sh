#!/bin/sh
# smi.sh: nvidia-smi of Debian's package into /out; runs in the container that puts packages together. LAB_MIRROR: the archive that has it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >/etc/apt/sources.list.d/non-free.sources <<SOURCES
Types: deb
URIs: $LAB_MIRROR
Suites: trixie
Components: non-free
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
apt-get -qq update
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download nvidia-smi
dpkg-deb -x nvidia-smi_*.deb .
install -m 0755 usr/lib/nvidia/current/nvidia-smi /out/nvidia-smi.new
mv /out/nvidia-smi.new /out/nvidia-smi
