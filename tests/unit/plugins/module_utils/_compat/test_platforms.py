# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A platform that no test ever ran is refused beside everything else that is wrong, until somebody accepts it."""

from __future__ import annotations

import pytest

UBUNTU = "a100-no-switch-noble"
ROCKY = {"system__distribution": "rocky", "system__family": "rhel", "system__version": "9.4"}


def rules(planner, name, changes=None, tables=None, **intent):
    """The rules that refuse a host of a site without waivers."""
    seen = planner.recorded(name, **changes or {})
    plan = planner.plan(seen, intent={**planner.intent(**intent), "ai_stack_waivers": []}, tables=tables)
    return {row["rule"] for row in plan["conflicts"]}


@pytest.mark.parametrize(
    ("name", "changes", "refused"),
    [("h100-bookworm", {}, False), ("mi300x-trixie", {}, False), ("h100-trixie", {}, False), (UBUNTU, {}, True), (UBUNTU, ROCKY, True),
     ("h100-bookworm", {"system__version": "99"}, True), ("h100-bookworm", {"system": {}}, True)],
)  # fmt: skip
def test_platform_counts_as_proven_by_its_row_only(planner, name, changes, refused):
    assert ("ACC-83" in rules(planner, name, changes)) == refused


def test_family_of_rhel_is_proven_by_its_major_release(planner, own_tables):
    for row in own_tables["platforms"]["rows"]:
        row["level"] = "proven on the real part"
    assert "ACC-83" not in rules(planner, UBUNTU, ROCKY, own_tables)


def test_nearest_names_what_is_proven_for_the_vendor(planner):
    plan = planner.plan(planner.recorded(UBUNTU), intent={**planner.intent(), "ai_stack_waivers": []})
    nearest = next(row["nearest"] for row in plan["conflicts"] if row["rule"] == "ACC-83")
    assert nearest.endswith("proven for nvidia cards: debian 12, debian 13")


def test_waiver_lets_one_host_try_and_shows(planner):
    plan = planner.plan(planner.recorded(UBUNTU))
    assert (plan["conflicts"], [(row["rule"], row["approver"]) for row in plan["waived"]]) == ([], [("ACC-83", "board")])


def test_unproven_platform_hides_no_card_that_a_branch_dropped(planner):
    assert {"ACC-83", "ACC-1a"} <= rules(planner, "kepler-noble", driver={"policy": "580"})


def test_unproven_platform_hides_no_layout_that_the_driver_cannot_do(planner, own_tables):
    for row in own_tables["mig"]["rows"]:
        row["min_branch"] = "615"
    pools = [{"name": "cards", "hosts": "gpus", "use": "mig", "layout": {"1g.10gb": 7}}]
    assert rules(planner, UBUNTU, None, own_tables, pools=pools, driver={"policy": "595"}) == {"ACC-83", "ACC-56"}
