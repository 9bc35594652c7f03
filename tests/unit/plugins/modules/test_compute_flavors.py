# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Flavors: exactly what was asked for, nothing of others, never a size changed."""

from __future__ import annotations

import pytest

SMALL = {"name": "h100.1x", "vcpus": 2, "ram_mib": 2048, "disk_gib": 1, "extra_specs": {"pci_passthrough:alias": "h100:1", "hw:numa_nodes": 1}}


def test_flavors_are_made_first_and_opened_last(settled, cloud):
    made = settled("compute_flavors", flavors=[SMALL])
    assert made["changes"] == ["flavor h100.1x is made"]
    assert made["flavors"] == [{"name": "h100.1x", "id": "f-1", "access": None}]
    assert cloud.flavors["f-1"]["extra_specs"] == {"pci_passthrough:alias": "h100:1", "hw:numa_nodes": "1"}
    opened = settled("compute_flavors", flavors=[dict(SMALL, access=["research", "p-health"])])
    assert opened["changes"] == ["project research gets access to flavor h100.1x", "project health gets access to flavor h100.1x"]
    assert cloud.access["f-1"] == ["p-research", "p-health"]


def test_a_hundred_flavors_are_one_call_and_one_more_for_each_access_list(settled, run, cloud):
    flavors = [dict(SMALL, name=f"f{number}") for number in range(100)]
    settled("compute_flavors", flavors=flavors)
    assert run("compute_flavors", flavors=flavors)["calls"] == 1
    assert run("compute_flavors", flavors=[dict(one, access=[]) for one in flavors])["calls"] == 102


def test_what_is_not_named_is_taken_away(settled, cloud):
    settled("compute_flavors", flavors=[dict(SMALL, access=["research"])])
    cloud.flavors["f-1"]["extra_specs"]["pci_passthrough:alias"] = "other:1"
    cloud.flavors["f-1"]["extra_specs"]["x y"] = "1"
    result = settled("compute_flavors", flavors=[dict(SMALL, access=[])])
    assert result["changes"] == [
        "flavor h100.1x gets pci_passthrough:alias=h100:1", "flavor h100.1x loses x y", "project research loses access to flavor h100.1x",
    ]  # fmt: skip
    assert (cloud.flavors["f-1"]["extra_specs"], cloud.access["f-1"]) == ({"pci_passthrough:alias": "h100:1", "hw:numa_nodes": "1"}, [])


def test_nothing_is_taken_away_by_a_run_that_did_not_see_all(run, cloud):
    run("compute_flavors", flavors=[dict(SMALL, access=["research"])])
    cloud.flavors["f-1"]["extra_specs"]["more"] = "1"
    result = run("compute_flavors", flavors=[dict(SMALL, access=["health"])], whole=False)
    assert (result["changes"], result["kept"]) == (
        ["project health gets access to flavor h100.1x"], ["flavor h100.1x keeps more", "flavor h100.1x stays open to research"],
    )  # fmt: skip
    assert run("compute_flavors", flavors=[SMALL], state="absent", whole=False)["kept"] == ["flavor h100.1x stays"]


def test_all_mistakes_come_at_once_and_nothing_is_made(run, cloud):
    run("compute_flavors", flavors=[SMALL])
    cloud.flavors["f-1"]["swap"] = 512
    wanted = [dict(SMALL, vcpus=4, access=["reserch"]), dict(SMALL, name="new"), dict(SMALL, name="new", is_public=True, access=["research"])]
    result = run("compute_flavors", flavors=wanted)
    assert result["mistakes"] == [
        "flavor new stands there more than once",
        "there is no project reserch; research (there are: admin, health, research)",
        "flavor h100.1x is there with vcpus 2 and not 4, which cannot be changed; take another name or remove it first",
        "flavor h100.1x is there with swap 512; take another name or remove it first",
        "flavor new is public, so it has no access list",
    ]
    assert result["msg"] == "\n".join(result["mistakes"]) and not cloud.writes()


def test_a_flavor_needs_its_sizes(run):
    assert run("compute_flavors", flavors=[{"name": "x", "vcpus": 1}])["msg"] == "flavor x needs vcpus, ram_mib and disk_gib"


def test_a_flavor_in_use_is_not_removed(settled, run, cloud):
    run("compute_flavors", flavors=[SMALL, dict(SMALL, name="free")])
    for number in range(3):
        cloud.server(f"a{number}", "compute1", flavor="h100.1x")
    result = run("compute_flavors", flavors=[{"name": "h100.1x"}, {"name": "free"}, {"name": "gone"}], state="absent")
    assert result["mistakes"] == [
        "flavor h100.1x is in use by server name-of-a0 of project research, server name-of-a1 of project research, server name-of-a2 of project research"
    ]
    assert not cloud.writes()
    cloud.servers.clear()
    assert settled("compute_flavors", flavors=[{"name": "h100.1x"}, {"name": "free"}], state="absent")["changes"] == [
        "flavor free is removed", "flavor h100.1x is removed",
    ]  # fmt: skip
    assert cloud.flavors == {}


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ((403, {"forbidden": {"message": "Policy doesn't allow it", "code": 403}}), "Policy doesn't allow it"),
        ((500, "<html>"), "no reason given"),
        ((400, {"badRequest": {"code": 400}}), "no reason given"),
    ],
)
def test_a_refusal_of_the_cloud_is_one_sentence_and_says_what_was_done(run, cloud, broken, said):
    cloud.broken["POST", "/os-extra_specs"] = broken
    result = run("compute_flavors", flavors=[SMALL])
    assert result["msg"] == f"Cloud main: compute answers {broken[0]} to POST /flavors/f-1/os-extra_specs: {said}"
    assert (result["changed"], result["changes"]) == (True, ["flavor h100.1x is made"])
    assert run("compute_flavors", flavors=[SMALL])["changed"]


def test_another_ones_change_meanwhile_is_looked_at_again(run, cloud):
    cloud.broken["POST", "/action"] = (409, {"conflictingRequest": {"message": "Flavor access already exists"}})
    result = run("compute_flavors", flavors=[dict(SMALL, access=["research"])])
    assert result["changes"] == ["flavor h100.1x is made", "project research gets access to flavor h100.1x"]


def test_a_conflict_that_stays_ends(run, cloud):
    for part in ("/flavors/f-1/act", "f-1/action", "/action"):
        cloud.broken["POST", part] = (409, {"conflictingRequest": {"message": "always"}})
    assert run("compute_flavors", flavors=[dict(SMALL, access=["research"])])["msg"].endswith("always")
