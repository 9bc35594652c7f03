# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The tree has the kernel's own formats: what reads a real /sys reads this one."""

from __future__ import annotations

import pytest
from lab_host import pci

FUNCTION = {
    "address": "0000:17:00.0", "vendor": "10de", "device": "2331", "class": "030200", "revision": "a1", "subsystem_vendor": "10de", "subsystem_device": "1626",
    "bars": [1 << 24, 1 << 37, 0, 1 << 25], "numa_node": 1, "iommu_group": 41, "slot": "5",
}  # fmt: skip


@pytest.fixture
def tree(tmp_path):
    pci.write(tmp_path, [FUNCTION, {**FUNCTION, "address": "0000:65:00.0", "iommu_group": 42, "slot": None}], {"0000:17:00.0": "nvidia"})
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text"),
    [("vendor", "0x10de\n"), ("device", "0x2331\n"), ("class", "0x030200\n"), ("revision", "0xa1\n"), ("numa_node", "1\n"), ("driver_override", "(null)\n"),
     ("modalias", "pci:v000010DEd00002331sv000010DEsd00001626bc03sc02i00\n")],
)  # fmt: skip
def test_attributes_read_as_the_kernel_writes_them(tree, name, text):
    assert (tree / "bus/pci/devices/0000:17:00.0" / name).read_text() == text


def test_links_lead_where_the_kernel_s_lead(tree):
    card = tree / "bus/pci/devices/0000:17:00.0"
    assert (card / "driver").resolve() == (tree / "bus/pci/drivers/nvidia").resolve()
    assert (card / "iommu_group").resolve() == (tree / "kernel/iommu_groups/41").resolve()
    assert (tree / "kernel/iommu_groups/41/devices/0000:17:00.0").resolve() == card.resolve()
    assert (tree / "bus/pci/slots/5/address").read_text() == "0000:17:00\n"
    assert not (tree / "bus/pci/devices/0000:65:00.0/driver").exists()


def test_what_somebody_wrote_into_driver_override_is_read_back_and_bound(tree):
    assert pci.overrides(tree) == {}
    (tree / "bus/pci/devices/0000:65:00.0/driver_override").write_text("vfio-pci\n")
    assert pci.overrides(tree) == {"0000:65:00.0": "vfio-pci"}
    pci.bind(tree, pci.overrides(tree))
    card = tree / "bus/pci/devices/0000:65:00.0"
    assert (card / "driver").resolve() == (tree / "bus/pci/drivers/vfio-pci").resolve()
    assert (card / "uevent").read_text().splitlines()[:2] == ["DRIVER=vfio-pci", "PCI_CLASS=30200"]


def test_a_group_of_vfio_has_its_door_and_no_other(tree, tmp_path):
    folder = tmp_path / "dev-vfio"
    pci.doors(tree, folder)
    assert not folder.exists()
    pci.bind(tree, {"0000:65:00.0": "vfio-pci"})
    pci.doors(tree, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["42", "vfio"]


def test_a_card_can_be_reset_as_the_kernel_has_it(tree):
    card = tree / "bus/pci/devices/0000:17:00.0"
    assert (card / "reset_method").read_text() == "flr bus\n"
    assert (card / "reset").stat().st_mode & 0o777 == 0o200


def test_bars_have_their_size_and_are_aligned(tree):
    lines = (tree / "bus/pci/devices/0000:17:00.0/resource").read_text().splitlines()
    assert len(lines) == 13
    ranges = [tuple(int(word, 16) for word in line.split()[:2]) for line in lines]
    assert [end - start + 1 if end else 0 for start, end in ranges[:4]] == FUNCTION["bars"]
    assert all(start % (end - start + 1) == 0 for start, end in ranges[:4] if end)


def test_a_card_off_the_bus_reads_all_ones():
    assert pci.config_space({**FUNCTION, "dead": "bus"}) == b"\xff" * 256
    assert pci.config_space(FUNCTION)[:4] == bytes.fromhex("de103123")


def test_vital_product_data_sums_to_zero_and_keeps_its_text():
    data = pci.vital_product_data({"text": "SW_MNG", "fields": {"PN": "900-1", "SN": "165"}})
    assert data.startswith(b"\x82\x06\x00SW_MNG\x90")
    assert data.endswith(b"\x78")
    assert sum(data[:-1]) % 256 == 0
