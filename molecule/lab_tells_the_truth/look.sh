#!/bin/sh
# Who this start of the host is, one fact a line; the last one is the driver of its card.
cat /proc/sys/kernel/random/boot_id /proc/sys/kernel/osrelease /etc/ssh/ssh_host_ed25519_key.pub
uname -r
cat /proc/driver/nvidia/version 2>/dev/null || echo none
basename "$(readlink /sys/bus/pci/devices/0000:17:00.0/driver || echo none)"
