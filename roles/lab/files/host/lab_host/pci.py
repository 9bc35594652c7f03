# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A tree like /sys for PCI functions that are not there, in the kernel's own file formats."""
from __future__ import annotations

import shutil
import struct
from pathlib import Path

MEMORY_64_PREFETCHABLE = 0x14220C
MEMORY_32 = 0x40200
# above the machine's own memory, and a new window for each function, as a BIOS would lay them out
FIRST_WINDOW = 0x200000000000


def config_space(function):
    """256 bytes with a PCI Express capability, because tools refuse a function without one; all ones for a card that fell off the bus."""
    if function.get("dead") == "bus":
        return b"\xff" * 256
    space = bytearray(256)
    number = {key: int(function[key], 16) for key in ("vendor", "device", "class", "revision", "subsystem_vendor", "subsystem_device")}
    struct.pack_into("<HHHH", space, 0, number["vendor"], number["device"], 0x0006, 0x0010)
    struct.pack_into("<I", space, 8, number["class"] << 8 | number["revision"])
    struct.pack_into("<HH", space, 0x2C, number["subsystem_vendor"], number["subsystem_device"])
    space[0x34] = 0x40
    struct.pack_into("<BBH", space, 0x40, 0x10, 0, 0x0002)
    return bytes(space)


def vital_product_data(vpd):
    """The binary form of {text, fields: {PN: ..., SN: ...}}: an identifier string, one read-only list, an end tag."""
    text = vpd.get("text", "").encode()
    body = b"".join(key.encode() + bytes([len(value)]) + value.encode() for key, value in vpd.get("fields", {}).items())
    checksum = b"RV\x01"
    head = b"\x82" + struct.pack("<H", len(text)) + text + b"\x90" + struct.pack("<H", len(body) + len(checksum) + 1) + body + checksum
    return head + bytes([-sum(head) & 0xFF]) + b"\x78"


def resource(function, window):
    """The lines of `resource`: start, end and flags of each base address register (sizes in bytes, 0 for none)."""
    lines, start = [], window
    for size in function.get("bars", []):
        if size:
            start = (start + size - 1) // size * size
            flags = MEMORY_64_PREFETCHABLE if size > 1 << 28 else MEMORY_32
            lines.append("0x%016x 0x%016x 0x%016x" % (start, start + size - 1, flags))
            start += size
        else:
            lines.append("0x%016x 0x%016x 0x%016x" % (0, 0, 0))
    return "\n".join(lines + ["0x%016x 0x%016x 0x%016x" % (0, 0, 0)] * (13 - len(lines)))


def modalias(function):
    ids = [int(function[key], 16) for key in ("vendor", "device", "subsystem_vendor", "subsystem_device")]
    cls = int(function["class"], 16)
    return "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X" % (*ids, cls >> 16, cls >> 8 & 0xFF, cls & 0xFF)


def attributes(function, window):
    values = {key: "0x" + function[key] for key in ("vendor", "device", "class", "subsystem_vendor", "subsystem_device", "revision")}
    values.update(
        numa_node=function.get("numa_node", -1), local_cpulist="0-1", irq=0, enable=1, driver_override="(null)",
        resource=resource(function, window), modalias=modalias(function),
        current_link_speed="32.0 GT/s PCIe", max_link_speed="32.0 GT/s PCIe", current_link_width=16, max_link_width=16, reset_method="flr bus",
    )
    if function.get("vfs"):
        values.update(sriov_totalvfs=function["vfs"], sriov_numvfs=0)
    return {**values, **function.get("attributes", {})}


def write(root, functions, drivers):
    """The whole tree below ROOT, which stands for /sys. DRIVERS is {address: driver}."""
    bus = Path(root, "bus/pci")
    for folder in ("devices", "drivers", "slots"):
        (bus / folder).mkdir(parents=True)
    Path(root, "kernel/iommu_groups").mkdir(parents=True)
    for name in ("rescan", "drivers_probe", "uevent"):
        (bus / name).touch(mode=0o200)
    (bus / "drivers_autoprobe").write_text("1\n")
    for n, function in enumerate(functions):
        _write_function(root, bus, function, FIRST_WINDOW + (n << 42))
    bind(root, drivers)


def overrides(root):
    """{address: driver} as somebody wrote it into driver_override."""
    found = {path.parent.name: path.read_text().strip() for path in Path(root, "bus/pci/devices").glob("*/driver_override")}
    return {address: name for address, name in found.items() if name not in ("", "(null)")}


def bind(root, drivers):
    """Give functions that have no driver yet theirs."""
    bus = Path(root, "bus/pci")
    for address, driver in sorted(drivers.items()):
        here = bus / "devices" / address
        _link_driver(bus, here, address, driver)
        (here / "uevent").write_text("DRIVER=%s\n%s" % (driver, (here / "uevent").read_text()))


def doors(root, folder):
    """FOLDER stands for /dev/vfio: a file for each group with a function that vfio-pci has, as that driver makes it. Who opens it gets no card by that."""
    shutil.rmtree(folder, ignore_errors=True)
    taken = [path.parent for path in Path(root, "bus/pci/devices").glob("*/driver") if path.readlink().name == "vfio-pci"]
    for name in ["vfio", *((card / "iommu_group").readlink().name for card in taken if (card / "iommu_group").is_symlink())] if taken else []:
        Path(folder).mkdir(exist_ok=True)
        Path(folder, name).touch(mode=0o600)


def _write_function(root, bus, function, window):
    here = bus / "devices" / function["address"]
    here.mkdir()
    for name, value in attributes(function, window).items():
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("%s\n" % value)
    (here / "config").write_bytes(config_space(function))
    (here / "reset").touch(mode=0o200)
    if "vpd" in function:
        (here / "vpd").write_bytes(vital_product_data(function["vpd"]))
    if function.get("slot"):
        slot = bus / "slots" / function["slot"]
        slot.mkdir(exist_ok=True)
        (slot / "address").write_text(function["address"].rpartition(".")[0] + "\n")
    if function.get("iommu_group") is not None:
        _link_group(Path(root, "kernel/iommu_groups", str(function["iommu_group"])), here, function)
    uevent = "PCI_CLASS=%s\nPCI_ID=%s:%s\nPCI_SLOT_NAME=%s\nMODALIAS=%s\n" % (
        function["class"].lstrip("0").upper(), function["vendor"].upper(), function["device"].upper(), function["address"], modalias(function))
    (here / "uevent").write_text(uevent)


def _link_driver(bus, here, address, driver):
    folder = bus / "drivers" / driver
    folder.mkdir(exist_ok=True)
    for name in ("bind", "unbind", "new_id"):
        (folder / name).touch(mode=0o200)
    (here / "driver").symlink_to("../../drivers/" + driver)
    (folder / address).symlink_to("../../devices/" + address)


def _link_group(group, here, function):
    (group / "devices").mkdir(parents=True, exist_ok=True)
    (group / "devices" / function["address"]).symlink_to("../../../../bus/pci/devices/" + function["address"])
    (group / "type").write_text("DMA-FQ\n")
    (here / "iommu_group").symlink_to("../../../../kernel/iommu_groups/%s" % function["iommu_group"])
