# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The plan of a site: what it reads, writes, refuses and says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
import yaml
from ansible_collections.sovereign.ai_stack.plugins.action import plan
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import resolve
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _lock

from .test_kubernetes_plan import seen

WAIVER = {"rule": "ACC-4a", "scope": "site", "reason": "x", "approver": "board", "until": "2099-01-01"}
RECORD = "ai_stack.lock.yml"


@pytest.fixture
def fine(site):
    """A site without conflicts: one host to do, one done."""
    site.variables["ai_stack_waivers"] = [WAIVER]
    site.answers("gpu1", "h100-bookworm")
    site.answers("gpu2", "h100-bookworm-converged")
    return site


def test_a_plan_without_conflicts_ends_well_and_writes_its_reports(fine):
    result, said = fine.run(plan)
    assert result["failed"] is False and result["changed"] is False, said
    assert result["summary"]["hosts"] == 2 and result["summary"]["states"] == {"planned": 1, "converged": 1}
    written = fine.report("plan.json")
    assert written["schema"] == "sovereign.ai_stack/plan/1" and set(written["hosts"]) == {"gpu1", "gpu2"} and "record" not in written
    assert sorted(fine.files()) == ["hosts.yml"] + [
        f"reports/example/{name}" for name in ("observations/gpu1.json", "observations/gpu2.json", "plan.html", "plan.json")
    ]


def test_a_plan_fails_after_writing_its_reports_and_says_every_conflict(fine):
    fine.variables["ai_stack_poools"] = []
    fine.variables["ai_stack_pools"] = [{"name": "all", "hosts": "gpu", "use": "host", "select": {"model": "H1000"}, "cloud": "main"}]
    result, said = fine.run(plan)
    assert result["failed"] is True and " conflicts, nothing was changed" in result["msg"]
    assert len(fine.report("plan.json")["conflicts"]) >= 4
    for words in ("ai_stack_poools", "nearest allowed: ai_stack_pools", "H1000", "INT-4", "source: "):
        assert words in said
    assert set(result) == {"changed", "failed", "msg", "plan_sha256", "reports", "summary"}  # Ansible prints it once more


@pytest.fixture
def clustered(site):
    """A site of one cluster whose owner of cards is an operator."""
    site.groups = {"all": ["cp1", "w1"], "control": ["cp1"], "workers": ["w1"], "ungrouped": []}
    offered = {"containerd": "2.3.4-1", **dict.fromkeys(("kubeadm", "kubelet", "kubectl"), "1.36.4-1.1")}
    offered = {name: [{"version": version, "repository": None}] for name, version in offered.items()}
    for name in site.groups["all"]:
        mine = {key: seen(name, offered=offered)[key] for key in ("machine", "kubernetes")}
        recorded = site.document("h100-bookworm-converged")
        recorded["system"]["machine_id"], runtime = name, {**seen(name)["containerd"], "version": None, "paths": []}
        site.answers(name, {**recorded, **mine, "containerd": runtime, **({"pci": []} if name == "cp1" else {})})
    row = {"name": "ai", "kubernetes": "1.36", "control_plane": "control", "nodes": "workers", "accelerators": {"owner": "operator"}}
    pool = {"name": "training", "hosts": "workers", "use": "host", "cluster": "ai", "tenants": {"research": {}}}
    site.variables = {"ai_stack_site": "example", "ai_stack_clusters": [row], "ai_stack_pools": [pool], "ai_stack_waivers": [WAIVER]}
    return site


def test_values_of_an_operator_lie_beside_the_plan(clustered):
    result, said = clustered.run(plan)
    assert result["failed"] is False, said
    (path,) = result["reports"]["values"]
    assert path.endswith("reports/example/operator-ai.yml") and f"with the chart that it names: {path}" in said
    assert yaml.safe_load((clustered.folder / "reports/example/operator-ai.yml").read_text())["driver"]["enabled"] is False
    assert "WARNING K8S-G24: ai_stack_clusters[0].accelerators: gpu-operator 26.7.0" in said
    # a plan that decides none takes it away
    clustered.variables["ai_stack_clusters"][0]["accelerators"] = {"owner": "role"}
    assert "values" not in clustered.run(plan)[0]["reports"] and "reports/example/operator-ai.yml" not in clustered.files()


