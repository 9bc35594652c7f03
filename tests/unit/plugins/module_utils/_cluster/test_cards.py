# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Cards of pools in a cluster: what nodes have, what tenants may hold, and what the cluster is told."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import accelerators, canary
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _clusters
from planner import LIFE_CYCLE, PLATFORM

from .conftest import decided

TENANTS = {"research": {"max": 1}, "health": {}}


def value(plan, subject):
    return decided(plan, subject)["value"]


def test_whole_cards_are_counted_by_node_and_tenant(clustered):
    plan = clustered.given(clustered.pool(tenants=TENANTS))
    assert plan["conflicts"] == [] and value(plan, "cards") == {"k8s-w1": {"nvidia.com/gpu": 2}}
    assert value(plan, "quotas") == {"health": {"nvidia.com/gpu": 2}, "research": {"nvidia.com/gpu": 1}}
    assert value(plan, "pools") == {"training": {"hosts": ["k8s-w1"], "at": {"k8s-w1": ["0000:17:00.0", "0000:65:00.0"]}, "names": ["nvidia.com/gpu"],
                                                 "image": "nvcr.io/nvidia/k8s-device-plugin:v0.20.0", "plugin": "nvidia-device-plugin", "mig": False,
                                                 "tenants": ["health", "research"], "sharing": None}}  # fmt: skip
    older = clustered.given(clustered.pool(), clusters=[clustered.cluster(device_plugin="0.19.3")])
    assert value(older, "pools")["training"]["image"].endswith(":v0.19.3")


def test_cards_that_are_cut_up_are_counted_by_profile(clustered):
    pool = clustered.pool(use="mig", layout={"1g.10gb": 2, "3g.40gb": 1, "1g.10gb+me": 1}, tenants=TENANTS)
    plan = clustered.given(pool)
    names = {"nvidia.com/mig-1g.10gb": 4, "nvidia.com/mig-1g.10gb.me": 2, "nvidia.com/mig-3g.40gb": 2}
    assert value(plan, "cards") == {"k8s-w1": names}
    assert value(plan, "quotas")["research"] == {"nvidia.com/mig-1g.10gb": 2, "nvidia.com/mig-1g.10gb.me": 1, "nvidia.com/mig-3g.40gb": 1}


def test_a_tenant_may_hold_nothing_of_what_no_pool_gives_it(clustered):
    whole, cut = clustered.pool(hosts="k8s-w1", tenants={"a": {}}), clustered.pool("cut", use="mig", layout={"7g.80gb": 1}, hosts="k8s-w2", tenants={"b": {}})
    hosts = clustered.host("k8s-cp1"), clustered.with_cards(), clustered.with_cards("k8s-w2")
    plan = clustered.plan(*hosts, ai_stack_pools=[whole, cut])
    assert value(plan, "quotas") == {"a": {"nvidia.com/gpu": 2, "nvidia.com/mig-7g.80gb": 0}, "b": {"nvidia.com/gpu": 0, "nvidia.com/mig-7g.80gb": 2}}


def test_shares_of_a_card_are_counted_under_a_name_of_their_own(clustered):
    pool = clustered.pool(tenants={"research": {"max": 1}}, sharing={"method": "time_slicing", "replicas": 4})
    plan = clustered.given(pool)
    assert plan["conflicts"] == [] and value(plan, "cards") == {"k8s-w1": {"nvidia.com/gpu.shared": 8}}
    # max counts cards: shares of one
    assert value(plan, "quotas") == {"research": {"nvidia.com/gpu.shared": 4}} and value(plan, "isolation") == {"training": "none"}
    assert value(plan, "pools")["training"]["sharing"] == {"method": "time_slicing", "resource": "nvidia.com/gpu", "replicas": 4}
    # whoever is to share starts from whole cards that nobody may hold there any more
    whole = clustered.pool("whole", hosts="k8s-w2", tenants={"research": {}})
    hosts = clustered.host("k8s-cp1"), clustered.with_cards(), clustered.with_cards("k8s-w2")
    both = clustered.plan(*hosts, ai_stack_pools=[{**pool, "hosts": "k8s-w1"}, whole])
    assert value(both, "quotas") == {"research": {"nvidia.com/gpu": 2, "nvidia.com/gpu.shared": 4}}


def test_a_tenant_whose_time_is_over_may_not_name_the_pool(clustered):
    """Where pools have cards of one name its quota of another pool would do here."""
    plan = clustered.given(clustered.pool(tenants={"gone": {"until": "2026-11-24"}, "none": {"max": 0}, "health": {"until": "2026-11-25"}}))
    assert value(plan, "pools")["training"]["tenants"] == ["health"] and value(plan, "quotas")["gone"] == {"nvidia.com/gpu": 0}


