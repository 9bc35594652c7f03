# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What hosts of a cluster are asked to be: documents, policies, routes."""

from __future__ import annotations

import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import kubeadm, members, network, virtual

HOSTS = {"cp1": {"address": "192.0.2.11", "part": "control_plane"}, "w1": {"address": "192.0.2.12", "part": "worker"},
         "w2": {"address": "192.0.2.13", "part": "worker"}}  # fmt: skip
PODS, SERVICES = "10.244.0.0/16", "10.96.0.0/16"


def settings(**more):
    return {"name": "ai", "version": "1.37.2", "endpoint": "192.0.2.11:6443", "pods": PODS, "services": SERVICES, "domain": "cluster.local",
            "network": "routed", "images": None, "feature_gates": None, "issuers": [], "conntrack": "manage", "cgroup_v1": False,
            "swap": False, **more}  # fmt: skip


def requests(**more):
    return dict(members.requests(settings(**more), HOSTS, "/usr/local/sbin/x"))


def documents(request):
    return {one["kind"]: one for one in map(json.loads, request["document"].split("---\n"))}


def arguments(document, part="apiServer"):
    return {one["name"]: one["value"] for one in document["ClusterConfiguration"][part]["extraArgs"]}


def test_one_host_makes_the_cluster_and_the_others_join():
    found = requests()
    assert [name for name, one in found.items() if one["first"]] == ["cp1"]
    assert set(documents(found["cp1"])) == {"InitConfiguration", "ClusterConfiguration", "KubeletConfiguration", "KubeProxyConfiguration"}
    assert documents(found["w1"])["JoinConfiguration"]["discovery"] == {"file": {"kubeConfigPath": members.DISCOVERY}}
    assert documents(found["w1"])["JoinConfiguration"]["nodeRegistration"]["kubeletExtraArgs"] == [{"name": "node-ip", "value": "192.0.2.12"}]
    # who approves has to know all of them, as the inventory does
    assert json.loads(found["cp1"]["files"][members.NODES]) == {name: [one["address"]] for name, one in HOSTS.items()}
    assert found["w1"]["nodes"] == {} == found["w1"]["settings"] and members.NODES not in found["w1"]["files"]
    assert found["w1"]["policies"] == {} and found["w1"]["units"] == [network.UNIT]


@pytest.mark.parametrize(
    ("given", "first", "moves", "endpoint"),
    [("api:6443", "192.0.2.1", None, "api:6443"), (None, "192.0.2.1", None, "192.0.2.1:6443"), (None, "fd00::1", None, "[fd00::1]:6443"),
     ("api:6443", "192.0.2.1", "192.0.2.9", "api:6443"), (None, "192.0.2.1", "192.0.2.9", "192.0.2.9:6443")],
)  # fmt: skip
def test_the_api_is_where_the_site_says_or_at_the_first_control_plane(given, first, moves, endpoint):
    assert members.endpoint(given, first, moves) == endpoint


THREE = {**HOSTS, "cp2": {"address": "192.0.2.21", "part": "control_plane"}, "cp3": {"address": "192.0.2.31", "part": "control_plane"}}


@pytest.mark.parametrize(
    ("living", "makes"),
    [([], "cp1"), (["cp1"], "cp1"), (["cp2"], "cp2"), (["cp1", "cp2"], None), (["cp2", "cp3"], None)],
    ids=str,
)  # fmt: skip
def test_nobody_makes_a_cluster_that_others_have(living, makes):
    found = dict(members.requests(settings(virtual_address="192.0.2.10"), THREE, "/x", living, ["cp3"]))
    assert [name for name, one in found.items() if one["first"]] == ([makes] if makes else [])
    joining = [name for name in ("cp1", "cp2", "cp3") if name != makes]
    assert all(set(documents(found[name])) == {"JoinConfiguration"} and documents(found[name])["JoinConfiguration"]["controlPlane"] == {
        "localAPIEndpoint": {"advertiseAddress": THREE[name]["address"]}} for name in joining)  # fmt: skip
    assert "controlPlane" not in documents(found["w1"])["JoinConfiguration"] and found["w1"]["control"] == []
    assert {name: one["unasked"] for name, one in found.items() if one["unasked"]} == ({makes: ["cp3"]} if makes else {})
    # what a joiner of any age has to have beside its kubelet
    assert len({json.dumps(one["policies"]) for name, one in found.items() if name.startswith("cp")}) == 1