def test_a_pool_of_a_cloud_that_no_verb_acts_on_is_planned_and_not_deployed(fine):
    fine.variables["ai_stack_clouds"] = [{"name": "main", "series": "2025.1", "nova": "31.3.1", "deployment": "files"}]
    fine.variables["ai_stack_pools"] = [{"name": "all", "hosts": "gpu", "use": "passthrough", "cloud": "main"}]
    fine.variables["ai_stack_confirm"] = ["report_in_placement on main"]
    result, said = fine.run(plan)
    assert result["failed"] is False and "WARNING INT-7: ai_stack_clouds[0].deployment" in said, said
    assert [one["kind"] for one in fine.report("plan.json")["resources"]][:1] == ["nova_cloud"]
    result, said = fine.run(plan, mode="deploy")
    assert result["failed"] is True and "CONFLICT INT-7: ai_stack_clouds[0].deployment" in said


@pytest.fixture
def cloudy(fine):
    """The same site with a pool of a cloud that a deploy acts on."""
    fine.variables["ai_stack_clouds"] = [{"name": "main", "series": "2025.1", "nova": "31.3.1", "hosts": "gpu"}]
    fine.variables["ai_stack_pools"] = [{"name": "all", "hosts": "gpu", "use": "passthrough", "cloud": "main", "tenants": {"research": {}}}]
    fine.variables["ai_stack_confirm"] = ["report_in_placement on main"]
    fine.cloud_answers()
    return fine


def test_what_a_cloud_tells_is_kept_and_planned_from(cloudy):
    cloudy.cloud_answers(projects=["health"])
    result, said = cloudy.run(plan)
    assert result["failed"] and "CONFLICT NR-101: ai_stack_pools[0].tenants" in said
    assert cloudy.report("clouds/main.json")["projects"] == ["health"]
    cloudy.cloud_answers(providers={"gpu1": {"0000:17:00.0": {"class": "CUSTOM_ALL", "total": 1}}, "gpu2": {}})
    result, said = cloudy.run(plan, mode="deploy")
    assert result["failed"] is False, said
    written = cloudy.report("plan.json")
    assert written["inputs"]["clouds"]["main"]["at"] == "2026-11-25T19:00:00Z"
    assert {row["subject"]: row["value"] for row in written["resources"][0]["decisions"]}["reporting"] == ["gpu1"]
    assert '"report_in_placement": ["gpu1"]' in (cloudy.folder / "ai_stack.lock.yml").read_text()


@pytest.mark.parametrize("row", [{"unreachable": True, "msg": "no route"}, {"failed": True, "msg": "Cloud main: placement cannot be asked"}])
@pytest.mark.parametrize("whole", [False, True])
def test_a_cloud_that_does_not_answer_counts_with_what_it_said_last_and_is_not_deployed(cloudy, row, whole):
    assert cloudy.run(plan)[0]["failed"] is False
    cloudy.seen_clouds = row if whole else {"results": [{"item": {"name": "main"}, **row}]}
    result, said = cloudy.run(plan)
    assert result["failed"] is False and "WARNING cloud main could not be" in said and "it counts with what was seen of it" in said
    result, said = cloudy.run(plan, mode="deploy")
    assert result["failed"] and "CONFLICT SITE-9: ai_stack_clouds[0]: cloud main could not be" in said
    cloudy.seen_clouds = None
    result, said = cloudy.run(plan, mode="deploy")
    assert result["failed"] and "was not asked in this run; a deploy acts on what its hosts do now" in said
    assert not (cloudy.folder / "ai_stack.lock.yml").exists()


@pytest.mark.parametrize("change", [{"schema": "x"}, {"cloud": "other"}, {"hosts": []}, {"at": "today"}])
def test_a_document_that_is_no_clouds_is_a_conflict(cloudy, change):
    cloudy.cloud_answers(**change)
    result, said = cloudy.run(plan)
    assert result["failed"] and "SITE-1: clouds/main" in said


def test_recorded_files_may_have_clouds_beside_them(cloudy):
    cloudy.run(plan)
    folder = cloudy.folder / "recorded"
    shutil.copytree(cloudy.folder / "reports/example/observations", folder)
    (folder / "clouds").mkdir()
    (folder / "clouds/main.json").write_text(json.dumps(cloudy.cloud(projects=["health"])))
    cloudy.variables["ai_stack_observations"] = str(folder)
    assert "NR-101" in cloudy.run(plan)[1]


