# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""One case for each enforced rule about Kubernetes: it must go red when the rule's row leaves the register.

A case is a function under the id of its rule. It gets the planner of a site with a cluster.
"""

from __future__ import annotations

import pytest
from planner import LIFE_CYCLE, PLATFORM, Cases, named, refused

from .conftest import decided

case = Cases()
HERE = "ai_stack_clusters[0].kubernetes"
SHARING = {"method": "time_slicing", "replicas": 4}


def versions(servers=None, etcd=None, **nodes):
    """What a cluster tells of its versions."""
    return {"ai": {"servers": servers or {}, "etcd": etcd or {}, "nodes": {name.replace("_", "-"): {"version": one} for name, one in nodes.items()}}}


def drop_ins(clustered, root, *versions_of):
    rows = [{"path": f"/etc/containerd/conf.d/{at}.toml", "version": one, "ours": False} for at, one in enumerate(versions_of)]
    return clustered.host("k8s-w1", containerd__version="2.3.4", containerd__root={"version": root}, containerd__native=4, containerd__drop_ins=rows)


def beside(clustered, worker):
    return clustered.plan(clustered.host("k8s-cp1"), worker)


@case("K8S-V1")
def minor_that_ended_is_refused(clustered):
    plan = refused(clustered.plan(clusters=[clustered.cluster(kubernetes="1.33.13")]), "K8S-V1", "1.33 of cluster ai ended on 2026-06-28", HERE)
    assert named(plan["conflicts"], "K8S-V1")["nearest"] == "one of: 1.35, 1.36, 1.37" and not plan["resources"]
    from_there = clustered.plan(clusters=[clustered.cluster(kubernetes="1.34.11")], seen=versions({"k8s-cp1": "v1.34.11"}))
    assert named(from_there["conflicts"], "K8S-V1")["nearest"] == "one of: 1.35"
    named(clustered.plan(clusters=[clustered.cluster(kubernetes="1.35.8")], today="2026-12-24")["warnings"], "K8S-V1", "ends on 2027-02-28")
    waiver = {"rule": "K8S-V1", "scope": "cluster ai", "reason": "next month", "approver": "board", "until": "2027-01-31"}
    plan = clustered.plan(clusters=[clustered.cluster(kubernetes="1.33.13", containerd="2.1.9")], ai_stack_waivers=[PLATFORM, waiver])
    assert [row["rule"] for row in plan["waived"]] == ["K8S-V1"]


@case("K8S-V19")
def minor_that_no_table_knows_is_refused(clustered):
    """Whatever is waived: the rest of the site is planned."""
    waiver = {"rule": "K8S-V1", "scope": "site", "reason": "any", "approver": "board", "until": "2027-01-31"}
    for version, words in (("1.52.1", "is to be of Kubernetes 1.52.1, which no table knows"), (None, "names no version of Kubernetes")):
        plan = clustered.plan(clusters=[clustered.cluster(kubernetes=version)], ai_stack_waivers=[PLATFORM, waiver])
        refused(plan, "K8S-V19", words, HERE, "1.37")
        assert plan["resources"] == []


@case("K8S-V18")
def patch_that_nobody_knows_is_refused(clustered):
    older = clustered.host("k8s-cp1", kubernetes=("1.36.4-1.1",))
    plan = clustered.plan(older, clustered.host("k8s-w1"))
    refused(plan, "K8S-V18", "which patch of Kubernetes 1.37 cluster ai is to get", HERE, "a patch that all have")
    assert "k8s-cp1 has none, k8s-w1 has 1.37.1, 1.37.2" in named(plan["conflicts"], "K8S-V18")["message"]
    bare = clustered.host("k8s-w1", kubernetes=())
    refused(clustered.plan(clustered.host("k8s-cp1"), bare), "K8S-V18", "nobody knows which patch", HERE)
    plan = clustered.plan(clusters=[clustered.cluster(kubernetes="1.37.99")])
    refused(plan, "K8S-V18", "not every host of cluster ai can get kubeadm, kubelet, kubectl of Kubernetes 1.37.99", HERE)
    plan = clustered.plan(clustered.host("k8s-cp1", kubernetes=("1.37.1-1.1",)), clustered.host("k8s-w1"))
    assert decided(plan, "kubernetes")["value"] == "1.37.1" and "all its hosts" in decided(plan, "kubernetes")["because"]


@case("K8S-V20")
def runtime_that_nobody_knows_is_refused(clustered):
    where = "ai_stack_clusters[0].containerd"
    refused(clustered.plan(clusters=[clustered.cluster(containerd="2.4.99")]), "K8S-V20", "not every host of cluster ai can get containerd 2.4.99", where)
    refused(clustered.plan(clusters=[clustered.cluster(containerd="9.0.1")]), "K8S-V20", "of a branch that no table knows", where, "2.4")
    bare = clustered.host("k8s-w1", containerd=())
    refused(clustered.plan(clustered.host("k8s-cp1"), bare), "K8S-V20", "nobody knows which containerd cluster ai is to get", where)


@case("K8S-V2")
def kubelet_that_is_newer_is_refused(clustered):
    row = refused(clustered.plan(clusters=[clustered.cluster(kubernetes="1.36")], seen=versions(k8s_w1="v1.37.2")), "K8S-V2", "newer than the API", HERE)
    assert row["conflicts"][0]["host"] == "k8s-w1"
    refused(beside(clustered, clustered.host("k8s-w1", kubernetes__kubelet="v1.33.1")), "K8S-V2", "4 minors older", HERE)
    now = clustered.plan(seen=versions({"k8s-cp1": "v1.36.4"}, k8s_w1="v1.37.2"), clusters=[clustered.cluster(kubernetes="1.36")])
    refused(now, "K8S-V2", "newer than an API server of cluster ai is, 1.36.4", HERE)
    # a move that was cut off goes on
    named(clustered.plan(seen=versions({"k8s-cp1": "v1.36.4"}, k8s_w1="v1.37.2"))["warnings"], "K8S-V2", "newer than an API server")
    # one that is out of service counts: it comes back
    states = [{"host": "k8s-w1", "state": "maintenance", "reason": "a fan"}]
    away = clustered.host("k8s-w1", kubernetes__kubelet="v1.33.1")
    refused(clustered.plan(clustered.host("k8s-cp1"), away, ai_stack_states=states), "K8S-V2", "4 minors", HERE)


@case("K8S-V3")
def minor_is_not_skipped(clustered):
    refused(clustered.plan(seen=versions({"k8s-cp1": "v1.35.8"})), "K8S-V3", "a minor cannot be skipped", HERE, '"1.36" first')
    refused(clustered.plan(clusters=[clustered.cluster(kubernetes="1.36")], seen=versions({"k8s-cp1": "v1.37.1"})), "K8S-V3", "cannot go back", HERE)
    refused(clustered.plan(seen=versions({"k8s-cp1": "v1.37.1", "k8s-cp2": "v1.35.8"})), "K8S-V3", "more than one minor apart", HERE)
    back = clustered.plan(clusters=[clustered.cluster(kubernetes="1.37.1")], seen=versions({"k8s-cp1": "v1.37.2"}))
    refused(back, "K8S-V3", "runs 1.37.2 and is to be of 1.37.1: it cannot go back", HERE, "1.37.2")
    assert clustered.plan(seen=versions({"k8s-cp1": "v1.36.4"}))["conflicts"] == []
    # without its API the manifests of its hosts tell
    pods = {"kube-apiserver": "v1.35.8", "etcd": "3.6.6-0"}
    told = clustered.plan(clustered.host("k8s-cp1", kubernetes__joined=True, kubernetes__static_pods=pods), clustered.host("k8s-w1"))
    refused(told, "K8S-V3", "runs 1.35.8 and is to be of 1.37", HERE)
    refused(told, "K8S-E2", "its member of etcd is 3.6.6", HERE)


@case("K8S-V6")
def runtime_that_is_too_old_is_refused(clustered):
    for minor in ("1.36", "1.37"):
        older = [clustered.cluster(kubernetes=minor, containerd="2.1.9")]
        refused(clustered.plan(clusters=older), "K8S-V6", f"containerd 2.1.9 is too old for Kubernetes {minor}", "ai_stack_clusters[0].containerd", "2.2.0")


@case("K8S-V7")
def runtime_that_ended_is_refused(clustered):
    ended = [clustered.cluster(kubernetes="1.35", containerd="2.1.9")]
    refused(clustered.plan(clusters=ended), "K8S-V7", "containerd 2.1 of cluster ai ended on 2026-07-03", "ai_stack_clusters[0].containerd", "2.3")
    ended = [clustered.cluster(kubernetes="1.36", containerd="2.2")]
    refused(clustered.plan(clusters=ended), "K8S-V7", "containerd 2.2 of cluster ai ended on 2026-11-06", "ai_stack_clusters[0].containerd")
    # 2.0 gets fixes, and is below what 1.36 wants
    assert named(clustered.plan(clusters=ended)["conflicts"], "K8S-V7")["nearest"] == "one of: 2.3, 2.4"


@case("K8S-V8")
def runtime_goes_step_by_step(clustered):
    def goes(now, then):
        return clustered.plan(clustered.host("k8s-cp1"), clustered.host("k8s-w1", containerd__version=now), clusters=[clustered.cluster(containerd=then)])

    refused(goes("2.0.11", "2.4.2"), "K8S-V8", "from 2.0.11 to 2.4.2", "ai_stack_clusters[0].containerd", "a branch that leads there: 2.3")
    refused(goes("2.4.2", "2.4.0"), "K8S-V8", "it does not go back", "ai_stack_clusters[0].containerd", '"2.4.2"')
    for now, then in (("2.3.4", "2.4.2"), ("2.0.11", "2.3.4"), ("1.7.34", "2.3.4"), ("2.4.0", "2.4.2")):
        assert goes(now, then)["conflicts"] == [], now


@case("K8S-V16")
def gate_that_is_gone_is_refused(clustered):
    tables = {**clustered.tables, "kubernetes_gates": {"rows": [{"gate": "Old", "removed": "1.37", "source": ["a change log"]}]}}
    clustered.tables, gates = tables, {"Old": True, "New": True}
    refused(clustered.plan(clusters=[clustered.cluster(feature_gates=gates)]), "K8S-V16", "gate Old is gone", "ai_stack_clusters[0].feature_gates")
    assert clustered.plan(clusters=[clustered.cluster(kubernetes="1.36", feature_gates=gates)])["conflicts"] == []


@case("K8S-E1")
def members_below_the_floor_are_refused(clustered):
    wanted, seen = [clustered.cluster(kubernetes="1.34.11")], {"k8s-cp1": "v1.33.1"}
    refused(clustered.plan(clusters=wanted, seen=versions(seen, {"k8s-cp1": "3.5.24"})), "K8S-E1", "would go to 3.6; below 3.5.26:", HERE)
    plan = clustered.plan(clusters=wanted, seen=versions(seen, {"k8s-cp1": "3.5.26"}))
    assert not [row for row in plan["conflicts"] if row["rule"] == "K8S-E1"]


@case("K8S-E2")
def members_with_the_old_store_are_refused(clustered):
    refused(clustered.plan(seen=versions({"k8s-cp1": "v1.36.4"}, {"k8s-cp1": "3.6.8"})), "K8S-E2", "would go to 3.7; below 3.6.11:", HERE)
    assert clustered.plan(seen=versions({"k8s-cp1": "v1.36.4"}, {"k8s-cp1": "3.6.14"}))["conflicts"] == []


@case("K8S-E6")
def even_number_of_control_planes_is_refused(clustered):
    hosts = [clustered.host(f"k8s-cp{at}") for at in range(1, 5)]
    refused(clustered.plan(*hosts[:2]), "K8S-E6", "has 2 control planes", "ai_stack_clusters[0].control_plane", "1 or 3")
    refused(clustered.plan(clustered.host("k8s-w1")), "K8S-E6", "has no control plane", "ai_stack_clusters[0].control_plane")
    named(clustered.plan(clusters=[clustered.cluster(control_plane=None)])["conflicts"], "K8S-E6", "control_plane has no host")
    assert clustered.plan(*hosts[:3])["conflicts"] == []
    seven = [clustered.host(f"k8s-cp{at}") for at in range(1, 8)]
    refused(clustered.plan(*seven), "K8S-E6", "has 7 control planes", "ai_stack_clusters[0].control_plane", "3 or 5")


@case("K8S-E7")
def control_plane_out_of_service_stops_what_is_new(clustered):
    """It may be the one that runs: no other cluster is made beside it, and none moves without it."""
    where, states = "ai_stack_clusters[0].control_plane", [{"host": "k8s-cp3", "state": "maintenance", "reason": "a fan"}]
    pods = {"kube-apiserver": "v1.36.4", "etcd": "3.6.14-0"}
    there = {"kubernetes__joined": True, "kubernetes__kubelet": "v1.36.4", "kubernetes__static_pods": pods}
    fresh = [clustered.host("k8s-cp1"), clustered.host("k8s-cp2")]
    for third in (clustered.host("k8s-cp3", **there), clustered.host("k8s-cp3")):
        plan = clustered.plan(*fresh, third, ai_stack_states=states)
        refused(plan, "K8S-E7", "are out of service, k8s-cp3", where)
        assert plan["steps"] == []
    whole = [clustered.host(name, **there) for name in ("k8s-cp1", "k8s-cp2", "k8s-cp3")]
    refused(clustered.plan(*whole, ai_stack_states=states), "K8S-E7", "it is to be made, moved", where)
    # what it runs counts while it is away: it comes back
    older = {**there, "kubernetes__static_pods": {"kube-apiserver": "v1.35.8", "etcd": "3.6.6-0"}}
    away = clustered.plan(*whole[:2], clustered.host("k8s-cp3", **older), ai_stack_states=states)
    refused(away, "K8S-V3", "cluster ai runs 1.35.8 and is to be of 1.37", HERE)
    assert named(away["conflicts"], "K8S-E2", "its member of etcd is 3.6.6")["host"] == "k8s-cp3"
    still = clustered.plan(*whole, ai_stack_states=states, clusters=[clustered.cluster(kubernetes="1.36")])
    assert still["conflicts"] == [] and decided(still, "left_out")["value"] == ["k8s-cp3"]


@case("K8S-N20")
def api_of_several_control_planes_has_a_place_of_its_own(clustered):
    where, three = "ai_stack_clusters[0].virtual_address", [clustered.host(f"k8s-cp{at}") for at in (1, 2, 3)]

    def plan(*hosts, **row):
        return clustered.plan(*hosts, clusters=[clustered.cluster(endpoint=None, **row)])

    refused(plan(*three), "K8S-N20", "has 3 control planes, and its API no place of its own", where, "virtual_address: a free address")
    assert plan(three[0])["conflicts"] == [] == plan(*three, virtual_address="192.0.2.10")["conflicts"]
    refused(plan(three[0], virtual_address="10.96.0.9"), "K8S-N20", "is in the network of services: 10.96.0.9", where)
    refused(plan(*three, virtual_address="10.0.0.256"), "K8S-N20", "is no address: '10.0.0.256'", where)
    # nothing else answers there
    both = clustered.plan(*three, clusters=[clustered.cluster(endpoint="api.example.org:443", virtual_address="192.0.2.10")])
    refused(both, "K8S-N20", "is not at the port of its API servers", "ai_stack_clusters[0].endpoint", "NAME:6443")
    both = clustered.plan(*three, clusters=[clustered.cluster(endpoint="api.example.org:6443", virtual_address="192.0.2.10")])
    assert both["conflicts"] == []


def test_a_virtual_address_that_somebody_has_is_refused(clustered):
    def rows(first, second):
        return [clustered.cluster(virtual_address=first), clustered.cluster("other", control_plane="k8s-w2", nodes=None, virtual_address=second)]

    where, hosts = "ai_stack_clusters[0].virtual_address", [clustered.host("k8s-cp1"), clustered.host("k8s-w2")]
    refused(clustered.plan(*hosts, clusters=rows("2001:db8::1", "2001:db8:0::1")), "K8S-N20", "of cluster ai is that of cluster other too", where)
    assert not [row for row in clustered.plan(*hosts, clusters=rows("192.0.2.10", "192.0.2.9"))["conflicts"] if row["rule"] == "K8S-N20"]
    told = [clustered.host("k8s-cp1"), clustered.host("k8s-w2", kubernetes__nodes={"k8s-w2": {"address": "192.0.2.10"}})]
    refused(clustered.plan(*told, clusters=rows("192.0.2.10", "192.0.2.9")), "K8S-N20", "is the address of k8s-w2: 192.0.2.10", where)


@case("K8S-N17")
def what_is_not_told_passes_for_nothing(clustered):
    for part, value in (("machine__cgroup", None), ("machine__swap", "none"), ("containerd__paths", 7), ("kubernetes__joined", "yes"), ("machine", 1)):
        plan = beside(clustered, clustered.host("k8s-w1", **{part: value}))
        refused(plan, "K8S-N17", "its observation does not tell", "ai_stack_clusters[0].nodes")
        assert plan["resources"] == [], part
    mute = clustered.host("k8s-cp1", kubernetes__joined=True, kubernetes__static_pods={})
    refused(clustered.plan(mute, clustered.host("k8s-w1")), "K8S-N17", "kubernetes.static_pods.kube-apiserver", "ai_stack_clusters[0].control_plane")


@case("K8S-N18")
def host_of_something_else_is_refused(clustered):
    other = clustered.host("k8s-w1", kubernetes__joined=True)
    plan = refused(beside(clustered, other), "K8S-N18", "it has joined a cluster, and no control plane of cluster ai runs", "ai_stack_clusters[0].nodes")
    assert plan["steps"] == []
    other = clustered.host("k8s-w1", kubernetes__joined=True, kubernetes__static_pods={"kube-apiserver": "v1.37.2"})
    refused(beside(clustered, other), "K8S-N18", "it runs kube-apiserver, and is no control plane", "ai_stack_clusters[0].nodes")


@case("K8S-N1")
def cgroup_v1_wants_a_waiver(clustered):
    host = clustered.host("k8s-w1", machine__cgroup=1)
    plan = refused(beside(clustered, host), "K8S-N1", "it has cgroup v1, where the kubelet of 1.37 does not start", "ai_stack_clusters[0].nodes")
    assert plan["resources"] == []
    waiver = {"rule": "K8S-N1", "scope": "host k8s-w1", "reason": "no other kernel", "approver": "board", "until": "2027-01-31"}
    plan = clustered.plan(clustered.host("k8s-cp1"), host, ai_stack_waivers=[PLATFORM, waiver])
    assert plan["conflicts"] == [] and [(row["rule"], row["host"]) for row in plan["waived"]] == [("K8S-N1", "k8s-w1")]


@case("K8S-N2")
def two_cgroup_drivers_are_said(clustered):
    host = clustered.host("k8s-w1", containerd__systemd_cgroup=False, kubernetes__joined=True)
    named(beside(clustered, host)["warnings"], "K8S-N2", "manages cgroups by itself")


@case("K8S-N3")
def drop_in_newer_than_the_root_file_is_refused(clustered):
    plan = refused(beside(clustered, drop_ins(clustered, 2, 2, 4)), "K8S-N3", "root file of version 2 here and drop-ins that are newer: /etc/",
                   "ai_stack_clusters[0].nodes", "in version 4")  # fmt: skip
    message = named(plan["conflicts"], "K8S-N3")["message"]
    assert "conf.d/1.toml (4)" in message and "conf.d/0" not in message
    assert beside(clustered, drop_ins(clustered, 4, 2, 4))["conflicts"] == []
    # a root file that says no version counts as one of the first
    named(beside(clustered, drop_ins(clustered, None, 2))["conflicts"], "K8S-N3", "root file of version 1")


@case("K8S-N5")
def second_containerd_is_refused(clustered):
    host = clustered.host("k8s-w1", containerd__paths=["/usr/bin/containerd", "/usr/local/bin/containerd"])
    refused(beside(clustered, host), "K8S-N5", "/usr/bin/containerd, /usr/local/bin/containerd", "ai_stack_clusters[0].nodes")


@case("K8S-N6")
def old_tables_of_registries_are_refused(clustered):
    host = clustered.host("k8s-w1", containerd__old_registry=["registry.mirrors"])
    refused(beside(clustered, host), "K8S-N6", "old tables of registries: registry.mirrors", "ai_stack_clusters[0].nodes")


@case("K8S-N16")
def host_that_nobody_saw_is_refused(clustered):
    """It may be a control plane that runs: none is made beside it."""
    groups = {"k8s-cp1": ["control"], "k8s-cp2": ["control"], "k8s-cp3": ["control"], "k8s-w1": ["workers"]}
    intent = {"ai_stack_site": "t", "ai_stack_clusters": [clustered.cluster()], "ai_stack_pools": []}
    plan = clustered.planned({"k8s-w1": clustered.host("k8s-w1")}, groups, intent)
    assert {row["host"] for row in plan["conflicts"] if row["rule"] == "K8S-N16"} == {"k8s-cp1", "k8s-cp2", "k8s-cp3"} and plan["steps"] == []
    named(plan["conflicts"], "K8S-N16", "nothing is known of this host of cluster ai")


@case("K8S-N12")
def swap_is_refused(clustered):
    refused(beside(clustered, clustered.host("k8s-w1", machine__swap=["/dev/vda2"])), "K8S-N12", "it swaps to /dev/vda2", "ai_stack_clusters[0].nodes")


@case("K8S-N14")
def twins_are_refused(clustered):
    twin = clustered.host("k8s-w1", system__machine_id="id-of-k8s-cp1")
    plan = refused(beside(clustered, twin), "K8S-N14", "machine id is that of k8s-cp1 too", "ai_stack_clusters[0].nodes")
    assert {row["host"] for row in plan["conflicts"]} == {"k8s-cp1", "k8s-w1"}


@case("K8S-N15")
def host_of_two_clusters_is_refused(clustered):
    plan = clustered.plan(clusters=[clustered.cluster(), clustered.cluster("other", control_plane="workers", nodes="none")])
    refused(plan, "K8S-N15", "of cluster ai and of cluster other", "ai_stack_clusters[0].nodes")


@case("K8S-N19")
def networks_that_cannot_be_are_refused(clustered):
    for more, key, words in (({"pods": "10.96.0.0/12"}, "pods", "overlaps the network of services"), ({"pods": "10.244.1.5/16"}, "pods", "is no network"),
                             ({"services": "fd00::/108"}, "services", "is not IPv4"), ({"pods": "10.244.0.0/24"}, "pods", "has room for 1 nodes")):  # fmt: skip
        refused(clustered.plan(clusters=[clustered.cluster(**more)]), "K8S-N19", words, f"ai_stack_clusters[0].{key}")
    assert clustered.plan(clusters=[clustered.cluster(pods="fd00:1::/64", services="fd00:2::/108", network="none")])["conflicts"] == []


@case("K8S-G17")
def cards_that_no_pod_finds_are_refused(clustered):
    away = clustered.with_cards("gpu1")
    groups = {"ai_stack_clusters": [clustered.cluster(nodes="k8s-w1")]}
    plan = clustered.plan(clustered.host("k8s-cp1"), clustered.host("k8s-w1"), away, ai_stack_pools=[clustered.pool()], **groups)
    refused(plan, "K8S-G17", "these hosts are no nodes of it: gpu1", "ai_stack_pools[0].hosts")
    # a plugin hands out whatever it finds
    refused(clustered.given(clustered.pool(select={"count": 1})), "K8S-G17", "not in pool training or not in service: 0000:65:00.0", "ai_stack_pools[0].select")
    ill = [{"host": "k8s-w1", "address": "0000:17:00.0", "state": "quarantined", "reason": "Xid 79"}]
    refused(clustered.given(clustered.pool(), ai_stack_states=ill), "K8S-G17", "not in service: 0000:17:00.0", "ai_stack_pools[0].select")
    refused(clustered.given(clustered.pool("a.b")), "K8S-G17", "pool a.b gives its name to labels", "ai_stack_pools[0].name")
    two = [clustered.pool("one", select={"count": 1}), clustered.pool("two", select={"count": 1})]
    refused(clustered.given(*two), "K8S-G17", "pools one, two of cluster ai share", "ai_stack_pools[1].hosts")
    for name in ("Research", "kube-system", "default", "a_b", "ai-stack-canary"):
        refused(clustered.given(clustered.pool(tenants={name: {}})), "K8S-G17", f"none can be called {name}", "ai_stack_pools[0].tenants")
    kueues = clustered.pool(tenants={"kueue-system": {}})
    refused(clustered.given(kueues, clusters=[clustered.cluster(kueue="0.19")]), "K8S-G17", "none can be called kueue-system", "ai_stack_pools[0].tenants")
    # without Kueue it is a name like others
    assert clustered.given(kueues)["conflicts"] == []


@case("K8S-G9")
def cards_without_a_plugin_are_refused(clustered):
    amd = clustered.with_cards(recorded="mi300x-trixie")
    plan = clustered.plan(clustered.host("k8s-cp1"), amd, ai_stack_pools=[clustered.pool()])
    refused(plan, "K8S-G9", "no table knows a device plugin for the cards of pool training (vendor 1002)", "ai_stack_pools[0].cluster")
    plan = clustered.given(clustered.pool(), clusters=[clustered.cluster(device_plugin="0.1.0")])
    refused(plan, "K8S-G9", "no table knows release 0.1.0", "ai_stack_clusters[0].device_plugin", "0.20.0")


    found = clustered.tables["kubernetes_plugins"]
    rows = [{**row, "shared": None} for row in found["rows"]]
    clustered.tables = {**clustered.tables, "kubernetes_plugins": {**found, "rows": rows}}
    plan = clustered.given(clustered.pool(tenants={"a": {}}, sharing=SHARING))
    refused(plan, "K8S-G9", "nvidia-device-plugin 0.20.0 has pods share no card, and pool training wants it", "ai_stack_pools[0].sharing", "no sharing")


@case("K8S-G2")
def second_method_of_sharing_is_refused(clustered):
    cut = {"use": "mig", "layout": {"1g.10gb": 7}, "tenants": {"a": {}}}
    for method, words in (("mps", "by MIG, and by MPS too: MPS does not go with MIG"), ("time_slicing", "by MIG, and by time slicing too")):
        plan = clustered.given(clustered.pool(**cut, sharing={"method": method, "replicas": 2}))
        refused(plan, "K8S-G2", words, "ai_stack_pools[0].sharing", "sharing with use: host")
    both = [clustered.pool("one", tenants={"a": {}}, sharing=SHARING, select={"count": 1}), clustered.pool("two", select={"slots": ["none"]})]
    plan = clustered.given(*both)
    row = named(plan["conflicts"], "K8S-G2", "the pools of this one say several: one time slicing, two none")
    assert row["host"] == "k8s-w1"
    one = clustered.given(clustered.pool(tenants={"a": {}}, sharing={"method": "mps", "replicas": 2}))
    assert one["conflicts"] == [] and decided(one, "cards")["value"] == {"k8s-w1": {"nvidia.com/gpu.shared": 4}}


@case("K8S-G19")
def sharing_across_tenants_is_refused(clustered):
    for tenants, words in (({"a": {}, "b": {"until": "2026-11-24"}}, "by time slicing, which isolates none of them, and it has tenants a, b"),
                           ({}, "and it has no tenant")):  # fmt: skip
        refused(clustered.given(clustered.pool(tenants=tenants, sharing=SHARING)), "K8S-G19", words, "ai_stack_pools[0].tenants", "one tenant")
    assert clustered.given(clustered.pool(tenants={"a": {}}, sharing=SHARING))["conflicts"] == []


def two_pools(clustered, *tenants, **of_second):
    pools = [clustered.pool(name, hosts=host, tenants=each) for name, host, each in zip(("one", "two"), ("k8s-w1", "k8s-w2"), tenants)]
    hosts = clustered.host("k8s-cp1"), clustered.with_cards(), clustered.with_cards("k8s-w2")
    return clustered.plan(*hosts, ai_stack_pools=[pools[0], {**pools[1], **of_second}], ai_stack_waivers=[PLATFORM, LIFE_CYCLE])


@case("K8S-G18")
def maxima_that_a_quota_cannot_tell_apart_are_refused(clustered):
    plan = two_pools(clustered, {"a": {"max": 1}, "b": {}}, {"a": {"max": 2}, "b": {}})
    words = "tenant a may hold 1 nvidia.com/gpu of pool one and could hold 2: quotas count by name alone, and it has cards of this name of two too"
    refused(plan, "K8S-G18", words, "ai_stack_pools[0].tenants", "one pool of this name")
    assert len([row for row in plan["conflicts"] if row["rule"] == "K8S-G18"]) == 1
    assert len([row for row in two_pools(clustered, {"a": {"max": 1}}, {"a": {"max": 1}})["conflicts"] if row["rule"] == "K8S-G18"]) == 2
    cut = {"use": "mig", "layout": {"7g.80gb": 1}}
    for good in (two_pools(clustered, {"a": {}}, {"a": {}}), two_pools(clustered, {"a": {"max": 1}}, {"b": {"max": 1}}),
                 two_pools(clustered, {"a": {"max": 1}}, {"a": {"max": 1}}, **cut),
                 # where its time is over, or it may hold none, it may not name the pool
                 two_pools(clustered, {"a": {"max": 1}}, {"a": {"max": 1, "until": "2026-11-24"}}),
                 two_pools(clustered, {"a": {"max": 1}}, {"a": {"max": 0}})):  # fmt: skip
        assert good["conflicts"] == []


@case("K8S-G20")
def cards_that_pods_hold_keep_their_names(clustered):
    pods = {"kube-apiserver": "v1.37.2", "etcd": "3.7.0-0"}

    def plan(holders, cards, **more):
        told = {"k8s-w1": {"version": "v1.37.2", "cards": cards, "pool": "training"}}
        control = clustered.host("k8s-cp1", kubernetes__joined=True, kubernetes__static_pods=pods, kubernetes__holders=holders, kubernetes__kubelet="v1.37.2",
                                 kubernetes__nodes=told)  # fmt: skip
        node = clustered.with_cards(kubernetes__joined=True, kubernetes__kubelet="v1.37.2")
        return clustered.plan(control, node, ai_stack_pools=[clustered.pool(tenants={"research": {}}, **more)], ai_stack_waivers=[PLATFORM, LIFE_CYCLE])

    held, whole = {"k8s-w1": {"nvidia.com/gpu": ["research/trainer"]}}, {"nvidia.com/gpu": 2, "amd.com/gpu": 1}
    words = "ask for its cards as nvidia.com/gpu.shared, and not as nvidia.com/gpu any more, while these hold them: research/trainer"
    found = refused(plan(held, whole, sharing=SHARING), "K8S-G20", words, "ai_stack_pools", "kubectl drain k8s-w1")
    assert named(found["conflicts"], "K8S-G20")["host"] == "k8s-w1"
    # whatever the node can give just now
    refused(plan(held, {}, sharing=SHARING), "K8S-G20", words, "ai_stack_pools")
    refused(plan(None, whole, sharing=SHARING), "K8S-G20", "nobody tells which pods hold them by other names", "ai_stack_pools", "an API that answers")
    shared, sharers = {"nvidia.com/gpu.shared": 4}, {"k8s-w1": {"nvidia.com/gpu.shared": ["research/trainer"], "amd.com/gpu": ["research/other"]}}
    for free in (plan({}, whole, sharing=SHARING), plan(held, whole), plan(sharers, shared, sharing=SHARING), plan(sharers, {}, sharing=SHARING),
                 plan(None, shared, sharing=SHARING)):
        assert free["conflicts"] == []


@case("K8S-G8")
def bad_release_of_a_plugin_is_refused(clustered):
    plan = clustered.given(clustered.pool(), clusters=[clustered.cluster(device_plugin="0.19.1")])
    refused(plan, "K8S-G8", "nvidia-device-plugin 0.19.1 of cluster ai hands devices of mofed", "ai_stack_clusters[0].device_plugin", "0.19.3, 0.20.0")


@case("K8S-G3")
def cards_that_pods_hold_are_not_cut_up(clustered):
    pool = clustered.pool(use="mig", layout={"1g.10gb": 7})
    pods = {"kube-apiserver": "v1.37.2", "etcd": "3.7.0-0"}

    def plan(holders, joined=True):
        control = clustered.host("k8s-cp1", kubernetes__joined=True, kubernetes__static_pods=pods, kubernetes__holders=holders, kubernetes__kubelet="v1.37.2")
        node = clustered.with_cards(kubernetes__joined=joined, kubernetes__kubelet="v1.37.2" if joined else None)
        return clustered.plan(control, node, ai_stack_pools=[pool], ai_stack_waivers=[PLATFORM, LIFE_CYCLE])

    held = {"k8s-w1": {"nvidia.com/gpu": ["research/trainer"]}}
    found = refused(plan(held), "K8S-G3", "pods hold them: research/trainer", "ai_stack_pools", "kubectl drain k8s-w1")
    assert named(found["conflicts"], "K8S-G3")["host"] == "k8s-w1" and found["hosts"]["k8s-w1"]["changes"] == []
    refused(plan(None), "K8S-G3", "nobody tells which pods hold them", "ai_stack_pools")
    for free in (plan({}), plan({"k8s-w2": held["k8s-w1"]}), plan(held, joined=False)):
        assert "K8S-G3" not in [row["rule"] for row in free["conflicts"]] and free["hosts"]["k8s-w1"]["changes"]


@case("K8S-A11")
def quota_that_nobody_can_keep_is_refused(clustered):
    where = "ai_stack_pools[0].tenants"
    refused(clustered.given(clustered.pool(tenants={"research": {"max": 3}})), "K8S-A11", "has 2 cards, and research may hold 3", where, "max 2")
    both = {"research": {"max": 1, "guaranteed": 1}, "health": {"max": 2}}
    refused(clustered.given(clustered.pool(tenants=both)), "K8S-A11", "1 are guaranteed to research, and the others may hold all but 0", where, "lower max")
    kept = {"research": {"max": 1, "guaranteed": 1}, "health": {"max": 1}}
    assert clustered.given(clustered.pool(tenants=kept))["conflicts"] == []
    # one whose time is over holds none
    over = {"research": {"max": 2, "guaranteed": 2}, "health": {"max": 2, "until": "2026-11-24"}}
    assert clustered.given(clustered.pool(tenants=over))["conflicts"] == []


    # where the site has Kueue a guarantee is kept by what is lent coming back, so that others may have more meanwhile
    queued = {"clusters": [clustered.cluster(kueue="0.19")]}
    assert clustered.given(clustered.pool(tenants=both), **queued)["conflicts"] == []
    over = {name: {"guaranteed": count} for name, count in (("research", 2), ("health", 1))}
    refused(clustered.given(clustered.pool(tenants=over), **queued), "K8S-A11", "has 2 cards, and 3 are guaranteed", where, "guarantees of 2 together")
    refused(clustered.given(clustered.pool(tenants={"research": {"max": 3}}), **queued), "K8S-A11", "research may hold 3", where, "max 2")


@case("K8S-V13")
def kueue_that_does_not_fit_the_minor_is_refused(clustered):
    where = "ai_stack_clusters[0].kueue"

    def plan(kueue="0.19", kubernetes="1.36"):
        return clustered.plan(clusters=[clustered.cluster(kubernetes=kubernetes, kueue=kueue)])

    refused(plan("0.3"), "K8S-V13", "no table knows Kueue 0.3 of cluster ai", where, "0.17, 0.18, 0.19")
    refused(plan(kubernetes="1.33"), "K8S-V13", "Kueue 0.19 of cluster ai wants Kubernetes 1.34 or newer, and it gets 1.33", where, "Kubernetes 1.34")
    # one that its project does not test is said, and stops nothing
    for kueue, kubernetes in (("0.19", "1.37"), ("0.18.6", "1.36")):
        found = plan(kueue, kubernetes)
        assert found["conflicts"] == [] and "is tested by its project up to" in named(found["warnings"], "K8S-V13")["message"]
    for kueue, kubernetes in (("0.19", "1.36"), ("0.18", "1.35"), (None, "1.37")):
        found = plan(kueue, kubernetes)
        assert not [row for row in found["conflicts"] + found["warnings"] if row["rule"] == "K8S-V13"]


@case("K8S-A15")
def more_pools_than_a_queue_holds_are_refused(clustered):
    row = {**next(one for one in clustered.tables["kubernetes_queues"]["rows"] if one["branch"] == "0.19")}
    pool, words = clustered.pool(use="mig", layout={"1g.10gb": 4, "3g.40gb": 1}), "cluster ai has 1 pools and 2 names for their cards"
    for limits in ({"flavors": 1}, {"quotas": 1}):
        clustered.tables = {**clustered.tables, "kubernetes_queues": {**clustered.tables["kubernetes_queues"], "rows": [{**row, **limits}]}}
        plan = clustered.given(pool, clusters=[clustered.cluster(kueue="0.19")])
        refused(plan, "K8S-A15", words, "ai_stack_clusters[0].kueue", "fewer pools")
    clustered.tables = {**clustered.tables, "kubernetes_queues": {**clustered.tables["kubernetes_queues"], "rows": [{**row, "flavors": 2, "quotas": 2}]}}
    assert clustered.given(pool, clusters=[clustered.cluster(kueue="0.19")])["conflicts"] == []


@pytest.mark.parametrize("identity", sorted(case))
def test_rule(identity, clustered):
    case[identity](clustered)


def test_every_enforced_rule_has_a_case(tables):
    enforced = {row["id"] for row in tables["rules"]["rows"] if row["status"] == "enforced" and "_cluster/test_rules" in (row["test"] or "")}
    assert enforced == set(case)
