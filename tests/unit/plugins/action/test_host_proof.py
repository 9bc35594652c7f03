# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A role's proof is made of the checks of the verb "verify", and what it cannot tell proves nothing."""

from __future__ import annotations

import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import evidence, host_plan, host_proof, plan
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index

WAIVER = {"rule": "ACC-4a", "scope": "site", "reason": "x", "approver": "board", "until": "2099-01-01"}


@pytest.fixture
def converged(site):
    site.variables["ai_stack_waivers"] = [WAIVER]
    site.answers("gpu1", "h100-bookworm-converged")
    site.answers("gpu2", "h100-bookworm-converged")
    return site


def proof(site, document=None):
    mine = site.run(host_plan, host="gpu1", observation=site.registered["gpu1"]["observation"])[0]
    seen = site.registered["gpu1"]["observation"] if document is None else {**document, "host": "gpu1"}
    return site.run(host_proof, host="gpu1", observation=seen, plan=mine)[0]


def test_it_makes_the_checks_of_the_verb(converged):
    found = proof(converged)
    assert found["failed"] is False and found["msg"].startswith("Proven: ")
    converged.run(plan, mode="deploy")
    converged.run(evidence)
    mine = [row for row in converged.report("evidence.json")["checks"] if row["host"] == "gpu1"]
    assert [{**row, "observed_at": None} for row in found["checks"]] == [{**row, "observed_at": None} for row in mine] != []


def test_what_is_not_there_is_named(converged):
    document = converged.document("h100-bookworm-converged")
    document["packages"]["held"] = []
    found = proof(converged, document)
    assert found["failed"] and "FAIL gpu_driver.packages_held on gpu1" in found["msg"] and found["summary"]["fail"]


def test_what_nobody_can_tell_proves_nothing(converged):
    document = converged.document("h100-bookworm-converged")
    document["nvml"] = {**document["nvml"], "status": "hung", "gpus": []}
    found = proof(converged, document)
    assert found["failed"] and "UNKNOWN gpu_driver.nvml_answers" in found["msg"]


def test_an_accepted_deviation_is_no_failure(converged, monkeypatch):
    """No check may be waived today; where one may, the role must not lead a host back that the verb calls proven."""
    monkeypatch.setattr(Index, "waivable_by", lambda index, rule: (rule,))
    document = converged.document("h100-bookworm-converged")
    document["packages"]["held"] = []
    converged.variables["ai_stack_waivers"] = [WAIVER, {**WAIVER, "rule": "ACC-50"}, {**WAIVER, "rule": "ACC-36"}]
    found = proof(converged, document)
    assert not found["failed"] and found["summary"]["waived"] == 2, found["msg"]


def test_an_observation_that_is_none_is_refused_by_name(converged):
    found = proof(converged, {"schema": "something else"})
    assert found["failed"] and "Not proven" in found["msg"] and "observation of gpu1" in json.dumps(found)


def test_a_host_without_cards_has_nothing_to_prove(converged):
    converged.answers("gpu1", {**converged.document("h100-bookworm"), "pci": []})
    found = proof(converged)
    assert not found["failed"], found["msg"]
