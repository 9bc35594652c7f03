# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a plan of a cluster promised, held against what its hosts and its API tell."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import proof
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from planner import Cases

case = Cases()

API = {name: {"address": "192.0.2.1", "pods": "10.244.0.0/24", "ready": True, "troubles": [], "version": "v1.37.2"} for name in ("k8s-cp1", "k8s-w1")}
ROOT = {"version": 4, "imports": [], "ours": True, "old_registry": []}


@pytest.fixture
def index(tables):
    return Index(tables)


@pytest.fixture
def made(clustered):
    """(resource of the plan, observations of a cluster that is as planned)"""
    plan = clustered.plan()
    assert plan["conflicts"] == []
    done = {"kubernetes__super_admin": False, "kubernetes__certificates": None, "kubernetes__sets": None,
            "kubernetes__kubelet": "v1.37.2", "kubernetes__joined": True, "containerd__version": "2.4.2", "containerd__root": ROOT,
            "containerd__systemd_cgroup": True}  # fmt: skip
    hosts = [clustered.host("k8s-cp1", kubernetes__static_pods={"kube-apiserver": "v1.37.2", "etcd": "3.7.0-0"}, kubernetes__nodes=API,
                            **{**done, "kubernetes__certificates": {"apiserver": "2027-11-27T21:03:06Z"}}),
             clustered.host("k8s-w1", kubernetes__nodes=None, **done)]  # fmt: skip
    found = {one["host"]: one for one in copy.deepcopy(hosts)}
    newest = {"at": found["k8s-cp1"]["at"], "name": "x", "sha256": "y"}
    found["k8s-cp1"]["kubernetes"]["sets"] = {"fresh_hours": 24, "last": newest, "there": True, "failed": None}
    return plan["resources"][0], found


def status(rows):
    return {(row["id"].partition(".")[2], row["host"]): row["status"] for row in rows if row["status"] != "pass"}


def test_a_cluster_that_is_as_planned_is_proven(index, made):
    rows = proof.checks(index, *made, ["k8s-cp1", "k8s-w1"])
    assert status(rows) == {} and {row["id"] for row in rows} == {f"kubernetes.{one}" for one in (
        "versions", "joined", "no_newer_drop_in", "one_cgroup_driver", "node_is_ready",
        "no_super_admin_conf", "certificates_last", "sets_are_fresh", "nodes_are_planned")}  # fmt: skip
    assert proof.checks(index, *made, []) == [] and {row["host"] for row in proof.checks(index, *made, ["k8s-w1"])} == {"k8s-w1", None}


@pytest.mark.parametrize(
    ("host", "part", "key", "value", "found"),
    [("k8s-w1", "kubernetes", "kubelet", "v1.37.1", {("versions", "k8s-w1"): "fail"}),
     ("k8s-cp1", "kubernetes", "static_pods", {}, {("versions", "k8s-cp1"): "fail"}),
     ("k8s-w1", "containerd", "version", "2.4.0", {("versions", "k8s-w1"): "fail"}), ("k8s-w1", "kubernetes", "joined", False, {("joined", "k8s-w1"): "fail"}),
     ("k8s-w1", "kubernetes", "joined", None, {("joined", "k8s-w1"): "unknown"}),
     ("k8s-w1", "containerd", "drop_ins", [{"path": "/x.toml", "version": 9, "ours": False}], {("no_newer_drop_in", "k8s-w1"): "fail"}),
     ("k8s-w1", "containerd", "root", None, {("no_newer_drop_in", "k8s-w1"): "unknown"}),
     ("k8s-w1", "containerd", "systemd_cgroup", False, {("one_cgroup_driver", "k8s-w1"): "fail"}),
     ("k8s-w1", "containerd", "systemd_cgroup", None, {("one_cgroup_driver", "k8s-w1"): "unknown"}),
     ("k8s-cp1", "kubernetes", "nodes", None,
      dict.fromkeys([("node_is_ready", "k8s-cp1"), ("node_is_ready", "k8s-w1"), ("nodes_are_planned", None)], "unknown")),
     ("k8s-cp1", "kubernetes", "nodes", {"k8s-cp1": API["k8s-cp1"]}, {("node_is_ready", "k8s-w1"): "fail"}),
     ("k8s-cp1", "kubernetes", "nodes", {**API, "k8s-w1": {**API["k8s-w1"], "ready": False}}, {("node_is_ready", "k8s-w1"): "fail"}),
     ("k8s-cp1", "kubernetes", "nodes", {**API, "k8s-w1": {**API["k8s-w1"], "troubles": ["DiskPressure"]}}, {("node_is_ready", "k8s-w1"): "fail"}),
     ("k8s-cp1", "kubernetes", "nodes", {**API, "k8s-w1": {**API["k8s-w1"], "version": "v1.36.4"}}, {("node_is_ready", "k8s-w1"): "fail"}),
     ("k8s-cp1", "kubernetes", "nodes", {**API, "stranger": API["k8s-w1"]}, {("nodes_are_planned", None): "fail"})],
    ids=str,
)  # fmt: skip
def test_what_is_not_as_planned_is_said(index, made, host, part, key, value, found):
    made[1][host][part][key] = value
    assert status(proof.checks(index, *made, ["k8s-cp1", "k8s-w1"])) == found


