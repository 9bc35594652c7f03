# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A host's slice of the plan: the verb's where one ran, else the same core's answer for this host."""

from __future__ import annotations

import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import host_plan, plan
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _lock

WAIVER = {"rule": "ACC-4a", "scope": "site", "reason": "x", "approver": "board", "until": "2099-01-01"}
PARTS = {"state", "because", "cards", "decisions", "changes", "conflicts", "messages", "plan_sha256", "planned_by", "changed"}


@pytest.fixture
def observed(site):
    site.variables["ai_stack_waivers"] = [WAIVER]
    site.answers("gpu1", "h100-bookworm")
    site.answers("gpu2", "h100-bookworm-converged")
    return site


def mine(site, **arguments):
    result, dummy = site.run(host_plan, host="gpu1", observation=site.registered["gpu1"]["observation"], **arguments)
    assert not result.get("failed"), result
    assert PARTS <= set(result)
    return result


def test_a_role_of_a_verb_gets_the_slice_of_the_verbs_plan(observed):
    whole = observed.run(plan, mode="deploy")[0]
    found = mine(observed)
    assert found["planned_by"] == "verb" and found["plan_sha256"] == whole["plan_sha256"]
    about = observed.report("plan.json")["hosts"]["gpu1"]
    assert found["changes"] == about["changes"] and found["decisions"] == {row["subject"]: row["value"] for row in about["decisions"]} != {}


def test_the_plan_of_another_run_is_not_this_runs_plan(observed, monkeypatch):
    observed.run(plan, mode="deploy")
    monkeypatch.setattr(_lock, "process_of_run", lambda: {"controller": "here", "pid": 1, "started": 1})
    assert mine(observed)["planned_by"] == "role"


def test_a_role_alone_decides_the_same_as_the_verb(observed):
    alone = mine(observed)
    assert alone["planned_by"] == "role"
    observed.run(plan, mode="deploy")
    verb = mine(observed)
    assert all(alone[part] == verb[part] for part in ("state", "decisions", "changes", "cards", "conflicts"))


def test_a_role_alone_needs_no_site_at_all(observed):
    observed.variables = {}
    found = mine(observed, driver={"policy": "newest", "build": None})
    assert found["cards"] and not [row for row in found["conflicts"] if row["rule"].startswith(("INT", "SITE"))]


def test_the_roles_own_settings_are_checked_like_the_sites(observed):
    found = mine(observed, driver={"policy": "newst", "flavor": "open"})
    assert {(row["path"], row["nearest"]) for row in found["conflicts"]} >= {("ai_stack_driver.policy", "newest"), ("ai_stack_driver.flavor", "flavour")}
    assert all(row["path"] in "".join(found["messages"]) for row in found["conflicts"])


MIRROR = {"name": "nvidia-mirror", "type": "deb", "uris": ["https://mirror.example.org/cuda"], "suites": ["./"], "login": "site", "password": "s3cret"}


def test_a_roles_own_repositories_can_be_its_source(observed):
    found = mine(observed, driver={"source": "nvidia-mirror"}, repositories=[MIRROR])
    assert not [row for row in found["conflicts"] if row["rule"].startswith("INT")]
    assert "s3cret" not in json.dumps(found)


@pytest.mark.parametrize("change", [{"uris": ["https://site:s3cret@mirror.example.org"]}, {"password": ["s3cret"]}, {"typ": "s3cret"}], ids=str)
def test_a_roles_own_repositories_are_checked_and_their_secrets_told_to_nobody(observed, change):
    found = mine(observed, repositories=[{**MIRROR, **change}])
    assert [row["path"].partition("[")[0] for row in found["conflicts"] if row["rule"].startswith("INT")] == ["ai_stack_repositories"]
    assert "s3cret" not in json.dumps(found)


def test_a_lone_roles_signing_is_checked_whole_and_its_key_told_to_nobody(observed):
    found = mine(observed, signing={"key": ["s3cret"]})
    assert {row["path"] for row in found["conflicts"] if row["rule"].startswith("INT")} == {"ai_stack_module_signing", "ai_stack_module_signing.key"}
    assert "s3cret" not in json.dumps(found)


def test_a_role_that_wants_to_migrate_a_foreign_driver_is_refused_by_name(observed):
    found = mine(observed, driver={"foreign": "migrate"})
    assert [(row["path"], row["nearest"]) for row in found["conflicts"] if row["rule"] == "INT-7"] == [("ai_stack_driver.foreign", "refuse, adopt")]


@pytest.mark.parametrize("observation", ["text", {}, {"schema": "sovereign.ai_stack/observation/1", "pci": 7}, None])
def test_an_observation_that_is_none_is_a_conflict(observed, observation):
    result, dummy = observed.run(host_plan, host="gpu1", observation=observation)
    assert result.get("failed") or [row["rule"] for row in result["conflicts"] if row["rule"] == "SITE-1"] == ["SITE-1"]
    assert "defect" not in json.dumps(result)


def test_it_writes_nothing(observed):
    before = observed.files()
    mine(observed)
    assert observed.files() == before
