# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Vital product data, built by the PCI rules."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import vpd


def field(name, value):
    return name.encode() + bytes([len(value)]) + value


def resource(tag, body):
    return bytes([tag, len(body) & 255, len(body) >> 8]) + body


def image(identifier, *fields):
    return resource(0x82, identifier) + resource(0x90, b"".join(fields) + field("RV", b"\x55\0")) + bytes([0x78]) + b"\xff" * 40


def test_part_number_serial_and_every_field_are_told():
    data = image(b"ConnectX-7 bridge", field("PN", b"MCX750500B-0D0K"), field("SN", b"MT2343X00001"), field("V3", b"SW_MNG"))
    assert vpd.parse(data) == {"part_number": "MCX750500B-0D0K", "serial": "MT2343X00001",
                               "text": "ConnectX-7 bridge PN=MCX750500B-0D0K SN=MT2343X00001 V3=SW_MNG"}


def test_the_first_of_two_equal_fields_counts():
    assert vpd.parse(image(b"x", field("SN", b"one"), field("SN", b"two")))["serial"] == "one"


def test_bytes_that_cannot_be_shown_become_spaces():
    found = vpd.parse(image(b"a\x00\x1b[31m\xff", field("SN", b"\x01\x02")))
    assert found["serial"] is None
    assert found["text"].isprintable()


@pytest.mark.parametrize("data", [b"", b"\xff" * 256, b"\x00" * 256, b"\x78", b"\x82\xff"], ids=["empty", "ones", "zeros", "end", "torn"])
def test_no_vpd_is_none(data):
    assert vpd.parse(data) is None


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_image_never_raises(cut):
    vpd.parse(image(b"ConnectX-7", field("PN", b"MCX750500B"), field("SN", b"MT2343"))[:cut])