def test_the_limit_neither_shrinks_the_plan_nor_hides_a_conflict_elsewhere(fine):
    fine.run(plan)
    fine.answers("gpu2", "gh200-bookworm")
    assert fine.run(plan)[0]["failed"]
    fine.limit, fine.registered = ["gpu1"], {}
    fine.answers("gpu1", "h100-bookworm")
    result, said = fine.run(plan)
    assert result["failed"] and "on gpu2" in said and set(fine.report("plan.json")["hosts"]) == {"gpu1", "gpu2"}
    assert "outside the limit: 1 host, planned with what was last seen or as unknown" in said


def test_deploy_is_stopped_by_conflicts_inside_the_limit_and_of_the_site_only(fine):
    fine.answers("gpu2", "gh200-bookworm")
    fine.run(plan)
    fine.limit = ["gpu1"]
    result, said = fine.run(plan, mode="deploy")
    assert result["failed"] is False and "CONFLICT" in said
    fine.limit = ["gpu2"]
    assert fine.run(plan, mode="deploy")[0]["failed"] is True
    fine.limit, fine.variables["ai_stack_poools"] = ["gpu1"], 1
    assert fine.run(plan, mode="deploy")[0]["failed"] is True


def test_a_dark_host_counts_with_what_was_seen_last_and_keeps_its_file(fine):
    fine.run(plan)
    before = fine.files()["reports/example/observations/gpu2.json"]
    fine.is_dark("gpu2")
    result, said = fine.run(plan)
    assert result["failed"] is False and "gpu2: did not answer; it counts with what was seen of it" in said
    assert fine.files()["reports/example/observations/gpu2.json"] == before
    assert fine.report("plan.json")["inputs"]["observations"]["gpu2"]["reachable"] is False


def test_a_limit_of_one_dark_host_that_was_never_seen_still_gives_a_plan(fine):
    fine.registered, fine.limit = {}, ["gpu2"]
    fine.is_dark("gpu2")
    result, dummy = fine.run(plan)
    assert set(fine.report("plan.json")["hosts"]) == {"gpu1", "gpu2"} and result["summary"]["states"] == {"unknown": 2}


@pytest.mark.parametrize("mode", ["plan", "deploy"])
def test_a_plan_that_knows_nothing_of_any_host_is_refused_and_one_known_host_is_enough(fine, mode):
    fine.registered = {}
    fine.is_dark("gpu1")
    fine.is_dark("gpu2")
    result, said = fine.run(plan, mode=mode)
    assert result["failed"] and "SITE-7: observations: nothing is known of any host: none answered, and none was seen before" in said
    fine.answers("gpu1", "h100-bookworm")
    result, said = fine.run(plan, mode=mode)
    assert result["failed"] is False and "SITE-7" not in said
    fine.is_dark("gpu1")
    assert fine.run(plan, mode=mode)[0]["failed"] is False


@pytest.mark.parametrize(
    "files, said",
    [
        ([], "no host of the inventory has a file in it: wants one a host, HOST.json; it holds no such file"),
        (["node1.json", "node2.json", "gpu1"], "files of no host: node1.json, node2.json"),
        ([f"node{number}.json" for number in range(20)], "node15.json and 12 more"),
    ],
    ids=["none", "wrong names", "many"],
)
def test_recorded_files_of_no_host_are_refused_by_the_name_that_was_expected(fine, files, said):
    folder = fine.folder / "recorded"
    folder.mkdir()
    for name in files:
        (folder / name).write_text(json.dumps(fine.document("h100-bookworm")))
    fine.variables["ai_stack_observations"] = "recorded"
    result, told = fine.run(plan)
    assert result["failed"] and "SITE-7: ai_stack_observations: " in told and said in told
    assert f"nearest allowed: {folder / 'gpu1.json'}" in told


def test_recorded_hosts_that_were_all_out_of_reach_are_refused(fine):
    folder = fine.folder / "recorded"
    folder.mkdir()
    (folder / "gpu1.json").write_text(json.dumps(fine.document("dark")))
    fine.variables["ai_stack_observations"] = "recorded"
    result, said = fine.run(plan)
    assert result["failed"] and "SITE-7: observations: nothing is known of any host: each was out of reach when it was recorded" in said


