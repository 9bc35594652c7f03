# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Evidence: nothing passes that was not seen now."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import types

import pytest
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _planner, _prover, _recorded, _site

NOW = "2026-11-25T20:00:00Z"
OLD_BRANCH = {"rule": "ACC-4a", "scope": "site", "reason": "x", "approver": "board", "until": "2099-01-01"}


@pytest.fixture
def document(root):
    path = root / "tests/unit/fixtures/observations/h100-bookworm-converged.json"
    return _recorded.Shelf().check({**json.loads(path.read_text(encoding="utf-8")), "host": "gpu1"}, "the fixture", "gpu1")


@pytest.fixture
def seen(document):
    return _planner.Seen(documents={"gpu1": document}, about={"gpu1": {"sha256": "x", "at": document["at"]}}, fresh={"gpu1"})


@pytest.fixture
def plan(seen):
    """The plan of a host that is as it should be; that its branch is old is waived."""
    intent = {"ai_stack_site": "example", "ai_stack_pools": [{"name": "a", "hosts": "all", "use": "host"}], "ai_stack_waivers": [OLD_BRANCH]}
    return _planner.plan_site(intent, {"all": ["gpu1"]}, seen, {}, NOW)


def evidence(plan, seen, *hosts, waivers=(OLD_BRANCH,)):
    return _prover.evidence_of(plan, seen, hosts or ("gpu1",), waivers, NOW, groups={"all": ["gpu1"]})


def test_every_check_has_the_keys_of_the_contract(plan, seen):
    found = evidence(plan, seen)
    assert found["schema"] == "sovereign.ai_stack/evidence/1" and found["checks"]
    for row in found["checks"]:
        assert {"id", "host", "role", "promise", "status", "expected", "observed", "observed_at", "how", "rule"} <= set(row)
    assert sum(found["summary"].values()) == len(found["checks"]) and set(found["summary"]) == set(_prover.STATUSES)


def test_a_host_that_is_as_it_should_be_is_proven(plan, seen):
    found = evidence(plan, seen)
    assert found["summary"]["fail"] == found["summary"]["unknown"] == 0 and found["summary"]["pass"] > 0


def statuses(found):
    return {(row["id"], row["status"]) for row in found["checks"]}


def test_what_was_seen_of_a_host_last_week_proves_nothing_today(plan, seen):
    seen.fresh.clear()
    assert statuses(evidence(plan, seen)) == {("host.answers", "unknown")}
    seen.dark["gpu1"] = "did not answer"
    assert evidence(plan, seen)["checks"][0]["observed"] == "did not answer"


UNDECIDED = [("refused", "fail"), ("unknown", "unknown"), ("left_out", "not_applicable"), ("no_accelerator", "not_applicable"), ("new", "unknown")]


@pytest.mark.parametrize("state, status", UNDECIDED)
def test_a_host_without_a_decision_is_in_the_evidence_and_never_passes(plan, seen, state, status):
    plan["hosts"]["gpu1"] = {"state": state, "because": "so", "cards": [], "decisions": [], "changes": []}
    assert statuses(evidence(plan, seen)) == {("plan.decides_host", status)}


def test_a_host_that_the_plan_does_not_know_fails(plan, seen):
    assert ("plan.covers_host", "fail") in statuses(evidence(plan, seen, "gpu1", "gpu9"))


def broken(plan, seen):
    """The host with another driver loaded, and the rule that says so."""
    seen.documents["gpu1"] = copy.deepcopy(seen.documents["gpu1"])
    seen.documents["gpu1"]["driver"]["loaded"] = {"nvidia": {"version": "1.2.3", "flavour": "proprietary"}}
    failed = [row for row in evidence(plan, seen)["checks"] if row["status"] == "fail"]
    assert failed
    return failed[0]["rule"]


def test_another_loaded_driver_fails(plan, seen):
    assert broken(plan, seen)


def waiver(rule, until="2026-11-25", scope="host gpu1"):
    return {"rule": rule, "scope": scope, "reason": "until the reboot", "approver": "board", "until": until}


@pytest.mark.parametrize(
    "until, scope, status", [("2026-11-25", "host gpu1", "waived"), ("2026-11-24", "host gpu1", "fail"), ("2026-11-25", "host gpu2", "fail")]
)
def test_a_waiver_covers_a_failed_check_until_its_last_day_and_in_its_scope(plan, seen, monkeypatch, until, scope, status):
    rule = broken(plan, seen)
    # which rules may be waived is the core's business
    monkeypatch.setattr(_prover.Index, "waivable_by", lambda self, identity: (identity, "all of it"))
    monkeypatch.setattr(_prover, "Waivers", lambda index, rows, today: Accepted(rows, today))
    rows = [row for row in evidence(plan, seen, waivers=[waiver(rule, until, scope)])["checks"] if row["rule"] == rule and row["status"] != "pass"]
    assert rows and {row["status"] for row in rows} == {status}
    if status == "waived":
        assert rows[0]["approver"] == "board" and rows[0]["until"] == until


