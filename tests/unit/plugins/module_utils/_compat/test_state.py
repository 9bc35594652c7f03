# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Predicted changes are the difference of two tables of resources; the role's templates write what was predicted."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest
import yaml
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import files, state

HOST = "gpu-h100-1"
ROLE = Path(__file__).resolve().parents[5] / "roles" / "gpu_driver"


def planned(planner, **driver):
    seen = planner.recorded("h100-bookworm")
    plan = planner.plan(seen, intent=planner.intent(driver={"policy": "535", **driver}))
    return seen, plan["hosts"][HOST]


def test_predicted_changes_of_a_bare_host_are_those_made_when_it_is_done(planner):
    seen, about = planned(planner, reboot="when_needed")
    done = planner.recorded("h100-bookworm-converged")
    predicted = [{part: row[part] for part in ("resource", "before", "after")} for row in about["changes"]]
    assert predicted == state.difference(state.of(seen), state.of(done))


def test_host_that_is_as_decided_changes_nothing(planner):
    done = planner.recorded("h100-bookworm-converged")
    plan = planner.plan(done, intent=planner.intent(driver={"policy": "535", "reboot": "when_needed"}))
    assert (plan["hosts"][HOST]["state"], plan["hosts"][HOST]["changes"], plan["steps"], plan["artefacts"]) == ("converged", [], [], [])


def test_repository_of_the_site_that_is_not_set_up_is_a_change(planner):
    done = planner.recorded("h100-bookworm-converged")
    site = {"name": "site", "uri": "http://mirror.example.org/site", "suites": ["stable"], "components": [], "reachable": True, "message": None}
    done["packages"]["repositories"] += [{**site, "name": "there", "set_up": True}, {**site, "set_up": False}]
    about = planner.plan(done, intent=planner.intent(driver={"policy": "535", "reboot": "when_needed"}))["hosts"][HOST]
    assert (about["state"], [(row["resource"], row["before"], row["after"]) for row in about["changes"]]) == ("planned", [("repository:site", None, True)])


def test_without_permission_to_reboot_no_loaded_module_is_predicted(planner):
    _seen, about = planned(planner)
    assert "loaded" not in {row["resource"] for row in about["changes"]}


def test_reboot_and_drain_stand_at_the_change_that_costs_them(planner):
    _seen, about = planned(planner, reboot="when_needed", drain="evacuate")
    assert [(row["resource"], row["reboot"], row["drain"]) for row in about["changes"] if row["reboot"] or row["drain"]] == [("loaded", True, True)]


def test_only_what_a_run_can_touch_is_a_resource():
    seen = {"packages": {"installed": {"nvidia-smi": "1", "nvidia-container-toolkit-base": "2", "vim": "2", "firmware-amd-graphics": "3"}, "held": ["vim"]},
            "files": {"/etc/modprobe.d/other.conf": {"sha256": "x", "ours": False}}, "units": {"ssh.service": {"enabled": "enabled"}}}  # fmt: skip
    assert state.of(seen) == {"package:nvidia-smi": "1", "package:firmware-amd-graphics": "3", "hold:vim": True}


def test_what_is_kept_for_vfio_and_what_switches_the_iommu_on_are_resources():
    seen = {"kernel": {"cmdline": "ro intel_iommu=on quiet iommu=pt"}, "pci": [
        {"address": "0000:17:00.0", "driver_override": "vfio-pci"}, {"address": "0000:65:00.0", "driver_override": "nvidia"}]}  # fmt: skip
    before = {"override:0000:17:00.0": "vfio-pci", "argument:intel_iommu=on": True}
    assert state.of(seen) == before
    want = {"passthrough.bind": {"0000:65:00.0": {}}, "passthrough.arguments": []}
    assert state.wanted(want, seen) == {**before, "override:0000:65:00.0": "vfio-pci"}


def test_observation_that_knows_nothing_has_no_resources():
    assert state.of({}) == state.of({"packages": None, "nvml": None, "driver": None, "kernel": None, "units": None, "files": None}) == {}


@pytest.mark.parametrize(
    ("before", "after", "rows"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"b": 2}, [("a", 1, None), ("b", None, 2)]),
        ({"mig:x": {"1g": 1}}, {"mig:x": {"1g": 2}}, [("mig:x", {"1g": 1}, {"1g": 2})]),
    ],
)
def test_difference_names_what_differs(before, after, rows):
    assert [tuple(row.values()) for row in state.difference(before, after)] == rows


def test_decisions_are_taken_as_rows_or_by_subject():
    assert state.values([{"subject": "a", "value": 1}]) == state.values({"a": 1}) == {"a": 1}


def test_adopted_driver_changes_nothing(planner):
    seen = planner.recorded("h100-run-file")
    plan = planner.plan(seen, intent=planner.intent(driver={"policy": "550", "foreign": "adopt"}))
    assert (plan["conflicts"], plan["hosts"][seen["host"]]["changes"]) == ([], [])


# What the core predicts of a file is what the role's template writes.

TEMPLATES = [("modprobe.conf.j2", files.MODPROBE), ("preferences.j2", files.PREFERENCES), ("settings.json.j2", files.SETTINGS)]


def rendered_by_role(name, want):
    """The template as Ansible renders it: its own settings of jinja2, and the filter that the template uses."""
    constants = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())
    environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    from ansible.plugins.filter.core import to_nice_json

    environment.filters["to_nice_json"] = to_nice_json
    values = {**constants, "__gpu_driver_want": want}
    return environment.from_string((ROLE / "templates" / name).read_text()).render(**values)


@pytest.mark.parametrize(("name", "path"), TEMPLATES)
@pytest.mark.parametrize("layout", [None, {"0000:17:00.0": {"1g.10gb": 7}}])
def test_role_writes_what_the_core_predicts(planner, name, path, layout):
    _seen, about = planned(planner)
    want = {**state.values(about["decisions"]), **({"mig.layout": layout} if layout else {})}
    assert rendered_by_role(name, want) == files.rendered(want, "apt")[path]


def test_role_and_core_name_the_same_files():
    constants = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())
    names = ("__gpu_driver_modprobe_file", "__gpu_driver_preferences_file", "__gpu_driver_settings_file")
    assert [constants[name] for name in names] == list(files.PATHS)
    assert constants["__gpu_driver_marker"] == files.MARKER


def test_a_card_that_lost_its_persistence_mode_is_brought_back(planner):
    done = planner.recorded("h100-bookworm-converged", nvml__gpus__0__persistence=False)
    for wanted, changes in ((True, [("persistence:" + done["nvml"]["gpus"][0]["address"][-12:].lower(), "off", None)]), (False, None)):
        about = planner.plan(done, intent=planner.intent(driver={"policy": "535", "reboot": "when_needed", "persistence": wanted}))["hosts"][HOST]
        found = [(row["resource"], row["before"], row["after"]) for row in about["changes"]]
        assert found == changes if wanted else not [row for row in found if row[0].startswith("persistence")]
