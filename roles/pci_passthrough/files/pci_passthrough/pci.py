# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""PCI functions as sysfs shows them: who they are, who drives them, who shares their group, and what of the host hangs on them."""

from __future__ import annotations

import errno
import os

import host

DEVICES = "/sys/bus/pci/devices"
VFIO = "vfio-pci"


def _link(path):
    try:
        return os.path.basename(os.readlink(host.at(path)))
    except OSError:
        return None


def _names(path):
    try:
        return sorted(os.listdir(host.at(path)))
    except OSError:
        return []


def ids(address):
    """Return "vendor:device" of the function at this address, None where there is none."""
    found = [host.text("%s/%s/%s" % (DEVICES, address, name)) for name in ("vendor", "device")]
    return None if None in found else ":".join(each[2:] if each.startswith("0x") else each for each in found)


def driver(address):
    return _link("%s/%s/driver" % (DEVICES, address))


def group(address):
    return _link("%s/%s/iommu_group" % (DEVICES, address))


def drivers():
    """Return {address: driver} of every function that has one."""
    found = {address: driver(address) for address in _names(DEVICES)}
    return {address: name for address, name in found.items() if name}


def wanted(card):
    return "%s:%s" % (card["vendor"], card["device"])


def strange(cards):
    """Yield why functions are not those that were meant."""
    for address, card in sorted(cards.items()):
        found = ids(address)
        if found is None:
            yield "there is no function at %s" % address
        elif found != wanted(card):
            yield "%s is %s, not %s" % (address, found, wanted(card))


def shared(cards):
    """Yield which neighbours in their groups make cards unusable: bridges are none, and neither is what has no driver."""
    for address in sorted(cards):
        for other in _names("%s/%s/iommu_group/devices" % (DEVICES, address)):
            kind = (host.text("%s/%s/class" % (DEVICES, other)) or "")[2:6]
            bridge = kind.startswith("06") and kind != "0680"
            if other not in cards and not bridge and driver(other) not in (VFIO, None):
                yield "%s shares IOMMU group %s with %s, which %s drives" % (address, group(address), other, driver(other))


def unbound(cards):
    """Yield why cards are not given away yet."""
    reasons = list(strange(cards))
    yield from reasons
    for address in sorted(cards) if not reasons else ():
        if group(address) is None:
            yield "%s is in no IOMMU group" % address
        elif driver(address) != VFIO:
            yield "%s is bound to %s" % (address, driver(address) or "nothing")


def lost(before, cards):
    """Yield which functions that stay with the host have lost the driver that they had; before: {address: driver}."""
    for address, name in sorted(before.items()):
        if name != VFIO and address not in cards and ids(address) is not None and driver(address) != name:
            yield "%s has %s instead of %s" % (address, driver(address) or "no driver", name)


def kept_off_in_vain(names, cards):
    """Yield which drivers cannot be kept off, since functions that stay need them."""
    for address, name in sorted(drivers().items()):
        if name in names and address not in cards:
            yield "%s cannot be kept off this host: it drives %s, which stays" % (name, address)


def routes():
    """Return the interfaces that a default route leads through."""
    rows = [line.split() for line in (host.text("/proc/net/route") or "").splitlines()[1:]]
    found = {row[0] for row in rows if len(row) > 7 and row[1] == row[7] == "00000000"}
    rows = [line.split() for line in (host.text("/proc/net/ipv6_route") or "").splitlines()]
    return sorted(found | {row[9] for row in rows if len(row) > 9 and row[0] == "0" * 32 and row[1] == "00" and row[9] != "lo"})


def _below(name):
    """Return an interface and those that it is made of."""
    lower = [each[6:] for each in _names("/sys/class/net/" + name) if each.startswith("lower_")]
    return {name}.union(*(_below(each) for each in lower))


def _disks(number):
    """Return where the disks are in sysfs that a block device is made of."""
    here = "/sys/dev/block/" + number
    found = {os.path.realpath(host.at(here))}
    for name in _names(here + "/slaves"):
        found |= _disks(host.text("%s/slaves/%s/dev" % (here, name)) or "none")
    return found


def _on(address, kind):
    """Return the names of the interfaces or block devices of a function."""
    return [name for name in _names("/sys/class/" + kind) if "/%s/" % address in os.path.realpath(host.at("/sys/class/%s/%s" % (kind, name)))]


def _wire(name, routed):
    """Return what an interface is to the host, None where it is nothing: a way into it need not be a default route."""
    if name in routed:
        return "which the default route of this host leads through"
    master = _link("/sys/class/net/%s/master" % name)
    if master:
        return "which belongs to %s" % master
    return "which is up" if host.text("/sys/class/net/%s/operstate" % name) == "up" else None


def _swaps():
    return {line.split()[0] for line in (host.text("/proc/swaps") or "").splitlines()[1:] if line.split()}


def _held(name):
    """Say whether the kernel has a disk for something alone: pools of ZFS are seen by nothing else."""
    try:
        os.close(os.open(host.at("/dev/" + name), os.O_RDONLY | os.O_EXCL))
    except OSError as error:
        return error.errno == errno.EBUSY
    return False


def _known(address, disks):
    """Yield what the host uses the disks of a card for, as far as it says so."""
    swaps = _swaps()
    for row in [line.split() for line in (host.text("/proc/self/mountinfo") or "").splitlines()]:
        # a filesystem over several disks has no device number of theirs, and names one
        source = os.path.basename(os.path.realpath(host.at(row[row.index("-") + 2]))) if "-" in row[:-2] else None
        if source in disks or any("/%s/" % address in place for place in _disks(row[2])):
            yield "%s has the disk that is mounted at %s" % (address, row[4])
    for name in disks:
        for other in _names("/sys/class/block/%s/holders" % name):
            yield "%s has the disk %s, which %s is made of" % (address, name, other)
        if "/dev/" + name in swaps:
            yield "%s has the disk %s, which this host swaps to" % (address, name)


def in_use(cards):
    """Yield what the host would lose with its cards: a way to it, or a disk that it uses."""
    routed = set().union(*map(_below, routes()))
    for address in sorted(cards):
        for name in _on(address, "net"):
            why = _wire(name, routed)
            if why:
                yield "%s is %s, %s" % (address, name, why)
        disks = _on(address, "block")
        found = list(_known(address, disks))
        yield from found or ("%s has the disk %s, which this host has in use" % (address, name) for name in disks if _held(name))


def _doors(address):
    """Yield the files through which a process has a card: its group, the card alone (iommufd), its disks."""
    yield "/dev/vfio/%s" % group(address)
    yield from ("/dev/vfio/devices/" + name for name in _names("%s/%s/vfio-dev" % (DEVICES, address)))
    yield from ("/dev/" + name for name in _on(address, "block"))


def users(cards):
    """Yield which processes have a card open, which is a guest's then, or a disk on it."""
    places = {address: set(_doors(address)) for address in cards}
    for process in filter(str.isdigit, _names("/proc")):
        for name in _names("/proc/%s/fd" % process):
            try:
                place = os.readlink(host.at("/proc/%s/fd/%s" % (process, name)))
            except OSError:
                continue
            for address in sorted(cards):
                if place in places[address]:
                    yield "%s is used by process %s" % (address, process)


def listens(port):
    """Say whether something listens on this TCP port."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in (host.text("/proc/net/" + name) or "").splitlines()[1:]]
    return any(row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port for row in rows if len(row) > 3)
