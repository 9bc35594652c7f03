# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Pools and tenants as flavors and queues of Kueue: no card is promised twice, and none is left out."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import accelerators, queues
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import cluster_queues
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _clusters
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planner import LIFE_CYCLE, PLATFORM

from .conftest import decided

TENANTS = {"research": {"max": 2, "guaranteed": 1}, "health": {"guaranteed": 1}, "gone": {"guaranteed": 1, "until": "2026-11-24"}, "guest": {"max": 1}}


def value(plan, subject="queues"):
    return decided(plan, subject)["value"]


def with_kueue(clustered, *pools, kueue="0.19"):
    return clustered.given(*pools, clusters=[clustered.cluster(kueue=kueue)])


def made(plan):
    return {(one["kind"], one["metadata"]["name"]): one for one in _clusters.accelerators(plan["resources"][0])["documents"]}


def test_without_kueue_there_are_no_queues(clustered):
    plan = clustered.given(clustered.pool(tenants={"research": {}}))
    assert "queues" not in {row["subject"] for row in plan["resources"][0]["decisions"]}
    assert "kueue" not in str(made(plan)) and "ai-stack/queue" not in str(made(plan))
    # and none where nothing is handed out
    assert "queues" not in {row["subject"] for row in with_kueue(clustered)["resources"][0]["decisions"]} and queues.documents({}) == []


def test_what_is_guaranteed_is_the_tenants_own_and_the_rest_up_to_max_is_borrowed(clustered):
    plan = with_kueue(clustered, clustered.pool(tenants=TENANTS))
    assert plan["conflicts"] == []
    own = {"research": [1, 1], "health": [1, 1], "gone": [0, 0], "guest": [0, 1]}
    assert value(plan) == {"training": {"free": {"nvidia.com/gpu": 0}, "tenants": {tenant: {"nvidia.com/gpu": both} for tenant, both in own.items()}}}
    # the hard border stays
    assert value(plan, "quotas") == {name: {"nvidia.com/gpu": sum(both)} for name, both in own.items()}


def test_counts_are_of_what_pods_ask_for(clustered):
    tenants = {"research": {"max": 2, "guaranteed": 1}}
    shared = with_kueue(clustered, clustered.pool(tenants=tenants, sharing={"method": "time_slicing", "replicas": 4}))
    assert value(shared)["training"] == {"free": {"nvidia.com/gpu.shared": 4}, "tenants": {"research": {"nvidia.com/gpu.shared": [4, 4]}}}
    cut = with_kueue(clustered, clustered.pool(tenants=tenants, use="mig", layout={"1g.10gb": 2, "3g.40gb": 1}))
    assert value(cut)["training"]["tenants"]["research"] == {"nvidia.com/mig-1g.10gb": [2, 2], "nvidia.com/mig-3g.40gb": [1, 1]}


