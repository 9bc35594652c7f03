# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Kernel modules: objects made by gcc, one of them signed by the kernel's own sign-file."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import modinfo


def fields(data):
    return modinfo.fields(modinfo.section(lambda offset, length: data[offset:offset + length]) or b"")


@pytest.mark.parametrize("name, version, flavour, signer", [
    ("modules/closed.ko", "535.309.01", "proprietary", None), ("modules/signed.ko", "580.105.08", "open", "ai-stack test signing key"),
])
def test_a_module_names_version_flavour_and_signer(binary, name, version, flavour, signer):
    found = fields(binary(name))
    assert (found["name"], found["version"], modinfo.flavour(found["license"])) == ("nvidia", version, flavour)
    assert found["vermagic"].split()[0] == "6.1.0-56-amd64"
    assert modinfo.signer(binary(name)) == signer


def test_of_a_repeated_field_the_first_counts(binary):
    assert fields(binary("modules/closed.ko"))["alias"] == "pci:v000010DEd*sv*sd*bc03sc00i00*"


@pytest.mark.parametrize("size", [0, 3, 63, 64, 400], ids=lambda size: "size-%d" % size)
def test_a_torn_module_says_nothing(binary, size):
    assert fields(binary("modules/closed.ko")[:size]) == {}


@pytest.mark.parametrize(
    "data",
    [b"#!/bin/sh\n" * 20, b"\x7fELF\x01\x01" + b"\0" * 200, b"\x7fELF\x02\x01" + b"\xff" * 200],
    ids=["script", "32 bit", "rubbish"],
)
def test_what_is_no_module_says_nothing(data):
    assert fields(data) == {}


def test_a_signature_without_a_name_has_no_signer(binary):
    data = binary("modules/signed.ko").replace(modinfo.COMMON_NAME, b"\x06\x03\x55\x04\x06")
    assert modinfo.signer(data) is None


@pytest.mark.parametrize("text, flavour", [("NVIDIA", "proprietary"), ("Dual MIT/GPL", "open"), ("GPL", "open"), (None, None), ("", None)])
def test_the_licence_tells_the_flavour(text, flavour):
    assert modinfo.flavour(text) == flavour
