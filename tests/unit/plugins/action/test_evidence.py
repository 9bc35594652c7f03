# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Evidence over a site: what it writes, when it fails, and what it does not take for proof."""

from __future__ import annotations

import hashlib
import json

import pytest
import yaml
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
    assert written["observed"] == "live" and written["intent_changed"] == [] and result["msg"].startswith("Proven: ")
    assert written["plan_sha256"] == digest == hashlib.sha256(done.files()["reports/example/plan.json"]).hexdigest()
    assert "reports/example/evidence.html" in done.files() and "reports/example/changes.json" not in done.files()


def test_a_plan_with_a_conflict_of_the_site_proves_nothing(done):
    done.variables["ai_stack_poools"] = []
    assert done.run(plan)[0]["failed"]
    result, said = done.run(evidence)
    assert result["failed"] and result["msg"].startswith("Not proven") and "FAIL plan.has_no_conflicts: " in said
    (check,) = [row for row in done.report("evidence.json")["checks"] if row["id"] == "plan.has_no_conflicts"]
    assert check["host"] is None and check["observed"] == {"conflicts": ["INT-1 ai_stack_poools"]}


def test_a_conflict_of_a_host_counts_where_the_host_is_looked_at(done):
    done.groups = {"all": ["gpu1", "gpu2"], "gpu": ["gpu1", "gpu2"]}
    done.answers("gpu2", "gh200-bookworm")
    assert done.run(plan)[0]["failed"]
    assert done.run(evidence)[0]["failed"]
    done.limit = ["gpu1"]
    result, said = done.run(evidence)
    assert result["failed"] is False, said


def test_where_no_check_passes_nothing_was_proven(done):
    done.answers("gpu1", "no-card")
    done.variables["ai_stack_pools"] = []
    assert done.run(plan)[0]["failed"] is False
    result, dummy = done.run(evidence)
    assert result["failed"] and result["msg"].startswith("Nothing was proven: 1 not_applicable.")
    assert "<title>Nothing is proven" in done.files()["reports/example/evidence.html"].decode()


@pytest.fixture
def recorded(done):
    """The same site, from recorded files."""
    document = done.registered.pop("gpu1")["observation"]
    (done.folder / "recorded").mkdir()
    (done.folder / "recorded/gpu1.json").write_text(json.dumps(document))
    done.variables["ai_stack_observations"] = "recorded"
    return done


def test_recorded_files_agree_with_a_plan_and_prove_nothing(recorded):
    recorded.run(plan)
    result, dummy = recorded.run(evidence)
    assert result["failed"] is False and result["msg"].startswith("Recorded files agree with the plan: ")
    assert recorded.report("evidence.json")["observed"] == "recorded"
    page = recorded.files()["reports/example/evidence.html"].decode()
    assert "<title>Recorded files agree with the plan" in page and "No host was contacted." in page


def test_evidence_from_recorded_files_is_not_signed(recorded):
    recorded.run(plan)
    recorded.variables["ai_stack_evidence_key"] = "key"
    result, dummy = recorded.run(evidence)
    assert result["failed"] and "from recorded files is not signed" in result["msg"] and "reports/example/evidence.json" not in recorded.files()


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
    assert set(result) == {"changed", "failed", "msg", "reports", "summary"}  # Ansible prints it once more


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
    result, said = done.run(evidence)
    assert result["failed"] is False and "The intent was changed since" in said and "ai_stack_driver. This proves the plan" in said
    assert done.report("evidence.json")["intent_changed"] == ["ai_stack_driver"]
    page = done.files()["reports/example/evidence.html"].decode()
    assert "Changed since in the intent" in page


@pytest.mark.parametrize("waivers", [[], [{**WAIVER, "until": "2026-01-01"}], [{**WAIVER, "scope": "host gpu2"}]], ids=["gone", "ended", "narrowed"])
def test_a_waiver_that_the_plan_relies_on_must_hold_on_the_day_of_the_proof(done, waivers):
    done.groups = {"all": ["gpu1", "gpu2"], "gpu": ["gpu1", "gpu2"]}
    done.limit = ["gpu1"]
    done.run(plan)
    done.variables["ai_stack_waivers"] = waivers
    result, said = done.run(evidence)
    assert result["failed"] and "FAIL plan.waivers_hold on gpu1" in said and "2099-01-01" in said
    (check,) = [row for row in done.report("evidence.json")["checks"] if row["status"] == "fail"]
    assert check["rule"] == "ACC-4a" and done.report("evidence.json")["intent_changed"] == ["ai_stack_waivers"]


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


