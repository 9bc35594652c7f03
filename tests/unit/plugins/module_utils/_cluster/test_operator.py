# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""An operator as the owner of what hands out cards: which release, what its chart is told, what is refused, and what the cluster is told beside it."""

from __future__ import annotations

import copy

import cel
import pytest
import yaml
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import gpu_operator
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _clusters
from planner import LIFE_CYCLE, PLATFORM, Cases, named, refused

from .conftest import decided

case = Cases()
HERE = "ai_stack_clusters[0].accelerators"
SHARING = {"method": "time_slicing", "replicas": 4}


def owned(clustered, *pools, release=None, kubernetes="1.36", containerd="2.3", more=None, **how):
    """A plan of a cluster whose owner is an operator."""
    said = {"owner": "operator", **({"release": release} if release else {})}
    row = clustered.cluster(kubernetes=kubernetes, containerd=containerd, accelerators=said, **(more or {}))
    return clustered.given(*(pools or [clustered.pool(tenants={"research": {}})]), clusters=[row], **how)


def value(plan, subject="operator"):
    return decided(plan, subject)["value"]


def wanted(plan):
    """{(kind, name): document} that the cluster is told."""
    return {(one["kind"], one["metadata"]["name"]): one for one in _clusters.accelerators(plan["resources"][0])["documents"]}


def changed_table(clustered, **columns):
    """Rows of the tables with other columns."""
    found = clustered.tables["kubernetes_operators"]
    clustered.tables = {**clustered.tables, "kubernetes_operators": {**found, "rows": [{**row, **columns} for row in found["rows"]]}}


@case("K8S-G21")
def second_owner_is_refused(clustered):
    row = clustered.cluster(accelerators={"owner": "role", "release": "26.7.0"})
    refused(clustered.given(clustered.pool(), clusters=[row]), "K8S-G21", "names a release of an operator, and its owner is role", f"{HERE}.release")
    plan = owned(clustered, more={"device_plugin": "0.20.0"})
    refused(plan, "K8S-G21", "names a device plugin, and its operator brings one", "ai_stack_clusters[0].device_plugin", "no device_plugin")
    plan = owned(clustered, release="24.9.0")
    refused(plan, "K8S-G21", "no table knows release 24.9.0", f"{HERE}.release", "26.3.3, 26.7.0")
    assert not plan["resources"]
    amd = clustered.with_cards(recorded="mi300x-trixie")
    row = clustered.cluster(accelerators={"owner": "operator"})
    plan = clustered.plan(clustered.host("k8s-cp1"), amd, clusters=[row], ai_stack_pools=[clustered.pool()])
    refused(plan, "K8S-G21", "no table knows an operator for the cards of pool training (vendor 1002)", f"{HERE}.owner", "owner: role")


@case("K8S-G11")
def tenant_in_the_namespace_of_the_operator_is_refused(clustered):
    pool = clustered.pool(tenants={"gpu-operator": {}})
    refused(owned(clustered, pool), "K8S-G11", "gets the namespace gpu-operator, which is privileged", "ai_stack_pools[0].tenants", "another name")
    # without an operator it is a name like others
    assert clustered.given(pool)["conflicts"] == []


@case("K8S-V11a")
def minor_that_the_operator_was_not_tried_with_is_refused(clustered):
    words = "gpu-operator 26.7.0 of cluster ai was validated with Kubernetes 1.33, 1.34, 1.35, 1.36, and not with 1.37"
    plan = refused(owned(clustered, kubernetes="1.37"), "K8S-V11a", words, HERE, "a waiver")
    assert not plan["resources"] and "platform-support.rst" in named(plan["conflicts"], "K8S-V11a")["source"]
    waiver = {"rule": "K8S-V11", "scope": "cluster ai", "reason": "we tried it", "approver": "board", "until": "2027-03-31"}
    row = clustered.cluster(containerd="2.3", accelerators={"owner": "operator"})
    plan = clustered.plan(clustered.host("k8s-cp1"), clustered.with_cards(), clusters=[row], ai_stack_pools=[clustered.pool()],
                          ai_stack_waivers=[PLATFORM, LIFE_CYCLE, waiver])  # fmt: skip
    assert plan["conflicts"] == [] and "K8S-V11a" in [one["rule"] for one in plan["waived"]] and value(plan)["version"] == "26.7.0"
    assert owned(clustered)["conflicts"] == [] == owned(clustered, kubernetes="1.35")["conflicts"]


