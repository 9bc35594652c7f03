# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A host and a cloud as planned pass every check; each thing that is otherwise fails one, and what nobody told is unknown."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import state
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import alone, checks_cloud, checks_host, objects
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _clouds

from .conftest import CARD, OTHER, decisions, seen_cloud, server

HOST = "gpu-h100-1"
FINE = {"differs": [], "due": [], "refused": None}


def statuses(rows):
    return {row["id"].partition(".")[2]: row["status"] for row in rows}


@pytest.fixture
def index(tables):
    return Index(tables)


# A host


@pytest.fixture
def host(cloudy, index):
    """(decisions, observation) of a host that gives both of its cards away."""
    seen = cloudy.host(driver__loaded={}, passthrough={"settings": None, "open": None, "last_change": None, "touched": True, "drained": False})
    for one in seen["pci"]:
        one.update(driver="vfio-pci", driver_override="vfio-pci")
    want = decisions(cloudy.plan(seen))
    seen["passthrough"]["settings"] = {**alone.settings(index, {**want, "passthrough.arguments": ["intel_iommu=on"]}, seen), "added": [], "managed_by": "us"}
    seen["kernel"]["cmdline"] += " intel_iommu=on"
    return want, seen


def test_a_host_that_gives_what_it_is_to_give_is_proven(host, index):
    rows = checks_host.of_host(index, HOST, *host)
    assert statuses(rows) == dict.fromkeys(("cards_are_bound", "groups_are_pure", "arguments", "settings"), "pass")
    assert {(row["host"], row["role"]) for row in rows} == {(HOST, "pci_passthrough")} and all(row["observed_at"] and row["rule"] for row in rows)
    assert checks_host.of_host(index, HOST, {}, host[1]) == []


HOSTS = [
    ("cards_are_bound", "fail", lambda seen: seen["pci"][0].update(driver="nvidia")),
    ("cards_are_bound", "fail", lambda seen: seen["pci"][0].update(device="2330")),
    ("cards_are_bound", "fail", lambda seen: seen["pci"].pop(0)),
    ("groups_are_pure", "fail", lambda seen: seen["pci"].append({**seen["pci"][0], "address": "0000:17:00.1", "class": "020000", "driver": "mlx5_core"})),
    ("groups_are_pure", "pass", lambda seen: seen["pci"].append({**seen["pci"][0], "address": "0000:16:00.0", "class": "060400", "driver": "pcieport"})),
    ("groups_are_pure", "unknown", lambda seen: seen["pci"][1].update(iommu_group=None)),
    ("arguments", "fail", lambda seen: seen["kernel"].update(cmdline="ro")),
    ("arguments", "unknown", lambda seen: seen["kernel"].update(cmdline=None)),
    ("settings", "fail", lambda seen: seen["passthrough"].update(settings=None)),
    ("settings", "fail", lambda seen: seen["passthrough"]["settings"]["cards"].pop(CARD)),
    ("settings", "fail", lambda seen: seen["passthrough"].update(open={"step": "armed"})),
    ("settings", "unknown", lambda seen: seen.update(passthrough=None)),
]


@pytest.mark.parametrize("what, status, change", HOSTS)
def test_what_is_otherwise_on_a_host_is_found(host, index, what, status, change):
    change(host[1])
    assert statuses(checks_host.of_host(index, HOST, *host))[what] == status


# A cloud


@pytest.fixture
def cloud(cloudy):
    """(its part of the plan, its observation) as the plan wants it."""

    def made(series="2025.1", **more):
        states = [{"host": HOST, "address": OTHER, "state": "quarantined", "reason": "x"}]
        record = cloudy.plan(series=series, cloud={"hosts": "gpus"})["record"]
        plan = cloudy.plan(series=series, cloud={"hosts": "gpus"}, ai_stack_states=states, record=record, **more)
        assert plan["conflicts"] == []
        want = _clouds.acted_on(plan)["main"]
        seen = seen_cloud(server())["main"]
        cards = {place: {**one, "reserved": int(place == OTHER), "used": 0, "servers": []} for place, one in want["providers"][HOST].items()}
        seen.update(
            project_ids={"9f8e": "research"},
            services={HOST: {"status": "enabled", "state": "up", "reason": None, "ours": False}},
            providers={HOST: {place: {**one, "traits": [*one["traits"], "MORE"]} for place, one in cards.items()}},
            host_traits={HOST: [*want["host_traits"][HOST], "CUSTOM_MORE"]},
            without_allocation=[],
            flavors={one["name"]: copy.deepcopy(one) for one in want["access"]},
            aggregates={
                one["name"]: {"hosts": one["hosts"], "metadata": {**one["metadata"], **({"filter_tenant_id": "9f8e"} if "filter_tenant_id" in one else {})}}
                for one in want["aggregates"]
            },
            limits={"registered": dict(want["registered"]), "projects": {"research": dict(want["projects"].get("research", {}))}},
        )
        return want, json.loads(json.dumps(seen))

    return made


