# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Addresses and ids as Nova reads them, and which functions they take."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import address, names
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools.functions import functions_of

CARD = {"vendor": "10de", "device": "2330", "address": "0000:1a:00.0"}
SELECTS = [
    ({"address": "0000:1a:00.0"}, True),
    ({"address": "1a:00.0"}, True),
    ({"address": "1A:0.0"}, True),
    ({"address": "*:*:*.*"}, True),
    ({"address": ":1a:00."}, True),
    ({"address": "0000:1a:00.1"}, False),
    ({"address": "0001:1a:00.0"}, False),
    ({"address": "1:2:3:4.0"}, False),
    ({"address": {"bus": "1"}}, True),
    ({"address": {"bus": "1$"}}, False),
    ({"address": {"bus": "(1a|3b)$", "function": "0$"}}, True),
    ({"address": {"bus": 26}}, False),
    ({"address": {}}, True),
    ({"address": 5}, False),
    ({"vendor_id": "10de"}, True),
    ({"vendor_id": "0x10DE", "product_id": "2330"}, True),
    ({"vendor_id": "*", "product_id": "2331"}, False),
    ({"product_id": 2330}, False),
    ({}, True),
]


@pytest.mark.parametrize("entry, takes", SELECTS, ids=[str(case[0]) for case in SELECTS])
def test_an_entry_takes_a_function_or_not(entry, takes):
    assert address.selects(entry, CARD) is takes


@pytest.mark.parametrize("place", [None, "", "x", "0000:1a:00", 5, "0000:1g:00.0"])
def test_a_function_without_an_address_is_taken_by_none(place):
    assert not address.selects({"address": "*:*:*.*"}, {**CARD, "address": place})


def test_the_address_of_a_pf_takes_its_vfs():
    vf = {**CARD, "address": "0000:1a:00.4", "physfn": "0000:1a:00.0"}
    assert address.selects({"address": "0000:1a:00.0"}, vf) and not address.selects({"address": "0000:1b:00.0"}, vf)


@pytest.mark.parametrize("wanted", ["*:1a:00.0", "00.0", "1a:00.0", {"domain": "0000$", "bus": "1a$", "slot": "00$", "function": "0$"}], ids=str)
def test_a_pattern_that_a_pf_fits_leaves_its_vfs(wanted):
    vf = {**CARD, "address": "0000:1a:00.4", "physfn": "0000:1a:00.0"}
    assert address.selects({"address": wanted}, {**CARD, "address": "0000:1a:00.0"}) and not address.selects({"address": wanted}, vf)


@pytest.mark.parametrize(
    "text, wrong",
    [("0000:1a:00.0", []), ("10000:1a:00.0", ["domain"]), ("0000:100:00.0", ["bus"]), ("0000:1a:20.0", ["slot"]), ("0000:1a:00.8", ["function"]),
     ("zz:1a:00.0", ["domain"]), ("1:2:3:4", ["the number of fields"]), ("*", []), ("9" * 5000 + ":00.0", ["bus"])],
)  # fmt: skip
def test_fields_stay_within_their_limits(text, wrong):
    assert address.wrong_fields(text) == wrong


@pytest.mark.parametrize("spec", [{}, {"vendor_id": "*"}, {"address": "*:*:*.*"}, {"address": ""}, {"address": {"bus": ".*"}}, {"traits": "A"}])
def test_an_entry_that_narrows_nothing_takes_all(spec):
    assert address.takes_all(spec)


@pytest.mark.parametrize("spec", [{"vendor_id": "10de"}, {"address": "1a:*.*"}, {"address": {"bus": "1a$"}}, {"devname": "eth0"}, {"address": 5}])
def test_an_entry_that_narrows_takes_not_all(spec):
    assert not address.takes_all(spec)


@pytest.mark.parametrize(
    "function, kind",
    [({}, "type-PCI"), ({"sriov_totalvfs": 0}, "type-PCI"), ({"sriov_totalvfs": 16}, "type-PF"), ({"sriov_totalvfs": 16, "sriov_numvfs": 0}, "type-PF"),
     ({"physfn": "0000:1a:00.0"}, "type-VF"), ({"sriov_totalvfs": "16"}, "type-PCI"), ({"sriov_totalvfs": True}, "type-PCI")],
)  # fmt: skip
def test_a_device_is_of_the_type_that_libvirt_tells_nova(function, kind):
    assert names.device_type(function) == kind


def test_functions_are_text_and_numbers_whatever_the_document_held():
    (one,) = functions_of({"pci": [{"address": "0000:1A:00.0", "iommu_group": "41", "numa_node": -1, "bars": [1, "x", None], "driver": 5, "boot_vga": 1}, 7]})
    assert (one["address"], one["iommu_group"], one["bars"], one["driver"], one["boot_vga"]) == ("0000:1a:00.0", 41, [1], None, None)
    assert functions_of(None) == functions_of({}) == functions_of({"pci": "x"}) == []
