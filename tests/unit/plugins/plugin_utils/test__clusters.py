# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Clusters of a plan: what a deploy makes, what it refuses, what it changes on a host."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _clusters


def plan(control=("cp1",), sandbox="registry.k8s.io/pause:1", changes=None):
    want = {"kubernetes": "1.37.2", "containerd": "2.4.2", "sandbox": sandbox, "control_plane": list(control), "worker": ["w1"]}
    rows = [("kubelet:cp1", None), ("kube-apiserver:cp1", None), ("kubelet:w1", None)] if changes is None else changes
    resource = {"kind": "cluster", "id": "ai", "decisions": [{"subject": key, "value": one} for key, one in want.items() if one],
                "changes": [{"resource": name, "before": before, "after": "1.37.2"} for name, before in rows]}  # fmt: skip
    return {"resources": [{"kind": "flavor", "id": "x"}, resource], "hosts": {name: {"changes": []} for name in (*control, "w1", "other")}}


def test_a_deploy_makes_what_is_decided():
    (found,) = _clusters.to_make(plan())
    assert found == {"name": "ai", "hosts": ["cp1", "w1"], "kubernetes": "1.37.2", "containerd": "2.4.2", "sandbox": "registry.k8s.io/pause:1",
                     "accelerators": None}  # fmt: skip
    assert _clusters.to_make({}) == []


def test_a_cluster_with_pools_is_told_of_their_cards():
    made = plan()
    pool = {"hosts": ["w1"], "names": ["nvidia.com/gpu"], "image": "i:1", "plugin": "p", "mig": False, "tenants": []}
    made["resources"][1]["decisions"] += [{"subject": "pools", "value": {"training": pool}}, {"subject": "cards", "value": {"w1": {"nvidia.com/gpu": 2}}},
                                          {"subject": "quotas", "value": {}}]  # fmt: skip
    found = _clusters.to_make(made)[0]["accelerators"]
    assert (found["first"], found["cards"], found["messages"]) == ("cp1", {"w1": {"nvidia.com/gpu": 2}}, [])
    assert found["control"] == ["cp1"]
    assert "DaemonSet" in [one["kind"] for one in found["documents"]]


@pytest.mark.parametrize(
    ("more", "said"),
    [({}, []), ({"control": ("cp1", "cp2", "cp3")}, []), ({"changes": [("kubelet:w1", "1.36.4")]}, []),
     ({"changes": [("kube-apiserver:cp1", "1.36.4"), ("containerd:w1", "2.3.4")]}, ["moves w1 to another containerd"]),
     ({"changes": [("cards of w1:cp1", {"nvidia.com/gpu": 1})]}, []),
     ({"sandbox": None}, ["names no image"]), ({"sandbox": None, "control": ("a", "b", "c")}, ["names no image"])],
    ids=str,
)  # fmt: skip
def test_what_no_role_does_yet_is_refused_at_its_place(more, said):
    found = list(_clusters.not_yet(plan(**more), {"ai_stack_clusters": [{"name": "other"}, {"name": "ai"}]}, {}))
    assert len(found) == len(said) and all(text in row["message"] for text, row in zip(said, found))
    assert {(row["rule"], row["path"]) for row in found} <= {("INT-7", "ai_stack_clusters[1]")}


def test_a_method_of_sharing_that_is_planned_alone_is_refused():
    made = plan()
    pool = {"hosts": ["w1"], "names": ["nvidia.com/gpu.shared"], "image": "i:1", "plugin": "p", "mig": False, "tenants": [],
            "sharing": {"method": "mps", "resource": "nvidia.com/gpu", "replicas": 2}}  # fmt: skip
    decision = {"subject": "pools", "value": {"training": pool}}
    made["resources"][1]["decisions"].append(decision)
    (row,) = _clusters.not_yet(made, {"ai_stack_clusters": [{"name": "ai"}]}, {})
    assert row["rule"] == "INT-7" and "pods share the cards of pool training by MPS" in row["message"] and "time_slicing" in row["nearest"]
    assert [one["rule"] for one in _clusters.unserved(made["resources"][1])] == ["INT-7"] and _clusters.to_make(made)
    pool["sharing"]["method"] = "time_slicing"
    assert list(_clusters.not_yet(made, {}, {})) == [] == _clusters.unserved(made["resources"][1])


