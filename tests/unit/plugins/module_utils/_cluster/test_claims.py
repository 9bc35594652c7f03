# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Cards that pods get by claims: what is decided, what is refused, and what the cluster is told."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import claims, containerd, proof
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import cluster_claims, cluster_nodes
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _clusters
from planner import LIFE_CYCLE, PLATFORM, Cases, named, refused

from .conftest import Clustered, decided

case = Cases()
HERE = "ai_stack_clusters[0].accelerators.allocation"
CLASS = "ai-stack-training"


def claimed(clustered, *pools, more=None, owner=None, **how):
    """A plan of a cluster whose cards are given by claims."""
    said = {"allocation": "dra", **({"owner": owner} if owner else {})}
    row = clustered.cluster(accelerators=said, **(more or {}))
    return clustered.given(*(pools or [clustered.pool(tenants={"research": {"max": 1}, "health": {}})]), clusters=[row], **how)


def value(plan, subject):
    return decided(plan, subject)["value"]


def told(plan):
    """{(kind, namespace, name): document}"""
    rows = _clusters.accelerators(plan["resources"][0])["documents"]
    return {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]): one for one in rows}


def changed_table(clustered, **columns):
    """The rows of DRA drivers with other columns."""
    found = clustered.tables["kubernetes_plugins"]
    rows = [{**row, **columns} if row["way"] == "dra" else row for row in found["rows"]]
    clustered.tables = {**clustered.tables, "kubernetes_plugins": {**found, "rows": rows}}


@pytest.fixture
def clustered(tables):
    """The recorded host has Debian's driver, which is older than the DRA driver wants it."""
    found = Clustered(tables)
    changed_table(found, driver="535")
    return found


@case("K8S-G1")
def two_ways_are_refused(clustered):
    words = "names a device plugin, and its cards are given by claims (DRA)"
    plan = refused(claimed(clustered, more={"device_plugin": "0.20.0"}), "K8S-G1", words, "ai_stack_clusters[0].device_plugin", "no device_plugin")
    assert not plan["resources"]
    plan = claimed(clustered, more={"kubernetes": "1.36", "containerd": "2.3"}, owner="operator")
    refused(plan, "K8S-G1", "has an operator bring its device plugin", HERE, "allocation: device_plugin")
    assert claimed(clustered, owner="role")["conflicts"] == []


@case("K8S-V10")
def minor_without_claims_is_refused(clustered):
    refused(claimed(clustered, more={"kubernetes": "1.33"}), "K8S-V10", "Kubernetes 1.33 has no resource.k8s.io/v1", HERE, "Kubernetes 1.34")
    assert "K8S-V10" not in [row["rule"] for row in claimed(clustered, more={"kubernetes": "1.34"})["conflicts"]]


@case("ACC-20a")
def patch_below_that_of_the_driver_is_refused(clustered):
    words = "gpu-kubelet-plugin 0.5.0 of cluster ai needs Kubernetes 1.37.9, and it gets 1.37.2"
    changed_table(clustered, kubernetes="1.37.9")
    refused(claimed(clustered), "ACC-20a", words, "ai_stack_clusters[0].kubernetes", 'kubernetes: "1.37.9" or newer')
    changed_table(clustered, kubernetes="1.37.2")
    assert claimed(clustered)["conflicts"] == []


@case("K8S-G26")
def what_its_vendor_does_not_support_yet_is_said(clustered):
    row = named(claimed(clustered)["warnings"], "K8S-G26", "gpu-kubelet-plugin 0.5.0 of cluster ai is for whole cards not yet officially supported")
    assert (row["path"], row["nearest"]) == (HERE, "allocation: device_plugin") and "README.md @" in row["source"]
    assert "K8S-G26" not in [row["rule"] for row in clustered.given(clustered.pool())["warnings"]]
    changed_table(clustered, warned=None)
    assert "K8S-G26" not in [row["rule"] for row in claimed(clustered)["warnings"]]


@case("K8S-V12a")
def old_driver_is_refused(clustered):
    changed_table(clustered, driver="999")
    plan = refused(claimed(clustered), "K8S-V12a", "needs a driver of branch 999, and this host has", "ai_stack_driver", "a driver of branch 999 or newer")
    # the control plane has no cards, and a device plugin asks for nothing of the kind
    assert [row["host"] for row in plan["conflicts"]] == ["k8s-w1"] and clustered.given(clustered.pool())["conflicts"] == []


