# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Evidence over a site: what it writes, when it fails, and what it does not take for proof."""

from __future__ import annotations

import hashlib
import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import evidence, plan
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import verify

WAIVER = {"rule": "ACC-4a", "scope": "site", "reason": "x", "approver": "board", "until": "2099-01-01"}


@pytest.fixture
def done(site):
    """A site whose only host is as it should be."""
    site.groups = {"all": ["gpu1"], "gpu": ["gpu1"]}
    site.variables["ai_stack_waivers"] = [WAIVER]
    site.answers("gpu1", "h100-bookworm-converged")
    return site


def test_a_site_that_is_as_planned_is_proven(done):
    digest = done.run(plan)[0]["plan_sha256"]
    result, said = done.run(evidence)
    assert result["failed"] is False, said
    written = done.report("evidence.json")
    assert written["schema"] == "sovereign.ai_stack/evidence/1" and written["site"] == "example"
    assert written["plan_sha256"] == digest == hashlib.sha256(done.files()["reports/example/plan.json"]).hexdigest()
    assert "reports/example/evidence.html" in done.files() and "reports/example/changes.json" not in done.files()


def test_without_a_plan_there_is_nothing_to_prove(done):
    result, dummy = done.run(evidence)
    assert result["failed"] and "There is no plan to prove" in result["msg"]


def test_a_failed_check_fails_after_the_reports_are_written(done):
    done.run(plan)
    document = done.document("h100-bookworm-converged")
    document["driver"]["loaded"] = {"nvidia": {"version": "1.2.3", "flavour": "proprietary"}}
    done.answers("gpu1", document)
    result, said = done.run(evidence)
    assert result["failed"] and "FAIL" in said and done.report("evidence.json")["summary"]["fail"] > 0


@pytest.mark.parametrize("registered", [{}, {"gpu1": {"unreachable": True}}, {"gpu1": {"failed": True, "msg": "x"}}])
def test_a_host_that_did_not_answer_is_unknown_however_good_its_last_observation(done, registered):
    done.run(plan)
    done.registered = registered
    result, said = done.run(evidence)
    assert result["failed"] and done.report("evidence.json")["summary"]["unknown"] == 1 and "UNKNOWN host.answers on gpu1" in said


def test_only_hosts_inside_the_limit_are_proven(done):
    done.groups = {"all": ["gpu1", "gpu2"], "gpu": ["gpu1", "gpu2"]}
    done.run(plan)
    done.limit = ["gpu1"]
    assert done.run(evidence)[0]["failed"] is False
    assert {row["host"] for row in done.report("evidence.json")["checks"]} == {"gpu1"}


def test_deploy_writes_what_was_predicted_and_what_was_made_and_gives_the_lock_back(done):
    done.run(plan, mode="deploy")
    assert "reports/example/site.lock" in done.files()
    result, said = done.run(evidence, mode="deploy")
    assert result["failed"] is False, said
    changes = done.report("changes.json")
    assert changes["hosts"]["gpu1"] == {"predicted": [], "made": [], "equal": True} and changes["plan_sha256"]
    assert "reports/example/site.lock" not in done.files()


def test_a_card_that_tells_its_uuid_after_the_deploy_is_no_change_of_the_next_run(done):
    bare = done.document("h100-bookworm-converged")
    told = [gpu.pop("uuid") for gpu in bare["nvml"]["gpus"]]
    done.answers("gpu1", bare)
    done.run(plan, mode="deploy")
    assert not any(uuid in done.files()["ai_stack.lock.yml"].decode() for uuid in told)
    done.answers("gpu1", "h100-bookworm-converged")
    done.run(evidence, mode="deploy")
    assert all(uuid in done.files()["ai_stack.lock.yml"].decode() for uuid in told)
    assert done.run(plan, mode="deploy")[0]["changed"] is False


def test_a_card_that_is_not_the_given_one_does_not_enter_the_record(done):
    done.run(plan, mode="deploy")
    before = done.files()["ai_stack.lock.yml"]
    other = done.document("h100-bookworm-converged")
    for gpu in other["nvml"]["gpus"]:
        gpu.update(serial="another", uuid="GPU-another")
    done.answers("gpu1", other)
    done.run(evidence, mode="deploy")
    assert done.files()["ai_stack.lock.yml"] == before


def test_a_change_that_nobody_predicted_fails_a_deploy(done):
    done.run(plan, mode="deploy")
    document = done.document("h100-bookworm-converged")
    document["packages"]["held"].append("somebody-elses")
    done.answers("gpu1", document)
    result, said = done.run(evidence, mode="deploy")
    assert result["failed"] and "plan.predicts_changes on gpu1" in said and "hold:somebody-elses" in said


def test_a_plan_for_another_intent_is_told(done):
    done.run(plan)
    done.variables["ai_stack_driver"] = {"reboot": "when_needed"}
    assert "The intent was changed since" in done.run(evidence)[1]


@pytest.mark.parametrize("content", ["{", "[]", '{"schema": "other"}', '{"schema": "sovereign.ai_stack/plan/1"}'])
def test_a_plan_that_is_none_gives_one_sentence(done, content):
    done.run(plan)
    (done.folder / "reports/example/plan.json").write_text(content)
    result, dummy = done.run(evidence)
    assert result["failed"] and "plan.json" in result["msg"] and "defect" not in result["msg"]


def test_a_defect_of_ours_is_one_sentence(done, monkeypatch):
    done.run(plan)
    monkeypatch.setattr(verify, "checks", lambda *dummy: 1 / 0)
    result, dummy = done.run(evidence)
    assert result["failed"] and "a defect of the collection (ZeroDivisionError" in result["msg"] and "Traceback" not in json.dumps(result)


@pytest.mark.parametrize("key", ["absent", None])
def test_an_old_signature_does_not_stay_beside_new_evidence(done, key):
    done.run(plan)
    (done.folder / "reports/example/evidence.json.sig").write_text("old")
    if key:
        done.variables["ai_stack_evidence_key"] = key
    result, dummy = done.run(evidence)
    assert result["failed"] is bool(key) and "reports/example/evidence.json.sig" not in done.files()
    assert not key or "could not be signed" in result["msg"]
