# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What is decided for a cluster, and in which order it comes about."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import numbers
from hypothesis import given
from hypothesis import strategies as st

from .conftest import decided

VERSIONS = st.lists(st.integers(0, 40), min_size=3, max_size=3).map(lambda parts: ".".join(map(str, parts)))


def running(version="v1.36.4", *hosts, etcd="3.6.14"):
    hosts = hosts or ("k8s-cp1",)
    return {"ai": {"servers": dict.fromkeys(hosts, version), "etcd": dict.fromkeys(hosts, etcd), "nodes": {}}}


def joined(clustered, *names, **more):
    pods = {"kube-apiserver": "v1.36.4", "etcd": "3.6.14-0"}
    return [clustered.host(name, kubernetes__joined=True, kubernetes__kubelet="v1.36.4", containerd__version="2.4.2",
                           kubernetes__static_pods=pods if "cp" in name else {}, **more) for name in names]  # fmt: skip


def told(plan):
    return [(row["what"].partition(": ")[2], row["targets"]) for row in plan["steps"]]


def test_a_minor_becomes_the_newest_patch_that_all_hosts_can_get(clustered):
    plan = clustered.plan()
    assert plan["conflicts"] == [] and decided(plan, "kubernetes")["value"] == "1.37.2"
    assert decided(plan, "containerd")["value"] == "2.4.2" and decided(plan, "etcd")["value"] == "3.7.0-0"
    assert (decided(plan, "control_plane")["value"], decided(plan, "worker")["value"]) == (["k8s-cp1"], ["k8s-w1"])


def test_a_routine_run_keeps_what_is_there(clustered):
    hosts = [clustered.host(name, containerd__version="2.3.4") for name in ("k8s-cp1", "k8s-w1")]
    found = decided(clustered.plan(*hosts), "containerd")
    assert (found["value"], found["because"]) == ("2.3.4", "its hosts have it")
    plan = clustered.plan(seen=running("v1.37.1"))
    assert (decided(plan, "kubernetes")["value"], decided(plan, "kubernetes")["because"]) == ("1.37.1", "it runs")


def test_what_the_site_says_comes_first(clustered):
    hosts = [clustered.host(name, containerd__version="2.3.4") for name in ("k8s-cp1", "k8s-w1")]
    plan = clustered.plan(*hosts, seen=running("v1.37.1"), clusters=[clustered.cluster(kubernetes="1.37.2", containerd="2.4")])
    assert (decided(plan, "kubernetes")["value"], decided(plan, "containerd")["value"]) == ("1.37.2", "2.4.2")


def test_a_new_cluster_comes_about_step_by_step(clustered):
    hosts = [clustered.host(name) for name in ("k8s-cp1", "k8s-cp2", "k8s-cp3", "k8s-w1")]
    names = [one["host"] for one in hosts]
    plan = clustered.plan(*hosts)
    assert told(plan) == [
        ("install the container runtime and tell it its settings", names),
        ("install, pin and hold kubeadm, kubelet and kubectl", names),
        ("make the first control plane", ["k8s-cp1"]),
        ("gate: every member of etcd answers", names[:1]),
        ("join as a control plane", ["k8s-cp2"]),
        ("gate: every member of etcd answers", names[:2]),
        ("join as a control plane", ["k8s-cp3"]),
        ("join as nodes", ["k8s-w1"]),
        ("verify", names),
    ]
    assert [row["needs"] for row in plan["steps"]] == [[], *([number] for number in range(1, 9))]


def test_what_differs_is_told_part_by_part(clustered):
    found = clustered.plan(*joined(clustered, "k8s-cp1"), clustered.host("k8s-w2"))["resources"][0]["changes"]
    assert {row["resource"]: (row["before"], row["after"], row["drain"]) for row in found} == {
        "kubelet:k8s-cp1": ("1.36.4", "1.37.2", True), "kube-apiserver:k8s-cp1": ("1.36.4", "1.37.2", False),
        "containerd:k8s-w2": (None, "2.4.2", False), "kubelet:k8s-w2": (None, "1.37.2", False),
    }  # fmt: skip