def test_a_cluster_is_told_too_when_its_last_pool_goes(clustered):
    told = {"k8s-w1": {"version": "v1.37.2", "cards": {"nvidia.com/gpu": 2}, "pool": "training"}}
    plan = clustered.given(clustered.pool(cluster=None), nodes=told)
    assert value(plan, "pools") == value(plan, "cards") == value(plan, "quotas") == {}
    (row,) = [row for row in plan["resources"][0]["changes"] if row["role"] == "kubernetes_accelerators"]
    assert (row["resource"], row["before"], row["after"]) == ("cards of k8s-w1:k8s-cp1", {"nvidia.com/gpu": 2}, None)
    assert [step["targets"] for step in plan["steps"] if "hand out" in step["what"]] == [["k8s-w1"]]


def test_what_pods_can_have_already_is_no_change(clustered):
    told = {"k8s-w1": {"version": "v1.37.2", "cards": {"nvidia.com/gpu": 2}, "pool": "training"}}
    changes = clustered.given(clustered.pool(), nodes=told)["resources"][0]["changes"]
    assert not [row for row in changes if row["role"] == "kubernetes_accelerators"]
    (row,) = [row for row in clustered.given(clustered.pool())["resources"][0]["changes"] if row["role"] == "kubernetes_accelerators"]
    assert (row["resource"], row["before"], row["after"]) == ("cards of k8s-w1:k8s-cp1", None, {"nvidia.com/gpu": 2})


def test_each_control_plane_is_told_of_cards_and_a_fresh_one_of_all(clustered):
    pods, there = {"kube-apiserver": "v1.37.2", "etcd": "3.7.0-0"}, {"k8s-w1": {"version": "v1.37.2", "cards": {"nvidia.com/gpu": 2}, "pool": "training"}}
    member = {"kubernetes__joined": True, "kubernetes__static_pods": pods, "kubernetes__kubelet": "v1.37.2", "containerd__version": "2.4.2"}
    found = [clustered.host(name, kubernetes__nodes=there, **member) for name in ("k8s-cp2", "k8s-cp3")]
    plan = clustered.plan(clustered.host("k8s-cp1"), *found, clustered.with_cards(), ai_stack_pools=[clustered.pool()], ai_stack_waivers=[PLATFORM, LIFE_CYCLE])
    rows = [row for row in plan["resources"][0]["changes"] if row["role"] == "kubernetes_accelerators"]
    assert [(row["resource"], row["before"], row["after"]) for row in rows] == [("cards of k8s-w1:k8s-cp1", None, {"nvidia.com/gpu": 2})]


def test_a_cluster_without_pools_is_told_nothing(clustered):
    assert not [row for row in clustered.plan()["resources"][0]["decisions"] if row["subject"] in ("pools", "cards", "quotas")]
    assert accelerators.documents({}, {}) == []


@pytest.fixture
def told(clustered):
    plan = clustered.given(clustered.pool(tenants=TENANTS))
    return {(one["kind"], one["metadata"]["name"]): one for one in accelerators.documents(value(plan, "pools"), value(plan, "quotas"))}


