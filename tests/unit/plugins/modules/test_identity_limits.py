# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Limits of the service's own region, in few requests, never lowered by a run that did not see all."""

from __future__ import annotations

import pytest

CARD = "class:CUSTOM_H100"
WANTED = {"registered": {CARD: 0, "servers": -1}, "projects": {"research": {CARD: 8}, "health": {CARD: 4, "servers": 10}}}


def registered(name, default=0, region="RegionOne", service="s-nova"):
    return {"id": name, "service_id": service, "region_id": region, "resource_name": name, "default_limit": default}


def limit(identity, project, name=CARD, value=1, region="RegionOne"):
    row = {"id": identity, "service_id": "s-nova", "region_id": region, "domain_id": None}
    return dict(row, resource_name=name, project_id=project, resource_limit=value)


def test_limits_are_made_for_the_service_and_its_region(settled, cloud):
    result = settled("identity_limits", **WANTED)
    assert result["changes"] == [
        "registered limit class:CUSTOM_H100 is 0", "registered limit servers is -1", "limit class:CUSTOM_H100 of project research is 8",
        "limit class:CUSTOM_H100 of project health is 4", "limit servers of project health is 10",
    ]  # fmt: skip
    assert {(one["service_id"], one["region_id"]) for one in [*cloud.registered.values(), *cloud.limits.values()]} == {("s-nova", "RegionOne")}
    assert result["limits"] == WANTED
    assert result["calls"] == 7


def test_fifty_projects_with_a_hundred_limits_take_few_requests(settled, run, cloud):
    cloud.projects = [{"id": f"i{number}", "name": f"p{number}", "domain_id": "default"} for number in range(50)]
    names = {f"class:CUSTOM_C{number}": 1 for number in range(100)}
    result = settled("identity_limits", registered=names, projects={f"p{number}": names for number in range(50)})
    assert len(result["changes"]) == 5100
    assert result["calls"] == 5 + 1 + 25
    assert run("identity_limits", registered=names, projects={f"p{number}": names for number in range(50)})["calls"] == 5


def test_others_are_left_alone_and_values_follow(settled, cloud):
    cloud.registered = {"a": registered(CARD), "b": registered("other", 5), "c": registered(CARD, 7, "RegionTwo")}
    cloud.registered = {key: dict(one, id=key) for key, one in cloud.registered.items()}
    cloud.limits = {"d": limit("d", "p-research", value=9), "e": limit("e", "p-admin")}
    result = settled("identity_limits", registered={CARD: 1}, projects={"research": {CARD: 2, "other": 3}})
    assert result["changes"] == [
        "registered limit class:CUSTOM_H100 is 1, it was 0", "limit class:CUSTOM_H100 of project research is 2, it was 9",
        "limit other of project research is 3",
    ]  # fmt: skip
    assert [cloud.registered[key]["default_limit"] for key in "abc"] == [1, 5, 7]
    assert cloud.limits["e"]["resource_limit"] == 1


@pytest.mark.parametrize(("before", "wanted", "after"), [(9, 2, 9), (-1, 2, -1), (2, 9, 9), (2, -1, -1)])
def test_nothing_is_lowered_by_a_run_that_did_not_see_all(run, cloud, before, wanted, after):
    cloud.registered, cloud.limits = {"a": dict(registered(CARD), id="a")}, {"d": limit("d", "p-research", value=before)}
    result = run("identity_limits", projects={"research": {CARD: wanted}}, whole=False)
    assert (cloud.limits["d"]["resource_limit"], result["limits"]["projects"]["research"][CARD], len(result["kept"])) == (after, after, int(after == before))


def test_a_limit_of_no_region_is_said_to_be_read_by_nobody(run, cloud):
    cloud.registered = {"a": dict(registered(CARD, region=None), id="a")}
    result = run("identity_limits", registered={CARD: 0})
    assert "the registered limit class:CUSTOM_H100 has no region, and is not read by its service" in str(result["warnings"])
    assert result["changes"] == ["registered limit class:CUSTOM_H100 is 0"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region": "RegionTwo"}, "service compute has no endpoint in region RegionTwo; RegionOne (there are: RegionOne)"),
        ({"service_type": "compte"}, "there is no service of type compte; compute (there are: compute, identity)"),
        ({"projects": {"reserch": {CARD: 1}, "health": {CARD: -2, "x": True}}, "registered": {}},
         "there is no project reserch; research (there are: admin, health, research)\n"
         "project reserch has a limit for class:CUSTOM_H100, which has no registered limit\n"
         "limit of project health for class:CUSTOM_H100 is -2 and no number from -1 on\nlimit of project health for x is True and no number from -1 on\n"
         "project health has a limit for class:CUSTOM_H100, which has no registered limit\nproject health has a limit for x, which has no registered limit"),
        ({"projects": {"health": 3}}, "limits of project health are no dictionary of names and numbers"),
    ],
)  # fmt: skip
def test_mistakes_come_at_once(run, cloud, options, message):
    assert run("identity_limits", **{**WANTED, **options})["msg"] == message
    assert not cloud.writes()


def test_a_region_has_to_be_said_where_there_are_several(run, cloud):
    assert not run("identity_limits", region=None, **WANTED).get("failed")
    cloud.endpoints.append({"id": "e-3", "service_id": "s-nova", "region_id": "RegionTwo"})
    assert run("identity_limits", region=None, **WANTED)["msg"] == "service compute has endpoints in RegionOne, RegionTwo; say which by the option region"


def test_a_registered_limit_that_others_stand_on_is_not_removed(settled, run, cloud):
    settled("identity_limits", **WANTED)
    result = run("identity_limits", state="absent", registered={CARD: None}, projects={"research": {CARD: None}})
    assert result["mistakes"] == ["registered limit class:CUSTOM_H100 is what limits of health stand on"]
    result = settled("identity_limits", state="absent", registered={CARD: None}, projects={"research": {CARD: None}, "health": {CARD: None, "x": None}})
    assert result["changes"] == [
        "limit class:CUSTOM_H100 of project research is removed", "limit class:CUSTOM_H100 of project health is removed",
        "registered limit class:CUSTOM_H100 is removed",
    ]  # fmt: skip
    assert [one["resource_name"] for one in [*cloud.registered.values(), *cloud.limits.values()]] == ["servers", "servers"]
    assert run("identity_limits", state="absent", registered={"servers": 0}, whole=False)["kept"] == ["registered limit servers stays"]


def test_a_project_of_a_name_that_is_there_twice_needs_its_domain(run, cloud):
    cloud.projects.append({"id": "p-other", "name": "research", "domain_id": "other"})
    assert run("identity_limits", **WANTED)["msg"].startswith("project research is there in 2 domains; say which by the option domain, or give its id")
    assert not run("identity_limits", domain="Default", **WANTED).get("failed")
    assert not run("identity_limits", registered={CARD: 0}, projects={"p-other": {CARD: 1}}).get("failed")
    assert run("identity_limits", domain="nowhere", **WANTED)["msg"] == "Cloud main: there is no domain nowhere."
