#!/bin/sh
# picture.sh: what a change of passthrough can leave on a machine, one sorted line a thing, so that two pictures can be compared.
export LC_ALL=C
{
    find /boot /etc /usr/local /var/lib/ai-stack -type f -size -1024k \
        ! -path '/boot/grub/i386-pc/*' ! -path /boot/grub/grubenv -exec sha256sum {} + 2>/dev/null | sed 's/^/file /'
    # the better sum takes the emulated processor half a minute
    find /boot -type f -size +1023k ! -name 'initrd.img-*' -exec cksum {} + | sed 's/^/file /'
    # one that was made anew has other times in it
    for image in /boot/initrd.img-*; do
        rm -rf /var/tmp/picture
        unmkinitramfs "$image" /var/tmp/picture
        (cd /var/tmp/picture && find . -type f -exec cksum {} + -o -type l -printf 'link %p %l\n') | sed "s|^|inside $image |"
    done
    rm -rf /var/tmp/picture
    find /etc /usr/local -type l -printf 'link %p %l\n'
    find /sys/bus/pci/drivers/*/ -type l -name '0000:*' -printf 'driver %h %f\n'
    grep -H . /sys/bus/pci/devices/*/driver_override
    # the way to the kernel is of the loader that found it
    sed 's/BOOT_IMAGE=[^ ]* //; s/^/arguments /' /proc/cmdline
    # GRUB empties the name of the next entry, and leaves it there
    grub-editenv /boot/grub/grubenv list | sed '/^next_entry=$/d; s/^/grubenv /'
    grep -H . /sys/kernel/mm/hugepages/hugepages-*/nr_hugepages
} | sort -u
