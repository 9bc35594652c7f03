# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The PCI functions of the host as Nova's libvirt driver would list them."""

from __future__ import annotations

import os

FOLDER = "/sys/bus/pci/devices"


def of_host(ground):
    """[{address, vendor_id, product_id, dev_type, parent_addr}]; a card that can make VFs is a PF, with or without one."""
    folder, found = ground.at(FOLDER), []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        place = "%s/%s" % (FOLDER, name)
        vendor, product = [(ground.text("%s/%s" % (place, key)) or "").replace("0x", "") for key in ("vendor", "device")]
        parent = os.path.join(folder, name, "physfn")
        if not vendor or not product:
            continue
        physical = os.path.basename(os.readlink(parent)) if os.path.islink(parent) else None
        can = ground.text(place + "/sriov_totalvfs")
        kind = "type-VF" if physical else "type-PF" if can is not None else "type-PCI"
        found.append({"address": name, "vendor_id": vendor, "product_id": product, "dev_type": kind, "parent_addr": physical})
    return found