@case("K8S-G25")
def what_claims_do_not_give_is_refused(clustered):
    plan = claimed(clustered, clustered.pool(), clustered.pool("other", hosts="k8s-cp1"))
    refused(plan, "K8S-G25", "several pools are its own: training, other", HERE, "one pool")
    plan = claimed(clustered, clustered.pool(use="mig", layout={"1g.10gb": 7}))
    refused(plan, "K8S-G25", "pool training is cut up (use: mig)", "ai_stack_pools[0].use", "use: host")
    plan = claimed(clustered, clustered.pool(tenants={"research": {}}, sharing={"method": "time_slicing", "replicas": 4}))
    refused(plan, "K8S-G25", "pool training has pods share a card", "ai_stack_pools[0].sharing", "no sharing")
    refused(claimed(clustered, more={"kueue": "0.19", "kubernetes": "1.36"}), "K8S-G25", "has queues of Kueue", "ai_stack_clusters[0].kueue", "no kueue")


@pytest.mark.parametrize("identity", sorted(case))
def test_rule(identity, clustered):
    case[identity](clustered)


def test_the_floors_are_those_that_the_vendor_says(tables):
    rows = [row for row in tables["kubernetes_plugins"]["rows"] if row["way"] == "dra"]
    assert rows and all(row["kubernetes"] == "1.34.2" and row["driver"] == "580" and row["instead_of"] for row in rows)


def test_every_enforced_rule_has_a_case(tables):
    enforced = {row["id"] for row in tables["rules"]["rows"] if row["status"] == "enforced" and "_cluster/test_claims" in (row["test"] or "")}
    assert enforced == set(case)


def test_cards_of_another_vendor_are_refused(clustered):
    amd = clustered.with_cards(recorded="mi300x-trixie")
    row = clustered.cluster(accelerators={"allocation": "dra"})
    plan = clustered.plan(clustered.host("k8s-cp1"), amd, clusters=[row], ai_stack_pools=[clustered.pool()])
    refused(plan, "K8S-G9", "no table knows a DRA driver for the cards of pool training (vendor 1002)", "ai_stack_pools[0].cluster")


def test_a_pool_is_a_class_and_a_tenant_may_have_so_many_of_it(clustered):
    plan = claimed(clustered)
    assert plan["conflicts"] == [] and value(plan, "allocation") == "dra"
    assert value(plan, "cards") == {"k8s-w1": {"gpu.nvidia.com": 2}}
    assert value(plan, "quotas") == {"health": {CLASS: 2}, "research": {CLASS: 1}}
    pool = value(plan, "pools")["training"]
    assert pool["names"] == [CLASS] and pool["claims"] == {"class": CLASS, "driver": "gpu.nvidia.com", "resource": "nvidia.com/"}
    found = told(plan)
    hard = found["ResourceQuota", "research", "ai-stack-accelerators"]["spec"]["hard"]
    assert hard == {"ai-stack-training.deviceclass.resource.k8s.io/devices": "1"}
    (selector,) = found["DeviceClass", None, CLASS]["spec"]["selectors"]
    assert selector == {"cel": {"expression": "device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == 'gpu'"}}
    # nothing of the other way
    assert not [key for key in found if key[0] == "DaemonSet" and "device-plugin" in key[2]]
    assert {one["apiVersion"] for one in found.values() if one["kind"] in ("DeviceClass", "ResourceClaimTemplate")} == {"resource.k8s.io/v1"}


def test_without_the_key_there_is_a_device_plugin_and_nothing_of_claims(clustered):
    for row in (clustered.cluster(), clustered.cluster(accelerators={"allocation": "device_plugin"})):
        plan = clustered.given(clustered.pool(tenants={"research": {}}), clusters=[row])
        assert value(plan, "cards") == {"k8s-w1": {"nvidia.com/gpu": 2}} and "claims" not in value(plan, "pools")["training"]
        found = told(plan)
        assert not [key for key in found if key[0] in ("DeviceClass", "ClusterRole", "ResourceClaimTemplate")]
        assert ("DaemonSet", "ai-stack-accelerators", "nvidia-device-plugin-training") in found


