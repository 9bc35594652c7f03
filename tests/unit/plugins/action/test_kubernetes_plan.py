# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What hosts of a cluster are to be, decided by the core of the site: all that is wrong at once, by the names of the role."""

from __future__ import annotations

import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import kubernetes_plan

ROW = {"name": "ai", "kubernetes": "1.37", "control_plane": "control", "nodes": "workers", "pods": "10.244.0.0/16", "services": "10.96.0.0/16",
       "domain": "cluster.local", "network": "routed", "endpoint": "", "images": "", "feature_gates": {}}  # fmt: skip
KEY = "age1u5mxjrddh5w5fexwyxfm6hyv7wdqjdcedrgpmyjnmthwa26hvueszqlfr3"
OFFERED = {name: [{"version": f"{one}-1.1", "repository": "x"} for one in ("1.37.2", "1.37.1")] for name in ("kubeadm", "kubelet", "kubectl")}


def seen(name, **kubernetes):
    return {"pci": [], "reachable": True, "system": {"machine_id": name}, "machine": {"cgroup": 2, "swap": [], "product_uuid": name},
            "containerd": {"version": "2.4.2", "paths": ["/usr/bin/containerd"], "root": None, "native": 4, "drop_ins": [], "old_registry": [],
                           "systemd_cgroup": True},
            "kubernetes": {"kubelet": None, "joined": False, "static_pods": {}, "offered": OFFERED, **kubernetes}}  # fmt: skip


@pytest.fixture
def cluster(site):
    site.groups = {"all": ["cp1", "w1", "other"], "control": ["cp1"], "workers": ["w1"], "ungrouped": ["other"]}
    site.variables = {"ai_stack_site": "example"}
    site.of_host = {"cp1": {"ansible_host": "192.0.2.11", "seen": seen("cp1")}, "w1": {"ansible_host": "w1.example.org", "kubernetes_address": "192.0.2.12",
                                                                                        "seen": seen("w1")}}  # fmt: skip

    def run(**changed):
        more = {key: changed.pop(key) for key in ("judges", "restores", "issuers", "repositories", "conntrack", "others") if key in changed}
        return site.run(kubernetes_plan, cluster={**ROW, **changed}, program="/x", observed_as="seen", **more)[0]

    run.site = site
    return run


def paths(found):
    return sorted({row["path"] for row in found["conflicts"]})


def test_every_host_of_the_cluster_is_asked_to_be_something(cluster):
    found = cluster()
    assert found["messages"] == [] and found["first"] == "cp1" and set(found["hosts"]) == {"cp1", "w1"}
    assert [found["hosts"][name]["address"] for name in ("cp1", "w1")] == ["192.0.2.11", "192.0.2.12"]
    # the newest that all hosts are offered
    assert {one["version"] for one in found["hosts"].values()} == {"1.37.2"} and found["hosts"]["w1"]["endpoint"] == "192.0.2.11:6443"


@pytest.mark.parametrize(
    ("changed", "names"),
    [({"name": ""}, ["kubernetes_cluster"]), ({"kubernetes": ""}, ["kubernetes_version"]), ({"kubernetes": "newest"}, ["kubernetes_version"]),
     ({"kubernetes": "1.20"}, ["kubernetes_version"]), ({"control_plane": "nobody"}, ["kubernetes_control_plane"]), ({"nodes": "nobody"}, ["kubernetes_nodes"]),
     ({"endpoint": "https://api"}, ["kubernetes_endpoint"]), ({"pods": "x"}, ["kubernetes_pods"]),
     ({"pods": "10.96.0.0/12"}, ["kubernetes_pods"]), ({"services": "192.0.2.0/24"}, ["kubernetes_services"]),
     ({"control_plane": ""}, ["kubernetes_control_plane"]), ({"network": "calico"}, ["kubernetes_network"]),
     ({"domain": "a b"}, ["kubernetes_domain"]), ({"images": "https://x"}, ["kubernetes_images"]),
     ({"feature_gates": {"X": "on"}}, ["kubernetes_feature_gates.X"]), ({"feature_gates": {"x": True, "X": True}}, ["kubernetes_feature_gates.x"]),
     ({"repositories": [{"name": "a", "type": "deb", "uris": ["https://me:secret@m"], "suites": ["x"]}]}, ["kubernetes_repositories[0].uris[0]"]),
     ({"sets": {"recipients": ["AGE-SECRET-KEY-1X"], "to": "/srv"}}, ["kubernetes_sets.recipients[0]"]), ({"sets": {"to": "/srv"}}, ["kubernetes_sets"]),
     ({"sets": {"recipients": [KEY], "to": "srv/../x", "keep": 0, "schedule": "daily\nx"}}, [f"kubernetes_sets.{one}" for one in ("keep", "schedule", "to")]),
     ({"sets": {"recipients": [], "to": []}}, ["kubernetes_sets.recipients", "kubernetes_sets.to"]),
     ({"kubernetes": "newest", "domain": "a b", "nodes": "nobody"}, ["kubernetes_domain", "kubernetes_nodes", "kubernetes_version"])],
    ids=str,
)  # fmt: skip
def test_a_value_that_is_none_is_refused_by_its_name(cluster, changed, names):
    found = cluster(**changed)
    assert paths(found) == names and found["hosts"] == {} and "secret" not in json.dumps(found)