def test_what_keeps_pods_off_a_ready_node_is_named(index, made):
    made[1]["k8s-cp1"]["kubernetes"]["nodes"] = {**API, "k8s-w1": {**API["k8s-w1"], "troubles": ["DiskPressure", "PIDPressure"]}}
    (row,) = [row for row in proof.checks(index, *made, ["k8s-w1"]) if row["status"] == "fail"]
    assert row["host"] == "k8s-w1" and row["observed"] == {"ready": True, "troubles": ["DiskPressure", "PIDPressure"], "version": "1.37.2"}


def test_what_the_api_told_a_control_plane_counts_in_the_next_plan(clustered, made):
    made[1]["k8s-cp1"]["kubernetes"]["nodes"] = {**API, "k8s-w1": {**API["k8s-w1"], "version": "v1.37.1"}}
    plan = clustered.plan(*made[1].values())
    assert [(row["resource"], row["before"], row["after"]) for row in plan["resources"][0]["changes"]] == [("kubelet:k8s-w1", "1.37.1", "1.37.2")]


def test_a_host_tells_what_a_change_of_it_can_touch(made):
    assert proof.state_of("k8s-cp1", made[1]["k8s-cp1"]) == {"containerd:k8s-cp1": "2.4.2", "kubelet:k8s-cp1": "1.37.2", "kube-apiserver:k8s-cp1": "1.37.2"}
    assert proof.state_of("x", {}) == {} == proof.state_of("x", {"kubernetes": None, "containerd": None})
    assert [row["resource"] for row in proof.predicted([made[0]], "k8s-w1")] == ["containerd:k8s-w1", "kubelet:k8s-w1"]


@pytest.fixture
def with_cards(clustered):
    """The same of a cluster whose node has two cards."""
    plan = clustered.given(clustered.pool())
    assert plan["conflicts"] == []
    told = {**API, "k8s-w1": {**API["k8s-w1"], "cards": {"nvidia.com/gpu": 2}, "pool": "training"}}
    hosts = [clustered.host("k8s-cp1", kubernetes__nodes=told), clustered.host("k8s-w1", kubernetes__nodes=None)]
    return plan["resources"][0], {one["host"]: one for one in copy.deepcopy(hosts)}


