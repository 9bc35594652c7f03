# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The initramfs binds cards before any driver sees them: by address, and only where vendor and device are those that were meant."""

from __future__ import annotations

import os
import shutil
import signal

import grub
import host

FOLDER = "/etc/initramfs-tools"
HOOK = "/hooks/ai-stack-pci-passthrough"
BINDER = "/scripts/init-top/ai-stack-pci-passthrough"
TIMER = "/scripts/init-top/ai-stack-trial"
PIDS = "/run/ai-stack-trial.pids"
HEAD = "#!/bin/sh\n# %s\ncase $1 in prereqs) exit 0 ;; esac\n" % grub.MARKER
HOOK_TEXT = HEAD + """. /usr/share/initramfs-tools/hook-functions
manual_add_modules vfio-pci
"""
BINDER_TEXT = HEAD + """sys=${AI_STACK_SYS:-/sys}/bus/pci
# What sits in a slot by now and is another device keeps the driver of the host.
keep() {
    [ -e "$sys/devices/$1/driver_override" ] || return 0
    read -r vendor <"$sys/devices/$1/vendor"
    read -r device <"$sys/devices/$1/device"
    [ "$vendor $device" = "0x$2 0x$3" ] || return 0
    echo vfio-pci >"$sys/devices/$1/driver_override"
}
give() {
    [ -e "$sys/devices/$1/driver_override" ] || return 0
    read -r override <"$sys/devices/$1/driver_override"
    [ "$override" = vfio-pci ] || return 0
    [ ! -e "$sys/drivers/vfio-pci/$1" ] || return 0
    [ ! -e "$sys/devices/$1/driver" ] || echo "$1" >"$sys/devices/$1/driver/unbind"
    echo "$1" >"$sys/drivers_probe"
}
"""
# Programs of the initramfs are gone once it hands over, and so are its paths: what is to run later is started now, with its file open.
# The shell's own child lives on beside systemd, in emergency.target too.
TIMER_TEXT = HEAD + """[ -w /proc/sysrq-trigger ] || exit 0
exec 3>/proc/sysrq-trigger
( sleep %d; echo s >&3 ) </dev/null >/dev/null 2>&1 &
pids=$!
( sleep %d; echo b >&3 ) </dev/null >/dev/null 2>&1 &
echo "$pids $!" >""" + PIDS + "\n"


def binder(cards):
    rows = ["keep %s %s %s" % (address, card["vendor"], card["device"]) for address, card in sorted(cards.items())]
    return BINDER_TEXT + "\n".join(rows + ["modprobe -q vfio-pci"] + ["give " + address for address in sorted(cards)]) + "\nexit 0\n"


def timer(seconds):
    return TIMER_TEXT % (seconds, seconds + 5)


def stop_timer():
    for pid in (host.text(PIDS) or "").split():
        try:
            os.kill(int(pid), signal.SIGTERM)
        except ProcessLookupError:
            pass
    host.remove(PIDS)


def of(kernel):
    return "/boot/initrd.img-" + kernel


def room(kernel):
    """Refuse where a copy of the initramfs does not fit beside it, with a quarter to spare."""
    state = os.statvfs(host.at("/boot"))
    size = os.path.getsize(host.at(of(kernel)))
    if state.f_bavail * state.f_frsize < size * 5 // 4:
        yield "/boot has no room for a second initramfs of %d MB" % (size >> 20)


def try_once(kernel, cards, seconds):
    """Write an initramfs of its own for the trial, from a copy of the configuration: the host's own one stays as it is."""
    copy = host.at(host.STATE + "/initramfs-tools")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(host.at(FOLDER), copy, symlinks=True)
    for path, text in ((HOOK, HOOK_TEXT), (BINDER, binder(cards)), (TIMER, timer(seconds))):
        host.write("%s/initramfs-tools%s" % (host.STATE, path), text.encode(), 0o755)
    host.run(["mkinitramfs", "-d", copy, "-o", host.at(grub.IMAGE) + ".new", kernel])
    demand(grub.IMAGE + ".new", TIMER)
    os.rename(host.at(grub.IMAGE) + ".new", host.at(grub.IMAGE))
    host.sync_folder(host.at("/boot"))
    shutil.rmtree(copy)


def update(kernel):
    """Write the initramfs of this kernel anew, and prove that it binds."""
    host.run(["update-initramfs", "-u", "-k", kernel])
    demand(of(kernel), BINDER)


def demand(image, script):
    if script.lstrip("/") not in [name.removeprefix("./") for name in host.run(["lsinitramfs", host.at(image)])[1].split()]:
        raise host.Refused("%s was written, yet it lacks %s" % (image, script))