@case("K8S-G22")
def runtime_that_its_way_in_was_not_tried_with_is_refused(clustered):
    words, where = "the NRI plugin of gpu-operator 26.7.0 of cluster ai was validated with containerd from 1.7.30", "ai_stack_clusters[0].containerd"
    refused(owned(clustered, containerd="2.4"), "K8S-G22", words, where, 'containerd: "2.3"')
    assert "and not with 2.4.2" in named(owned(clustered, containerd="2.4")["conflicts"], "K8S-G22")["message"]
    refused(owned(clustered, release="26.3.3"), "K8S-G22", "gpu-operator 26.3.3", where, 'containerd: "2.2"')
    # a patch below the lowest of its branch
    changed_table(clustered, containerd=["2.3.9"])
    refused(owned(clustered), "K8S-G22", "and not with 2.3.4", where)
    changed_table(clustered, containerd=["2.3.4"])
    assert owned(clustered)["conflicts"] == []


@case("K8S-G23")
def driver_that_it_was_not_tried_with_is_refused(clustered):
    changed_table(clustered, drivers=["1"])
    plan = refused(owned(clustered), "K8S-G23", "was validated with drivers of branches 1, and this host has", "ai_stack_driver", "or a waiver")
    # the control plane has no cards
    assert [row["host"] for row in plan["conflicts"]] == ["k8s-w1"]


@case("K8S-G24")
def distribution_that_it_was_not_tried_on_is_said(clustered):
    row = named(owned(clustered)["warnings"], "K8S-G24", "and not on debian 12: k8s-w1")
    assert row["path"] == HERE
    changed_table(clustered, systems=["debian 12"])
    assert "K8S-G24" not in [row["rule"] for row in owned(clustered)["warnings"]]


@pytest.mark.parametrize("identity", sorted(case))
def test_rule(identity, clustered):
    case[identity](clustered)


def test_every_enforced_rule_has_a_case(tables):
    enforced = {row["id"] for row in tables["rules"]["rows"] if row["status"] == "enforced" and "_cluster/test_operator" in (row["test"] or "")}
    assert enforced == set(case)


