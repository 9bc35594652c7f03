# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""PCI functions become cards, by the row that speaks about them."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import cards
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index


@pytest.fixture(scope="module")
def index(tables):
    return Index(tables)


def function(vendor, device, subsystem="10de:0000", **more):
    subsystem_vendor, subsystem_device = subsystem.split(":")
    return {"address": "0000:17:00.0", "class": "030200", "vendor": vendor, "device": device, "subsystem_vendor": subsystem_vendor,
            "subsystem_device": subsystem_device, "slot": "1", "vpd": {}, "present": True, **more}  # fmt: skip


def cards_of(index, *functions, gpus=()):
    return cards.of({"pci": list(functions), "nvml": {"gpus": list(gpus)}}, index)


@pytest.mark.parametrize(
    ("vendor", "device", "subsystem", "model"),
    [
        ("10de", "2331", "10de:1626", "H100"),
        ("10de", "2331", "1028:ffff", "H100"),
        ("10de", "25b6", "10de:157e", "A2"),
        ("10de", "25b6", "10de:14a9", "A16"),
        ("1002", "74a1", "1002:74a1", "MI300X"),
        ("1da3", "1020", "1da3:0000", "Gaudi 2"),
        ("8086", "56c0", "8086:0000", "Flex 170"),
    ],
)
def test_card_is_known_by_vendor_device_and_subsystem(index, vendor, device, subsystem, model):
    assert [card["model"] for card in cards_of(index, function(vendor, device, subsystem))] == [model]


@pytest.mark.parametrize(("vendor", "kind"), [("1a03", "030000"), ("10de", "030000"), ("8086", "030000"), ("15b3", "020700"), ("10de", "068000")])
def test_console_nic_and_switch_are_no_cards(index, vendor, kind):
    assert cards_of(index, function(vendor, "ffff", **{"class": kind})) == []


def test_unknown_accelerator_of_a_known_vendor_is_a_card_without_a_row(index):
    card = cards_of(index, function("10de", "2332"), gpus=[{"address": "00000000:17:00.0", "name": "NVIDIA H100 NVL 2"}])[0]
    assert (card["row"], card["model"]) == (None, None)
    assert cards.nearest_model(index, card) == "H100 NVL"


def test_nearest_model_of_a_nameless_card_is_the_closest_id(index):
    card = cards_of(index, function("10de", "2336"))[0]
    assert cards.nearest_model(index, card) == "H200"


def test_cards_come_in_address_order(index):
    found = cards_of(index, function("10de", "2331", address="0000:65:00.0"), function("10de", "2331"))
    assert [card["address"] for card in found] == ["0000:17:00.0", "0000:65:00.0"]


def test_identity_comes_from_nvml_and_else_from_vpd(index):
    gpu = {"address": "00000000:17:00.0", "serial": "165", "uuid": "GPU-1", "vbios": "96.00"}
    one = cards_of(index, function("10de", "2331", vpd={"serial": "V1"}), gpus=[gpu])[0]
    assert (one["serial"], one["uuid"], one["vbios"]) == ("165", "GPU-1", "96.00")
    amd = cards_of(index, function("1002", "74a1", identity={"serial": "A1", "uuid": "u", "vbios": "113"}))[0]
    assert (amd["serial"], amd["uuid"], amd["vbios"]) == ("A1", "u", "113")
    other = cards_of(index, function("10de", "2331", vpd={"serial": "V1"}))[0]
    assert (other["serial"], other["uuid"]) == ("V1", None)


@pytest.mark.parametrize(
    ("present", "error", "status", "why"),
    [(True, None, "ok", None), (False, None, "dead", "fallen off the bus"), (True, "GPU is lost", "dead", "the driver reports: GPU is lost")],
)
def test_card_that_does_not_answer_is_dead(index, present, error, status, why):
    gpu = {"address": "00000000:17:00.0", "error": error}
    card = cards_of(index, function("10de", "2331", present=present), gpus=[gpu])[0]
    assert card["status"] == status
    assert card["dead"] is None if why is None else why in card["dead"]


@pytest.mark.parametrize(
    ("text", "address"), [("00000000:17:00.0", "0000:17:00.0"), ("0000:17:00.0", "0000:17:00.0"), ("00010000:C1:00.0", "10000:c1:00.0"), (None, "")]
)
def test_addresses_of_nvml_become_those_of_the_bus(text, address):
    assert cards.address(text) == address