def test_the_rules_of_clusters_hold_and_a_waiver_changes_what_a_kubelet_is_told(cluster):
    for host in cluster.site.of_host.values():
        host["seen"]["machine"].update(cgroup=1)
    found = cluster()
    assert {(row["rule"], row["host"]) for row in found["conflicts"]} == {("K8S-N1", "cp1"), ("K8S-N1", "w1")}
    waiver = {"rule": "K8S-N1", "scope": "group all", "reason": "x", "approver": "y", "until": "2099-01-01"}
    cluster.site.variables["ai_stack_waivers"] = [waiver]
    found = cluster()
    assert found["conflicts"] == [] and '"failCgroupV1": false' in found["hosts"]["cp1"]["document"]


WAIVER = {"rule": "K8S-N1", "scope": "cluster ai", "reason": "x", "approver": "y", "until": "2099-01-01"}


@pytest.mark.parametrize(
    ("changed", "key", "message", "near"),
    [({"scope": "cluster aj"}, "scope", 'there is no cluster "aj"', "ai"), ({"scope": "cluster zz"}, "scope", 'there is no cluster "zz"', None),
     ({"scope": "host w9"}, "scope", 'there is no host "w9"', "w1"), ({"rule": "K8S-N99"}, "rule", 'there is no rule "K8S-N99"', None),
     ({"until": "soon"}, "until", "wants a date", None)],
    ids=str,
)  # fmt: skip
def test_a_waiver_of_nothing_is_refused_and_not_dropped(cluster, changed, key, message, near):
    cluster.site.variables["ai_stack_waivers"] = [WAIVER, {**WAIVER, **changed}]
    found = cluster()
    (row,) = found["conflicts"]
    assert row["path"] == f"ai_stack_waivers[1].{key}" and message in row["message"] and near in (None, row["nearest"]) and found["hosts"] == {}
    # a verb has said so for the whole site
    assert cluster(judges=False)["conflicts"] == []


def test_a_waiver_names_the_cluster_of_the_role_or_anything_of_the_site(cluster):
    for host in cluster.site.of_host.values():
        host["seen"]["machine"].update(cgroup=1)
    site = cluster.site.variables
    site["ai_stack_waivers"] = [WAIVER]
    assert cluster()["conflicts"] == []
    site["ai_stack_clusters"] = [{"name": "other", "kubernetes": "1.37", "control_plane": "ungrouped", "nodes": "ungrouped"}]
    site["ai_stack_clouds"], site["ai_stack_pools"] = [{"name": "main", "series": "2026.1"}], [{"name": "some", "hosts": "workers", "use": "host"}]
    site["ai_stack_waivers"] += [{**WAIVER, "scope": one} for one in ("cluster other", "cloud main", "pool some")]
    assert cluster()["conflicts"] == []
    site["ai_stack_waivers"] = site["ai_stack_waivers"][1:]
    assert {(row["rule"], row["host"]) for row in cluster()["conflicts"]} == {("K8S-N1", "cp1"), ("K8S-N1", "w1")}


def test_a_host_that_is_taken_out_needs_to_fulfil_nothing(cluster):
    cluster.site.of_host["w1"]["seen"]["machine"].update(cgroup=1, swap=["/dev/sda2"])
    assert cluster()["conflicts"] and cluster(judges=False)["conflicts"] == []


@pytest.mark.parametrize(
    ("kubelet", "version", "rule"),
    [("v1.36.4", "1.37.2", None), ("v1.37.1", "1.37.1", None), ("v1.35.8", None, "K8S-V3"), ("v1.38.0", None, "K8S-V3")],
)  # fmt: skip
def test_a_cluster_moves_to_the_next_minor_alone(cluster, kubelet, version, rule):
    pods = {"kube-apiserver": kubelet, "etcd": "3.6.11-0"}
    cluster.site.of_host["cp1"]["seen"]["kubernetes"].update(kubelet=kubelet, joined=True, static_pods=pods)
    cluster.site.of_host["w1"]["seen"]["kubernetes"].update(kubelet=kubelet, joined=True)
    found = cluster()
    assert rule in {row["rule"] for row in found["conflicts"]} if rule else {one["version"] for one in found["hosts"].values()} == {version}


