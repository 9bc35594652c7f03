# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a cluster is told about cards where no verb planned the site."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import accelerators_plan

from .test_kubernetes_plan import seen

POOL = {"name": "training", "hosts": "workers", "use": "host", "cluster": "ai", "tenants": {"research": {"max": 1}}}


@pytest.fixture
def cluster(site):
    site.groups = {"all": ["cp1", "w1"], "control": ["cp1"], "workers": ["w1"], "ungrouped": []}
    site.variables = {"ai_stack_site": "example", "ai_stack_pools": [copy.deepcopy(POOL)],
                      "ai_stack_clusters": [{"name": "ai", "kubernetes": "1.37", "control_plane": "control", "nodes": "workers"}]}  # fmt: skip
    mine = {key: seen("w1")[key] for key in ("machine", "containerd", "kubernetes")}
    site.of_host = {"cp1": {"seen": seen("cp1")}, "w1": {"seen": {**site.document("h100-bookworm-converged"), **mine}}}

    def run(name="ai", **more):
        return site.run(accelerators_plan, cluster=name, observed_as="seen", **more)[0]

    run.site = site
    return run


def test_a_cluster_is_told_of_the_cards_of_its_pools(cluster):
    found = cluster()
    assert found["messages"] == [] and found["cards"] == {"w1": {"nvidia.com/gpu": 2}} and found["unseen"] == []
    assert (found["first"], found["control"]) == ("cp1", ["cp1"]) and found["by_operator"] is False
    assert {one["kind"] for one in found["documents"]} >= {"DaemonSet", "ResourceQuota", "ValidatingAdmissionPolicy", "Node", "Namespace"}


def test_a_cluster_that_nobody_knows_is_refused_by_the_name_of_the_role(cluster):
    found = cluster("aj")
    assert [(row["path"], row["nearest"]) for row in found["conflicts"]] == [("kubernetes_accelerators_cluster", "ai")] and found["documents"] == []


@pytest.mark.parametrize(("tenants", "rule"), [({"research": {"max": 3}}, "K8S-A11"), ({"Research": {}}, "K8S-G17"), ({"research": {"mx": 3}}, "INT-1")])
def test_what_a_pool_says_wrongly_is_refused_at_its_place(cluster, tenants, rule):
    cluster.site.variables["ai_stack_pools"][0]["tenants"] = tenants
    (row,) = cluster()["conflicts"]
    assert row["rule"] == rule and row["path"].startswith("ai_stack_pools[0].tenants")


def test_what_is_not_asked_here_can_be_named_all_the_same(cluster):
    site = cluster.site.variables
    site["ai_stack_clouds"], site["ai_stack_driver"] = [{"name": "main", "series": "2026.1"}], {"source": "cuda"}
    site["ai_stack_repositories"] = [{"name": "cuda", "type": "deb", "uris": ["https://mirror.example.org/cuda"], "suites": ["./"]}]
    site["ai_stack_pools"].append({"name": "given", "hosts": "control", "use": "passthrough", "cloud": "main"})
    site["ai_stack_waivers"] = [{"rule": "K8S-N1", "scope": "cloud main", "reason": "x", "approver": "y", "until": "2099-01-01"}]
    found = cluster()
    assert found["conflicts"] == [] and found["cards"] == {"w1": {"nvidia.com/gpu": 2}}
    site["ai_stack_waivers"][0].update(rule="K8S-N99", scope="cluster aj")
    assert {(row["rule"], row["path"]) for row in cluster()["conflicts"]} == {("INT-5", f"ai_stack_waivers[0].{key}") for key in ("rule", "scope")}


@pytest.mark.parametrize("wrong", [("ai_stack_pools", {"tenants": {"research": {"max": 9}}}), ("ai_stack_pools", {"use": "hist"}),
                                   ("ai_stack_clusters", {"kubernetes": "9.99"}), ("ai_stack_clusters", {"colour": "blue"})])  # fmt: skip
def test_whom_to_ask_is_known_whatever_else_is_wrong(cluster, wrong):
    """What was handed out can be taken away still."""
    cluster.site.variables[wrong[0]][0].update(wrong[1])
    found = cluster()
    assert found["conflicts"] and found["first"] == "cp1" and found["documents"] == [] and found["cards"] == {}


def test_a_control_plane_that_rules_is_asked_before_another(cluster):
    cluster.site.groups["control"] = ["cp0", "cp1"]
    cluster.site.groups["all"].append("cp0")
    cluster.site.of_host["cp0"] = {"seen": seen("cp0")}
    cluster.site.variables["ai_stack_clusters"][0]["kubernetes"] = "9.99"
    assert cluster()["first"] == "cp0"
    cluster.site.of_host["cp1"]["seen"]["kubernetes"]["joined"] = True
    assert cluster()["first"] == "cp1"
    cluster.site.variables["ai_stack_clusters"][0]["control_plane"] = 7
    assert cluster()["first"] is None


def test_cards_that_no_role_can_share_so_are_refused(cluster):
    cluster.site.variables["ai_stack_pools"][0]["sharing"] = {"method": "mps", "replicas": 4}
    found = cluster()
    assert [(row["rule"], row["path"]) for row in found["conflicts"]] == [("INT-7", "ai_stack_pools")] and "by MPS" in found["messages"][0]
    assert found["documents"] == []
    cluster.site.variables["ai_stack_pools"][0]["sharing"]["method"] = "time_slicing"
    assert cluster()["cards"] == {"w1": {"nvidia.com/gpu.shared": 8}}


def test_an_operator_is_left_what_it_brings(cluster):
    site = cluster.site.variables
    site["ai_stack_clusters"][0]["accelerators"] = {"owner": "operator"}
    found = cluster()
    assert {row["rule"] for row in found["conflicts"]} == {"K8S-V11a", "K8S-G22"}
    # whom to ask, and where device plugins are, is known all the same
    assert found["first"] == "cp1" and found["plugin"]["namespace"] == "ai-stack-accelerators" and found["by_operator"] is False
    site["ai_stack_waivers"] = [{"rule": rule, "scope": "cluster ai", "reason": "x", "approver": "y", "until": "2099-01-01"}
                                for rule in ("K8S-V11a", "K8S-G22")]  # fmt: skip
    found = cluster()
    assert found["messages"] == [] and found["by_operator"] is True and found["plugin"]["namespace"] == "gpu-operator"
    assert "DaemonSet" not in {one["kind"] for one in found["documents"]} and found["cards"] == {"w1": {"nvidia.com/gpu": 2}}


def test_a_host_that_is_not_in_the_run_is_asked_for_and_counts(cluster):
    told = cluster.site.of_host["cp1"].pop("seen")
    cluster.site.lost = {"cp1"}
    first = cluster()
    assert first["unseen"] == ["cp1"] and first["documents"] == [] and "nobody knows all of its hosts" in first["messages"][0]
    found = cluster(others={"results": [{"item": "cp1", "observation": told}]})
    assert found["unseen"] == [] and found["messages"] == [] and found["documents"]
