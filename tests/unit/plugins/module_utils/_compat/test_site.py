# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A site of many hosts: pools, states, the record, and that one bad host or card never stops the others."""

from __future__ import annotations

import pytest

GOOD = "h100-bookworm-converged"


def host(planner, name, base=GOOD, **changes):
    """A host with cards of its own."""
    found = planner.recorded(base, **changes)
    found["host"] = name
    for gpu in (found.get("nvml") or {}).get("gpus") or ():
        gpu.update(serial=f"{name}-{gpu['index']}", uuid=f"GPU-{name}-{gpu['index']}")
    return found


def site(planner, *hosts, pools=({},), record=None, **more):
    rows = [{"name": f"pool{at}", "hosts": "gpus", "use": "host", **row} for at, row in enumerate(pools)]
    return planner.plan(*hosts, intent=planner.intent(pools=rows, ai_stack_waivers=[planner.waiver], **more), record=record)


def given(plan, name):
    return {card["address"]: card["pool"] for card in plan["hosts"][name]["cards"]}


def statuses(plan, name):
    return [card["status"] for card in plan["hosts"][name]["cards"]]


def test_one_dark_host_and_one_dead_card_do_not_stop_the_other_eighteen(planner):
    hosts = [host(planner, f"gpu{at:02}") for at in range(18)] + [host(planner, "gpu18", "h100-dead-card")]
    dark = planner.recorded("dark")
    plan = site(planner, *hosts, dark)
    assert plan["conflicts"] == []
    assert [plan["hosts"][f"gpu{at:02}"]["state"] for at in range(18)] == ["converged"] * 18
    assert statuses(plan, "gpu18") == ["ok", "dead"] and plan["hosts"]["gpu18"]["state"] == "converged"
    assert plan["hosts"]["gpu-dark"]["state"] == "unknown"
    assert any("fallen off the bus" in row["message"] for row in plan["warnings"])
    assert {(row["host"], row["address"], row["serial"]) for row in plan["record"]["cards"] if row["host"] == "gpu00"} == {
        ("gpu00", "0000:17:00.0", "gpu00-0"), ("gpu00", "0000:65:00.0", "gpu00-1")}  # fmt: skip


def test_record_keeps_the_cards_of_a_host_that_is_dark_today(planner):
    first = site(planner, host(planner, "gpu1"), host(planner, "gpu2"))["record"]
    dark = {"schema": "sovereign.ai_stack/observation/1", "host": "gpu2", "at": "2026-11-25T19:00:00Z", "reachable": False}
    later = site(planner, host(planner, "gpu1"), dark, record=first)
    assert later["record"] == first


def test_dead_card_of_a_count_is_a_conflict_of_that_host_only(planner):
    plan = site(planner, host(planner, "gpu1"), host(planner, "gpu2", "h100-dead-card"), pools=[{"select": {"count": 2}}])
    assert {(row["rule"], row["host"]) for row in plan["conflicts"]} == {("ACC-67", "gpu2")}
    assert (plan["hosts"]["gpu1"]["state"], plan["hosts"]["gpu2"]["state"]) == ("converged", "refused")


@pytest.mark.parametrize("row", [{}, {"address": "0000:65:00.0"}])
def test_what_the_operator_took_out_is_not_missed_by_a_count(planner, row):
    rows = [{"host": "gpu2", "state": "quarantined", "reason": "Xid 79", **row}]
    plan = site(planner, host(planner, "gpu1"), host(planner, "gpu2", "h100-dead-card"), pools=[{"select": {"count": 2}}], ai_stack_states=rows)
    assert plan["conflicts"] == []
    assert plan["hosts"]["gpu2"]["state"] == ("converged" if row else "left_out")