@pytest.fixture
def three(cluster):
    cluster.site.groups["control"], cluster.site.groups["workers"] = ["cp1", "w1", "other"], []
    cluster.site.of_host["other"] = {"ansible_host": "192.0.2.13", "seen": seen("other")}
    return cluster


def has_it(cluster, *names):
    for name in names:
        pods = {"kube-apiserver": "v1.37.2", "etcd": "3.7.0-0"}
        cluster.site.of_host[name]["seen"]["kubernetes"].update(kubelet="v1.37.2", joined=True, static_pods=pods)


def test_several_control_planes_have_a_place_for_their_api(three):
    assert paths(three()) == ["kubernetes_virtual_address"]
    assert paths(three(virtual_address="192.0.2.12")) == ["kubernetes_virtual_address"]
    assert paths(three(virtual_address="x")) == ["kubernetes_virtual_address"]
    found = three(virtual_address="192.0.2.10")
    assert found["conflicts"] == [] and found["first"] == "cp1" and (found["living"], found["bare"]) == ([], ["cp1", "other", "w1"])
    assert {one["endpoint"] for one in found["hosts"].values()} == {"192.0.2.10:6443"}
    assert three(endpoint="api.example.org:6443")["hosts"]["cp1"]["virtual"] is None


def test_no_host_of_the_site_has_the_virtual_address(cluster):
    cluster.site.of_host["other"] = {"ansible_host": "192.0.2.10"}
    found = cluster(virtual_address="192.0.2.10")
    assert paths(found) == ["kubernetes_virtual_address"] and "is the address of other" in found["messages"][0]


def test_whoever_lost_the_cluster_joins_those_that_have_it(three):
    has_it(three, "w1", "other")
    found = three(virtual_address="192.0.2.10")
    assert found["conflicts"] == [] and found["first"] is None and (found["living"], found["bare"]) == (["other", "w1"], ["cp1"])
    assert not [name for name, one in found["hosts"].items() if one["first"]] and '"JoinConfiguration"' in found["hosts"]["cp1"]["document"]


def test_a_control_plane_that_nobody_could_ask_may_have_the_cluster(three):
    three.site.limit = ["cp1"]
    found = three(virtual_address="192.0.2.10")
    assert found["unseen"] == ["other", "w1"] and found["hosts"]["cp1"]["unasked"] == ["other", "w1"]
    # whoever judges nobody asks these all the same
    assert three(virtual_address="192.0.2.10", judges=False)["unseen"] == ["other", "w1"]
    told = {"results": [{"item": "other", "observation": seen("other", joined=True)}, {"item": "w1", "unreachable": True}]}
    found = three(virtual_address="192.0.2.10", others=told)
    assert (found["first"], found["living"], found["hosts"]["other"]["unasked"]) == ("other", ["other"], ["w1"])


def test_no_set_is_restored_beside_the_cluster_that_it_is_of(three):
    has_it(three, "w1", "other")
    three.site.limit = ["other"]
    found = three(virtual_address="192.0.2.10", restores=True)
    assert paths(found) == ["kubernetes_restore"] and "these may still be its control planes: cp1, w1" in found["messages"][0]
    assert "or out of the group" in found["messages"][0]
    # a single one is enough, and one that was asked and has none is not in the way
    told = {"results": [{"item": "cp1", "observation": seen("cp1")}, {"item": "w1", "observation": seen("w1", joined=True)}]}
    found = three(virtual_address="192.0.2.10", restores=True, others=told)
    assert paths(found) == ["kubernetes_restore"] and "control planes: w1" in found["messages"][0]


@pytest.mark.parametrize("joined", [False, True], ids=["lost", "restored already"])
def test_a_set_is_restored_on_the_control_plane_of_the_run(three, joined):
    if joined:
        has_it(three, "other")
    three.site.limit = ["other"]
    told = {"results": [{"item": name, "observation": seen(name)} for name in ("cp1", "w1")]}
    found = three(virtual_address="192.0.2.10", restores=True, others=told)
    assert found["conflicts"] == [] and found["first"] == "other" and [name for name, one in found["hosts"].items() if one["first"]] == ["other"]


def test_an_address_that_is_none_is_refused(cluster):
    cluster.site.of_host["cp1"]["ansible_host"] = "cp1.example.org"
    found = cluster(nodes="")
    assert paths(found) == ["kubernetes_address"]


def test_a_host_that_nobody_looked_at_is_named(cluster):
    del cluster.site.of_host["w1"]["seen"]
    assert ("K8S-N16", "w1") in {(row["rule"], row["host"]) for row in cluster()["conflicts"]}


