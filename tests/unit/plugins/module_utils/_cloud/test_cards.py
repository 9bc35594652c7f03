# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Cards in the names that nova-compute gives to providers."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import cards


def provider(uuid, name, root=None):
    return {"uuid": uuid, "name": name, "root_provider_uuid": root or uuid}


TREE = [
    provider("r1", "c1.example.org"),
    provider("a", "c1.example.org_0000:1B:00.0", "r1"),
    provider("b", "c1.example.org_10000:1B:00.1", "r1"),
    provider("n", "c1.example.org_NUMA0", "r1"),
    provider("r2", "c2_0000:1B:00.0"),
    provider("o", "orphan_0000:1B:00.0", "gone"),
    {"uuid": "old", "name": "old"},
]


def test_a_card_is_below_its_host_and_has_its_address_at_the_end():
    tree = cards.Tree(TREE)
    assert tree.with_cards() == ["c1.example.org"]
    assert sorted(tree.hosts) == ["c1.example.org", "c2_0000:1B:00.0", "old"]
    assert tree.places({"c1": "c1.example.org"}) == [("c1", "0000:1B:00.0", TREE[1]), ("c1", "10000:1B:00.1", TREE[2])]


@pytest.mark.parametrize(("row", "asked"), [
    ({"a": {"X": {"total": 1}}, "b": {"X": {"total": 1}}, "c": {"X": {"total": 4}, "Y": {"total": 0}}}, {("X", 1): {"a", "b"}, ("X", 4): {"c"}}),
    ({}, {}),
])  # fmt: skip
def test_free_cards_are_asked_for_by_class_and_total(row, asked):
    assert cards.free_queries(row) == asked