def test_a_recorded_file_that_no_host_has_is_told(fine):
    folder = fine.folder / "recorded"
    folder.mkdir()
    for name in ("gpu1.json", "gpu3.json", "README"):
        (folder / name).write_text(json.dumps(fine.document("h100-bookworm")))
    fine.variables["ai_stack_observations"] = "recorded"
    result, said = fine.run(plan)
    assert result["failed"] is False and "1 file of no host of the inventory: gpu3.json\n" in said


def test_a_trial_build_is_refused_with_recorded_files(fine):
    folder = fine.folder / "recorded"
    folder.mkdir()
    (folder / "gpu1.json").write_text(json.dumps(fine.document("h100-bookworm")))
    fine.variables.update(ai_stack_observations="recorded", ai_stack_trial=True)
    result, said = fine.run(plan)
    assert result["failed"] and said.count("CONFLICT") == 1 and "SITE-8: ai_stack_trial: " in said


def test_a_host_that_could_not_be_observed_is_told_with_its_reason(fine):
    fine.registered["gpu2"] = {"failed": True, "msg": "no python"}
    assert "could not be observed: no python" in fine.run(plan)[1]


def test_recorded_files_are_planned_from_without_touching_what_was_accepted(fine, root):
    fine.registered = {"gpu1": {"skipped": True}}
    folder = fine.folder / "recorded"
    folder.mkdir()
    (folder / "gpu1.json").write_text(json.dumps(fine.document("h100-bookworm")))
    fine.variables["ai_stack_observations"] = "recorded"
    result, dummy = fine.run(plan)
    assert result["summary"]["states"] == {"planned": 1, "unknown": 1}
    assert not (fine.folder / "reports/example/observations").exists()


@pytest.mark.parametrize("name", ["absent", "a-file"])
def test_a_folder_of_recorded_files_that_is_none_is_a_conflict_with_a_next_step(fine, name):
    (fine.folder / "a-file").write_text("{}")
    fine.variables["ai_stack_observations"] = name
    result, said = fine.run(plan)
    assert result["failed"] and "SITE-5" in said and f"{name} is no folder" in said and "conflict" in result["msg"]
    assert all(row["nearest"] for row in fine.report("plan.json")["conflicts"] if row["rule"] == "SITE-5")


def test_hostile_recorded_files_are_conflicts_and_no_tracebacks(fine):
    folder = fine.folder / "recorded"
    folder.mkdir()
    (folder / "gpu1.json").write_text("[" * 100000)
    (folder / "gpu2.json").write_text(json.dumps({**fine.document("h100-bookworm"), "pci": "none"}))
    fine.variables["ai_stack_observations"] = str(folder)
    result, said = fine.run(plan)
    assert result["failed"] and said.count("SITE-1") == 2 and "defect" not in result["msg"]
    assert all("observe the host again" in row["nearest"] for row in fine.report("plan.json")["conflicts"] if row["rule"] == "SITE-1")


def test_check_mode_of_a_plan_writes_the_same_reports(fine):
    fine.run(plan)
    before = set(fine.files())
    subprocess.run(["rm", "-r", str(fine.folder / "reports")], check=True)
    fine.run(plan, check=True)
    assert set(fine.files()) == before


def test_deploy_keeps_a_record_and_the_second_one_leaves_it(fine):
    result, dummy = fine.run(plan, mode="deploy")
    assert result["changed"] is True
    record = yaml.safe_load((fine.folder / RECORD).read_text())
    assert record["schema"] == "sovereign.ai_stack/lock/1" and {row["host"] for row in record["cards"]} == {"gpu1", "gpu2"}
    before = (fine.folder / RECORD).read_bytes()
    assert fine.run(plan, mode="deploy")[0]["changed"] is False and (fine.folder / RECORD).read_bytes() == before


def test_deploy_in_check_mode_shows_the_record_and_writes_neither_it_nor_a_lock(fine):
    result, dummy = fine.run(plan, check=True, diff=True, mode="deploy")
    assert result["changed"] is True and "gpu1" in result["diff"]["after"] and result["diff"]["before"] == ""
    assert RECORD not in fine.files() and "reports/example/site.lock" not in fine.files()


