# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A verb that makes no plan keeps other runs away from the site all the same."""

from __future__ import annotations

import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import site_lock
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _lock


@pytest.fixture
def elsewhere(site):
    """The lock as another living process holds it: the machine's first one."""
    _lock.take(site.folder / "reports/example", "deploy", "2026-11-25T19:00:00Z", {**_lock.process_of_run(), "pid": 1, "started": _lock._started(1)})


def test_it_is_taken_where_the_verbs_with_a_plan_take_it_and_given_back(site):
    assert not site.run(site_lock, verb="remove")[0].get("failed")
    assert site.report("site.lock")["what"] == "remove"
    site.run(site_lock, verb="remove", state="free")
    assert not (site.folder / "reports/example/site.lock").exists()


def test_beside_a_living_run_it_fails_and_names_that_run(site, elsewhere):
    result, dummy = site.run(site_lock, verb="remove")
    assert result["failed"] and "runs deploy since" in result["msg"]
    site.run(site_lock, verb="remove", state="free")
    assert json.loads((site.folder / "reports/example/site.lock").read_text())["what"] == "deploy"


def test_a_dry_run_locks_nothing(site):
    site.run(site_lock, check=True, verb="remove")
    assert site.files().keys() == {"hosts.yml"}
