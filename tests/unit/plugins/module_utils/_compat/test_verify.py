# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What is proven of a host, and what is only unknown."""

from __future__ import annotations

import pytest

GOOD = "h100-bookworm-converged"
KEYS = {"id", "host", "role", "promise", "status", "expected", "observed", "observed_at", "how", "rule"}


@pytest.fixture
def decisions(planner):
    seen = planner.recorded(GOOD)
    return planner.plan(seen, intent=planner.intent(driver={"policy": "535"}))["hosts"][seen["host"]]["decisions"]


def statuses(planner, decisions, name=GOOD, **changes):
    return {check: row["status"] for check, row in planner.checks(planner.recorded(name, **changes), decisions).items()}


def test_host_as_decided_passes_every_check_that_applies(planner, decisions):
    rows = planner.checks(planner.recorded(GOOD), decisions)
    assert {row["status"] for row in rows.values()} == {"pass", "not_applicable"}
    assert len(rows) >= 15
    assert all(set(row) == KEYS and row["role"] == "gpu_driver" and row["id"].startswith("gpu_driver.") for row in rows.values())
    assert all(row["observed"] for row in rows.values() if row["status"] == "not_applicable")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (GOOD, {}),
        (GOOD, {"nvml__gpus": []}),
        (GOOD, {"kernel__installed__0__modules": {}}),
        (GOOD, {"driver__owners": [{"kind": "vendor_repository"}]}),
        ("mi300x-trixie", {"driver__owners": [], "driver__firmware": {"gsp": [], "amdgpu": True}}),
        ("mi300x-trixie", {"driver__owners": [{"kind": "distribution"}]}),
    ],
)
def test_what_passes_was_observed_as_expected(planner, decisions, name, changes):
    seen = planner.recorded(name, **changes)
    rows = planner.checks(seen, decisions if name == GOOD else planner.plan(seen)["hosts"][seen["host"]]["decisions"])
    assert {check: (row["status"] == "pass") for check, row in rows.items() if row["status"] != "not_applicable"} == {
        check: row["expected"] == row["observed"] for check, row in rows.items() if row["status"] != "not_applicable"
    }


def test_a_list_of_what_differs_says_so(planner, decisions):
    rows = planner.checks(planner.recorded(GOOD, packages__held=[], packages__broken=["x"], units={}), decisions)
    labels = {"packages_held": "not_held", "packages_whole": "broken", "packages_installed": "differing", "units_enabled": "not_enabled"}
    for check, label in {**labels, "conflicting_modules_absent": "conflicting"}.items():
        assert list(rows[check]["expected"]) == list(rows[check]["observed"]) == [label] and not rows[check]["expected"][label]
    assert rows["packages_held"]["observed"]["not_held"] and rows["packages_whole"]["observed"] == {"broken": ["x"]}


def test_before_the_reboot_the_loaded_module_is_the_mismatch(planner, decisions):
    """Everything is installed, and the module of the time before still runs."""
    found = statuses(planner, decisions, driver__loaded={"nvidia": {"version": "525.147.05", "flavour": "proprietary"}}, nvml__status="mismatch", nvml__gpus=[])
    assert found["loaded_equals_user_space"] == "fail"
    assert found["nvml_answers"] == "fail"
    assert (found["module_for_next_kernel"], found["packages_installed"], found["packages_held"]) == ("pass", "pass", "pass")


def test_bare_host_proves_nothing(planner, decisions):
    found = statuses(planner, decisions, "h100-bookworm")
    assert found["loaded_equals_user_space"] == found["module_for_next_kernel"] == found["packages_installed"] == "fail"


def test_new_kernel_without_a_module_is_caught(planner, decisions):
    seen = planner.recorded(GOOD)
    old = seen["kernel"]["installed"][0]
    seen["kernel"].update(next_boot="6.1.0-57-amd64", installed=[old, {**old, "release": "6.1.0-57-amd64", "modules": {}}])
    rows = planner.checks(seen, decisions)
    assert (rows["module_for_next_kernel"]["status"], rows["module_for_next_kernel"]["observed"]) == ("fail", "none")
    assert (rows["kernel_held"]["status"], rows["kernel_held"]["observed"]["next_boot"]) == ("fail", "6.1.0-57-amd64")


@pytest.mark.parametrize(
    ("changes", "unknown"),
    [
        ({"nvml": None}, {"nvml_answers", "persistence", "nvml_in_time", "cards_listed"}),
        ({"nvml": {"status": "hung", "gpus": []}}, {"nvml_answers", "persistence", "nvml_in_time", "cards_listed"}),
        ({"driver": {}}, {"loaded_equals_user_space", "firmware_equals_driver", "one_flavour", "conflicting_modules_absent", "one_owner"}),
        ({"packages": {}}, {"kernel_held", "packages_installed", "packages_held", "packages_whole"}),
        ({"kernel": {}}, {"module_for_next_kernel", "kernel_held"}),
        ({"kernel__next_boot": None}, {"module_for_next_kernel", "kernel_held"}),
        ({"units": None}, {"no_fabric_manager", "units_enabled"}),
    ],
)
def test_what_is_not_known_is_unknown_and_no_pass(planner, decisions, changes, unknown):
    found = statuses(planner, decisions, **changes)
    assert {check for check, status in found.items() if status == "unknown"} == unknown
    assert "fail" not in found.values()