def test_a_refused_deploy_keeps_no_record(fine):
    fine.variables["ai_stack_poools"] = 1
    assert fine.run(plan, mode="deploy")[0]["failed"] and RECORD not in fine.files()


def test_a_record_that_cannot_be_read_is_a_conflict_and_stays_as_it_is(fine):
    (fine.folder / RECORD).write_text("schema: [")
    result, said = fine.run(plan, mode="deploy")
    assert result["failed"] and "SITE-2" in said and (fine.folder / RECORD).read_text() == "schema: ["


def test_a_second_deploy_is_told_who_holds_the_site(fine):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    holder = {**_lock.process_of_run(), "pid": child.pid, "started": _lock._started(child.pid)}
    _lock.take(fine.folder / "reports/example", "deploy", "2026-11-25T19:00:00Z", holder)
    result, dummy = fine.run(plan, mode="deploy")
    child.communicate(b"\n")
    assert result["failed"] and "The site is locked" in result["msg"] and RECORD not in fine.files()
    assert fine.report("site.lock")["pid"] == child.pid


@pytest.mark.parametrize("what", ["a conflict", "a defect"])
def test_a_refused_deploy_gives_the_site_back(fine, monkeypatch, what):
    def planted(*dummy, **dummies):
        raise KeyError("planted")

    if what == "a defect":
        monkeypatch.setattr(plan.ActionModule, "_keep", planted)
    else:
        fine.variables["ai_stack_poools"] = 1
    assert fine.run(plan, mode="deploy")[0]["failed"] and "reports/example/site.lock" not in fine.files()


def test_a_deploy_that_goes_on_keeps_the_site_until_its_evidence(fine):
    assert not fine.run(plan, mode="deploy")[0]["failed"] and fine.report("site.lock")["what"] == "deploy"


@pytest.mark.parametrize("verb", [{"mode": "plan"}, {"mode": "deploy", "check": True}])
def test_a_plan_that_takes_no_lock_gives_none_back(fine, verb):
    _lock.take(fine.folder / "reports/example", "deploy", "2026-11-25T19:00:00Z")
    fine.variables["ai_stack_poools"] = 1
    assert fine.run(plan, **verb)[0]["failed"] and fine.report("site.lock")["what"] == "deploy"


def approve(site):
    site.run(plan)
    (site.folder / "approved.json").write_bytes(site.files()["reports/example/plan.json"])
    site.variables["ai_stack_plan"] = "approved.json"


def test_an_approved_plan_is_applied_while_nothing_changed(fine):
    approve(fine)
    result, said = fine.run(plan, mode="deploy")
    assert result["failed"] is False, said


@pytest.mark.parametrize(
    "change, words", [("intent", "ai_stack_driver was changed since"), ("observation", "nobody approved"), ("cards", "its cards are others")]
)
def test_an_approved_plan_is_refused_with_every_difference_when_something_changed(fine, change, words):
    approve(fine)
    if change == "intent":
        fine.variables["ai_stack_driver"] = {"reboot": "when_needed"}
    elif change == "observation":
        document = fine.document("h100-bookworm-converged")
        document["packages"]["held"].clear()
        fine.answers("gpu2", document)
    else:
        document = fine.document("h100-bookworm")
        document["pci"][0]["device"] = "2330"
        fine.answers("gpu1", document)
    result, said = fine.run(plan, mode="deploy")
    assert result["failed"] and "SITE-4" in said and words in said


def test_a_plan_with_conflicts_cannot_be_approved(fine):
    fine.answers("gpu2", "gh200-bookworm")
    approve(fine)
    result, dummy = fine.run(plan, mode="deploy")
    assert result["failed"] and "a plan with conflicts is not applied" in result["msg"]


def test_a_defect_of_ours_is_one_sentence_and_a_traceback_for_those_who_ask(fine, monkeypatch):
    def planted(*dummy, **dummies):
        raise KeyError("planted")

    monkeypatch.setattr(resolve, "resolve", planted)
    result, said = fine.run(plan)
    assert result["failed"] and result["msg"].startswith("The plan could not be made: a defect of the collection (KeyError in test_plan.py line")
    assert "Traceback" not in json.dumps(result) and "Traceback" in said