@pytest.mark.parametrize(
    ("given", "name"),
    [({"cluster": "ai"}, "kubernetes_cluster"), ({"cluster": [1]}, "kubernetes_cluster"), ({"issuers": "https://x"}, "kubernetes_issuers"),
     ({"issuers": [{"url": "x"}]}, "kubernetes_issuers")],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_looked_into_is_no_defect_of_the_collection(cluster, given, name):
    found = cluster.site.run(kubernetes_plan, **{"cluster": ROW, "program": "/x", "observed_as": "seen", **given})[0]
    assert not found.get("failed") and paths(found) == [name] and found["hosts"] == {}
    for others in ("x", {"results": ["x"]}, {"results": None}):
        assert cluster(others=others)["conflicts"] == []


def test_swap_that_is_accepted_is_told_to_the_kubelet(cluster):
    cluster.site.of_host["w1"]["seen"]["machine"]["swap"] = ["/dev/sda2"]
    cluster.site.variables["ai_stack_waivers"] = [{"rule": "K8S-N12", "scope": "site", "reason": "x", "approver": "y", "until": "2099-01-01"}]
    assert '"failSwapOn": false' in cluster()["hosts"]["cp1"]["document"]


def test_hosts_that_are_not_in_the_run_are_asked_for_and_keep_nobody(cluster):
    cluster.site.limit = ["w1"]
    assert cluster()["unseen"] == ["cp1"]
    told = {"results": [{"item": "cp1", "observation": seen("cp1")}, {"item": "w9", "unreachable": True}]}
    found = cluster(others=told)
    assert found["conflicts"] == [] and found["unseen"] == [] and found["first"] == "cp1" and found["hosts"]["w1"]["version"] == "1.37.2"
    # one that is away, and one that could be no node, say so in their own run
    told["results"][0]["observation"]["machine"]["swap"] = ["/dev/sda2"]
    assert cluster(others=told)["conflicts"] == []
    cluster.site.limit = ["cp1"]
    assert cluster()["conflicts"] == [] and cluster()["unseen"] == ["w1"]


def test_what_the_site_says_of_the_cluster_counts_before_the_role_but_for_the_version(cluster):
    cluster.site.variables["ai_stack_clusters"] = [{"name": "ai", "kubernetes": "1.37", "pods": "10.9.0.0/16", "domain": "site.local"}]
    found = cluster(kubernetes="1.37.1", name="ai")
    assert found["hosts"]["cp1"]["version"] == "1.37.1" and found["hosts"]["cp1"]["network"] == "10.9.0.0/16"
    assert '"dnsDomain": "site.local"' in found["hosts"]["cp1"]["document"]
    assert cluster(kubernetes="")["hosts"]["cp1"]["version"] == "1.37.2"


def test_a_host_that_is_both_runs_pods(cluster):
    cluster.site.groups["workers"] = ["cp1", "w1"]
    found = cluster()["hosts"]
    assert '"taints": []' in found["cp1"]["document"] and found["cp1"]["part"] == "control_plane" and "taints" not in found["w1"]["document"]


@pytest.mark.parametrize("to", ["/srv/sets", ["rclone", "rcat", "site:sets/{name}"]])
def test_sets_of_the_role_and_of_the_site_are_told_to_the_control_plane_alone(cluster, to):
    sets = {"recipients": [KEY], "to": to}
    of_role = cluster(sets=sets)["hosts"]
    cluster.site.variables["ai_stack_clusters"] = [{"name": "ai", "sets": dict(sets, keep=3)}]
    of_site = cluster(sets={"recipients": [KEY], "to": "/other"})["hosts"]
    path = "/etc/ai-stack/kubernetes/sets.json"
    told = [json.loads(found["cp1"]["files"][path]) for found in (of_role, of_site)]
    assert [(one["to"], one["keep"], one["version"]) for one in told] == [(to, 14, "1.37.2"), (to, 3, "1.37.2")]
    assert path not in of_role["w1"]["files"] and "ai-stack-kubernetes-set.timer" in of_role["cp1"]["units"] and of_role["cp1"]["gone"] == []


def test_a_control_plane_is_restored_whatever_its_nodes_have_joined(cluster):
    cluster.site.of_host["w1"]["seen"] = seen("w1", kubelet="v1.37.1", joined=True)
    assert {row["rule"] for row in cluster()["conflicts"]} == {"K8S-N18"}
    found = cluster(restores=True)
    assert found["conflicts"] == [] and found["hosts"]["cp1"]["version"] == "1.37.2" and set(found["hosts"]) == {"cp1", "w1"}