@pytest.mark.parametrize(
    ("pools", "addresses"),
    [
        ([{"select": {"model": "H100"}}], ["pool0", "pool0"]),
        ([{}], ["pool0", "pool0"]),
        ([{"select": {"count": 1}}], ["pool0", None]),
        ([{"select": {"slots": ["2"]}}], [None, "pool0"]),
        ([{"select": {"serials": ["gpu1-1"]}}], [None, "pool0"]),
        ([{"select": {"count": 1}}, {"select": {"count": 1}}], ["pool0", "pool1"]),
        ([{"select": {"count": 1}}, {"select": {"slots": ["1"]}}], ["pool1", "pool0"]),
        ([{"hosts": "gpu1", "select": {"count": 1}}], ["pool0", None]),
    ],
)
def test_pools_take_what_is_named_first_and_counts_in_address_order(planner, pools, addresses):
    plan = site(planner, host(planner, "gpu1"), pools=pools)
    assert plan["conflicts"] == []
    assert list(given(plan, "gpu1").values()) == addresses


def test_count_stays_with_the_cards_that_were_given(planner):
    first = site(planner, host(planner, "gpu1"), pools=[{"select": {"slots": ["2"]}}])["record"]
    plan = site(planner, host(planner, "gpu1"), pools=[{"select": {"count": 1}}], record=first)
    assert given(plan, "gpu1") == {"0000:17:00.0": None, "0000:65:00.0": "pool0"}


def test_cards_in_no_pool_are_said_and_left_alone(planner):
    plan = site(planner, host(planner, "gpu1"), pools=[{"select": {"slots": ["1"]}}])
    assert statuses(plan, "gpu1") == ["ok", "unassigned"]
    assert any("1 cards are in no pool: 0000:65:00.0 H100" in row["message"] for row in plan["warnings"])


def test_host_that_no_pool_names_is_not_ours(planner):
    other = host(planner, "other")
    plan = site(planner, host(planner, "gpu1"), other, pools=[{"hosts": "gpu1"}])
    assert plan["hosts"]["other"]["state"] == "not_ours" and plan["conflicts"] == []
    assert plan["hosts"]["other"]["changes"] == []


@pytest.mark.parametrize("state", ["maintenance", "quarantined", "retired"])
def test_card_out_of_service_is_left_out_and_shown(planner, state):
    rows = [{"host": "gpu1", "serial": "gpu1-0", "state": state, "reason": "Xid 79"}]
    plan = site(planner, host(planner, "gpu1"), ai_stack_states=rows)
    assert statuses(plan, "gpu1") == [state, "ok"]
    assert plan["hosts"]["gpu1"]["state"] == "converged"
    assert any(f"gpu1-0 is left out ({state}): Xid 79" in row["message"] for row in plan["warnings"])


def test_card_without_serial_is_taken_out_by_its_address(planner):
    rows = [{"host": "gpu1", "address": "00000000:65:00.0", "state": "maintenance", "reason": "fan"}]
    assert statuses(site(planner, host(planner, "gpu1"), ai_stack_states=rows), "gpu1") == ["ok", "maintenance"]


def test_host_out_of_service_is_left_out_and_shown(planner):
    rows = [{"host": "gpu1", "state": "maintenance", "reason": "new memory"}]
    plan = site(planner, host(planner, "gpu1"), host(planner, "gpu2"), ai_stack_states=rows)
    assert (plan["hosts"]["gpu1"]["state"], plan["hosts"]["gpu1"]["because"]) == ("left_out", "maintenance: new memory")
    assert (plan["hosts"]["gpu2"]["state"], plan["conflicts"]) == ("converged", [])


def test_state_of_something_that_is_not_there_is_said(planner):
    rows = [{"host": "gpu1", "serial": "nothing", "state": "retired", "reason": "gone"}, {"host": "gpu9", "state": "retired", "reason": "gone"}]
    plan = site(planner, host(planner, "gpu1"), ai_stack_states=rows)
    assert [row["path"] for row in plan["warnings"] if "nothing here is called" in row["message"]] == ["ai_stack_states[0]", "ai_stack_states[1]"]