def test_a_host_that_was_lost_in_its_change_is_not_proven_by_what_was_seen_before_it(done):
    done.run(plan, mode="deploy")
    done.lost = {"gpu1"}
    result, said = done.run(evidence, mode="deploy")
    assert result["failed"] and "UNKNOWN host.answers on gpu1" in said and "was lost in the middle of its change" in said


def test_the_record_keeps_which_doors_of_a_cloud_are_behind_us(done):
    done.variables["ai_stack_clouds"] = [{"name": "main"}]
    done.run(plan, mode="deploy")
    done.cloud_answers(providers={"gpu1": {"0000:17:00.0": {"class": "CUSTOM_ALL"}}, "gpu2": {}})
    done.counting = ["main"]
    done.run(evidence, mode="deploy")
    record = yaml.safe_load((done.folder / "ai_stack.lock.yml").read_text())
    assert record["clouds"] == {"main": {"report_in_placement": ["gpu1"], "unified_limits": True}}
    done.seen_clouds = done.counting = None
    done.run(evidence, mode="deploy")
    assert yaml.safe_load((done.folder / "ai_stack.lock.yml").read_text()) == record
    done.variables["__ai_stack_clouds_counting"] = ["other"]  # a fact of the controller
    done.run(evidence, mode="deploy")
    record["clouds"]["other"] = {"unified_limits": True}
    assert yaml.safe_load((done.folder / "ai_stack.lock.yml").read_text()) == record


@pytest.fixture
def cloudy(done):
    """A site whose cards a cloud gets; nothing of it was done yet."""
    done.variables["ai_stack_clouds"] = [{"name": "main", "series": "2025.1", "nova": "31.3.1", "hosts": "gpu"}]
    done.variables["ai_stack_pools"] = [{"name": "all", "hosts": "gpu", "use": "passthrough", "cloud": "main", "tenants": {"research": {}}}]
    done.variables["ai_stack_confirm"] = ["report_in_placement on main"]
    done.groups = {"all": ["gpu1", "gpu2"], "gpu": ["gpu1", "gpu2"], "ungrouped": []}
    for host in ("gpu1", "gpu2"):
        document = done.document("h100-bookworm-converged")
        document["nvml"] = None
        done.answers(host, document)
    done.cloud_answers()
    assert done.run(plan)[0]["failed"] is False
    return done


def checks(site):
    return {(row["id"], row["host"]): row for row in site.report("evidence.json")["checks"]}


def test_a_cloud_and_its_hosts_are_held_against_the_plan(cloudy):
    fine = {"differs": [], "due": [], "refused": None}
    cloudy.of_host["gpu1"] = {"__ai_stack_services": fine}
    result, said = cloudy.run(evidence)
    found = checks(cloudy)
    assert result["failed"] and "FAIL pci_passthrough.cards_are_bound on gpu1, gpu2" in said
    assert found["nova_pci_passthrough.services_read_the_plan", "gpu1"]["status"] == "pass"
    assert found["nova_pci_passthrough.services_read_the_plan", "gpu2"]["status"] == "unknown"
    assert found["nova_pci_passthrough.flavors", None]["status"] == "pass"
    assert not any(name.startswith("gpu_driver.") for name, _host in found)
    cloudy.limit = ["gpu1"]
    cloudy.run(evidence)
    assert {host for _name, host in checks(cloudy)} == {"gpu1", None}


