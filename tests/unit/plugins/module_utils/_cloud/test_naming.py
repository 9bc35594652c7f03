# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Hosts by short and full names, projects by name and id."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import naming

THERE = ["c1.a.example.org", "c2", "c3.a.example.org", "c3.b.example.org", "C4"]
ROWS = [{"id": "1", "name": "one", "domain_id": "d"}, {"id": "2", "name": "two", "domain_id": "d"}, {"id": "3", "name": "two", "domain_id": "e"}]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("c1.a.example.org", "c1.a.example.org"), ("c1", "c1.a.example.org"), ("c1.b.example.org", None), ("c2", "c2"), ("c2.any.example.org", "c2"),
        ("c3", None), ("c3.b.example.org", "c3.b.example.org"), ("c4", "C4"), ("c", None), ("", None),
    ],
)  # fmt: skip
def test_a_host_is_the_same_name_or_the_one_short_one(name, found):
    assert naming.host_of(name, THERE) == found


@pytest.mark.parametrize(
    ("wanted", "domain", "ids", "mistakes"),
    [
        (["one", "2"], None, {"one": "1", "2": "2"}, []),
        (["two"], None, {}, ["project two is there in 2 domains; say which by the option domain, or give its id"]),
        (["two"], "e", {"two": "3"}, []),
        (["1"], "e", {"1": "1"}, []),
        (["one"], "e", {}, ["there is no project one; one of: two"]),
        (["one", "1"], None, {"one": "1", "1": "1"}, ["project one is named twice"]),
    ],
)
def test_projects(wanted, domain, ids, mistakes):
    found, told = naming.Projects(ROWS, domain).ids(wanted)
    assert (found, told) == (ids, mistakes)


@pytest.mark.parametrize(("identity", "name"), [("1", "one"), ("2", "two (2)"), ("9", "9"), (None, "None")])
def test_a_project_is_told_so_that_it_is_the_only_one(identity, name):
    assert naming.Projects(ROWS).name(identity) == name
