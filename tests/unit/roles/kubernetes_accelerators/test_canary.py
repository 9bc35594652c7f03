# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Pods that look at cards, over an API that places them as a scheduler would: started, judged, and never left behind."""

from __future__ import annotations

import io
import json
import types

import packed
import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import canary

NAMES = ("ledger", "verbs", "api", "cluster_claims", "cluster_nodes", "cluster_pods", "cluster_queues", "claims", "device_plugin", "labels", "queues",
         "objects", "canary", "cli")  # fmt: skip
POOL = {"hosts": ["w1", "w2"], "names": ["nvidia.com/gpu"], "at": {"w1": ["0000:17:00.0"], "w2": ["0000:17:00.0"]}}
CANARIES, ID = canary.canaries({"training": POOL}, "pause:1"), "c" * 64
RUNS = {"phase": "Running", "containerStatuses": [{"state": {"running": {}}, "containerID": "containerd://" + ID}]}
SAID = "0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't match Pod's node affinity/selector."
NOWHERE = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": SAID}]}
PULLS = {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}]}


class Cluster:
    """becomes: {node: [status of its canary each time that somebody looks, the last of them for good; None: it is gone]}; held: lines on pods with cards;
    refuses: what the API says instead of making them, time by time, the last for good; None: it makes them; stuck: pods that do not go by themselves."""

    def __init__(self, modules, folder):
        self.modules, self.ground, self.calls = modules, modules.ledger.Ground(modules.objects.STATE, str(folder)), []
        self.ground.run, self.pods, self.closed, self.becomes = self.run, {}, set(), {}
        self.taints = {}
        self.held, self.refuses, self.stuck, self.claims = "", [], False, []
        (folder / "etc/kubernetes").mkdir(parents=True)
        (folder / "etc/kubernetes/admin.conf").write_text("x")

    def run(self, command, check=True, timeout=0, data=None):
        words = command[5:]
        self.calls.append(words)
        code, text = self.answer(words, json.loads(data) if data else None)
        if check and code:
            raise self.modules.ledger.Refused(text)
        return code, text

    def answer(self, words, given):
        if words[:2] == ["get", "nodes"]:
            specs = {name: {**({"unschedulable": True} if name in self.closed else {}), "taints": self.taints.get(name)} for name in ("w1", "w2")}
            rows = [{"metadata": {"name": name}, "spec": spec} for name, spec in specs.items()]
            return 0, json.dumps({"items": rows})
        if words[:2] == ["get", "pods"] and "--no-headers" in words:
            return 0, self.held
        if words[:2] == ["get", "--raw"]:
            assert words[2] == "/apis/resource.k8s.io/v1/resourceclaims"
            return 0, json.dumps({"items": self.claims})
        if words[0] == "create":
            said = (self.refuses.pop(0) if len(self.refuses) > 1 else self.refuses[0]) if self.refuses else None
            if said:
                return 1, said
            self.pods.update({one["metadata"]["name"]: one for one in given["items"]})
            return 0, ""
        assert words[:2] == ["--namespace", "ai-stack-canary"], words
        if words[2:4] == ["delete", "pods"]:
            if self.stuck and "--force" not in words:
                return 1, "timed out waiting for the condition"
            self.pods.clear()
            return 0, ""
        assert words[2:4] == ["get", "pods"], words
        return 0, json.dumps({"items": [one for one in map(self.shown, list(self.pods)) if one]})

    def shown(self, name):
        states = self.becomes.get(name, [RUNS])
        status = states.pop(0) if len(states) > 1 else states[0]
        return None if status is None else {**self.pods[name], "status": status}

    def wanted(self, seconds=1000):
        request = {"documents": [], "cards": {}, "ready": [], "canaries": CANARIES, "seconds": seconds}
        return self.modules.objects.Wanted(self.ground, request)

    def start(self, **how):
        return self.modules.canary.start(self.wanted(**how))["nodes"]


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    modules = types.SimpleNamespace(**packed.program("kubernetes_accelerators", "program.yml", NAMES))
    monkeypatch.setattr(modules.api, "PAUSE", 0)
    return Cluster(modules, tmp_path)


def test_one_runs_on_each_node_and_none_is_left(cluster):
    cluster.becomes["w1"] = [{}, PULLS, NOWHERE, RUNS]
    assert cluster.start() == {name: {"status": "runs", "container": ID} for name in ("w1", "w2")}
    assert sorted(cluster.pods) == ["w1", "w2"]
    assert cluster.modules.canary.stop(cluster.wanted()) == {"there": ["w1", "w2"]} and cluster.pods == {}


def test_who_needs_the_card_meanwhile_is_no_failure_of_its_node(cluster):
    cluster.start()
    del cluster.pods["w1"]
    cluster.pods["w2"]["metadata"] = {"name": "w2", "deletionTimestamp": "2026-11-28T08:00:00Z"}
    assert cluster.modules.canary.stop(cluster.wanted()) == {"there": []} and cluster.pods == {}


def test_one_that_a_run_left_behind_goes_first(cluster):
    cluster.pods["w1"] = {"metadata": {"name": "w1"}, "old": True}
    cluster.start()
    assert "old" not in cluster.pods["w1"]