def test_an_address_that_is_no_hosts_is_kept_where_an_api_server_is_ready():
    found = dict(members.requests(settings(virtual_address="192.0.2.10"), THREE, "/x"))
    told = {name: found[name]["virtual"] for name in ("cp1", "cp2", "cp3")}
    assert told["cp2"] == {"address": "192.0.2.10", "peers": ["192.0.2.11", "192.0.2.31"], "priority": 199, "router": told["cp1"]["router"]}
    assert len({one["priority"] for one in told.values()}) == 3 and 1 <= told["cp1"]["router"] <= 255
    assert documents(found["cp1"])["ClusterConfiguration"]["apiServer"]["certSANs"] == ["192.0.2.10"]
    assert virtual.UNIT in found["cp2"]["units"] and virtual.UNIT not in found["w1"]["units"] and found["w1"]["virtual"] is None
    text = virtual.files("cp2", "192.0.2.21", "eth0", told["cp2"])[virtual.CONF]
    assert "unicast_src_ip 192.0.2.21" in text and "        192.0.2.31\n" in text and "        192.0.2.10\n" in text and "nopreempt" in text
    assert "--cacert /etc/kubernetes/pki/ca.crt https://192.0.2.21:6443/readyz" in text and text.count("{") == text.count("}")


def test_nobody_but_the_other_control_planes_is_heard_about_the_address():
    three, one = (dict(members.requests(settings(virtual_address="192.0.2.10"), hosts, "/x"))["cp1"]["virtual"] for hosts in (THREE, HOSTS))
    unit, place = "/etc/systemd/system/" + virtual.UNIT, "@th,8,8 %d" % three["router"]
    found = virtual.files("cp1", "192.0.2.11", "eth0", three)
    assert "    vrrp_check_unicast_src\n}" in found[virtual.CONF].partition("vrrp_script")[0]
    heard = f"meta l4proto 112 {place} ip saddr {{ 192.0.2.21, 192.0.2.31 }} accept; meta l4proto 112 {place} drop;"
    assert f'ExecStartPre=nft "table inet {virtual.TABLE}; delete table' in found[unit] and heard in found[unit]
    assert f"ExecStopPost=-nft delete table inet {virtual.TABLE}\n" in found[unit] and "--pid %t/" in found[unit]
    # without any peer keepalived falls back to multicast
    alone = virtual.files("cp1", "192.0.2.11", "eth0", one)
    assert "unicast_src_ip 192.0.2.11\n    unicast_peer {\n        192.0.2.11\n" in alone[virtual.CONF]
    assert f"meta l4proto 112 {place} drop;" in alone[unit] and "accept; }" not in alone[unit] and "saddr" not in alone[unit]
    assert "ip6 saddr { 2001:db8::2 } accept" in virtual.guard(["2001:db8::2"], 7)


def test_a_cluster_without_such_an_address_is_told_nothing_of_it():
    found = requests()["cp1"]
    assert found["virtual"] is None and virtual.UNIT not in found["units"] and "certSANs" not in documents(found)["ClusterConfiguration"]["apiServer"]


def test_authorities_are_left_under_a_key_and_by_the_settings_of_the_cluster():
    own, made = kubeadm.upload({"name": "cp1", "address": "192.0.2.11"}, "00ff", "kind: ClusterConfiguration\n").split("\n---\n")
    assert json.loads(own)["certificateKey"] == "00ff" and made == "kind: ClusterConfiguration\n"
    joining = dict(members.requests(settings(), THREE, "/x"))["cp2"]["document"]
    assert json.loads(kubeadm.with_key(joining, "00ff"))["controlPlane"]["certificateKey"] == "00ff"


def test_a_site_that_accepts_cgroup_v1_gets_it_and_no_other():
    accepted, other = (documents(requests(cgroup_v1=one)["cp1"]) for one in (True, False))
    assert accepted["KubeletConfiguration"]["failCgroupV1"] is False and "failCgroupV1" not in other["KubeletConfiguration"]
    assert accepted["InitConfiguration"]["nodeRegistration"]["ignorePreflightErrors"] == ["SystemVerification"]
    swaps = documents(requests(swap=True)["w1"])["JoinConfiguration"]["nodeRegistration"], documents(requests(swap=True)["cp1"])["KubeletConfiguration"]
    assert swaps[0]["ignorePreflightErrors"] == ["Swap"] and swaps[1]["failSwapOn"] is False and "failSwapOn" not in other["KubeletConfiguration"]
    assert "ignorePreflightErrors" not in other["InitConfiguration"]["nodeRegistration"]


