# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Traits of hosts, the gate that holds Placement against the plan, and what nova-compute left behind."""

from __future__ import annotations

import pytest

FIRST, SECOND = "0000:1B:00.0", "0000:3D:00.0"
TRAIT = "CUSTOM_AI_STACK_GPU"
CARD = {"class": "CUSTOM_H100", "total": 1, "traits": ["CUSTOM_GPU_H100"]}
PLAN = {"compute1": {FIRST: CARD, SECOND: CARD}}


@pytest.fixture(autouse=True)
def cards(cloud):
    cloud.card("compute1", FIRST)
    cloud.card("compute1", SECOND)


def messages(result):
    return [row["message"] for row in result["differences"]]


def test_hosts_get_their_trait_and_keep_all_others(settled, run, cloud):
    cloud.traits["compute1"], cloud.known_traits = {"HW_CPU_X86_AVX"}, cloud.known_traits | {"HW_CPU_X86_AVX"}
    result = settled("placement_providers", host_traits={"compute1.example.org": [TRAIT], "compute2": [TRAIT]})
    assert result["changes"] == [f"host compute1 gets the trait {TRAIT}", f"host compute2 gets the trait {TRAIT}"]
    assert cloud.traits["compute1"] == {"HW_CPU_X86_AVX", TRAIT}
    assert run("placement_providers", host_traits={"compute1": [TRAIT], "compute2": [TRAIT]})["calls"] == 3


def test_traits_go_with_their_names_once_nobody_has_them(settled, run, cloud):
    run("placement_providers", host_traits={"compute1": [TRAIT], "compute2": [TRAIT]})
    result = settled("placement_providers", host_traits={"compute1": [TRAIT], "gone": [TRAIT]}, state="absent")
    assert result["changes"] == [f"host compute1 loses the trait {TRAIT}"]
    result = settled("placement_providers", host_traits={"compute1": [TRAIT], "compute2": [TRAIT]}, state="absent")
    assert result["changes"] == [f"host compute2 loses the trait {TRAIT}", f"trait {TRAIT} is removed"]
    assert TRAIT not in cloud.known_traits


def test_another_ones_write_meanwhile_is_looked_at_again(run, cloud):
    cloud.broken["PUT", "/traits"] = (409, {"errors": [{"title": "Conflict", "detail": "generation conflict"}]})
    assert run("placement_providers", host_traits={"compute1": [TRAIT]})["changes"] == [f"host compute1 gets the trait {TRAIT}"]
    for part in ("providers/compute1/traits", "compute1/traits", "/compute1/"):
        cloud.broken["PUT", part] = (409, {"errors": [{"detail": "generation conflict"}]})
    cloud.traits["compute1"].clear()
    assert run("placement_providers", host_traits={"compute1": [TRAIT]})["msg"] == (
        "Cloud main: placement answers 409 to PUT /resource_providers/compute1/traits: generation conflict")


def test_the_gate_opens_where_placement_shows_the_plan(run, cloud):
    cloud.server("a", "compute1", wants="h100:1", card=f"compute1_{FIRST}")
    cloud.card("compute1", "0000:99:00.0", "CUSTOM_OF_OTHERS")
    lower = {"compute1": {FIRST.lower(): CARD, SECOND: CARD}}
    result = run("placement_providers", providers=lower, state="compared")
    assert (result.get("failed"), result["changed"], result["differences"]) == (None, False, [])
    assert not cloud.writes()
    # providers, two cards and a foreign one, one class and another, one that is taken, traits twice and one more, services, servers, projects
    assert result["calls"] == 13


