#!/bin/sh
# disk.sh DISK.qcow2 KEY.pub: a bootable Debian 12 disk, made as root without loop devices or mounts; ssh takes KEY.pub for root.
# The hand-made grub.cfg is for the first boot: `machine.py build` runs the real grub-install and update-grub there.
# shellcheck disable=SC2016 # a hook is shell of its own, and $1 there is the new root
set -eu
PATH=$PATH:/usr/sbin:/sbin
disk=$1 key=$2 suite=bookworm size=4096 # MiB
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
lab=$here/../../../roles/lab/files/controller
# the archive that this machine asks, as for the hosts of the lab
mirror=$(PYTHONPATH=$lab python3 -B -c 'from lab import mirrors; print(mirrors.own().get("debian") or exit(mirrors.MISSING))')
UUID=$(cat /proc/sys/kernel/random/uuid) # of the file system
export UUID
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
# the cloud flavour of the kernel has no AMD IOMMU and no e1000e
packages=systemd-sysv,udev,dbus,kmod,linux-image-amd64,initramfs-tools,zstd,grub-pc,openssh-server,python3,iproute2,procps,pciutils

# before the kernel is configured, which makes the initramfs: with every driver in it, or packed well, it takes long under emulation.
# FSTYPE: what it has of fsck is by the device of the root folder, which is not here, and every later one would differ from the first
cat >"$work/early" <<'SH'
set -eu
mkdir -p "$1/etc/initramfs-tools/conf.d"
printf '%s\n' MODULES=list COMPRESS=zstd COMPRESSLEVEL=1 FSTYPE=ext4 >"$1/etc/initramfs-tools/conf.d/emulated"
printf '%s\n' virtio_pci virtio_blk ext4 >"$1/etc/initramfs-tools/modules"
SH
cat >"$work/late" <<'SH'
set -eu
echo 'LABEL=root / ext4 errors=remount-ro,noatime 0 0' >"$1/etc/fstab" # last 0: no wait for udev to find the disk
echo machine >"$1/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 machine\n' >"$1/etc/hosts"
# by driver, not by address: a scenario moves this card to another slot
printf '[Match]\nDriver=virtio_net\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n' >"$1/etc/systemd/network/10-host.network"
chroot "$1" systemctl --quiet enable systemd-networkd.service ssh.service
# the cards without a cable must not hold up the boot
chroot "$1" systemctl --quiet disable systemd-networkd-wait-online.service
chroot "$1" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service \
    dpkg-db-backup.timer fstrim.timer getty@tty1.service serial-getty@ttyS0.service 2>/dev/null
mkdir -p -m 0700 "$1/root/.ssh"
cat >"$1/root/.ssh/authorized_keys"
rm -f "$1"/etc/ssh/ssh_host_*
chroot "$1" ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
# no_timer_check: on a busy machine the emulator misses the kernel's timing test, and with interrupt remapping that is a panic
cat >"$1/etc/default/grub" <<'GRUB'
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="console=ttyS0 no_timer_check"
GRUB_TERMINAL=console
GRUB_DISABLE_OS_PROBER=true
GRUB
mkdir -p "$1/boot/grub"
cp -r "$1/usr/lib/grub/i386-pc" "$1/boot/grub/"
kernel=$(basename "$1"/boot/vmlinuz-*)
kernel=${kernel#vmlinuz-}
# word for word what update-grub will say, so that the machine of the snapshot has the arguments of every later boot
cat >"$1/boot/grub/grub.cfg" <<GRUB
linux /boot/vmlinuz-$kernel root=UUID=$UUID ro console=ttyS0 no_timer_check
initrd /boot/initrd.img-$kernel
boot
GRUB
SH
# drivers of cards that no machine here has: 400 MB of modules become 120
set --
for folder in sound drivers/media drivers/net/wireless drivers/infiniband drivers/iio drivers/staging drivers/isdn drivers/gpu drivers/hwmon \
    drivers/input drivers/usb drivers/scsi drivers/mtd drivers/bluetooth drivers/comedi drivers/hid drivers/power drivers/leds \
    drivers/net/ethernet/mellanox drivers/net/ethernet/chelsio drivers/net/ethernet/broadcom drivers/net/ethernet/qlogic \
    fs/ocfs2 fs/xfs fs/btrfs fs/ceph fs/smb fs/cifs fs/nfs fs/f2fs fs/gfs2 net/wireless net/mac80211 net/bluetooth; do
    set -- "$@" --dpkgopt="path-exclude=/lib/modules/*/kernel/$folder/*" --dpkgopt="path-exclude=/usr/lib/modules/*/kernel/$folder/*"
done
mmdebstrap --quiet --mode=root --variant=apt --include="$packages" "$@" \
    --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --essential-hook="sh '$work/early' \"\$1\"" --customize-hook="sh '$work/late' \"\$1\" <'$key'" \
    "$suite" "$root" "deb $mirror $suite main" >&2

# one partition from 1 MiB on; GRUB's core image lies in the gap before it
raw=$work/disk.raw
truncate -s "${size}M" "$raw"
echo 'start=2048, type=83, bootable' | sfdisk --quiet "$raw"
mke2fs -q -t ext4 -L root -U "$UUID" -O ^metadata_csum_seed,^orphan_file -E offset=1048576,lazy_itable_init=1 -d "$root" "$raw" "$(((size - 1) * 1024))k"
chroot "$root" grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' -o /tmp/core.img biosdisk part_msdos ext2
dd if="$root/usr/lib/grub/i386-pc/boot.img" of="$raw" bs=440 count=1 conv=notrunc status=none
dd if="$root/tmp/core.img" of="$raw" bs=512 seek=1 conv=notrunc status=none
qemu-img convert -O qcow2 "$raw" "$disk"
echo "$(du -sm "$root" | cut -f1) MB in the root folder" >&2