def test_gates_images_and_the_table_of_connections_are_told_where_the_site_says_so():
    found = documents(requests(feature_gates={"B": False, "A": True}, images="mirror/k8s", conntrack="keep")["cp1"])
    assert {arguments(found, part)["feature-gates"] for part in ("apiServer", "controllerManager", "scheduler")} == {"A=true,B=false"}
    assert found["KubeletConfiguration"]["featureGates"] == {"A": True, "B": False}
    assert found["ClusterConfiguration"]["imageRepository"] == "mirror/k8s" and found["ClusterConfiguration"]["dns"]["imageRepository"] == "mirror/k8s/coredns"
    assert found["KubeProxyConfiguration"]["conntrack"] == {"maxPerCore": 0, "min": 0}
    bare = documents(requests()["cp1"])
    assert "feature-gates" not in arguments(bare) and "conntrack" not in bare["KubeProxyConfiguration"]
    assert "imageRepository" not in bare["ClusterConfiguration"]


def test_the_api_server_reads_the_policies_that_are_written():
    found = requests()["cp1"]
    read = {path for path in arguments(documents(found)).values() if path.startswith(kubeadm.POLICIES)}
    assert read == set(found["policies"]) | {kubeadm.POLICIES + "/encryption.yaml"}


# the first rule that fits counts, as in the API server
def level(resource, group="", verb="create"):
    for rule in kubeadm.audit()["rules"]:
        groups = [one for one in rule.get("resources", ()) if one["group"] == group and resource in one.get("resources", [resource])]
        if not rule.get("nonResourceURLs") and not rule.get("users") and verb in rule.get("verbs", [verb]) and (groups or "resources" not in rule):
            return rule["level"]
    return None


def test_the_audit_never_records_what_a_secret_says():
    quiet = [("secrets", ""), ("configmaps", ""), ("serviceaccounts/token", ""), ("tokenreviews", "authentication.k8s.io")]
    assert {level(*one, verb=verb) for one in quiet for verb in ("create", "update", "patch", "get")} == {"Metadata"}
    # by a rule of their own, before any that records more
    rules = kubeadm.audit()["rules"]
    own = next(at for at, rule in enumerate(rules) if {"group": "", "resources": ["secrets", "configmaps"]} in rule.get("resources", ()))
    assert own < min(at for at, rule in enumerate(rules) if rule["level"].startswith("Request"))
    assert level("roles", "rbac.authorization.k8s.io") == "RequestResponse" and level("pods") == "Metadata" and level("pods/exec") == "Request"


def test_only_health_answers_without_a_name():
    found = kubeadm.authentication([{"issuer": {}}])
    assert [one["path"] for one in found["anonymous"]["conditions"]] == ["/livez", "/readyz", "/healthz"] and found["jwt"] == [{"issuer": {}}]


def test_the_first_provider_of_secrets_encrypts():
    (rule,) = kubeadm.encryption([{"name": "key1", "secret": "x"}])["resources"]
    assert list(rule["providers"][0]) == ["secretbox"] and "secrets" in rule["resources"]