@pytest.mark.parametrize(
    "host, until, scope, holds",
    [
        ("gpu1", "2026-11-25", "cloud main", True),
        ("gpu1", "2026-11-24", "cloud main", False),
        ("gpu1", "2026-11-25", "host gpu2", False),
        (None, "2026-11-25", "cloud main", True),
        (None, "2026-11-24", "cloud main", False),
    ],
)
def test_what_the_plan_relies_on_must_be_waived_on_the_day_of_the_proof(plan, seen, host, until, scope, holds):
    plan["waived"] = [{"rule": "ACC-4a", "host": host, "until": "2026-11-25"}]
    failed = [(row["id"], row["host"]) for row in evidence(plan, seen, waivers=[waiver("ACC-4a", until, scope)])["checks"] if row["status"] == "fail"]
    assert failed == ([] if holds else [("plan.waivers_hold", host)])


class Accepted:
    def __init__(self, rows, today):
        self.rows = [row for row in rows if row["until"] >= today]

    def for_host(self, host, groups, pools):
        return {row["rule"]: row for row in self.rows if row["scope"] == f"host {host}"}


def test_an_unknown_check_cannot_be_waived():
    row, always = {"rule": "ACC-15", "status": "unknown"}, types.SimpleNamespace(waivable_by=lambda identity: (identity,))
    assert _prover._waived(row, {"ACC-15": waiver("ACC-15")}, always) == row


def test_a_rule_that_cannot_be_waived_is_not_and_one_name_waives_all_parts_of_a_rule(tables):
    index, row = _prover.Index(tables), {"rule": "ACC-4a", "status": "fail"}
    assert _prover._waived(row, {"ACC-4": waiver("ACC-4")}, index)["status"] == "waived"
    assert _prover._waived({**row, "rule": "ACC-15a"}, {"ACC-15a": waiver("ACC-15a")}, index)["status"] == "fail"


CHANGE = {"resource": "package:nvidia-new", "before": None, "after": "1"}


@pytest.mark.parametrize(
    "predicted, equal", [([CHANGE], True), ([], False), ([{**CHANGE, "after": "2"}], False), ([CHANGE, {**CHANGE, "resource": "hold:nvidia-new"}], False)]
)
def test_made_changes_must_be_the_predicted_ones_and_no_other(plan, seen, document, predicted, equal):
    after = copy.deepcopy(document)
    after["packages"]["installed"]["nvidia-new"] = "1"
    seen.documents["gpu1"] = after
    plan["hosts"]["gpu1"]["changes"] = predicted
    found = _prover.changes_of(plan, {"gpu1": document}, seen, ["gpu1"], NOW)
    assert found["hosts"]["gpu1"]["made"] == [CHANGE] and found["hosts"]["gpu1"]["equal"] is equal
    (check,) = _prover.checks_of_changes(found, NOW)
    assert check["status"] == ("pass" if equal else "fail")


def test_changes_of_a_host_that_was_not_seen_twice_are_unknown(plan, seen, document):
    for before in ({}, {"gpu1": {"reachable": False}}):
        found = _prover.changes_of(plan, before, seen, ["gpu1"], NOW)
        assert found["hosts"]["gpu1"]["made"] is None and next(_prover.checks_of_changes(found, NOW))["status"] == "unknown"
    seen.fresh.clear()
    assert _prover.changes_of(plan, {"gpu1": document}, seen, ["gpu1"], NOW)["hosts"]["gpu1"]["equal"] is None


def test_equal_findings_are_told_once_and_move_no_cursor():
    rows = [{**_prover._row("a.b", f"gpu{number}", "so", "fail", 1, "\x1b[2J", "x", NOW)} for number in range(3)]
    (text,) = _prover.text_of([*rows, {**rows[0], "status": "pass"}])
    assert text.startswith("FAIL a.b on gpu0, gpu1, gpu2: so; expected 1, observed") and text.isprintable()


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed here")
def test_a_signature_is_one_that_ssh_keygen_accepts(tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    (tmp_path / "evidence.json").write_text("{}")
    for _dummy in range(2):
        _prover.sign(tmp_path / "evidence.json", tmp_path / "key")
    (tmp_path / "signers").write_text("operator " + (tmp_path / "key.pub").read_text())
    command = ["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "operator", "-n", "sovereign.ai_stack", "-s", "evidence.json.sig"]
    assert subprocess.run(command, cwd=tmp_path, input=b"{}", check=False, capture_output=True).returncode == 0
    assert subprocess.run(command, cwd=tmp_path, input=b"[]", check=False, capture_output=True).returncode != 0


def test_a_key_that_cannot_sign_gives_one_sentence(tmp_path):
    (tmp_path / "evidence.json").write_text("{}")
    with pytest.raises(_site.SiteError, match="could not be signed"):
        _prover.sign(tmp_path / "evidence.json", tmp_path / "absent")