def swapped(planner, name):
    found = host(planner, name)
    found["nvml"]["gpus"][0].update(serial="new", uuid="GPU-new")
    return found


def test_swapped_card_asks_for_consent_and_the_others_go_on(planner):
    first = site(planner, host(planner, "gpu1"), host(planner, "gpu2"))["record"]
    plan = site(planner, swapped(planner, "gpu1"), host(planner, "gpu2"), record=first)
    assert [(row["rule"], row["host"], row["path"]) for row in plan["conflicts"]] == [("ACC-63", "gpu1", "ai_stack_accept_cards")]
    assert (plan["hosts"]["gpu1"]["state"], plan["hosts"]["gpu2"]["state"]) == ("refused", "converged")
    assert plan["record"] == first


def test_accepted_card_takes_the_place_in_the_record(planner):
    first = site(planner, host(planner, "gpu1"))["record"]
    plan = site(planner, swapped(planner, "gpu1"), record=first, ai_stack_accept_cards=["gpu1 0000:17:00.0"])
    assert plan["conflicts"] == []
    assert [row["serial"] for row in plan["record"]["cards"]] == ["new", "gpu1-1"]


def test_identity_that_cannot_be_read_today_contradicts_nothing(planner):
    first = site(planner, host(planner, "gpu1"))["record"]
    silent = host(planner, "gpu1")
    silent["nvml"].update(status="hung", gpus=[])
    plan = site(planner, silent, record=first)
    assert plan["conflicts"] == [] and plan["record"]["cards"] == first["cards"]


def test_card_of_another_model_in_the_place_asks_for_consent_without_a_serial(planner):
    first = site(planner, host(planner, "gpu1"))["record"]
    other = host(planner, "gpu1", pci__0__device="26b5")
    other["nvml"].update(status="hung", gpus=[])
    assert [row["rule"] for row in site(planner, other, record=first)["conflicts"]] == ["ACC-63"]


def test_recorded_driver_stays_until_it_is_taken_out_of_the_record(planner):
    old = planner.recorded("h100-trixie")
    intent = planner.intent(driver={"policy": "newest"})
    tried = planner.tried(planner.plan(old, intent=intent), "built")
    record = planner.plan(old, intent=intent, trials=tried)["record"]
    newer = planner.recorded("h100-trixie")
    one = newer["packages"]["sets"]["nvidia-proprietary"]
    for offers in one["versions"].values():
        offers[:] = [{"version": "580.178.04-1", "origin": "backports"}] + offers
    one["simulation"]["install"] = {name: one["versions"][name][0]["version"] for name in one["definition"]["packages"]}

    def version(record=record):
        plan = planner.plan(newer, intent=intent, record=record)
        return [row["value"] for row in plan["hosts"]["gpu-h100-2"]["decisions"] if row["subject"] == "driver.version"], plan["conflicts"]

    assert version()[0] == [] and version()[1][0]["rule"] == "ACC-10b"
    one["simulation"]["install"].update(old["packages"]["sets"]["nvidia-proprietary"]["simulation"]["install"])
    assert version() == (["550.163.01"], [])
    one["simulation"]["install"] = {name: one["versions"][name][0]["version"] for name in one["definition"]["packages"]}
    assert version({**record, "hosts": {}}) == (["580.178.04"], [])


def test_recorded_driver_that_the_settings_no_longer_ask_for_is_refused(planner):
    record = site(planner, host(planner, "gpu1"))["record"]
    plan = site(planner, host(planner, "gpu1"), record=record, ai_stack_driver={"flavour": "open"})
    assert {row["rule"] for row in plan["conflicts"]} == {"RECORD"}
    assert "the settings of the driver ask for another one" in plan["conflicts"][0]["message"]
    assert "taken out of the record (ai_stack.lock.yml)" in plan["conflicts"][0]["nearest"]


