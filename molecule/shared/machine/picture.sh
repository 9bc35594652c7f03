#!/bin/sh
# picture.sh: what a change of passthrough can leave on a machine, one sorted line a thing, so that two pictures can be compared.
export LC_ALL=C
{
    find /boot /etc /usr/local /var/lib/ai-stack -type f \
        ! -path '/boot/grub/i386-pc/*' ! -name resolv.conf ! -name machine-id -exec sha256sum {} + 2>/dev/null | sed 's/^/file /'
    find /etc /usr/local -type l -printf 'link %p %l\n'
    for device in /sys/bus/pci/devices/*; do
        echo "device ${device##*/} $(basename "$(readlink "$device/driver")") $(cat "$device/driver_override")"
    done
    sed 's/^/arguments /' /proc/cmdline
    sed 's/^/huge pages /' /sys/kernel/mm/hugepages/hugepages-*/nr_hugepages
    systemctl list-unit-files --no-legend --state=enabled,masked 2>/dev/null | sed 's/^/unit /; s/ *$//'
} | sort -u
