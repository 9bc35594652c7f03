#!/bin/sh
# picture.sh: what a driver change can leave on a host, one sorted line a thing, so that two pictures can be compared.
export LC_ALL=C
{
    dpkg-query -W -f 'package ${Package} ${Version} ${db:Status-Abbrev}\n'
    apt-mark showhold | sed 's/^/hold /'
    for unit in ai-stack-gpu-driver.service ai-stack-gpu-driver-check.service nvidia-persistenced.service nvidia-fabricmanager.service; do
        echo "unit $unit $(systemctl is-enabled "$unit" 2>/dev/null)"
    done
    for folder in /etc/modprobe.d /etc/modules-load.d /etc/apt/preferences.d /etc/apt/sources.list.d /etc/apt/auth.conf.d /etc/apt/keyrings \
        /etc/ai-stack /etc/dkms /etc/systemd/system /usr/sbin/policy-rc.d; do
        find "$folder" -type f -exec sha256sum {} + 2>/dev/null | sed 's/^/file /'
    done
    for tree in /var/lib/dkms/*/*/*/*/module /var/lib/dkms/mok.*; do
        [ ! -e "$tree" ] || echo "dkms $tree"
    done
    for modules in /lib/modules/*; do
        version=$(find "$modules/updates" -name 'nvidia*.ko*' 2>/dev/null | sort | head -n 1 | xargs -r modinfo -F version)
        [ -z "$version" ] || echo "module ${modules##*/} nvidia $version"
    done
    find /lib/firmware/nvidia -mindepth 1 -maxdepth 1 -name '[0-9]*.[0-9]*' -printf 'firmware %f\n' 2>/dev/null
    find /usr/lib -name 'libnvidia-ml.so.[0-9]*.*' ! -name '*.real' 2>/dev/null | sed 's/.*libnvidia-ml\.so\./library /'
} | sort -u