def checked(index, want, seen, hosts=(HOST,), services=None):
    return checks_cloud.of_cloud(index, "main", want, seen, hosts, {HOST: FINE} if services is None else services)


PASS = ("services_read_the_plan", "compute_in_service", "cards_in_placement", "servers_hold_their_cards", "cards_out_of_service", "plain_servers_stay_away",
        "aggregates", "flavors", "no_other_flavor_gives_cards")  # fmt: skip


def test_a_cloud_that_is_as_planned_is_proven_and_says_what_it_does_not_hold(cloud, index):
    rows = checked(index, *cloud())
    found = statuses(rows)
    assert found == {**dict.fromkeys(PASS, "pass"), "limits": "not_applicable", "not_enforced.1": "not_applicable"}
    assert next(row for row in rows if row["id"].endswith("not_enforced.1"))["observed"].startswith("a number of cards of one tenant")
    assert {row["id"].rpartition(".")[2] for row in rows if row["host"] == HOST} == {
        "services_read_the_plan", "compute_in_service", "cards_in_placement", "cards_out_of_service", "plain_servers_stay_away",
    }  # fmt: skip
    newest = statuses(checked(index, *cloud("2026.2")))
    assert newest == {**dict.fromkeys((*PASS, "limits"), "pass")}
    assert {row["host"] for row in checked(index, *cloud(), hosts=())} == {None}


def test_a_compute_that_an_admin_has_disabled_is_in_order_and_one_that_we_left_so_is_not(cloud, index):
    want, seen = cloud()
    seen["services"][HOST].update(status="disabled", reason="broken fan")
    assert statuses(checked(index, want, seen))["compute_in_service"] == "pass"
    seen["services"][HOST].update(reason="ai-stack: boot", ours=True)
    assert statuses(checked(index, want, seen))["compute_in_service"] == "fail"


def card(seen):
    return seen["providers"][HOST][CARD]


def flavor(seen):
    return next(iter(seen["flavors"].values()))


CLOUDS = [
    ("compute_in_service", "fail", lambda seen: seen["services"][HOST].update(state="down")),
    ("compute_in_service", "fail", lambda seen: (seen["hosts"].clear(), seen["missing"].append(HOST))),
    ("compute_in_service", "unknown", lambda seen: seen["hosts"].clear()),
    ("cards_in_placement", "fail", lambda seen: seen["providers"][HOST].pop(CARD)),
    ("cards_in_placement", "fail", lambda seen: card(seen).update(total=2)),
    ("cards_in_placement", "fail", lambda seen: card(seen).update(traits=["MORE"])),
    ("cards_in_placement", "fail", lambda seen: seen["providers"][HOST].update({"0000:99:00.0": dict(card(seen))})),
    ("cards_in_placement", "pass", lambda seen: seen["providers"][HOST].update({"0000:99:00.0": {**card(seen), "class": "CUSTOM_NIC"}})),
    ("cards_in_placement", "unknown", lambda seen: seen["providers"].clear()),
    ("servers_hold_their_cards", "fail", lambda seen: seen["without_allocation"].append({"id": "a", "name": "old", "project": "health"})),
    ("cards_out_of_service", "fail", lambda seen: seen["providers"][HOST][OTHER].update(reserved=0)),
    ("plain_servers_stay_away", "fail", lambda seen: seen["host_traits"][HOST].remove("CUSTOM_AI_STACK_GPU")),
    ("aggregates", "fail", lambda seen: seen["aggregates"].popitem()),
    ("aggregates", "fail", lambda seen: seen["aggregates"]["ai-stack-gpu"]["hosts"].append("more")),
    ("aggregates", "fail", lambda seen: seen["aggregates"]["ai-stack-gpu"]["metadata"].clear()),
    ("aggregates", "fail", lambda seen: seen["aggregates"]["ai-stack-tenant-research"]["metadata"].update(filter_tenant_id="1a2b")),
    ("flavors", "fail", lambda seen: seen["flavors"].popitem()),
    ("flavors", "fail", lambda seen: flavor(seen).update(vcpus=1)),
    ("flavors", "fail", lambda seen: flavor(seen)["extra_specs"].popitem()),
    ("flavors", "fail", lambda seen: flavor(seen)["access"].append("health")),
    ("flavors", "fail", lambda seen: flavor(seen).update(access=None)),
    ("no_other_flavor_gives_cards", "fail", lambda seen: seen["flavors"].update(old={**flavor(seen), "access": ["health"]})),
    ("no_other_flavor_gives_cards", "pass", lambda seen: seen["flavors"].update(old={**flavor(seen), "access": []})),
    ("no_other_flavor_gives_cards", "pass", lambda seen: seen["flavors"].update(nic={**flavor(seen), "extra_specs": {"pci_passthrough:alias": "nic:1"}})),
    ("limits", "fail", lambda seen: seen["limits"]["registered"].clear()),
    ("limits", "fail", lambda seen: seen["limits"]["projects"]["research"].popitem()),
    ("limits", "unknown", lambda seen: seen.update(limits=None)),
]