def test_each_node_has_routes_to_all_others_and_no_pod_of_the_network_is_hidden():
    peers = {name: {"address": one["address"], "pods": f"10.244.{at}.0/24"} for at, (name, one) in enumerate(HOSTS.items())}
    found = network.files("w1", peers, PODS)
    wanted = ["route replace 10.244.0.0/24 via 192.0.2.11 protocol 87", "route replace 10.244.2.0/24 via 192.0.2.13 protocol 87"]
    assert found[network.ROUTES].splitlines() == wanted
    assert json.loads(found[network.CNI])["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]
    assert f"ip saddr {PODS} ip daddr != {PODS} masquerade" in found[network.NAT]
    assert all(path in found[f"/etc/systemd/system/{network.UNIT}"] for path in (network.ROUTES, network.NAT))
    assert network.routes("w1", {**peers, "cp1": {"address": "192.0.2.11", "pods": None}}).count("\n") == 1
    # a node that the cluster does not know yet has none
    assert network.files("w3", peers, PODS) == {} == network.files("w1", {}, PODS) == network.files("w1", {"w1": {"pods": None}}, PODS)


@pytest.mark.parametrize(
    ("pods", "services", "count", "found"),
    [(PODS, SERVICES, 2, []), ("fd00:1::/64", SERVICES, 1, ["pods is not IPv4"]), (PODS, "fd00::/108", 1, ["services is not IPv4"]),
     ("10.244", SERVICES, 1, ["pods is no network"]), (PODS, "x", 1, ["services is no network"]), ("10.0.0.0/8", SERVICES, 1, ["pods overlaps"]),
     ("10.244.0.0/23", SERVICES, 3, ["pods has room for 2 nodes, and 3"]), ("10.244.0.0/25", SERVICES, 2, ["pods has room for 1 nodes"]),
     ("10.244.0.1/16", "x", 1, ["pods is no network", "services is no network"])],
    ids=str,
)  # fmt: skip
def test_networks_that_cannot_be_are_all_said_at_once(pods, services, count, found):
    said = [f"{key} {text}" for key, text in network.objections(pods, services, count)]
    assert len(said) == len(found) and all(one.startswith(other) for one, other in zip(said, found)), said


@pytest.mark.parametrize(
    ("addresses", "found"),
    [(["192.0.2.1", "192.0.2.2"], []), (["fd00::1"], ["address of h0 is not IPv4"]), (["10.244.0.9"], ["pods holds 10.244.0.9, the address of h0"]),
     (["10.96.0.9"], ["services holds 10.96.0.9"]), (["gpu1"], ["address is no address of h0"]), ([""], ["address is no address of h0"]),
     (["192.0.2.1", "192.0.2.1"], ["address is that of several hosts: 192.0.2.1"]),
     (["", "gpu1"], ["address is no address of h0", "address is no address of h1"])],
    ids=str,
)  # fmt: skip
def test_addresses_that_cannot_be_are_all_said_at_once(addresses, found):
    said = [f"{key} {text}" for key, text in network.wrong_addresses(PODS, SERVICES, {f"h{at}": one for at, one in enumerate(addresses)})]
    assert len(said) == len(found) and all(one.startswith(other) for one, other in zip(said, found)), said


def test_another_network_may_be_of_ipv6():
    assert network.objections("fd00:1::/64", "fd00:2::/112", 1, routed=False) == []
    assert network.wrong_addresses("fd00:1::/64", "fd00:2::/112", {"h0": "fd00::1"}, routed=False) == []
    assert network.address("FD00:0::2") == "fd00::2" and network.address("gpu1") == "gpu1"


def test_a_control_plane_that_is_a_node_too_runs_pods():
    both = {"cp1": {**HOSTS["cp1"], "taints": []}}
    found = documents(dict(members.requests(settings(), both, "/x"))["cp1"])
    other = documents(requests()["cp1"])
    assert found["InitConfiguration"]["nodeRegistration"]["taints"] == [] and "taints" not in other["InitConfiguration"]["nodeRegistration"]


def test_the_first_ticket_is_short_and_by_our_name_too():
    (token,) = documents(requests()["cp1"])["InitConfiguration"]["bootstrapTokens"]
    assert token["ttl"] == "15m" and token["description"] == kubeadm.NOTE + "cp1" and token["usages"] == ["authentication"]


def test_sets_have_a_timer_whose_service_leaves_nothing_in_clear():
    found = requests(sets={"recipients": ["age1x"], "to": "/srv", "schedule": "daily", "scratch": "/scratch"})
    service, timer = (found["cp1"]["files"][f"/etc/systemd/system/ai-stack-kubernetes-set.{kind}"] for kind in ("service", "timer"))
    assert "ExecStart=/usr/bin/python3 /usr/local/sbin/x set\n" in service and "ExecStopPost=/usr/bin/rm -rf /scratch/set\n" in service
    assert "OnCalendar=daily\n" in timer and "Persistent=true" in timer
    assert found["cp1"]["gone"] == found["w1"]["gone"] == [] and len(requests()["cp1"]["gone"]) == 3