@case("K8S-U3")
def cards_that_pods_cannot_have_are_found(index, made):
    resource, seen = made
    nodes = seen["k8s-cp1"]["kubernetes"]["nodes"]
    rows = {row["host"]: row for row in proof.checks(index, resource, seen, ["k8s-cp1", "k8s-w1"]) if row["id"] == "kubernetes.cards_are_planned"}
    assert {host: row["status"] for host, row in rows.items()} == {"k8s-cp1": "pass", "k8s-w1": "pass"}
    for change in ({"cards": {"nvidia.com/gpu": 1}}, {"cards": {}}, {"pool": None}, {"cards": {"nvidia.com/gpu": 2, "nvidia.com/mig-1g.10gb": 1}}):
        seen["k8s-cp1"]["kubernetes"]["nodes"] = {**nodes, "k8s-w1": {**nodes["k8s-w1"], **change}}
        assert ("cards_are_planned", "k8s-w1") in status(proof.checks(index, resource, seen, ["k8s-w1"])), change
    seen["k8s-cp1"]["kubernetes"]["nodes"] = None
    assert status(proof.checks(index, resource, seen, ["k8s-w1"]))[("cards_are_planned", "k8s-w1")] == "unknown"


def test_queues_that_are_not_as_planned_are_found(index, clustered):
    pool = clustered.pool(tenants={"research": {"guaranteed": 1}, "health": {"max": 1}})
    plan = clustered.given(pool, clusters=[clustered.cluster(kueue="0.19")])
    assert plan["conflicts"] == []
    cards = {"ai-stack-research": [1, 1], "ai-stack-health": [0, 1]}
    there = {name: {"active": True, "cards": {"ai-stack-training": {"nvidia.com/gpu": both}}} for name, both in cards.items()}

    def found(told):
        rows = proof.checks(index, plan["resources"][0], {"k8s-cp1": clustered.host("k8s-cp1", kubernetes__nodes=API, kubernetes__queues=told)}, ["k8s-cp1"])
        return [(row["status"], row["rule"], row["host"]) for row in rows if row["id"] == "kubernetes.queues_are_planned"]

    assert found(there) == [("pass", None, None)]
    for change in ({}, {"ai-stack-health": {**there["ai-stack-health"], "active": False}}, {"ai-stack-other": there["ai-stack-health"]},
                   {"ai-stack-health": there["ai-stack-research"]}):  # fmt: skip
        assert found({**there, **change} if change else {}) == [("fail", None, None)], change
    # where Kueue is not there, or nobody answers, nothing is known
    assert found(None) == [("unknown", None, None)]


@case("K8S-U4")
def a_card_that_a_canary_lost_is_found(index, made):
    resource, seen = made

    def said(**canary):
        rows = proof.checks(index, resource, seen, ["k8s-cp1", "k8s-w1"], {"k8s-w1": canary, "k8s-cp1": canary} if canary else None)
        return [(row["host"], row["status"], row["observed"]) for row in rows if row["id"] == "kubernetes.canary_keeps_its_card"]

    # of nodes with cards alone, and only where one was asked for
    assert said() == []
    assert said(status="seen", card="0000:17:00.0", why="") == [("k8s-w1", "pass", "0000:17:00.0")]
    assert said(status="failed", card=None, why="it may not open /dev/nvidia0") == [("k8s-w1", "fail", "it may not open /dev/nvidia0")]
    assert said(status="skipped", why="no card is free") == [("k8s-w1", "not_applicable", "no card is free")]
    assert said(status="else", why="x")[0][1] == "unknown"


def test_cards_of_a_node_are_a_change_of_its_control_plane(with_cards):
    resource, seen = with_cards
    (row,) = [row for row in proof.predicted([resource], "k8s-cp1") if row["resource"].startswith("cards")]
    assert row == {"resource": "cards of k8s-w1:k8s-cp1", "before": None, "after": {"nvidia.com/gpu": 2}}
    assert proof.state_of("k8s-cp1", seen["k8s-cp1"])["cards of k8s-w1:k8s-cp1"] == {"nvidia.com/gpu": 2}