def test_documents_say_it_in_the_words_of_kueue(clustered):
    found = made(with_kueue(clustered, clustered.pool(tenants=TENANTS)))
    assert found["ResourceFlavor", "ai-stack-training"]["spec"] == {"nodeLabels": {"ai-stack/pool": "training"}}
    spec = found["ClusterQueue", "ai-stack-research"]["spec"]
    assert spec["cohortName"] == "ai-stack-accelerators" and spec["namespaceSelector"] == {"matchLabels": {"ai-stack/tenant": "research"}}
    assert spec["preemption"] == {"reclaimWithinCohort": "Any"}
    assert spec["resourceGroups"][0] == {"coveredResources": ["nvidia.com/gpu"], "flavors": [
        {"name": "ai-stack-training", "resources": [{"name": "nvidia.com/gpu", "nominalQuota": "1", "borrowingLimit": "1"}]}]}  # fmt: skip
    # one that does not know the processors that a job asks for never lets it go
    besides = spec["resourceGroups"][1]
    assert {"cpu", "memory"} <= set(besides["coveredResources"]) and "spec" not in found["ResourceFlavor", "ai-stack"]
    assert found["LocalQueue", "ai-stack-accelerators"]["metadata"]["namespace"] in TENANTS
    assert found["Cohort", "ai-stack-accelerators"]["spec"]["resourceGroups"][0]["flavors"][0]["resources"] == [{"name": "nvidia.com/gpu", "nominalQuota": "0"}]
    rows = [one for one in found.values() if one["apiVersion"] == "kueue.x-k8s.io/v1beta2"]
    assert {one["kind"] for one in rows} == {"ResourceFlavor", "Cohort", "ClusterQueue", "LocalQueue"}
    assert all(one["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "sovereign.ai_stack"} for one in rows)


def of_two(clustered, *of_second, **more):
    pools = [clustered.pool("one", hosts="k8s-w1", tenants={"a": {"guaranteed": 1}}), clustered.pool("two", hosts="k8s-w2", tenants=of_second[0], **more)]
    hosts = clustered.host("k8s-cp1"), clustered.with_cards(), clustered.with_cards("k8s-w2")
    return clustered.plan(*hosts, clusters=[clustered.cluster(kueue="0.19")], ai_stack_pools=pools, ai_stack_waivers=[PLATFORM, LIFE_CYCLE])


def test_a_tenant_of_two_pools_has_one_queue_with_both_flavors(clustered):
    """A name may be in one group alone, and each flavor of it says every name."""
    found = made(of_two(clustered, {"a": {}, "b": {}}, use="mig", layout={"1g.10gb": 7}))
    (cards, dummy) = found["ClusterQueue", "ai-stack-a"]["spec"]["resourceGroups"]
    assert cards["coveredResources"] == ["nvidia.com/gpu", "nvidia.com/mig-1g.10gb"]
    assert [(one["name"], [(row["name"], row["nominalQuota"], row["borrowingLimit"]) for row in one["resources"]]) for one in cards["flavors"]] == [
        ("ai-stack-one", [("nvidia.com/gpu", "1", "1"), ("nvidia.com/mig-1g.10gb", "0", "0")]),
        ("ai-stack-two", [("nvidia.com/gpu", "0", "0"), ("nvidia.com/mig-1g.10gb", "0", "14")])]  # fmt: skip
    # of a pool that is none of its own it has nothing
    assert [one["name"] for one in found["ClusterQueue", "ai-stack-b"]["spec"]["resourceGroups"][0]["flavors"]] == ["ai-stack-two"]


def test_cards_of_a_queue_are_for_what_went_through_it(clustered):
    found = made(with_kueue(clustered, clustered.pool(tenants={"research": {}})))
    last = found["ValidatingAdmissionPolicy", "ai-stack-accelerators"]["spec"]["validations"][-1]
    assert "'kueue.x-k8s.io/admission'" in last["expression"] and "'kueue.x-k8s.io/local-queue-name'" in last["expression"]
    assert "kueue.x-k8s.io/queue-name: ai-stack-accelerators" in last["message"]
    assert found["Namespace", "research"]["metadata"]["labels"]["ai-stack/queue"] == found["LocalQueue", "ai-stack-accelerators"]["metadata"]["name"]
    # a canary waits for nothing
    assert "ai-stack/queue" not in found["Namespace", "ai-stack-canary"]["metadata"]["labels"]


def test_a_queue_is_there_before_the_policy_sends_anybody_to_it(clustered):
    kinds = [kind for kind, dummy in made(with_kueue(clustered, clustered.pool(tenants={"research": {}})))]
    places = [kinds.index(kind) for kind in ("ResourceFlavor", "Cohort", "ClusterQueue", "LocalQueue", "ValidatingAdmissionPolicy")]
    assert places == sorted(places)


def test_quotas_are_written_as_the_api_gives_them_back():
    (hard,) = accelerators.quota("research", {"nvidia.com/gpu.shared": 2000})["spec"].values()
    assert hard == {"requests.nvidia.com/gpu.shared": "2k"}


@st.composite
def tenants(draw):
    found = {}
    for name in draw(st.lists(st.sampled_from("abcd"), unique=True)):
        most = draw(st.one_of(st.none(), st.integers(0, 2)))
        row = {"max": most, "guaranteed": draw(st.one_of(st.none(), st.integers(0, 2 if most is None else most))),
               "until": draw(st.sampled_from([None, "2026-11-24", "2027-01-01"]))}  # fmt: skip
        found[name] = {key: one for key, one in row.items() if one is not None}
    return found


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tenants=tenants())
def test_no_card_is_promised_twice_and_none_is_left_out(clustered, tenants):
    plan = with_kueue(clustered, clustered.pool(tenants=tenants))
    if plan["conflicts"]:
        assert {row["rule"] for row in plan["conflicts"]} == {"K8S-A11"}
        return
    (pool,) = value(plan).values()
    own = {tenant: cards["nvidia.com/gpu"] for tenant, cards in pool["tenants"].items()}
    # what all queues and the cohort have together is what the nodes have
    assert pool["free"]["nvidia.com/gpu"] + sum(one for one, dummy in own.values()) == 2 and pool["free"]["nvidia.com/gpu"] >= 0
    for tenant, (kept, more) in own.items():
        assert kept >= 0 and more >= 0 and kept + more == value(plan, "quotas")[tenant]["nvidia.com/gpu"]


def test_what_is_told_is_found_again_as_planned(clustered):
    plan = of_two(clustered, {"a": {}, "b": {}})
    there = [dict(one, status={"conditions": [{"type": "Active", "status": "True"}]}) for one in made(plan).values() if one["kind"] == "ClusterQueue"]
    assert cluster_queues.queues({"items": there}) == queues.planned(value(plan))
    assert queues.planned(value(plan))["ai-stack-a"]["cards"] == {"ai-stack-one": {"nvidia.com/gpu": [1, 1]}, "ai-stack-two": {"nvidia.com/gpu": [0, 2]}}


@pytest.mark.parametrize("kueue", ["0.19.2", "0.19"])
def test_a_release_is_one_of_its_branch(clustered, kueue):
    plan = with_kueue(clustered, clustered.pool(tenants={"a": {}}), kueue=kueue)
    assert plan["conflicts"] == [] and decided(plan, "queues")["because"].startswith("Kueue 0.19 is there")