@pytest.mark.parametrize("what, status, change", CLOUDS)
def test_what_is_otherwise_in_a_cloud_is_found(cloud, index, what, status, change):
    want, seen = cloud("2026.2")
    change(seen)
    assert statuses(checked(index, want, seen))[what] == status


@pytest.mark.parametrize(
    "told, status",
    [
        (None, "unknown"),
        ({**FINE, "due": ["nova-compute"]}, "fail"),
        ({**FINE, "differs": ["/etc/nova/nova.conf.d/50-ai-stack-pci.conf"]}, "fail"),
        ({**FINE, "refused": "nova.conf has alias too"}, "fail"),
    ],
)
def test_services_that_nobody_asked_are_unknown_and_those_that_read_something_else_fail(cloud, index, told, status):
    services = {} if told is None else {HOST: told}
    assert statuses(checked(index, *cloud(), services=services))["services_read_the_plan"] == status


def test_what_another_tool_deploys_is_proven_by_whoever_answers(cloud, index):
    want, seen = cloud()
    want["deployment"] = "kolla"
    everywhere = {host: {**FINE, "services": list(want["settings"])} for host in want["hosts"]}
    assert statuses(checked(index, want, seen, services=everywhere))["services_found"] == "pass"
    nowhere = {host: {**FINE, "services": ["nova-compute"]} for host in want["hosts"]}
    (found,) = [row for row in checked(index, want, seen, services=nowhere) if row["id"].endswith("services_found")]
    assert found["status"] == "fail" and "nova-api" in found["observed"]["differing"]
    # a host that nobody asked has its own word
    assert "services_found" not in statuses(checked(index, want, seen, services={}))


def test_a_check_of_a_rule_that_is_switched_off_is_not_made(cloud, tables):
    rows = [row for row in tables["rules"]["rows"] if row["id"] != "NR-41"]
    found = statuses(checked(Index({**tables, "rules": {**tables["rules"], "rows": rows}}), *cloud()))
    assert "cards_in_placement" not in found and "flavors" in found


def test_the_boot_that_binds_cards_leaves_nothing_of_their_driver(host):
    want, bound = host
    before = copy.deepcopy(bound)
    before["driver"]["loaded"] = {"nvidia": {"version": "535.309.01", "flavour": "proprietary"}, "i915": {}}
    before["nvml"] = {"gpus": [{"address": CARD, "persistence": False}]}
    for one in before["pci"]:
        one.update(driver="nvidia", driver_override=None)
    after = copy.deepcopy(bound)
    after["driver"]["loaded"], after["nvml"] = {"i915": {}}, None
    predicted = state.passed_through(want, before)
    assert state.difference(predicted, state.of(after)) == []
    assert {row["resource"] for row in state.difference(state.of(before), predicted)} == {
        "loaded", f"override:{CARD}", f"override:{OTHER}", f"persistence:{CARD}",
    }  # fmt: skip
    assert state.passed_through(want, after) == state.of(after)


# What tenants tried


@pytest.fixture
def tries(cloudy):
    """The rows of `live` that a plan has for a cloud; more: what the site says beside."""

    def made(series="2025.1", logins=("research",), most=1, **more):
        row = {"hosts": "gpus", "live_proof": {"image": "tiny", "logins": {name: f"login-{name}" for name in logins}}}
        plan = cloudy.plan(series=series, cloud=row, pools=[cloudy.pool(tenants={"research": {"max": most}})], **more)
        assert plan["conflicts"] == []
        return _clouds.acted_on(plan)["main"]["live"]

    return made