def test_templates_of_the_inventory_are_resolved_where_they_stand(fine, template):
    fine.variables["site_model"] = "H100"
    fine.variables["ai_stack_pools"][0]["select"] = {"model": template("{{ site_model }}")}
    assert fine.run(plan)[0]["failed"] is False


def test_a_template_that_cannot_be_resolved_is_a_conflict_with_its_place(fine, template):
    fine.variables["ai_stack_pools"][0]["select"] = {"model": template("{{ site_modle }}")}
    fine.variables["ai_stack_repositories"] = [
        {"name": "a", "type": "deb", "uris": ["https://x"], "suites": ["./"], "login": "l", "password": template("s3cret{{ vault_x }}")},
        {"name": "b", "type": "deb", "uris": ["https://x"], "suites": ["./"], "login": "l", "password": template("s3cret{{ ( }}")},
    ]
    result, said = fine.run(plan)
    assert result["failed"] and "INT-8: ai_stack_pools[0].select.model: its template cannot be resolved: " in said and "site_modle" in said
    assert "INT-8: ai_stack_repositories[0].password: its template cannot be resolved\n" in said + "\n"
    assert "INT-2" not in said
    assert "s3cret" not in said + json.dumps(result) + "".join(map(str, fine.files().values()))


@pytest.mark.parametrize("password", ["s3cret", ["s3cret"], {"s3cret": "s3cret"}, 535309])
def test_a_secret_is_found_nowhere_whatever_its_type(fine, password):
    fine.variables["ai_stack_repositories"] = [
        {"name": "cuda", "type": "deb", "uris": ["https://x"], "suites": ["./"], "login": "l", "password": password},
        {"name": "cuda", "type": "deb", "uris": ["https://l:s3cret@x"], "suites": ["./"], "login": "l", "pasword": password},
    ]
    result, said = fine.run(plan, diff=True, mode="deploy")
    everything = said + json.dumps(result) + "".join(map(str, fine.files().values()))
    assert "s3cret" not in everything and "535309" not in everything.replace("535.309", "")


@pytest.mark.parametrize("limit", [None, ["gpu1"]])
@pytest.mark.parametrize("name, value", [("ai_stack_driver", {"policy": "newest"}), ("ai_stack_site", "other")])
def test_a_variable_of_a_group_or_host_is_refused_whoever_the_task_runs_for(fine, name, value, limit):
    fine.groups["other"], fine.limit = ["gpu2"], limit
    fine.of_host["gpu2"] = {name: value}
    result, said = fine.run(plan)
    assert result["failed"] and f"{name}: is set for the group other or a host of it" in said


def test_a_variable_that_looks_like_a_roles_and_is_none_is_told(fine):
    fine.variables.update(gpu_driver_polcy="newest", gpu_driver_policy="production", gpu_dri="x")
    result, said = fine.run(plan)
    assert result["failed"] is False and "gpu_driver_polcy: no role has such a variable; nearest: gpu_driver_policy" in said
    assert said.count("no role has") == 1


def test_a_path_in_the_inventory_may_start_at_the_inventory(fine, template):
    (fine.folder / "tables").mkdir()
    fine.variables["ai_stack_extra_tables"] = [template("{{ inventory_dir }}/tables")]
    assert fine.run(plan)[0]["failed"] is False


HOSTILE = [
    "{{ lookup('pipe', 'touch planted') }}",
    "{% for x in y %}",
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "\x1b]0;planted\x07",
]


def planted(value, text):
    """The document with a hostile text in every string."""
    if isinstance(value, dict):
        return {key: planted(one, text) if key not in ("schema", "at", "vendor", "device", "class", "address") else one for key, one in value.items()}
    if isinstance(value, list):
        return [planted(one, text) for one in value]
    return text if isinstance(value, str) else value


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_host_says_runs_nowhere(fine, text, template):
    document = planted(fine.document("h100-bookworm-converged"), text)
    fine.answers("gpu1", document)
    fine.answers("gpu2", document)
    result, said = fine.run(plan)
    assert not (fine.folder / "planted").exists() and "defect" not in result["msg"]
    assert all(line.isprintable() for line in said.splitlines())
    page = fine.files()["reports/example/plan.html"].decode()
    assert "<script>alert" not in page and "<img src=x" not in page
    assert fine.report("observations/gpu1.json")["system"]["distribution"] == text