def test_the_driver_is_on_nodes_of_the_pool_alone_and_may_little(clustered):
    found = told(claimed(clustered))
    made = found["DaemonSet", "ai-stack-accelerators", "gpu-kubelet-plugin-training"]["spec"]["template"]["spec"]
    (container,) = made["containers"]
    assert made["nodeSelector"] == {"ai-stack/pool": "training"} and made["serviceAccountName"] == claims.ACCOUNT
    assert container["image"] == "registry.k8s.io/dra-driver-nvidia/dra-driver-nvidia-gpu:v0.5.0" and container["command"] == ["gpu-kubelet-plugin"]
    variables = {one["name"]: one.get("value") for one in container["env"]}
    # what it does not start without, and that no container gets a card by a variable
    assert {"NODE_NAME", "IMAGE_NAME", "NAMESPACE"} <= set(variables) and variables["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert {one["name"] for one in made["volumes"]} == {one["name"] for one in container["volumeMounts"]} == {"cdi", "driver", "plugins", "registry"}
    rules = found["ClusterRole", None, claims.ACCOUNT]["rules"]
    assert {name for row in rules for name in row["resources"] if set(row["verbs"]) & {"create", "update", "patch", "delete"}} == {"resourceslices"}
    # and of slices those of its own node
    condition = found["ValidatingAdmissionPolicy", None, "ai-stack-accelerators-slices"]["spec"]["matchConditions"][0]["expression"]
    assert condition == "request.userInfo.username == 'system:serviceaccount:ai-stack-accelerators:ai-stack-accelerators-claims'"


@pytest.mark.parametrize(("kind", "spec"), [("resourceclaims", "object.spec"), ("resourceclaimtemplates", "object.spec.spec")])
def test_a_claim_and_a_template_of_one_are_judged_alike(clustered, kind, spec):
    found = told(claimed(clustered))
    policy = found["ValidatingAdmissionPolicy", None, "ai-stack-accelerators-" + kind]["spec"]
    (row,) = policy["matchConstraints"]["resourceRules"]
    # who adds or takes a finalizer of a claim is not asked
    assert row["resources"] == [kind] and row["operations"] == ["CREATE"] and policy["failurePolicy"] == "Fail"
    assert policy["variables"][0]["expression"].startswith(f"(has({spec}.devices)")
    allowed, own, admin = (one["expression"] for one in policy["validations"])
    assert "'pool.ai-stack/' + s.deviceClassName.substring(9)" in allowed and len("ai-stack-") == 9
    assert "r.exactly.deviceClassName in ['gpu.nvidia.com', 'mig.nvidia.com', 'vfio.gpu.nvidia.com']" in own
    assert "adminAccess" in admin and "ai-stack/tenant" in admin and "resource.kubernetes.io/admin-access" in admin
    assert ("ValidatingAdmissionPolicyBinding", None, "ai-stack-accelerators-" + kind) in found


def test_pods_do_not_get_cards_past_claims(clustered):
    policy = told(claimed(clustered))["ValidatingAdmissionPolicy", None, "ai-stack-accelerators"]["spec"]
    (asks,) = policy["variables"]
    assert "k.startsWith('nvidia.com/')" in asks["expression"] and "k.startsWith('deviceclass.resource.kubernetes.io/ai-stack-')" in asks["expression"]
    assert policy["validations"][0]["expression"] == "(!variables.asks)" and "hostUsers" in policy["validations"][1]["expression"]


def test_a_canary_claims_a_card(clustered):
    plan = claimed(clustered)
    found = told(plan)
    (request,) = found["ResourceClaimTemplate", "ai-stack-canary", CLASS]["spec"]["spec"]["devices"]["requests"]
    assert request["exactly"] == {"deviceClassName": CLASS, "allocationMode": "ExactCount", "count": 1}
    one = _clusters.accelerators(plan["resources"][0])["canaries"]["k8s-w1"]
    spec = one["pod"]["spec"]
    assert one["name"] == CLASS and spec["resourceClaims"] == [{"name": "card", "resourceClaimTemplateName": CLASS}]
    assert spec["containers"][0]["resources"] == {"claims": [{"name": "card"}]}


def test_the_runtime_has_cdi():
    assert containerd.settings(2, "pause")["io.containerd.grpc.v1.cri"]["enable_cdi"] is True
    # from version 3 of the file on the daemon has it on, and the switch goes
    assert not [text for text in map(str, containerd.settings(4, "pause").values()) if "enable_cdi" in text]


def seen(cards, pool="training"):
    return {"k8s-w1": {"ready": True, "version": "v1.37.2", "cards": cards, "pool": pool}}


@pytest.mark.parametrize(("cards", "passes"), [({"gpu.nvidia.com": 2}, True), ({"gpu.nvidia.com": 1}, False), ({}, False),
                                               ({"gpu.nvidia.com": 2, "nvidia.com/gpu": 2}, False),
                                               ({"gpu.nvidia.com": 2, "amd.com/gpu": 1}, True)])  # fmt: skip
def test_devices_of_drivers_are_proven_and_nothing_beside_them(clustered, cards, passes):
    want = {row["subject"]: row["value"] for row in claimed(clustered)["resources"][0]["decisions"]}
    member = proof.Member("k8s-w1", "nodes", "ai", want, {}, seen(cards))
    (check,) = proof.cards_are_planned(member)
    assert (check["status"] == "pass") is passes


NAMED, BY_CLAIM = {"k8s-w1": {"nvidia.com/gpu": ["research/trainer"]}}, {"k8s-w1": {"gpu.nvidia.com": ["research/trainer"]}}


@pytest.mark.parametrize("cards", [{}, {"gpu.nvidia.com": 2}, {"nvidia.com/gpu": 2}])
@pytest.mark.parametrize("back", [False, True])
def test_who_holds_a_card_of_the_other_way_keeps_this_one_out_whatever_nodes_can_give(clustered, cards, back):
    def plan(held, cards=cards):
        control = clustered.host("k8s-cp1", kubernetes__nodes=seen(cards), kubernetes__holders=held)
        row = clustered.cluster(accelerators={"allocation": "device_plugin" if back else "dra"})
        return clustered.plan(control, clustered.with_cards(), clusters=[row], ai_stack_pools=[clustered.pool(tenants={"research": {}})],
                              ai_stack_waivers=[PLATFORM, LIFE_CYCLE])  # fmt: skip

    theirs, ours = (BY_CLAIM, NAMED) if back else (NAMED, BY_CLAIM)
    refused(plan(theirs), "K8S-G20", "these hold them: research/trainer", "ai_stack_pools", "kubectl drain k8s-w1")
    # who holds one of the planned way is in nobody's way: what hands out cards may be dead, and comes again; nor are cards of another vendor
    for held in (ours, {"k8s-w1": {"amd.com/gpu": ["research/trainer"]}}, {"k8s-w9": theirs["k8s-w1"]}, {}):
        assert plan(held)["conflicts"] == []
    refused(plan(None, None), "K8S-G20", "nobody tells which pods hold them by other names", "ai_stack_pools", "an API that answers")
    assert plan({}, None)["conflicts"] == []


def test_of_devices_that_nobody_tells_nothing_is_proven(clustered):
    want = {row["subject"]: row["value"] for row in claimed(clustered)["resources"][0]["decisions"]}
    (check,) = proof.cards_are_planned(proof.Member("k8s-w1", "nodes", "ai", want, {}, seen(None)))
    assert check["status"] == "unknown"


def test_cards_that_pods_hold_do_not_change_their_way(clustered):
    control = clustered.host("k8s-cp1", kubernetes__nodes=seen({"nvidia.com/gpu": 2}), kubernetes__holders=NAMED)
    row = clustered.cluster(accelerators={"allocation": "dra"})
    plan = clustered.plan(control, clustered.with_cards(), clusters=[row], ai_stack_pools=[clustered.pool(tenants={"research": {}})])
    refused(plan, "K8S-G20", "pods would ask for its cards as gpu.nvidia.com, and not as nvidia.com/gpu any more", "ai_stack_pools", "kubectl drain k8s-w1")


def slice_of(node, devices, generation=1, driver="gpu.nvidia.com"):
    pool = {"name": node, "generation": generation, "resourceSliceCount": 1}
    return {"spec": {"driver": driver, "nodeName": node, "pool": pool, "devices": [{"name": f"gpu-{at}"} for at in range(devices)]}}


def test_devices_are_counted_by_node_and_driver():
    found = cluster_claims.cards({"items": [slice_of("w1", 2), slice_of("w2", 1), slice_of("w2", 3), slice_of("w3", 2, driver="nic.example.com")]})
    assert found == {"w1": {"gpu.nvidia.com": 2}, "w2": {"gpu.nvidia.com": 4}}
    # what a driver said before counts no more, and one of no node is nobody's
    assert cluster_claims.cards({"items": [slice_of("w1", 2), slice_of("w1", 1, 2), slice_of("w4", 0), slice_of(None, 2)]}) == {
        "w1": {"gpu.nvidia.com": 1}, "w4": {}}  # fmt: skip


def test_who_holds_what_claims_were_given_is_told():
    def claim(namespace, pods, results=({"driver": "gpu.nvidia.com", "pool": "w1", "device": "gpu-0"},)):
        reserved = [{"resource": "pods", "name": name} for name in pods]
        return {"metadata": {"name": "x", "namespace": namespace}, "status": {"allocation": {"devices": {"results": list(results)}}, "reservedFor": reserved}}

    rows = [claim("research", ["a", "b"]), claim("health", ["c"], ({"driver": "nic.example.com", "pool": "w1"},)), claim("ai-stack-canary", ["w1"]),
            {"metadata": {"name": "y", "namespace": "research"}}, claim("health", [])]  # fmt: skip
    found = cluster_claims.held({"items": rows}, cluster_nodes.CANARY)
    assert found == {"w1": {"gpu.nvidia.com": ["research/a", "research/b"]}}
    every = cluster_claims.both({"w1": {"amd.com/gpu": ["x/y"]}, "w2": {"nvidia.com/gpu": ["x/z"]}}, found)
    assert every == {"w1": {"amd.com/gpu": ["x/y"], "gpu.nvidia.com": ["research/a", "research/b"]}, "w2": {"nvidia.com/gpu": ["x/z"]}}
    assert cluster_claims.holders(every) == {"w1": ["research/a", "research/b", "x/y"], "w2": ["x/z"]}


def test_names_tell_their_vendor():
    assert {cluster_nodes.whose(name) for name in ("nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "gpu.nvidia.com")} == {"nvidia.com"}