def test_a_card_that_a_run_kept_from_everybody_comes_back_by_the_record(cloudy):
    out = {"host": "gpu1", "address": "0000:17:00.0"}
    cloudy.run(plan, mode="deploy")
    cloudy.run(evidence, mode="deploy")
    cloudy.variables["ai_stack_states"] = [{**out, "state": "quarantined", "reason": "Xid 79"}]
    assert cloudy.run(plan, mode="deploy")[0]["failed"] is False
    card = {"class": "CUSTOM_ALL", "total": 1, "reserved": 1}
    cloudy.cloud_answers(providers={"gpu1": {"0000:17:00.0": card, "0000:65:00.0": card}})
    cloudy.run(evidence, mode="deploy")
    place = cloudy.folder / "ai_stack.lock.yml"
    # what somebody else keeps is none of ours
    assert yaml.safe_load(place.read_text())["clouds"]["main"]["out_of_service"] == [out]
    del cloudy.variables["ai_stack_states"]
    cloudy.run(plan, mode="deploy")
    assert {row["subject"]: row["value"] for row in cloudy.report("plan.json")["resources"][0]["decisions"]}["back_in_service"] == [out]
    cloudy.run(evidence, mode="deploy")
    assert yaml.safe_load(place.read_text())["clouds"]["main"]["out_of_service"] == [out]  # nobody brought it in yet
    cloudy.cloud_answers(providers={"gpu1": {"0000:17:00.0": {**card, "reserved": 0}}})
    cloudy.run(plan, mode="deploy")
    cloudy.run(evidence, mode="deploy")
    assert "out_of_service" not in yaml.safe_load(place.read_text())["clouds"]["main"]


def test_a_cloud_that_does_not_answer_proves_nothing(cloudy):
    cloudy.seen_clouds = {"results": [{"item": {"name": "main"}, "failed": True, "msg": "Cloud main: placement answers 503."}]}
    result, said = cloudy.run(evidence)
    assert result["failed"] and "UNKNOWN cloud.answers: cloud main answers" in said and "placement answers 503" in said
    cloudy.seen_clouds = None
    cloudy.run(evidence)
    assert checks(cloudy)["cloud.answers", None]["observed"] == "it was not asked"
    assert not any(name.startswith("nova_pci") for name, _host in checks(cloudy))


def test_a_cloud_on_which_no_verb_acts_is_said_to_be_none_of_it(cloudy):
    cloudy.variables["ai_stack_clouds"][0]["deployment"] = "files"
    cloudy.run(plan)
    cloudy.seen_clouds = None
    cloudy.run(evidence)
    assert checks(cloudy)["cloud.answers", None]["status"] == "not_applicable"
    cloudy.cloud_answers()
    cloudy.run(evidence)
    assert checks(cloudy)["nova_pci_passthrough.services_read_the_plan", None]["status"] == "not_applicable"


TRY = {"flavor": "all.1x", "tenant": "research", "cards": 1, "most": 1, "asked": 2, "class": "CUSTOM_ALL", "places": {"gpu1": ["0000:17:00.0"]}}
GRANTED = {"status": "ACTIVE", "project": "research", "host": "gpu1", "cards": {"gpu1_0000:17:00.0": {"CUSTOM_ALL": 1}}, "fault": None}
LIVED = [
    ({"seen": True, "servers": [GRANTED], "refused": {"status": 403, "says": "over limit"}, "at": "2026-11-02T08:00:00Z"}, "pass", "over limit"),
    ({"failed": True, "msg": "There is no image."}, "unknown", "There is no image."),
    ({"unreachable": True}, "unknown", "did not answer"),
]


@pytest.mark.parametrize("result, status, words", LIVED)
def test_what_tenants_tried_stands_in_the_evidence(cloudy, result, status, words):
    row = {"item": [{"key": "main", "value": {}}, TRY], **result}
    cloudy.variables["__ai_stack_clouds_lived"] = {"results": [row, {"skipped": True, "item": [{"key": "main"}, TRY]}]}
    cloudy.run(evidence)
    (check,) = [one for one in cloudy.report("evidence.json")["checks"] if ".live." in one["id"]]
    assert check["status"] == status and words in json.dumps(check["observed"])


def test_what_came_of_a_canary_is_held_against_the_plan_of_its_cluster(done, monkeypatch):
    decisions = [{"subject": "worker", "value": ["gpu1"]}, {"subject": "control_plane", "value": []}]
    said, found = {"status": "skipped", "why": "no card is free"}, []
    done.run(plan)
    done.of_host = {"gpu1": {"__kubernetes_accelerators_canary": said}}
    monkeypatch.setattr(evidence._prover._clusters, "of_plan", lambda _plan: [{"kind": "cluster", "id": "ai", "decisions": decisions, "changes": []}])
    monkeypatch.setattr(evidence._prover.proof, "checks", lambda *told: found.append(told[-1]) or [])
    done.run(evidence)
    assert found == [{"gpu1": said}]
