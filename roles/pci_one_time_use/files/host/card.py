# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""One card of this host below /sys: what it shows, who has it open, and its reset."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import re

import ledger

DEVICES = "/sys/bus/pci/devices/"
ADDRESS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$")
NUMBERS = ("vendor", "device", "subsystem_vendor", "subsystem_device")
_ROM = 16 * 1024 * 1024


class Card:
    def __init__(self, ground, address):
        if not isinstance(address, str) or not ADDRESS.match(address):
            raise ledger.Refused("that is no address of a card")
        self.ground, self.address, self.path = ground, address, DEVICES + address
        if not os.path.isdir(ground.at(self.path)):
            raise ledger.Refused("there is no card at %s" % address)

    def linked(self, name):
        """The last part of where a link of the card leads, None without it."""
        try:
            return os.path.basename(os.readlink(self.ground.at("%s/%s" % (self.path, name))))
        except OSError:
            return None

    def shown(self, name):
        """Text of an attribute; None where the kernel does not know it."""
        try:
            text = self.ground.text("%s/%s" % (self.path, name))
        except OSError:
            return None
        return text if text and text != "Unknown" else None

    def look(self):
        """What the card shows; None is what it does not show."""
        seen = {name: (self.shown(name) or "0x")[2:] or None for name in NUMBERS}
        width = self.shown("current_link_width") or ""
        seen.update(link_width=int(width) if width.isdigit() and int(width) else None, link_speed=self.shown("current_link_speed"))
        seen.update(driver=self.linked("driver"), group=self.linked("iommu_group"), resets=(self.shown("reset_method") or "").split())
        seen["firmware"] = {"rom": self.rom(), "vpd": self.digest("vpd")}
        seen["in_use"] = bool(set(self.users()) - {str(os.getpid())})
        return seen

    def digest(self, name):
        """The digest of a binary attribute that the card shows."""
        try:
            with open(self.ground.at("%s/%s" % (self.path, name)), "rb") as handle:
                content = handle.read(_ROM)
        except OSError:
            return None
        return hashlib.sha256(content).hexdigest() if content else None

    def rom(self):
        """The digest of the ROM, which is read only after it was switched on; not shown under a guest, whose card may decode its memory by the same part."""
        if not os.path.exists(self.ground.at(self.path + "/rom")) or set(self.users()) - {str(os.getpid())}:
            return None
        try:
            self.tell("rom", "1")
        except OSError:
            return None
        try:
            return self.digest("rom")
        finally:
            self.tell("rom", "0")

    def tell(self, name, text):
        """Write to an attribute of the card, which has to be there."""
        handle = os.open(self.ground.at("%s/%s" % (self.path, name)), os.O_WRONLY)
        try:
            os.write(handle, text.encode())
        finally:
            os.close(handle)

    def doors(self):
        """The files through which a process has the card."""
        group = self.linked("iommu_group")
        single = [os.path.basename(path) for path in glob.glob(self.ground.at(self.path + "/vfio-dev/vfio*"))]
        return (["/dev/vfio/" + group] if group else []) + ["/dev/vfio/devices/" + name for name in single]

    def users(self):
        """Ids of the processes that have a door of the card open."""
        doors, found = set(self.doors()), set()
        for path in glob.glob(self.ground.at("/proc/[0-9]*/fd/*")):
            try:
                target = os.readlink(path)
            except OSError:
                continue
            if target in doors:
                found.add(path[len(self.ground.at("/proc/")) :].split("/")[0])
        return sorted(found, key=int)

    def refuse(self, expected):
        """Only a card that is the one that is meant, bound for guests, and in nobody's hands."""
        seen = self.look()
        for name in ("vendor", "device"):
            if seen[name] is None or seen[name] != expected.get(name):
                raise ledger.Refused("%s has the %s id %s and not %s" % (self.address, name, seen[name], expected.get(name)))
        if seen["driver"] != "vfio-pci":
            raise ledger.Refused("%s is bound to %s and not to vfio-pci" % (self.address, seen["driver"]))
        if seen["group"] is None:
            raise ledger.Refused("%s is in no IOMMU group" % self.address)
        if self.users():
            raise ledger.Refused("process %s has %s open" % (", ".join(self.users()), self.address))
        return seen

    def hold(self):
        """Open the group, which only one may: until it is closed no guest gets the card."""
        door = "/dev/vfio/%s" % self.linked("iommu_group")
        try:
            return os.open(self.ground.at(door), os.O_RDWR)
        except OSError as error:
            if error.errno == errno.EBUSY:
                raise ledger.Refused("somebody has the group of %s open" % self.address)
            raise ledger.Refused("%s cannot be opened: %s" % (door, error.strerror))

    def reset(self, methods):
        """{method, error}: the first of the methods that the card has. Unknown methods are none."""
        has = (self.shown("reset_method") or "").split()
        method = next((name for name in methods if name in has), None)
        if method is None:
            return {"method": None, "error": "it can be reset by %s" % (", ".join(has) or "nothing that the kernel names")}
        try:
            if has[0] != method:
                self.tell("reset_method", method)
            self.tell("reset", "1")
            return {"method": method, "error": None}
        except OSError as error:
            return {"method": method, "error": error.strerror}
        finally:
            if has[0] != method:
                self.tell("reset_method", " ".join(has))
