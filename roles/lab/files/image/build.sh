#!/bin/sh
# build.sh SUITE KERNEL-FLAVOUR [PODMAN-FLAG...]: make the podman image of one kind of host, unless it is there already.
#   LAB_MIRROR, LAB_SECURITY_MIRROR   where packages come from
#   LAB_DEBS                          folder that keeps the downloaded packages between builds
#   LAB_IMAGE_KEY                     what the image must be made of: an image with another key is made anew
# Prints "made IMAGE" or "kept IMAGE".
# shellcheck disable=SC2016 # a hook is shell of its own, and $1 there is the new root
set -eu
suite=$1 flavour=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
image=localhost/ai-stack-lab:$suite
[ "$flavour" = amd64 ] || image=$image-$flavour

if [ "$(podman image inspect --format '{{index .Labels "ai-stack-lab.key"}}' "$image" 2>/dev/null)" = "$LAB_IMAGE_KEY" ]; then
    echo "kept $image"
    exit 0
fi
case $suite in
*-like)
    podman build --quiet --network host "$@" --label "ai-stack-lab.key=$LAB_IMAGE_KEY" --tag "$image" --file "$here/$suite.Containerfile" "$here" >&2
    echo "made $image"
    exit 0
    ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
debs=$LAB_DEBS/$suite
mkdir -p "$debs"

# A plain server: a kernel with its initramfs, ssh, Python. No headers, no compiler, no NVIDIA package: those are the product's job.
packages=systemd-sysv,dbus,mount,python3,python3-apt,sudo,openssh-server,iproute2,procps,kmod,zstd,xz-utils
packages=$packages,ca-certificates,openssl,initramfs-tools,linux-image-$flavour

# what Debian's own installer writes: the driver packages are in other components, which are the product's job too
components="main non-free-firmware"
cat >"$work/debian.sources" <<SOURCES
Types: deb
URIs: $LAB_MIRROR
Suites: $suite $suite-updates
Components: $components
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: $LAB_SECURITY_MIRROR
Suites: $suite-security
Components: $components
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES

# DKMS strips what modules say for debuggers; not writing it is a fifth of the compiling.
without_debugging='KCFLAGS=-g0'

# What no service of a server without disks, network cards and sound of its own will miss. Left in: graphics, because nouveau and
# amdgpu decide who gets a card, and what they need. initramfs-tools and depmod take what is there, and the exclusion stays in
# force for later kernels.
drop="drivers/net drivers/media drivers/staging drivers/usb drivers/iio drivers/scsi drivers/infiniband drivers/comedi drivers/mtd
      drivers/input drivers/isdn drivers/hid drivers/bluetooth drivers/nvme drivers/md drivers/target drivers/ata drivers/block
      drivers/platform/x86 drivers/accessibility drivers/w1 drivers/rtc drivers/power drivers/nfc drivers/crypto drivers/edac sound net/mac80211 net/wireless net/bluetooth
      net/sched net/netfilter net/can fs/ocfs2 fs/btrfs fs/xfs fs/smb fs/ceph fs/gfs2 fs/f2fs fs/bcachefs fs/nfsd fs/nfs fs/jfs
      fs/reiserfs fs/nilfs2 arch/x86/kvm lib/test_bpf.ko*"
{
    for d in $drop; do echo "path-exclude=/lib/modules/*/kernel/$d/*"; echo "path-exclude=/usr/lib/modules/*/kernel/$d/*"; done | sed 's#ko\*/\*$#ko*#'
    echo 'path-exclude=/boot/System.map-*'
    printf 'path-exclude=%s\n' '/usr/share/man/*' '/usr/share/locale/*' '/usr/share/doc/*' '/usr/share/info/*' '/usr/share/lintian/*'
    echo 'path-include=/usr/share/doc/*/copyright'
} >"$work/ai-stack-lab"

mmdebstrap --quiet --variant=apt --include="$packages" \
    --skip=download/empty --skip=essential/unlink --skip=cleanup/apt/cache \
    --setup-hook='mkdir -p "$1/var/cache/apt/archives" "$1/etc/dpkg/dpkg.cfg.d"' \
    --setup-hook="sync-in '$debs' /var/cache/apt/archives" \
    --setup-hook="upload '$work/ai-stack-lab' /etc/dpkg/dpkg.cfg.d/ai-stack-lab" \
    --customize-hook="sync-out /var/cache/apt/archives '$debs'" \
    --customize-hook='rm -f "$1"/var/cache/apt/archives/*.deb' \
    --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io \
    --customize-hook='chroot "$1" systemctl mask console-getty.service getty@tty1.service systemd-udevd.service systemd-modules-load.service' \
    --customize-hook='mkdir -p "$1/usr/lib/ai-stack-lab" "$1/lab"; rm -f "$1"/etc/ssh/ssh_host_*; : >"$1/etc/machine-id"' \
    --customize-hook="echo $without_debugging >>\"\$1/etc/environment\"" \
    --customize-hook='cd "$1/etc/apt/sources.list.d" && for f in 0000*.sources; do mv "$f" "${f#0000}"; done' \
    "$suite" "$work/rootfs.tar" "$work/debian.sources" >&2
podman import --quiet \
    --change 'CMD ["/usr/lib/ai-stack-lab/init"]' \
    --change 'STOPSIGNAL SIGRTMIN+3' \
    --change "LABEL ai-stack-lab.key=$LAB_IMAGE_KEY" \
    "$work/rootfs.tar" "$image" >&2
echo "made $image"
