# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a host shows that is to give a network card away, and one that does."""

from __future__ import annotations

ADDRESS, TWIN, BESIDE = "0000:01:00.0", "0000:02:00.0", "0000:01:00.1"
TOOLS = ["grub-editenv", "grub-reboot", "lsinitramfs", "mkinitramfs", "update-grub", "update-initramfs"]
WANT = {"cards": {ADDRESS: {"vendor": "8086", "device": "10c9"}}, "arguments": ["intel_iommu=on"], "keep_off": [],
        "modules": ["vfio", "vfio_pci", "vfio_iommu_type1", "vfio_virqfd"]}  # fmt: skip


def function(address, driver, group, **values):
    return {"address": address, "class": "020000", "vendor": "8086", "device": "10c9", "driver": driver, "driver_override": None, "iommu_group": group,
            "physfn": None, "boot_vga": None, "sriov_totalvfs": None, "sriov_numvfs": None, "bars": [], "vpd": None, **values}  # fmt: skip


def grub(**values):
    return {"config": "/boot/grub/grub.cfg", "entry": {"kernel": "6.1.0-50-amd64", "arguments": ["ro"]}, "environment": True, "writable": True,
            "takes_once": True, "reads_custom": True, "custom": None, "next_entry": None, **values}  # fmt: skip


def seen(neighbour=None, driver="igb", cmdline="ro", **boot):
    """The observation of a host; boot: what its GRUB has otherwise."""
    functions = [function(ADDRESS, driver, 1), function(TWIN, "igb", 2)]
    functions += [function(BESIDE, neighbour, 1, vendor="1af4", device="1005")] if neighbour else []
    return {
        "schema": "sovereign.ai_stack/observation/1", "host": None, "reachable": True, "at": "2026-11-25T19:00:00Z",
        "system": {"distribution": "debian", "version": "12", "codename": "bookworm", "family": "debian", "boot_id": "b", "virtualization": "none",
                   "cpu_vendor": "GenuineIntel"},
        "kernel": {"running": "6.1.0-50-amd64", "next_boot": "6.1.0-50-amd64", "cmdline": cmdline}, "pci": functions, "disk": {"/boot": 1 << 30},
        "boot": {"firmware": "bios", "grub": grub(**boot), "image_bytes": 40 << 20, "tools": TOOLS, "watchdog": False, "trial": False},
        "passthrough": {"settings": None, "open": None, "last_change": None, "touched": False, "drained": False},
    }  # fmt: skip


def bound(settings=False):
    """The same host with its card given away; settings: and that is kept."""
    found = seen(driver="vfio-pci", cmdline="ro intel_iommu=on")
    if settings:
        found["passthrough"].update(touched=True, settings={**WANT, "managed_by": "sovereign.ai_stack", "added": ["intel_iommu=on"]})
    return found