def test_one_whose_node_is_gone_does_not_keep_the_others(cluster):
    cluster.stuck = True
    cluster.pods["w1"] = {"metadata": {"name": "w1"}, "old": True}
    assert cluster.start()["w2"]["status"] == "runs"
    cluster.modules.canary.stop(cluster.wanted())
    assert cluster.pods == {}


def test_a_node_whose_cards_are_held_is_left_out_and_by_whom(cluster):
    cluster.held = "".join(f"w1   research   trainer-{at:02}   Running   map[nvidia.com/gpu:1]\n" for at in range(10))
    cluster.becomes["w1"] = [NOWHERE]
    found = cluster.start()
    assert found["w1"]["status"] == "skipped" and found["w2"]["status"] == "runs"
    assert "held by research/trainer-00, " in found["w1"]["why"] and found["w1"]["why"].endswith(" and 2 more")


def test_a_node_whose_cards_are_claimed_is_left_out_and_by_whom(cluster, monkeypatch):
    monkeypatch.setitem(CANARIES["w1"], "name", "ai-stack-training")
    results = [{"driver": "gpu.nvidia.com", "pool": "w1", "device": "gpu-0", "request": "card"}]
    cluster.claims = [{"metadata": {"name": "one", "namespace": "research"},
                       "status": {"allocation": {"devices": {"results": results}}, "reservedFor": [{"resource": "pods", "name": "trainer"}]}}]  # fmt: skip
    said = {**NOWHERE["conditions"][0], "message": "0/2 nodes are available: 1 cannot allocate all claims"}
    cluster.becomes["w1"] = [{"conditions": [said]}]
    assert cluster.start(seconds=0)["w1"] == {"status": "skipped", "why": "no card is free: they are held by research/trainer"}


def test_a_card_that_nobody_holds_and_nobody_gets_is_a_failure(cluster):
    cluster.becomes["w1"] = [NOWHERE]
    assert cluster.start(seconds=0)["w1"] == {"status": "failed", "why": "it did not run within 0 s: " + SAID}
    # where others hold cards it may be for something else
    cluster.held = "w1   research   trainer   Running   map[nvidia.com/gpu:1]\n"
    cluster.becomes["w1"] = [{"conditions": [{**NOWHERE["conditions"][0], "message": "1 Too many pods"}]}]
    assert cluster.start(seconds=0)["w1"]["why"].endswith("1 Too many pods")


def test_a_node_that_is_kept_for_who_says_so_is_looked_at_and_one_in_trouble_is_not(cluster):
    taints = [("gpu", "NoExecute"), ("gpu", "NoSchedule"), ("node.kubernetes.io/not-ready", "NoExecute")]
    cluster.taints["w1"] = [{"key": key, "effect": effect} for key, effect in taints]
    cluster.start()
    said = {name: pod["spec"].get("tolerations") or [] for name, pod in cluster.pods.items()}
    assert [one for one in said["w1"] if one.get("effect") == "NoExecute"] == [{"key": "gpu", "operator": "Exists", "effect": "NoExecute"}]
    assert not [one for one in said["w2"] if one.get("effect") == "NoExecute"]


def test_a_node_that_is_shut_gets_none(cluster):
    cluster.closed = {"w1"}
    assert cluster.start()["w1"] == {"status": "skipped", "why": "the node is shut (cordoned)"} and sorted(cluster.pods) == ["w2"]
    cluster.closed = {"w1", "w2"}
    cluster.calls.clear()
    assert {one["status"] for one in cluster.start().values()} == {"skipped"} and not [words for words in cluster.calls if words[0] == "create"]


@pytest.mark.parametrize(
    ("status", "found", "said"),
    [(None, "skipped", "somebody else needed the card"), ({}, "failed", "did not run within 0 s"),
     (PULLS, "failed", "did not run within 0 s: ErrImagePull no such image"),
     ({"phase": "Failed", "reason": "UnexpectedAdmissionError", "message": "no devices"}, "failed", "its pod ended: UnexpectedAdmissionError no devices"),
     ({**RUNS, "containerStatuses": [{"state": {"running": {}}, "containerID": "docker://x; reboot"}]}, "failed", "none of containerd's")])  # fmt: skip
def test_what_came_of_one_is_said(cluster, status, found, said):
    cluster.becomes["w1"] = [status]
    one = cluster.start(seconds=0)["w1"]
    assert one["status"] == found and said in one["why"]


def test_one_that_the_api_refuses_is_a_failure_with_its_words(cluster):
    cluster.refuses = ["Error from server (Forbidden): cards are for namespaces of tenants"]
    assert cluster.start()["w1"] == {"status": "failed", "why": "the API refused it: " + cluster.refuses[0]}
    # a namespace gets its account a moment after it was made
    cluster.refuses = ["error looking up service account", None]
    assert cluster.start()["w1"]["status"] == "runs"


def test_without_a_cluster_there_is_none_to_take_away(cluster):
    cluster.ground.remove("/etc/kubernetes/admin.conf")
    assert cluster.modules.canary.stop(cluster.wanted()) == {"there": []} and cluster.calls == []


def test_both_words_are_on_the_command_line(cluster, monkeypatch, capsys):
    monkeypatch.setattr(cluster.modules.cli, "GROUND", cluster.ground)
    for verb in ("start", "stop"):
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(cluster.wanted().request)))
        assert cluster.modules.cli.main([verb]) == 0, capsys.readouterr()
    assert '"runs"' in capsys.readouterr().out and cluster.pods == {}
