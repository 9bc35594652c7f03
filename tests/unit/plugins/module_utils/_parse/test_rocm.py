# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""rocm-smi over a made-up sysfs of two cards."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import rocm


@pytest.mark.parametrize("name, driver, address, serial", [
    ("mi300x-2.json", "6.10.5", "0000:18:00.0", "000000000001"), ("mi300x-2-trixie.json", "6.12.118+deb13-amd64", "0000:9f:00.0", "000000000002"),
])
def test_cards_are_told_with_their_identity(output, name, driver, address, serial):
    found = rocm.parse(output("rocm-smi/" + name))
    assert found["driver_version"] == driver
    assert found["gpus"][1] == {
        "address": address, "uuid": "0000000000abc001", "serial": serial, "name": "AMD Instinct MI300X OAM", "vbios": "113-M3000100-103"}


def test_a_warning_before_the_answer_is_no_harm(output):
    assert len(rocm.parse("WARNING: no kfd\n" + output("rocm-smi/mi300x-2.json"))["gpus"]) == 2


@pytest.mark.parametrize("text", ["", "Exception caught: rsmi_init.", "{torn", "[]", "{]"])
def test_what_is_no_answer_is_none(text):
    assert rocm.parse(text) is None


def test_a_tool_without_cards_has_none():
    assert rocm.parse('{"system": {"Driver version": "N/A"}}') == {"driver_version": None, "gpus": []}
