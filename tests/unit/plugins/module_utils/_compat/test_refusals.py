# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a host is told that its cards refuse is what the rules would refuse, and never more."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import refusals, rules_card
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.candidates import Candidate
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import sets


@pytest.fixture(scope="module")
def index(tables):
    return Index(tables)


@pytest.fixture(scope="module")
def said(index):
    return refusals.of(index)


def by_rules(index, row, flavour, branch):
    """Whether the rules about cards object to the newest thinkable release of a branch."""
    case = SimpleNamespace(index=index, rows=[row], today="2026-11-25", path=lambda key: key, offers=lambda wanted, otherwise: otherwise,
                           branches=list, with_branch=lambda text, one: text,
                           branch=lambda candidate: index.branches.get(candidate.branch))  # fmt: skip
    candidate = Candidate(set="s", vendor="nvidia", flavour=flavour, module="m", version=f"{branch}.99999.99")
    rules = [*rules_card.objections_of(candidate, case), *rules_card.branch_has_the_flavour(candidate, case)]
    return bool(rules)


def test_a_refusal_is_what_the_rules_refuse(index, said):
    branches = [name for name, row in index.branches.items() if row["vendor"] == "10de"]
    wrong = []
    for (vendor, device), rows in index.devices.items():
        rows = [row for row in rows if row["flavour"]]
        for flavour in refusals.FLAVOURS if rows else ():
            for branch in branches:
                wanted = not all(by_rules(index, row, flavour, branch) for row in rows)
                if sets.can_drive({"vendor": "nvidia", "flavour": flavour, "branch": branch}, None, {f"{vendor}:{device}"}, said) is not wanted:
                    wrong.append((vendor, device, flavour, branch))
    assert wrong == []


def test_it_is_short_enough_to_travel_with_every_observation(said):
    assert len(json.dumps(said)) < 8000


def test_tables_without_branches_refuse_flavours_only(index):
    rows = {"accelerators": {"rows": [{"vendor": "10de", "device": "2331", "model": "H100", "name": "H100", "driver": "nvidia", "flavour": "open_only"}]}}
    assert refusals.of(Index(rows)) == [{"ids": ["10de:2331"], "open": [], "proprietary": None}]