def test_the_gate_names_every_difference(run, cloud):
    cloud.inventories[f"compute1_{FIRST}"] = {"CUSTOM_A100": {"total": 1, "reserved": 0}}
    cloud.inventories[f"compute1_{SECOND}"]["CUSTOM_H100"]["total"] = 2
    cloud.traits[f"compute1_{SECOND}"] = set()
    cloud.card("compute1", "0000:97:00.0")
    cloud.server("a", "compute1", "p-health", "h100:1")
    plan = {"compute1": {**PLAN["compute1"], "0000:BD:00.0": CARD}, "compute3": {FIRST: CARD}}
    result = run("placement_providers", providers=plan, host_traits={"compute1": [TRAIT]}, state="compared")
    assert messages(result) == [
        "host compute3 has no provider in placement; compute2 (there are: compute1, compute2)",
        "card 0000:1B:00.0 of host compute1 is of class CUSTOM_A100 in placement, planned CUSTOM_H100",
        "card 0000:3D:00.0 of host compute1 counts 2 in placement, planned 1",
        "card 0000:3D:00.0 of host compute1 lacks the trait CUSTOM_GPU_H100 in placement",
        "card 0000:BD:00.0 of host compute1 is planned and not in placement",
        "host compute1 has card 0000:97:00.0 of class CUSTOM_H100 in placement, which is not planned",
        "server name-of-a of project health asks for 1 cards and has 0 in placement",
        f"host compute1 lacks the trait {TRAIT} in placement",
    ]
    assert [row["what"] for row in result["differences"]] == ["no_provider", "class", "total", "traits", "missing", "unexpected", "no_allocation", "host_trait"]
    assert result["msg"] == "\n".join(messages(result))
    without = run("placement_providers", providers=plan, state="compared", servers=False)
    assert "no_allocation" not in [row["what"] for row in without["differences"]]


def test_a_server_that_moves_has_its_cards_elsewhere(run, cloud):
    other = cloud.card("compute2", FIRST)
    cloud.server("a", "compute1", wants="h100:1", card=other)
    assert run("placement_providers", providers=PLAN, state="compared")["differences"] == []


def test_virtual_functions_are_counted_on_their_card(run, cloud):
    cloud.card("compute2", FIRST, total=4)
    cloud.server("a", "compute2", wants="h100:2", card=f"compute2_{FIRST}")
    result = run("placement_providers", providers={"compute2": {FIRST: dict(CARD, total=4)}}, state="compared")
    assert messages(result) == ["server name-of-a of project research asks for 2 cards and has 1 in placement"]


def test_what_was_left_behind_goes_unless_it_is_in_use(settled, run, cloud):
    cloud.server("a", "compute1", card=f"compute1_{SECOND}")
    result = run("placement_providers", providers={"compute1": {FIRST: {}, SECOND: None}}, state="absent")
    assert result["mistakes"] == ["card 0000:3D:00.0 of host compute1 is in use by server name-of-a of project research"]
    assert not cloud.writes()
    result = settled("placement_providers", providers={"compute1": {FIRST.lower(): {}}, "gone": {FIRST: {}}}, state="absent")
    assert (result["changes"], sorted(cloud.providers)) == (
        ["card 0000:1B:00.0 of host compute1 leaves placement"], ["compute1", f"compute1_{SECOND}", "compute2"],
    )  # fmt: skip


def test_a_card_that_is_kept_for_nobody_stays(run, cloud):
    cloud.inventories[f"compute1_{FIRST}"]["CUSTOM_H100"]["reserved"] = 1
    result = run("placement_providers", providers={"compute1": {FIRST: {}}}, state="absent")
    assert result["mistakes"] == ["card 0000:1B:00.0 of host compute1 is kept for nobody: it waits to be wiped, or is out of service"]
    assert not cloud.writes()


@pytest.mark.parametrize(
    ("options", "mistakes"),
    [
        ({"host_traits": {"compute1": ["HW_X", "CUSTOM_a"]}},
         ["trait CUSTOM_a does not begin with CUSTOM_, or has other characters than A to Z, 0 to 9 and _",
          "trait HW_X does not begin with CUSTOM_, or has other characters than A to Z, 0 to 9 and _"]),
        ({"providers": PLAN}, ["providers are not taken with state present: nova-compute makes them"]),
        ({"providers": {"compute1": {"1b:00.0": CARD, FIRST: {"class": "X"}}, "compute2": 3}, "state": "compared"},
         ["providers of host compute1: 1b:00.0 is no PCI address", "providers of host compute1: 0000:1B:00.0 has no class and total",
          "providers of host compute2: None is no PCI address"]),
        ({"host_traits": {"compute9": [TRAIT]}}, ["host compute9 has no provider in placement; compute2 (there are: compute1, compute2)"]),
    ],
)  # fmt: skip
def test_mistakes_come_at_once(run, cloud, options, mistakes):
    assert run("placement_providers", **options)["mistakes"] == mistakes
    assert not cloud.writes()