@pytest.mark.parametrize(
    ("changes", "failing"),
    [
        ({"packages__broken": ["nvidia-kernel-dkms"]}, {"packages_whole"}),
        ({"packages__installed__nvidia-smi": "535.261.03-1"}, {"packages_installed"}),
        ({"driver__owners": [{"kind": "distribution"}, {"kind": "run_file"}]}, {"one_owner"}),
        ({"nvml__gpus__1__error": "GPU is lost", "pci__1__present": True}, set()),
        ({"nvml__gpus__1__persistence": False}, {"persistence"}),
        ({"units": {}}, {"units_enabled"}),
        ({"nvml__driver_version": "535.261.03"}, {"nvml_answers"}),
        ({"driver__user_space": None}, {"loaded_equals_user_space"}),
    ],
)
def test_what_differs_fails_alone(planner, decisions, changes, failing):
    found = statuses(planner, decisions, **changes)
    assert {check for check, status in found.items() if status == "fail"} == failing


def test_card_that_nvml_does_not_list_fails(planner, decisions):
    seen = planner.recorded(GOOD)
    del seen["nvml"]["gpus"][1]
    row = planner.checks(seen, decisions)["cards_listed"]
    assert (row["status"], row["expected"], row["observed"]) == ("fail", ["0000:17:00.0", "0000:65:00.0"], ["0000:17:00.0"])


def test_dead_card_is_the_plans_business(planner, decisions):
    assert statuses(planner, decisions, "h100-dead-card")["cards_listed"] == "pass"


def test_host_without_decisions_has_no_checks(planner):
    assert planner.checks(planner.recorded("no-card"), []) == {}


def test_amd_host_is_proven_by_its_module_and_firmware(planner):
    seen = planner.recorded("mi300x-trixie", driver__firmware={"gsp": [], "amdgpu": True})
    decisions = planner.plan(seen)["hosts"][seen["host"]]["decisions"]
    rows = planner.checks(seen, decisions)
    assert (rows["module_for_next_kernel"]["status"], rows["firmware_equals_driver"]["status"]) == ("pass", "pass")
    assert rows["nvml_answers"]["status"] == "not_applicable"


def test_running_firmware_of_another_version_fails(planner, decisions):
    found = statuses(planner, decisions, nvml__gpus__0__gsp="535.261.03")
    assert found["firmware_equals_driver"] == "fail"


@pytest.mark.parametrize(("owners", "status"), [([], "pass"), (["distribution"], "pass"), (["amdgpu_dkms"], "fail"), (["distribution", "run_file"], "fail")])
def test_driver_of_the_kernel_needs_no_owner_and_takes_no_other(planner, owners, status):
    seen = planner.recorded("mi300x-trixie")
    decisions = planner.plan(seen)["hosts"][seen["host"]]["decisions"]
    seen["driver"]["owners"] = [{"kind": kind} for kind in owners]
    assert planner.checks(seen, decisions)["one_owner"]["status"] == status


def test_amd_card_without_its_firmware_waits_for_a_reboot_and_fails_the_proof(planner):
    seen = planner.recorded("mi300x-trixie", pci__0__driver=None)
    plan = planner.plan(seen, intent=planner.intent(driver={"reboot": "when_needed"}))["hosts"][seen["host"]]
    assert [row["value"] for row in plan["decisions"] if row["subject"] == "reboot"] == [True] and plan["state"] == "planned"
    row = planner.checks(seen, plan["decisions"])["cards_listed"]
    assert row["status"] == "fail" and "none" in row["observed"].values()


def test_cards_whose_generation_tells_nothing_of_its_fabric_are_not_asked(planner):
    seen = planner.recorded("hgx-h100-bookworm", nvml={"status": "ok", "gpus": [{"address": "00000000:18:00.0", "fabric": {"state": None, "status": None}}]})
    want = {"driver.vendor": "nvidia", "driver.version": "535.309.01", "fabric.manager": "535.309.01"}
    assert planner.checks(seen, want)["fabric.0000:18:00.0"]["status"] == "unknown"
    for function in seen["pci"]:
        function["device"] = {"2330": "20b2", "22a3": "1af1"}.get(function["device"], function["device"])
    assert planner.checks(seen, want)["fabric.0000:18:00.0"]["status"] == "not_applicable"