def test_of_each_thing_there_is_one_owner(clustered):
    found = value(owned(clustered))
    said = found["values"]
    # the driver and the layouts are the host's, the files of the runtime are the role's
    assert said["driver"] == {"enabled": False, "upgradePolicy": {"autoUpgrade": False}} and said["migManager"] == {"enabled": False}
    assert said["cdi"] == {"enabled": True, "nriPluginEnabled": True} and said["toolkit"] == {"enabled": True}
    assert said["devicePlugin"] == {"enabled": True} and (said["clusterPolicy"], said["gpuCluster"]) == ({"deployCR": True}, {"deployCR": False})
    # nodes that are in no pool get none of the labels by which the operator knows nodes
    term = said["node-feature-discovery"]["worker"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term == [{"matchExpressions": [{"key": "ai-stack/pool", "operator": "Exists"}]}] and said["nfd"] == {"enabled": True}
    assert found["chart"] == {"name": "gpu-operator", "version": "v26.7.0", "repository": "https://helm.ngc.nvidia.com/nvidia"}


def test_keys_that_a_chart_does_not_have_are_not_said(clustered):
    plan = owned(clustered, release="26.3.3", kubernetes="1.35", containerd="2.2")
    # its containerd has ended, which is another rule's
    assert {row["rule"] for row in plan["conflicts"]} == {"K8S-V7"}
    assert {"clusterPolicy", "gpuCluster"}.isdisjoint(gpu_operator.values({}, False)) and "gpuCluster" in gpu_operator.values({}, True)


def test_the_newest_release_for_the_minor_is_taken_and_its_plugin_with_it(clustered):
    assert value(owned(clustered), "pools")["training"]["image"].endswith(":v0.20.0")
    found = copy.deepcopy(clustered.tables["kubernetes_operators"])
    newest = next(row for row in found["rows"] if row["version"] == "26.7.0")
    found["rows"] += [{**newest, "version": "26.11.0", "kubernetes": ["1.37"]}, {**newest, "version": "26.7.1", "device_plugin": "0.19.3"}]
    clustered.tables = {**clustered.tables, "kubernetes_operators": found}
    plan = owned(clustered)
    assert value(plan)["version"] == "26.7.1" and value(plan, "pools")["training"]["image"].endswith(":v0.19.3")
    assert value(owned(clustered, kubernetes="1.37"))["version"] == "26.11.0"


def test_profiles_have_names_of_their_own_as_without_an_operator(clustered):
    cut = clustered.pool(use="mig", layout={"1g.10gb": 7}, tenants={"research": {}})
    plan = owned(clustered, cut)
    assert value(plan)["values"]["mig"] == {"strategy": "mixed"} and value(plan, "cards") == {"k8s-w1": {"nvidia.com/mig-1g.10gb": 14}}
    assert value(owned(clustered))["values"]["mig"] == {"strategy": "none"}


def test_each_pool_is_told_how_to_share_by_the_label_of_its_nodes(clustered):
    shared, whole = clustered.pool("notebooks", hosts="k8s-w1", tenants={"a": {}}, sharing=SHARING), clustered.pool("whole", hosts="k8s-w2", tenants={"b": {}})
    hosts = clustered.host("k8s-cp1"), clustered.with_cards(), clustered.with_cards("k8s-w2")
    row = clustered.cluster(kubernetes="1.36", containerd="2.3", accelerators={"owner": "operator"})
    plan = clustered.plan(*hosts, clusters=[row], ai_stack_pools=[shared, whole], ai_stack_waivers=[PLATFORM, LIFE_CYCLE])
    told = value(plan)["values"]["devicePlugin"]["config"]
    # a node without a key of its own would take the only one that is there
    assert (told["create"], told["default"], sorted(told["data"])) == (True, "", ["notebooks", "whole"]) and told["name"]
    assert yaml.safe_load(told["data"]["notebooks"]) == {"version": "v1", "flags": {"migStrategy": "none"}, "sharing": {"timeSlicing": {
        "renameByDefault": True, "failRequestsGreaterThanOne": True, "resources": [{"name": "nvidia.com/gpu", "replicas": 4}]}}}  # fmt: skip
    assert yaml.safe_load(told["data"]["whole"]) == {"version": "v1", "flags": {"migStrategy": "none"}}
    labels = {name: one["metadata"]["labels"] for (kind, name), one in wanted(plan).items() if kind == "Node"}
    assert labels == {"k8s-w1": {"ai-stack/pool": "notebooks", "ai-stack/isolation": "none", "nvidia.com/device-plugin.config": "notebooks"},
                      "k8s-w2": {"ai-stack/pool": "whole", "nvidia.com/device-plugin.config": "whole"}}  # fmt: skip
    # what no role does yet is told to nobody as something else
    mps = {"a": {"sharing": {"method": "mps", "resource": "nvidia.com/gpu", "replicas": 2}, "mig": False}}
    assert gpu_operator.values(mps, True)["devicePlugin"] == {"enabled": True}


def test_the_cluster_is_told_all_but_the_device_plugins(clustered):
    told = wanted(owned(clustered))
    assert "DaemonSet" not in {kind for kind, dummy in told} and ("Namespace", "ai-stack-accelerators") not in told
    by_role = {(one["kind"], one["metadata"]["name"]) for one in
               _clusters.accelerators(clustered.given(clustered.pool(tenants={"research": {}}))["resources"][0])["documents"]}  # fmt: skip
    annotations = {(kind, "ai-stack-accelerators-annotations") for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")}
    assert set(told) - by_role == annotations | {("Namespace", "gpu-operator")}
    assert by_role - set(told) == {("Namespace", "ai-stack-accelerators"), ("DaemonSet", "nvidia-device-plugin-training")}
    space = told["Namespace", "gpu-operator"]["metadata"]
    # not ours to take away, with all that is in it
    assert space["labels"] == {f"pod-security.kubernetes.io/{mode}": "privileged" for mode in ("enforce", "audit", "warn")}
    assert told["Node", "k8s-w1"]["metadata"]["labels"] == {"ai-stack/pool": "training"}


BEFORE, ANNOTATED = {"nvidia.cdi.k8s.io/pod": "nvidia.com/gpu=0"}, "annotations of nvidia.cdi.k8s.io are for pods of the GPU operator"


@pytest.mark.parametrize(("operation", "namespace", "new", "old", "passes"), [
    ("CREATE", "research", {}, None, True), ("CREATE", "research", {"example.com/a": "b", "nvidia.cdi.k8s.io.example.com/a": "b"}, None, True),
    ("CREATE", "research", {"nvidia.cdi.k8s.io/container.a": "nvidia.com/gpu=all"}, None, False), ("CREATE", "default", BEFORE, None, False),
    ("CREATE", "research", {"nvidia.cdi.k8s.io": "nvidia.com/gpu=0"}, None, False), ("CREATE", "gpu-operator", BEFORE, None, True),
    ("UPDATE", "research", BEFORE, {}, False), ("UPDATE", "research", BEFORE, {"a": "b"}, False), ("UPDATE", "research", {"a": "b"}, BEFORE, True),
    ("UPDATE", "research", {**BEFORE, "a": "b"}, BEFORE, True), ("UPDATE", "research", {"nvidia.cdi.k8s.io/pod": "nvidia.com/gpu=1"}, BEFORE, False),
    ("UPDATE", "research", {**BEFORE, "nvidia.cdi.k8s.io/container.a": "x"}, BEFORE, False)])  # fmt: skip
def test_nobody_but_the_operator_names_devices_by_annotation(clustered, operation, namespace, new, old, passes):
    """Its way into the runtime would give them to the pod, past quota and policy; long_kubernetes_allocates_by_claims asks an API server."""
    def pod(annotations):
        return {"metadata": {"name": "p", "namespace": namespace, **({"annotations": annotations} if annotations else {})}}

    policy = wanted(owned(clustered))["ValidatingAdmissionPolicy", "ai-stack-accelerators-annotations"]
    said = cel.refusals(policy, request={"operation": operation}, object=pod(new), oldObject=None if old is None else pod(old))
    assert [ANNOTATED in one for one in said] == ([] if passes else [True])
    (row,) = policy["spec"]["matchConstraints"]["resourceRules"]
    assert (row["operations"], row["resources"]) == (["CREATE", "UPDATE"], ["pods"])


def test_jobs_wait_for_cards_of_an_operator_as_for_those_of_the_role(clustered):
    plan = owned(clustered, clustered.pool(tenants={"research": {"guaranteed": 1}}, sharing=SHARING), more={"kueue": "0.19"})
    assert plan["conflicts"] == [] and value(plan)["values"]["devicePlugin"]["config"]["data"]
    assert value(plan, "queues") == {"training": {"free": {"nvidia.com/gpu.shared": 4}, "tenants": {"research": {"nvidia.com/gpu.shared": [4, 4]}}}}
    told, without = wanted(plan), wanted(owned(clustered, clustered.pool(tenants={"research": {"guaranteed": 1}}, sharing=SHARING)))
    queues = {one for one in told if one[0] in ("ResourceFlavor", "Cohort", "ClusterQueue", "LocalQueue")}
    assert set(told) - set(without) == queues and len({kind for kind, dummy in queues}) == 4 and set(without) < set(told)
    assert told["Namespace", "research"]["metadata"]["labels"]["ai-stack/queue"] == "ai-stack-accelerators"
    assert "'kueue.x-k8s.io/admission'" in str(told["ValidatingAdmissionPolicy", "ai-stack-accelerators"])
    # a flavor is found by a label that both of them leave to the role, and no queue holds the operator's own pods
    labels, flavor = told["Node", "k8s-w1"]["metadata"]["labels"], told["ResourceFlavor", "ai-stack-training"]["spec"]["nodeLabels"]
    assert flavor.items() < labels.items() and labels["nvidia.com/device-plugin.config"] == "training"
    assert "ai-stack/queue" not in told["Namespace", "gpu-operator"]["metadata"]["labels"]


def test_a_cluster_without_pools_gets_no_operator(clustered):
    plan = owned(clustered, clustered.pool(cluster=None))
    assert plan["conflicts"] == [] and "operator" not in {row["subject"] for row in plan["resources"][0]["decisions"]}