def test_plugins_run_on_nodes_of_their_pool_alone_where_nothing_else_runs(told):
    assert told["Node", "k8s-w1"]["metadata"]["labels"] == {"ai-stack/pool": "training"}
    made = told["DaemonSet", "nvidia-device-plugin-training"]
    assert made["spec"]["template"]["spec"]["nodeSelector"] == {"ai-stack/pool": "training"} and made["metadata"]["namespace"] == "ai-stack-accelerators"
    assert told["Namespace", "ai-stack-accelerators"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"
    (container,) = made["spec"]["template"]["spec"]["containers"]
    said = {one["name"]: one["value"] for one in container["env"]}
    assert said["DEVICE_LIST_STRATEGY"] == "cdi-cri" and said["MIG_STRATEGY"] == "none"
    # where Debian's own packages keep the library, below the root of the host
    assert said["CONTAINER_DRIVER_ROOT"] + "/usr/lib/x86_64-linux-gnu/nvidia/current" in said["LD_LIBRARY_PATH"].split(":")


def test_a_plugin_is_told_how_to_share_and_starts_anew_when_that_changes(clustered, told):
    assert not [key for key in told if key[0] == "ConfigMap"]

    def made(replicas):
        pool = clustered.pool(tenants={"research": {}}, sharing={"method": "time_slicing", "replicas": replicas})
        plan = clustered.given(pool)
        rows = accelerators.documents(value(plan, "pools"), value(plan, "quotas"))
        kinds = [one["kind"] for one in rows]
        assert kinds.index("Namespace") < kinds.index("ConfigMap") < kinds.index("DaemonSet")
        return {one["kind"]: one for one in rows if one["kind"] in ("ConfigMap", "DaemonSet", "Node")}

    found = made(4)
    told_of = found["ConfigMap"]["metadata"]
    assert yaml.safe_load(found["ConfigMap"]["data"]["config.yaml"]) == {"version": "v1", "sharing": {"timeSlicing": {
        "renameByDefault": True, "failRequestsGreaterThanOne": True, "resources": [{"name": "nvidia.com/gpu", "replicas": 4}]}}}  # fmt: skip
    assert told_of["namespace"] == "ai-stack-accelerators" and told_of["labels"]["app.kubernetes.io/managed-by"] == "sovereign.ai_stack"
    pod = found["DaemonSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (volume,) = [one for one in pod["volumes"] if one.get("configMap") == {"name": told_of["name"]}]
    (mount,) = [one for one in container["volumeMounts"] if one["name"] == volume["name"]]
    assert {"name": "CONFIG_FILE", "value": mount["mountPath"] + "/config.yaml"} in container["env"]
    # no isolation: the node says so to whoever looks
    assert found["Node"]["metadata"]["labels"] == {"ai-stack/pool": "training", "ai-stack/isolation": "none"}
    digests = [made(count)["DaemonSet"]["spec"]["template"]["metadata"]["annotations"]["ai-stack/config"] for count in (4, 4, 8)]
    assert digests[0] == digests[1] != digests[2]


def test_tenants_have_a_namespace_and_a_quota(told):
    assert told["Namespace", "research"]["metadata"]["labels"] == {"ai-stack/tenant": "research", "pool.ai-stack/training": "true"}
    quotas = {name: one["spec"]["hard"] for (kind, name), one in told.items() if kind == "ResourceQuota"}
    assert quotas == {"ai-stack-accelerators": {"requests.nvidia.com/gpu": "1"}}


def test_a_pod_says_its_pool_only_where_a_name_does_not(clustered):
    pools = {name: {"hosts": [name], "names": ["nvidia.com/gpu"], "image": "x:1", "plugin": "p", "mig": False, "tenants": []} for name in ("one", "two")}
    assert "nodeSelector" in str(accelerators.policy(pools)) and "nodeSelector" not in str(accelerators.policy({"one": pools["one"]}))


def test_a_canary_is_a_tenant_like_others_and_takes_cards_from_nobody(clustered):
    plan = clustered.given(clustered.pool(tenants=TENANTS))
    resource = plan["resources"][0]
    found = _clusters.accelerators(resource)
    told = {(one["kind"], one["metadata"]["name"]): one for one in found["documents"]}
    labels = told["Namespace", "ai-stack-canary"]["metadata"]["labels"]
    assert {labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {"restricted"}
    # the policy knows it by what it knows tenants by, and makes no exception
    assert labels["ai-stack/tenant"] == "ai-stack-canary" and labels["pool.ai-stack/training"] == "true"
    assert "canary" not in str(told["ValidatingAdmissionPolicy", "ai-stack-accelerators"])
    assert told["ResourceQuota", "ai-stack-canary"]["metadata"]["namespace"] == "ai-stack-canary"
    assert told["ResourceQuota", "ai-stack-canary"]["spec"]["hard"] == {"requests.nvidia.com/gpu": "1"}
    last = told["PriorityClass", "ai-stack-canary"]
    assert last["preemptionPolicy"] == "Never" and False not in last.values() and last["value"] < 0
    assert canary.documents({}) == [] and canary.canaries({}, "pause") == {}


def test_a_canary_asks_for_one_card_of_its_node_and_needs_no_image_of_its_own(clustered):
    plan = clustered.given(clustered.pool(tenants=TENANTS))
    asked = _clusters.accelerators(plan["resources"][0])["canaries"]
    assert sorted(asked) == ["k8s-w1"] and asked["k8s-w1"]["name"] == "nvidia.com/gpu" and asked["k8s-w1"]["at"] == ["0000:17:00.0", "0000:65:00.0"]
    pod = asked["k8s-w1"]["pod"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == value(plan, "sandbox") and container["resources"] == {"limits": {"nvidia.com/gpu": 1}} and "command" not in container
    (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchFields"] == [{"key": "metadata.name", "operator": "In", "values": ["k8s-w1"]}] and pod["nodeSelector"] == {"ai-stack/pool": "training"}
    # placed by the scheduler, after everybody else, with no key of the API, and for minutes at most
    assert "nodeName" not in pod and pod["priorityClassName"] == "ai-stack-canary" and pod["automountServiceAccountToken"] is False
    assert 0 < pod["activeDeadlineSeconds"] <= 600 and pod["restartPolicy"] == "Never"
    # what Pod Security calls restricted
    assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    inside = container["securityContext"]
    assert inside["allowPrivilegeEscalation"] is False and inside["capabilities"] == {"drop": ["ALL"]}


def test_where_no_table_knows_an_image_there_is_no_canary():
    pool = {"hosts": ["w1"], "names": ["nvidia.com/mig-2g.20gb", "nvidia.com/mig-1g.10gb"]}
    assert canary.canaries({"a": pool}, None) == {}
    # of several names the first; a plan of before says no addresses
    assert {name: (one["name"], one["at"]) for name, one in canary.canaries({"a": pool}, "x").items()} == {"w1": ("nvidia.com/mig-1g.10gb", [])}
    assert canary.documents({"a": pool})[1]["spec"]["hard"] == {"requests.nvidia.com/mig-1g.10gb": "1", "requests.nvidia.com/mig-2g.20gb": "1"}