def test_of_a_machine_that_took_a_lost_ones_place_the_api_tells_nothing(clustered):
    seen = running("v1.37.2", etcd="3.7.0")
    seen["ai"]["nodes"] = {name: {"version": "v1.37.2", "ready": False} for name in ("k8s-cp1", "k8s-w1", "k8s-w2")}
    plan = clustered.plan(*joined(clustered, "k8s-cp1", "k8s-w2"), clustered.host("k8s-w1", kubernetes__joined=False), seen=seen)
    assert plan["conflicts"] == []
    found = plan["resources"][0]["changes"]
    assert {row["resource"]: row["before"] for row in found if "kubelet:k8s-w" in row["resource"]} == {"kubelet:k8s-w1": None}


def test_a_node_joins_a_cluster_that_is_there(clustered):
    plan = clustered.plan(*joined(clustered, "k8s-cp1"), clustered.host("k8s-w2"), clusters=[clustered.cluster(kubernetes="1.36")], seen=running())
    assert [what for what, _targets in told(plan)][-2:] == ["join as nodes", "verify"] and told(plan)[0][1] == ["k8s-w2"]


def test_a_cluster_moves_one_control_plane_at_a_time_and_then_node_by_node(clustered):
    names = ("k8s-cp1", "k8s-cp2", "k8s-cp3", "k8s-w1")
    plan = clustered.plan(*joined(clustered, *names), seen=running("v1.36.4", *names[:3]))
    assert plan["conflicts"] == []
    rows = told(plan)
    assert rows[0][0].startswith("gate: every node is ready") and rows[1][0].startswith("take the etcd set")
    assert rows[2] == ("move the first control plane from 1.36.4 to 1.37.2", ["k8s-cp1"])
    assert [targets for what, targets in rows if what.startswith("drain")] == [[name] for name in names]
    gate = next(at for at, (what, _targets) in enumerate(rows) if what == "gate: every API server runs 1.37.2")
    assert gate < min(at for at, (what, _targets) in enumerate(rows) if what.startswith("drain"))
    costs = {row["what"].partition(": ")[2]: row["costs"] for row in plan["steps"]}
    assert "loses what was written since" in costs["move the next control plane from 1.36.4 to 1.37.2"]


def test_what_an_earlier_run_moved_stays_as_it_is(clustered):
    names = ("k8s-cp1", "k8s-cp2", "k8s-cp3", "k8s-w1")
    hosts = joined(clustered, *names)
    hosts[0]["kubernetes"]["static_pods"] = {"kube-apiserver": "v1.37.2", "etcd": "3.7.0-0"}
    rows = told(clustered.plan(*hosts))
    moves = [(what, targets) for what, targets in rows if what.startswith("move the")]
    assert moves == [("move the next control plane from 1.36.4 to 1.37.2", [name]) for name in ("k8s-cp2", "k8s-cp3")]
    for one in hosts[:3]:
        one["kubernetes"].update(static_pods={"kube-apiserver": "v1.37.2", "etcd": "3.7.0-0"}, kubelet="v1.37.2")
    assert [what for what, targets in told(clustered.plan(*hosts))] == ["drain, move kubelet and kubectl, take it back", "verify"]


def test_a_host_that_is_no_member_yet_is_no_target_of_a_move(clustered):
    hosts = [clustered.host("k8s-cp1"), *joined(clustered, "k8s-cp2", "k8s-cp3")]
    rows = told(clustered.plan(*hosts))
    assert [targets for what, targets in rows if "etcd set" in what or what.startswith("move the first")] == [["k8s-cp2"], ["k8s-cp2"]]


def test_containerd_moves_on_every_host_that_has_another_one(clustered):
    hosts = joined(clustered, "k8s-cp1", "k8s-w1", containerd__native=4)
    for one in hosts:
        one["containerd"]["version"] = "2.3.4"
    plan = clustered.plan(*hosts, clusters=[clustered.cluster(kubernetes="1.36", containerd="2.4")])
    assert told(plan) == [*(("drain, move containerd, take it back", [name]) for name in ("k8s-cp1", "k8s-w1")), ("verify", ["k8s-cp1", "k8s-w1"])]
    both = told(clustered.plan(*hosts, clusters=[clustered.cluster(containerd="2.4")]))
    assert [what for what, _targets in both if what.startswith("drain")] == ["drain, move kubelet and kubectl and containerd, take it back"] * 2
    # who joins follows those that are there
    plan = clustered.plan(*hosts, clustered.host("k8s-w2"), clusters=[clustered.cluster(kubernetes="1.36")])
    assert decided(plan, "containerd")["value"] == "2.3.4" and plan["conflicts"] == []