@pytest.mark.parametrize(("distribution", "version", "said"), [("Debian", "13", 0), ("debian", "12.14", 0), ("ubuntu", "24.04", 1), (None, None, 0)])
def test_a_host_whose_packages_no_role_knows_is_named_before_anything(distribution, version, said):
    found = list(_clusters.not_yet(plan(), {}, {"w1": {"system": {"distribution": distribution, "version": version}}}))
    assert len(found) == said and all("w1" in row["message"] and row["nearest"] == "hosts with Debian 12, Debian 13" for row in found)


def test_repositories_and_holds_come_with_the_first_change():
    seen = {"packages": {"held": ["kubelet"], "repositories": [{"name": "a", "set_up": False}, {"name": "b", "set_up": True}]}}
    rows = {row["resource"]: row["after"] for row in _clusters.predicted(plan(), "w1", seen, ["w1"])}
    assert rows == {"kubelet:w1": "1.37.2", "repository:a": True, "hold:containerd.io": True, "hold:kubeadm": True, "hold:kubectl": True}
    assert _clusters.predicted(plan(), "other", seen, ["w1"]) == [] == _clusters.predicted(plan(changes=[]), "w1", seen, ["w1"])
    known = plan()
    known["hosts"]["w1"]["changes"] = [{"resource": "repository:a"}]
    assert "repository:a" not in {row["resource"] for row in _clusters.predicted(known, "w1", seen, ["w1"])}


def test_cards_of_a_node_that_is_not_in_the_run_come_with_a_run_that_has_it():
    for before, hosts, there in ((None, ["cp1"], False), (None, ["cp1", "w1"], True), ({"nvidia.com/gpu": 1}, ["cp1"], True)):
        made = plan(changes=[("cards of w1:cp1", before), ("kubelet:cp1", None)])
        names = [row["resource"] for row in _clusters.predicted(made, "cp1", {}, hosts)]
        assert ("cards of w1:cp1" in names) is there and "kubelet:cp1" in names


def test_only_hosts_of_clusters_are_compared_by_what_clusters_change():
    seen = {"kubernetes": {"kubelet": "v1.37.2"}}
    assert _clusters.state_of(plan(), "w1", seen) == {"kubelet:w1": "1.37.2"} and _clusters.state_of(plan(), "other", seen) == {}


def test_device_plugins_are_looked_for_where_their_owner_puts_them():
    made = plan()
    pool = {"hosts": ["w1"], "names": ["nvidia.com/gpu"], "image": "i:1", "plugin": "p", "mig": False, "tenants": [], "sharing": None}
    made["resources"][1]["decisions"] += [{"subject": "pools", "value": {"training": pool}}, {"subject": "cards", "value": {}}]
    ours = _clusters.to_make(made)[0]["accelerators"]
    assert (ours["by_operator"], ours["plugin"]["namespace"], ours["plugin"]["selector"]) == (False, "ai-stack-accelerators", "ai-stack/pool")
    operator = {"namespace": "gpu-operator", "chart": {"name": "gpu-operator", "version": "v26.7.0"}, "values": {"devicePlugin": {}}}
    made["resources"][1]["decisions"].append({"subject": "operator", "value": operator})
    found = _clusters.to_make(made)[0]["accelerators"]
    assert (found["by_operator"], found["plugin"]["namespace"], found["plugin"]["selector"]) == (
        True, "gpu-operator", "app=nvidia-device-plugin-daemonset")  # fmt: skip
    assert "gpu-operator v26.7.0" in found["plugin"]["lacks"] and "DaemonSet" not in [one["kind"] for one in found["documents"]]