@case("K8S-E9")
def a_control_plane_that_is_away_is_found(index, made):
    resource, seen = copy.deepcopy(made[0]), made[1]
    names, found = ["k8s-cp1", "k8s-cp2", "k8s-cp3"], ("control_planes_are_whole", "k8s-cp1")
    # a single one has nobody beside it
    assert found not in {(row["id"].partition(".")[2], row["host"]) for row in proof.checks(index, resource, seen, ["k8s-cp1"])}
    next(row for row in resource["decisions"] if row["subject"] == "control_plane")["value"] = names
    for told, status_of in (({"kube-apiserver": names, "etcd": names}, "pass"), ({"kube-apiserver": names, "etcd": names[1:]}, "fail"),
                            ({"kube-apiserver": names[:2], "etcd": names}, "fail"), (None, "unknown")):  # fmt: skip
        seen["k8s-cp1"]["kubernetes"]["control"] = told
        rows = {(row["id"].partition(".")[2], row["host"]): row["status"] for row in proof.checks(index, resource, seen, ["k8s-cp1"])}
        assert rows[found] == status_of


@case("K8S-S3")
def super_admin_conf_is_found(index, made):
    made[1]["k8s-cp1"]["kubernetes"]["super_admin"] = True
    assert status(proof.checks(index, *made, ["k8s-cp1"])) == {("no_super_admin_conf", "k8s-cp1"): "fail"}
    made[1]["k8s-cp1"]["kubernetes"].pop("super_admin")
    assert status(proof.checks(index, *made, ["k8s-cp1"])) == {("no_super_admin_conf", "k8s-cp1"): "unknown"}


@case("K8S-S6")
def certificate_that_ends_is_found(index, made):
    seen = made[1]["k8s-cp1"]["kubernetes"]
    for ends, outcome in (("2026-12-24T00:00:00Z", "fail"), ("2026-12-25T00:00:00Z", None), (None, "unknown")):
        seen["certificates"] = {"apiserver": ends, "etcd-peer": "2030-01-01T00:00:00Z"} if ends else None
        assert status(proof.checks(index, *made, ["k8s-cp1", "k8s-w1"])) == ({("certificates_last", "k8s-cp1"): outcome} if outcome else {})


@case("K8S-E8")
def set_that_is_old_or_gone_is_found(index, made):
    seen, at = made[1]["k8s-cp1"]["kubernetes"], made[1]["k8s-cp1"]["at"]
    last = {"at": at, "name": "ai-cp1.tar.gz.age", "sha256": "ab", "reason": "x", "revision": 1}
    good = {"fresh_hours": 24, "last": last, "there": True, "failed": None}
    for changed, outcome in (
        ({}, None), ({"there": None}, None), ({"there": False}, "fail"), ({"last": None, "there": None}, "fail"),
        ({"last": {**last, "at": "2020-01-01T00:00:00Z"}}, "fail"), ({"last": {**last, "at": "soon"}}, "unknown"), ({"fresh_hours": None}, "unknown"),
        ({"failed": {"at": at, "why": "full"}}, None),
    ):  # fmt: skip
        seen["sets"] = {**good, **changed}
        rows = proof.checks(index, *made, ["k8s-cp1", "k8s-w1"])
        assert status(rows) == ({("sets_are_fresh", "k8s-cp1"): outcome} if outcome else {}), changed
    assert next(row for row in rows if row["id"] == "kubernetes.sets_are_fresh")["observed"] == {
        "fresh": True, "there": True, "taken": at, "name": last["name"], "sha256": "ab", "failed": {"at": at, "why": "full"}}  # fmt: skip
    seen["sets"] = None
    assert status(proof.checks(index, *made, ["k8s-cp1"])) == {("sets_are_fresh", "k8s-cp1"): "not_applicable"}
    del seen["sets"]
    assert status(proof.checks(index, *made, ["k8s-cp1"])) == {("sets_are_fresh", "k8s-cp1"): "unknown"}


@pytest.mark.parametrize("identity", sorted(case))
def test_rule(identity, index, request):
    case[identity](index, request.getfixturevalue("with_cards" if identity in ("K8S-U3", "K8S-U4") else "made"))


def test_every_enforced_check_has_a_case(tables):
    enforced = {row["id"] for row in tables["rules"]["rows"] if row["status"] == "enforced" and "_cluster/test_proof" in (row["test"] or "")}
    assert enforced == set(case)
