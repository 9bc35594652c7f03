# shellcheck shell=sh disable=SC2154
# Read by packages.sh: containerd as Docker lays it out, but that runc is the distribution's.
pool=$fresh/containerd/pool dists=$fresh/containerd/dists/stable
mkdir -p "$pool" "$dists/stable/binary-amd64"

put containerd.io /usr/bin containerd containerd-shim-runc-v2 ctr
mkdir -p "$work/containerd.io/usr/lib/systemd/system" "$work/containerd.io/etc/containerd" "$work/containerd.io/DEBIAN"
# as published: without the part that a kubelet asks, until somebody writes settings
echo 'disabled_plugins = ["cri"]' >"$work/containerd.io/etc/containerd/config.toml"
echo /etc/containerd/config.toml >"$work/containerd.io/DEBIAN/conffiles"
# without OOMScoreAdjust: a machine without CAP_SYS_RESOURCE may not lower it
cat >"$work/containerd.io/usr/lib/systemd/system/containerd.service" <<'UNIT'
[Unit]
Description=containerd
After=network.target local-fs.target

[Service]
Type=notify
ExecStart=/usr/bin/containerd
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity

[Install]
WantedBy=multi-user.target
UNIT
cat >"$work/containerd.io/DEBIAN/postinst" <<'SCRIPT'
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable --now containerd.service
fi
SCRIPT
chmod 0755 "$work/containerd.io/DEBIAN/postinst"
deb containerd.io "2.4.2-1~debian.13~trixie" "$pool" 'Depends: runc' 'Provides: containerd' 'Conflicts: containerd' 'Replaces: containerd'

(cd "$fresh/containerd" && apt-ftparchive packages pool >"$dists/stable/binary-amd64/Packages")
apt-ftparchive -o APT::FTPArchive::Release::Suite=stable -o APT::FTPArchive::Release::Components=stable \
    -o APT::FTPArchive::Release::Architectures=amd64 release "$dists" >"$work/Release"
mv "$work/Release" "$dists/Release"
sign "$dists"
swap containerd
