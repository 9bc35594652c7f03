# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A host learns which run changes it, and which earlier run is certainly over."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import run_owner
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _lock

DEAD = "root@here#1.1"


@pytest.fixture
def over(monkeypatch):
    monkeypatch.setattr(_lock, "is_over", lambda name: name == DEAD)


@pytest.mark.parametrize("journal", [None, {}, {"owner": None}, {"owner": "alice@elsewhere#1.1"}, {"owner": "{{ 1 + 1 }}"}, "text"])
def test_a_run_names_itself_and_nobody_who_may_be_alive(site, over, journal):
    result, dummy = site.run(run_owner, host="gpu1", journal=journal)
    assert result["owner"] == _lock.name_of_run() and result["options"] == ["--owner", result["owner"]] and result["instead_of"] is None


def test_a_run_may_go_on_with_what_a_dead_one_left(site, over):
    result, dummy = site.run(run_owner, host="gpu1", journal={"owner": DEAD, "step": "packages"}, owner="")
    assert result["options"] == ["--owner", _lock.name_of_run(), "--instead-of", DEAD]


def test_the_operator_may_name_the_owner(site):
    assert site.run(run_owner, host="gpu1", owner="pipeline")[0]["options"] == ["--owner", "pipeline"]
