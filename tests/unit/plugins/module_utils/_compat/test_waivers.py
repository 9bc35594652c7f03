# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A waiver turns a named conflict into a waived one, there and until then only."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.waivers import Waivers

HOST = "gpu-h100-1"


def waiver(**changes):
    return {"rule": "ACC-4a", "scope": "site", "reason": "no other source yet", "approver": "board", "until": "2026-11-25", **changes}


def plan(planner, *waivers, **more):
    return planner.plan(planner.recorded("h100-bookworm"), intent=planner.intent(ai_stack_waivers=list(waivers), **more))


@pytest.mark.parametrize("scope", ["site", f"host {HOST}", "group gpus", "pool cards"])
def test_waiver_covers_its_scope_to_its_last_day(planner, scope):
    found = plan(planner, waiver(scope=scope))
    assert found["conflicts"] == []
    assert [(row["rule"], row["approver"], row["until"], row["host"]) for row in found["waived"]] == [("ACC-4a", "board", "2026-11-25", HOST)]


@pytest.mark.parametrize("scope", ["host other", "group others", "pool other", "cloud main", "cluster ai"])
def test_waiver_covers_nothing_else(planner, scope):
    found = plan(planner, waiver(scope=scope))
    assert found["waived"] == []
    assert "ACC-4a" in {row["rule"] for row in found["conflicts"]}


def test_waiver_of_a_cloud_covers_that_cloud(tables):
    found = Waivers(Index(tables), [waiver(rule="NR-49", scope="cloud main"), waiver(rule="NR-55", scope="pool h100")], "2026-11-25")
    assert set(found.for_cloud("main", [])) == {"NR-49"} and set(found.for_cloud("other", ["h100"])) == {"NR-55"}
    assert found.for_host("main", ["main"], ["main"]) == {}


def test_waiver_of_a_number_covers_its_letters(planner):
    assert plan(planner, waiver(rule="ACC-4"))["conflicts"] == []


def test_expired_waiver_is_a_warning_and_waives_nothing(planner):
    found = plan(planner, waiver(until="2026-11-24"))
    assert found["waived"] == []
    assert "ACC-4a" in {row["rule"] for row in found["conflicts"]}
    assert [(row["path"], row["rule"]) for row in found["warnings"] if "ended" in row["message"]] == [("ai_stack_waivers[0].until", "ACC-4a")]


@pytest.mark.parametrize(("until", "said"), [("2028-11-25", 0), ("2028-11-26", 1), ("2999-01-01", 1)])
def test_waiver_that_hardly_ever_ends_holds_and_is_a_warning(planner, until, said):
    found = plan(planner, waiver(until=until))
    rows = [row for row in found["warnings"] if "more than 2 years ahead" in row["message"]]
    assert len(rows) == said and found["conflicts"] == [] and all(row["path"] == "ai_stack_waivers[0].until" and until in row["message"] for row in rows)


def test_physics_cannot_be_waived(planner):
    found = plan(planner, waiver(rule="ACC-1a"))
    row = next(row for row in found["conflicts"] if row["path"] == "ai_stack_waivers[0].rule")
    assert "ACC-1a cannot be waived" in row["message"] and "ACC-4a" in row["nearest"]


def test_driver_without_a_waiver_comes_before_one_that_needs_it(planner):
    seen = planner.recorded("a100-no-switch-noble")
    found = planner.plan(seen, intent=planner.intent(ai_stack_waivers=[waiver(rule="ACC-4")]))
    version = next(row["value"] for row in found["hosts"][seen["host"]]["decisions"] if row["subject"] == "driver.version")
    assert (version, {row["rule"] for row in found["waived"]}) == ("595.91.07", {"ACC-83"})
