#!/bin/sh
# picture.sh: what a change of passthrough can leave on a machine, one sorted line a thing, so that two pictures can be compared.
export LC_ALL=C
{
    find /boot /etc /usr/local /var/lib/ai-stack -type f \
        ! -path '/boot/grub/i386-pc/*' ! -path /boot/grub/grubenv -exec sha256sum {} + 2>/dev/null | sed 's/^/file /'
    find /etc /usr/local -type l -printf 'link %p %l\n'
    for device in /sys/bus/pci/devices/*; do
        echo "device ${device##*/} $(basename "$(readlink "$device/driver")") $(cat "$device/driver_override")"
    done
    sed 's/^/arguments /' /proc/cmdline
    # GRUB empties the name of the next entry, and leaves it there
    grub-editenv /boot/grub/grubenv list | sed '/^next_entry=$/d; s/^/grubenv /'
    grep -H . /sys/kernel/mm/hugepages/hugepages-*/nr_hugepages
    systemctl list-unit-files --no-legend --state=enabled,masked 2>/dev/null | sed 's/^/unit /; s/ *$//'
} | sort -u