def test_who_joins_comes_after_what_moves(clustered):
    """A kubelet is never newer than its API server."""
    plan = clustered.plan(*joined(clustered, "k8s-cp1"), clustered.host("k8s-w2"), seen=running())
    order = [what for what, _targets in told(plan)]
    assert order.index("move the first control plane from 1.36.4 to 1.37.2") < order.index("join as nodes")
    assert [targets for what, targets in told(plan) if what.startswith("drain")] == [["k8s-cp1"]]


def test_a_host_out_of_service_is_left_as_it_is(clustered):
    states = [{"host": "k8s-w2", "state": "maintenance", "reason": "a fan"}]
    plan = clustered.plan(clustered.host("k8s-cp1"), clustered.host("k8s-w1"), clustered.host("k8s-w2", machine__swap=["/x"]), ai_stack_states=states)
    assert plan["conflicts"] == [] and decided(plan, "worker")["value"] == ["k8s-w1"]


def test_what_is_as_it_should_be_has_no_steps(clustered):
    hosts = [clustered.host(name, kubernetes__joined=True, kubernetes__kubelet="v1.37.2") for name in ("k8s-cp1", "k8s-w1")]
    assert clustered.plan(*hosts, seen=running("v1.37.2"))["steps"] == []


def test_a_cluster_that_is_refused_is_not_planned_and_the_other_one_is(clustered):
    swapping = clustered.host("k8s-w1", machine__swap=["/dev/vda2"])
    clusters = [clustered.cluster(control_plane="k8s-cp1", nodes="k8s-w1"), clustered.cluster("two", control_plane="k8s-cp2", nodes="none")]
    plan = clustered.plan(clustered.host("k8s-cp1"), clustered.host("k8s-cp2"), swapping, clusters=clusters)
    assert [row["rule"] for row in plan["conflicts"]] == ["K8S-N12"]
    assert [one["id"] for one in plan["resources"]] == ["two"] and {name for row in plan["steps"] for name in row["targets"]} == {"k8s-cp2"}


def test_hosts_that_nobody_saw_are_no_reason_to_guess(clustered):
    plan = clustered.planned({}, {"k8s-cp1": ["control"]}, {"ai_stack_site": "t", "ai_stack_clusters": [clustered.cluster(nodes="none")], "ai_stack_pools": []})
    assert {row["rule"] for row in plan["conflicts"]} == {"K8S-N16"}


@given(VERSIONS, VERSIONS)
def test_versions_compare_as_numbers(one, other):
    assert numbers.numbers("v" + one) == tuple(map(int, one.split(".")))
    assert numbers.numbers(numbers.newest({one, other})) == max(numbers.numbers(one), numbers.numbers(other))
    assert numbers.branch(f"{one}-1.1") == ".".join(one.split(".")[:2])


@pytest.mark.parametrize("text", ["1.37.3~rc.1-1.1", "v1.38.0-alpha.1", "v2.4.0-beta.0", "2.4.0-rc.1", "", None, "newest"])
def test_what_is_no_release_has_no_version(text):
    assert numbers.plain(text) is None


@pytest.mark.parametrize(
    ("version", "floors", "reached"),
    [("2.2.0", ["2.2.0", "2.3.0"], True), ("2.2.6", ["2.2.7"], False), ("2.4.0", ["2.2.0", "2.3.0"], True), ("2.1.9", ["2.2.0"], False),
     ("2.1.9", ["1.7.28", "2.2.0"], False), ("2.1.9", [], False)],
)  # fmt: skip
def test_a_version_reaches_the_floor_of_its_branch(version, floors, reached):
    assert numbers.reaches(version, floors) is reached