def test_reboot_waits_for_permission_and_the_host_is_drained_first(planner):
    fresh = planner.recorded("h100-bookworm")

    def planned(**driver):
        plan = planner.plan(fresh, intent=planner.intent(driver={"policy": "535", **driver}))
        found = {row["subject"]: row["value"] for row in plan["hosts"]["gpu-h100-1"]["decisions"]}
        return found["reboot"], found.get("drain"), [step["what"] for step in plan["steps"]], [row["path"] for row in plan["warnings"]]

    assert planned() == (False, None, ["install, pin and hold the driver", "verify"], ["ai_stack_driver.reboot"])
    steps = ["install, pin and hold the driver", "drain", "reboot into the driver", "verify"]
    assert planned(reboot="when_needed", drain="evacuate") == (True, "evacuate", steps, [])


@pytest.mark.parametrize(("loaded", "order"), [("525.147.05", ["drain", "install,", "reboot", "verify"]), ("535.309.01", ["install,", "verify"])])
def test_a_host_is_emptied_before_a_loaded_driver_is_replaced(planner, loaded, order):
    """A program that starts in between would find a library of one version and a module of another."""
    seen, right = planner.recorded("h100-bookworm-converged"), planner.recorded("h100-bookworm-converged")
    seen["packages"]["held"].remove("nvidia-smi")
    seen["driver"]["loaded"]["nvidia"]["version"] = loaded
    assert right["driver"]["loaded"]["nvidia"]["version"] == "535.309.01"
    plan = planner.plan(seen, intent=planner.intent(driver={"policy": "535", "reboot": "when_needed", "drain": "evacuate"}))
    assert [step["what"].split(" ")[0] for step in plan["steps"]] == order


@pytest.mark.parametrize("own", [None, {"reboot": "never", "drain": "/own", "lock_timeout": 7}])
def test_a_host_is_changed_as_its_pool_says_before_the_site(planner, own):
    intent = planner.intent(driver={"policy": "535", "reboot": "when_needed", "drain": "/site"})
    intent["ai_stack_pools"][0].update(driver=own) if own else None
    plan = planner.plan(planner.recorded("h100-bookworm"), intent=intent)
    assert plan["hosts"]["gpu-h100-1"]["policy"] == (own or {"reboot": "when_needed", "drain": "/site", "lock_timeout": 300})


def test_steps_go_in_waves_and_name_what_they_need(planner):
    hosts = [planner.recorded("a100-no-switch-noble"), planner.recorded("h100-bookworm")]
    plan = planner.plan(*hosts, intent=planner.intent(driver={"reboot": "when_needed", "drain": "evacuate"}, ai_stack_waivers=[planner.waiver]))
    steps = [(row["wave"], row["what"].split(" ")[0], row["targets"], row["needs"]) for row in plan["steps"]]
    assert steps == [
        (1, "build", ["gpu-a100"], []),
        (2, "install,", ["gpu-a100", "gpu-h100-1"], [1]),
        (3, "drain", ["gpu-a100"], [2]),
        (3, "reboot", ["gpu-a100"], [3]),
        (4, "drain", ["gpu-h100-1"], [2]),
        (4, "reboot", ["gpu-h100-1"], [5]),
        (5, "verify", ["gpu-a100", "gpu-h100-1"], [4, 6]),
    ]
    untried = planner.plan(hosts[1], intent=planner.intent(ai_stack_waivers=[planner.waiver]))
    assert [row["wave"] for row in untried["steps"]] == [1, 2]


def test_artefacts_are_what_hosts_need_and_do_not_have(planner):
    plan = site(planner, planner.recorded("h100-bookworm"), host(planner, "gpu2"))
    found = {row["name"]: row for row in plan["artefacts"]}
    assert found["nvidia-kernel-dkms"] == {"name": "nvidia-kernel-dkms", "version": "535.309.01-0+deb12u1", "source": "distribution", "digest": None}
    assert "linux-image-amd64" not in found
