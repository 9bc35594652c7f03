# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a flavor asks for, and servers in words."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import servers


@pytest.mark.parametrize(
    ("specs", "asked"),
    [
        (None, {}), ({}, {}), ({"pci_passthrough:alias": "h100:2"}, {"h100": 2}), ({"pci_passthrough:alias": "a:1, b:3,a:1"}, {"a": 2, "b": 3}),
        ({"pci_passthrough:alias": "a"}, {"a": 1}), ({"pci_passthrough:alias": ":,"}, {}),
    ],
)  # fmt: skip
def test_what_a_flavor_asks_for(specs, asked):
    assert servers.asked(specs) == asked


def test_many_servers_are_cut_and_a_name_cannot_break_a_line():
    rows = [{"id": str(number), "name": "a\nb" if number else None, "project": "p"} for number in range(12)]
    text = servers.in_words(rows, None)
    assert text.startswith("server 0 of project p, server a\\x0ab of project p, ") and text.endswith(" and 2 more")
    assert "\n" not in text