def test_a_try_asks_for_one_server_more_than_the_tenant_may_have(tries, monkeypatch):
    (one,) = tries()
    assert (one["login"], one["image"], one["networks"], one["cards"]) == ("login-research", "tiny", "none", 1)
    # 2025.1 counts no cards: there are two of them
    assert (one["most"], one["asked"], one["places"]) == (2, 3, {HOST: sorted([CARD, OTHER])})
    (one,) = tries("2026.2")
    assert (one["most"], one["asked"]) == (1, 2)
    # no site has this many free cards for a try
    monkeypatch.setattr(objects, "_TRIED", 0)
    assert [one["asked"] for one in tries("2026.2")] == [1]


def served(*cards, status="ACTIVE", fault=None, host=HOST, project="9f8e"):
    given = {f"{host}.example.org_{card}": {KLASS: 1} for card in cards}
    return {"status": status, "project": project, "host": host, "cards": given, "fault": fault}


KLASS = "CUSTOM_H100"
FULL = served(status="ERROR", fault="No valid host was found.")
BROKEN = served(status="ERROR", fault="Build of instance aborted")
QUOTA = {"status": 403, "says": "over limit"}


def came(*servers, refused=None, seen=True):
    return {"seen": seen, "servers": list(servers), "refused": refused, "at": "2026-11-02T08:00:00Z"}


TRIED = [
    ("pass", came(served(CARD), served(OTHER), FULL), []),
    ("pass", came(served(CARD), served(OTHER), refused=QUOTA), []),
    # somebody else has the other card, or Nova refuses for another reason
    ("unknown", came(served(CARD), refused=QUOTA), []),
    ("unknown", came(served(CARD), FULL), []),
    ("fail", came(served(CARD), served(OTHER), served(CARD)), ["3 servers were granted"]),
    ("fail", came(served(CARD), served(OTHER), served(CARD, status="BUILD")), ["a server ended as BUILD: it did not run in time"]),
    ("fail", came(served(CARD), served(OTHER), served(CARD, status="ERROR", fault=FULL["fault"])), ["a server ended as ERROR: No valid host was found."]),
    ("fail", came(served(CARD), BROKEN), ["a server ended as ERROR: Build of instance aborted"]),
    ("fail", came(served("0000:99:00.0")), [f"a server got {HOST}.example.org_0000:99:00.0"]),
    ("fail", came(served(CARD, host="other")), [f"a server got other.example.org_{CARD}"]),
    ("fail", came(served()), ["a server has 0 cards in Placement"]),
    ("fail", came(served(CARD, OTHER)), ["a server has 2 cards in Placement"]),
    ("fail", came(served(CARD, project="p-health")), ["a server is of project p-health"]),
    ("fail", came(FULL), ["there is no server"]),
    ("fail", came(seen=False), ["the tenant does not see the flavor"]),
]


@pytest.mark.parametrize("status, result, wrong", TRIED, ids=lambda value: None if isinstance(value, dict) else str(value))
def test_what_a_try_came_to_is_held_against_the_plan(cloud, tries, index, status, result, wrong):
    (one,) = tries()
    one = {**one, "class": KLASS}
    row = checks_cloud.of_cloud(index, "main", *cloud(), (HOST,), {HOST: FINE}, [(one, result)])[-1]
    assert (row["status"], row["observed"]["wrong"], row["observed_at"]) == (status, wrong, "2026-11-02T08:00:00Z")
    assert row["id"] == f"nova_pci_passthrough.live.research.{one['flavor']}"


def test_a_refusal_of_whoever_may_have_none_is_right(cloud, tries, index):
    (one,) = tries()
    row = checks_cloud.of_cloud(index, "main", *cloud(), (HOST,), {HOST: FINE}, [({**one, "most": 0, "asked": 1}, came(refused=QUOTA))])[-1]
    assert (row["status"], row["observed"]["granted"]) == ("pass", "0 of 0")


def test_no_card_that_is_used_once_is_used_up_by_a_try(cloudy):
    row = {"hosts": "gpus", "live_proof": {"image": "tiny", "logins": {"research": "research"}}}
    plan = cloudy.plan(series="2026.2", cloud=row, pools=[cloudy.pool(tenants={"research": {"max": 1}, "health": {"max": 1}})])
    assert plan["conflicts"] == [] and _clouds.acted_on(plan)["main"]["live"] == []


def test_a_try_that_nobody_could_make_proves_nothing(cloud, tries, index):
    (one,) = tries()
    row = checks_cloud.of_cloud(index, "main", *cloud(), (HOST,), {HOST: FINE}, [(one, "no such image")])[-1]
    assert (row["status"], row["observed"]) == ("unknown", "no such image")
