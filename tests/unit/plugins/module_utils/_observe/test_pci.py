# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Which PCI functions are told about, and what."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import pci


def by_address(root, guard):
    return {each["address"]: each for each in pci.observe(root, guard)}


def test_cards_switches_and_their_group_neighbours_are_told_and_nobody_else(tree, guard):
    assert list(by_address(tree("hgx-h100"), guard)) == ["0000:07:00.0", "0000:18:00.0", "0000:18:01.0", "0000:9a:00.0"]


def test_a_function_is_told_whole(tree, guard):
    assert by_address(tree("hgx-h100"), guard)["0000:18:00.0"] == {
        "address": "0000:18:00.0",
        "class": "030200",
        "vendor": "10de",
        "device": "2330",
        "subsystem_vendor": "10de",
        "subsystem_device": "16c1",
        "revision": "a1",
        "driver": "nvidia",
        "driver_override": None,
        "numa_node": 0,
        "iommu_group": 41,
        "slot": "5",
        "sriov_totalvfs": None,
        "sriov_numvfs": None,
        "physfn": None,
        "boot_vga": None,
        "bars": [16777216, 137438953472, 33554432],
        "vpd": None,
        "identity": None,
        "present": True,
    }


@pytest.mark.parametrize(
    "address, key, value",
    [
        ("0000:9a:00.0", "driver_override", "vfio-pci"),
        ("0000:9a:00.0", "sriov_totalvfs", 16),
        ("0000:9a:00.0", "sriov_numvfs", 0),
        ("0000:9a:00.0", "bars", []),
        ("0000:07:00.0", "numa_node", None),
        ("0000:07:00.0", "iommu_group", None),
        ("0000:07:00.0", "slot", None),
    ],
)
def test_what_is_not_there_is_null(tree, guard, address, key, value):
    assert by_address(tree("hgx-h100"), guard)[address][key] == value


@pytest.mark.parametrize("address, present", [("0000:8f:00.0", True), ("0000:90:00.0", False), ("0000:91:00.0", None)])
def test_a_card_that_fell_off_the_bus_is_not_present(tree, guard, address, present):
    assert by_address(tree("b200-bridge"), guard)[address]["present"] is present


def test_a_bridge_is_known_by_its_vital_product_data(tree, guard):
    found = by_address(tree("b200-bridge"), guard)
    assert found["0000:a0:00.0"]["vpd"]["text"] == "bridge SW_MNG"
    assert "0000:a1:00.0" not in found


@pytest.mark.parametrize(
    "name, vendors, switch",
    [("hgx-h100", {"nvidia"}, True), ("b200-bridge", {"nvidia"}, True), ("mi300x", {"amd", "intel"}, False), ("run-file", {"nvidia"}, False)],
)
def test_vendors_and_switches_are_told_from_the_functions(tree, guard, name, vendors, switch):
    functions = pci.observe(tree(name), guard)
    assert (pci.vendors(functions), pci.has_switch(functions)) == (vendors, switch)


def test_amdgpu_names_its_card(tree, guard):
    assert by_address(tree("mi300x"), guard)["0000:0c:00.0"]["identity"] == {
        "uuid": "000000000abc0001",
        "serial": "692251000001",
        "vbios": "113-M3000100-103",
        "name": "AMD Instinct MI300X OAM",
    }


def test_vital_product_data_that_never_comes_costs_seconds_only(tree, guard, monkeypatch):
    root = tree("b200-bridge")
    root.live = True
    monkeypatch.setattr(pci, "in_child", lambda function, seconds: None)
    monkeypatch.setattr(pci, "DEVICES", root.path + pci.DEVICES)
    found = by_address(root, guard)
    assert found["0000:8f:00.0"]["vpd"] is None
    assert guard.errors == [{"what": "vpd", "message": "no answer in 5 s"}]


def test_the_ids_of_cards_are_told_by_vendor_without_switches_and_managers():
    functions = [{"vendor": vendor, "device": device, "class": kind} for vendor, device, kind in (
        ("10de", "2331", "030200"), ("10de", "2331", "030200"), ("10de", "22a3", "068000"), ("1002", "74a1", "120000"), ("15b3", "1021", "020700"),
        ("10de", "102d", None))]  # fmt: skip
    assert pci.cards(functions) == {"nvidia": {"10de:2331"}, "amd": {"1002:74a1"}}


def test_a_function_that_is_asked_for_is_told_whatever_it_is_with_its_group(tree, guard):
    """A network card is no accelerator, and can be given away all the same."""
    root = tree("hgx-h100")
    others = [name for name in root.names(pci.DEVICES) if name not in by_address(root, guard)]
    assert others
    assert others[0] in {each["address"] for each in pci.observe(root, guard, others[:1])}
