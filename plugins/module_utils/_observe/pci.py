# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""PCI functions of interest: accelerators, NVLink switches, their managers, and whoever shares an IOMMU group with them."""

from __future__ import annotations

import base64
import re

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import in_child
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import vpd

DEVICES = "/sys/bus/pci/devices"
SLOTS = "/sys/bus/pci/slots"
NVIDIA, MELLANOX = "10de", "15b3"
VPD_LIMIT = 32768
VPD_SECONDS = 5
_ON_THE_BUS = re.compile(r"([0-9a-f]{2}-){7}[0-9a-f]{2}$")


def _hex(text, digits):
    try:
        return "%0*x" % (digits, int(text, 16))
    except (TypeError, ValueError):
        return None


def _bars(text):
    """Sizes of the regions that exist, first six lines of `resource`: start, end, flags."""
    sizes = []
    for line in (text or "").splitlines()[:6]:
        match = re.match(r"^0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+$", line.strip())
        if match:
            start, end = int(match.group(1), 16), int(match.group(2), 16)
            sizes += [end - start + 1] if end > start else []
    return sizes


def _present(root, path):
    """A function that fell off the bus answers every read with ones."""
    head = root.data(path + "/config", 4)
    return None if not head or len(head) < 4 else head != b"\xff\xff\xff\xff"


def _identity(root, path):
    """What amdgpu tells about a card; for NVIDIA cards the driver's own tool does.

    Newer kernels write under the name serial_number what any function says on the bus, eight bytes with dashes: no driver's serial.
    """
    names = {"uuid": "unique_id", "serial": "serial_number", "vbios": "vbios_version", "name": "product_name"}
    found = {name: root.line("%s/%s" % (path, file)) for name, file in names.items()}
    if _ON_THE_BUS.match(found["serial"] or ""):
        found["serial"] = None
    return found if any(found.values()) else None


def _slots(root):
    found = {}
    for name in root.names(SLOTS):
        where = root.line("%s/%s/address" % (SLOTS, name))
        if where:
            found[where] = name
    return found


def _override(root, path):
    text = root.line(path + "/driver_override")
    return None if text == "(null)" else text


def _boot_vga(root, path):
    """Whether the firmware's display is on it; None: it does not say, or is no display."""
    number = root.number(path + "/boot_vga")
    return None if number is None else bool(number)


def _function(root, address, slots):
    path = "%s/%s" % (DEVICES, address)
    numa, group = root.number(path + "/numa_node"), root.link(path + "/iommu_group")
    return {
        "address": address, "class": _hex(root.line(path + "/class"), 6), "vendor": _hex(root.line(path + "/vendor"), 4),
        "device": _hex(root.line(path + "/device"), 4), "subsystem_vendor": _hex(root.line(path + "/subsystem_vendor"), 4),
        "subsystem_device": _hex(root.line(path + "/subsystem_device"), 4), "revision": _hex(root.line(path + "/revision"), 2),
        "driver": root.link(path + "/driver"), "driver_override": _override(root, path), "numa_node": numa if numa is not None and numa >= 0 else None,
        "iommu_group": int(group) if group and group.isdigit() else None, "slot": slots.get(address.rsplit(".", 1)[0]),
        "sriov_totalvfs": root.number(path + "/sriov_totalvfs"), "sriov_numvfs": root.number(path + "/sriov_numvfs"),
        "physfn": root.link(path + "/physfn"), "boot_vga": _boot_vga(root, path),
        "bars": _bars(root.text(path + "/resource")), "vpd": None, "identity": _identity(root, path), "present": _present(root, path),
    }


def _wanted(kind, vendor):
    return kind[:4] in ("0x03", "0x12") or (kind[:6] == "0x0680" and vendor == "0x" + NVIDIA)


def _read_vpd(root, addresses):
    def read():
        found = {}
        for address in addresses:
            data = root.data("%s/%s/vpd" % (DEVICES, address), VPD_LIMIT)
            if data:
                found[address] = base64.b64encode(data).decode()
        return found
    encoded = in_child(read, VPD_SECONDS) if root.live else read()
    return None if encoded is None else {address: vpd.parse(base64.b64decode(data)) for address, data in encoded.items()}


def _neighbours(root, addresses):
    found = set()
    for address in addresses:
        if root.exists("%s/%s/iommu_group/devices" % (DEVICES, address)):
            found.update(root.names("%s/%s/iommu_group/devices" % (DEVICES, address)))
    return found


def observe(root, guard, asked=()):
    """The functions in address order, see docs/data.md; asked: addresses of others, whatever they are."""
    names = root.names(DEVICES)
    kinds = {name: (root.line("%s/%s/class" % (DEVICES, name)) or "", root.line("%s/%s/vendor" % (DEVICES, name)) or "") for name in names}
    chosen = {name for name, kind in kinds.items() if _wanted(*kind) or name in asked}
    managers = {name for name, kind in kinds.items() if kind[1] == "0x" + MELLANOX}
    readable = sorted(name for name in chosen | managers if root.exists("%s/%s/vpd" % (DEVICES, name)))
    data = _read_vpd(root, readable) if readable else {}
    if data is None:
        guard.note("vpd", "no answer in %d s" % VPD_SECONDS)
        data = {}
    chosen |= {name for name in managers if "SW_MNG" in ((data.get(name) or {}).get("text") or "")}
    chosen |= {name for name in _neighbours(root, chosen) if name in kinds}
    slots = _slots(root)
    found = [_function(root, name, slots) for name in sorted(chosen)]
    for each in found:
        each["vpd"] = data.get(each["address"])
    return found


def cards(functions):
    """Ids of the accelerators that are here, by their vendor as package sets name it."""
    names, found = {NVIDIA: "nvidia", "1002": "amd", "8086": "intel", "1da3": "habana"}, {}
    for each in functions:
        if each["vendor"] in names and (each["class"] or "")[:2] in ("03", "12"):
            found.setdefault(names[each["vendor"]], set()).add("%s:%s" % (each["vendor"], each["device"]))
    return found


def vendors(functions):
    """Vendors of the accelerators that are here."""
    return set(cards(functions))


def has_switch(functions):
    return any((each["vendor"] == NVIDIA and (each["class"] or "").startswith("0680")) or "SW_MNG" in ((each["vpd"] or {}).get("text") or "")
               for each in functions)
