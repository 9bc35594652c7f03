# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the program of the role makes of a host: a member of the cluster, or what it was before."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import members, network

from .conftest import JOINED, POLICIES, Killed

PEERS = {"cp1": {"address": "192.0.2.11", "pods": "10.244.0.0/24"}, "w1": {"address": "192.0.2.12", "pods": "10.244.1.0/24"}}
WELL = {"differs": [], "joined": True, "open": None, "moves": False, "cut_off": False}
ENCRYPTION = "/etc/kubernetes/policy/encryption.yaml"


def refused(function, *words, **changed):
    with pytest.raises(Exception) as error:  # noqa: PT011  the program's own kind is loaded anew for each test
        function(*words, **changed)
    assert type(error.value).__name__ == "Refused", error.value
    return str(error.value)


def resources(rows):
    return [row["resource"] for row in rows]


def test_places_that_the_core_writes_down_are_those_of_the_program(host):
    assert (host.modules.places.DISCOVERY, host.modules.places.PORT, host.modules.server.NODES) == (members.DISCOVERY, members.PORT, members.NODES)
    assert members.SERVING + ".timer" in host.request()["units"]


def test_a_first_control_plane_is_made_and_a_second_run_changes_nothing(host):
    found = host.look()
    assert resources(found["differs"])[0] == "member:cp1" and found["joined"] is False and host.files() == ["/proc/sys/kernel/random/boot_id"]
    assert host.apply() == {"changed": True}
    assert len(host.ran("kubeadm", "init", "phase")) == len(host.ran("kubeadm", "init", "--config")) == 1
    assert host.look() == WELL
    calls = len(host.calls)
    assert host.apply() == {"changed": False}
    assert {tuple(one[:2]) for one in host.calls[calls:]} == {("systemctl", "is-active"), ("ip", "route"), ("kubeadm", "certs")}


def test_nobody_else_reads_policies_and_the_key_is_made_on_the_host(host):
    host.apply()
    modes = {path: stat.S_IMODE(os.stat(host.ground.at(path)).st_mode) for path in [*POLICIES, ENCRYPTION]}
    assert set(modes.values()) == {0o600}
    key = json.loads(host.text(ENCRYPTION))["resources"][0]["providers"][0]["secretbox"]["keys"][0]["secret"]
    kept = "".join(path.read_text() for path in Path(host.ground.at("/var/lib/ai-stack")).rglob("*") if path.is_file())
    assert len(key) == 44 and key not in kept and key not in host.seen[1]


def test_super_admin_conf_goes_and_the_way_in_stays(host):
    host.apply()
    assert host.text("/etc/kubernetes/super-admin.conf") is None and host.text("/etc/kubernetes/admin.conf") == "x"


def test_a_host_joins_by_a_file_that_no_disk_keeps(host):
    host.apply("w1")
    login = json.loads(host.seen[0])
    assert login["users"][0]["user"] == {"token": "abc.def"} and login["clusters"][0]["cluster"]["server"] == "https://192.0.2.11:6443"
    assert not [path for path in host.files() if path.startswith("/run/")] and "abc.def" not in str(host.calls)
    assert stat.S_IMODE(os.stat(host.ground.at("/run/ai-stack-kubernetes")).st_mode) == 0o700
    assert host.ran("kubeadm", "init") == [] and host.text(ENCRYPTION) is None


def test_routes_come_once_the_nodes_are_known(host):
    host.apply("w1")
    assert host.units == set() and host.text(network.CNI) is None
    assert "unit:" + network.UNIT in resources(host.look("w1", peers=PEERS)["differs"])
    host.apply("w1", peers=PEERS)
    assert host.units == {network.UNIT} and host.text(network.ROUTES) == network.routes("w1", PEERS)
    assert host.look("w1", peers=PEERS)["differs"] == []
    more = {**PEERS, "w2": {"address": "192.0.2.13", "pods": "10.244.2.0/24"}}
    assert resources(host.look("w1", peers=more)["differs"]) == ["file:" + network.ROUTES]
    before = len(host.ran("systemctl", "restart"))
    host.apply("w1", peers=more)
    assert len(host.ran("systemctl", "restart")) == before + 1 and len(host.ran("kubeadm", "join")) == 1


def test_kubeadm_is_asked_before_anything_is_written(host):
    host.refuses = True
    assert refused(host.apply) == "kubeadm refuses this host:\n[ERROR Port-6443]: Port 6443 is in use\n[ERROR Swap]: swap is on"
    assert host.files() == ["/proc/sys/kernel/random/boot_id"] and host.look()["open"] is None


@pytest.mark.parametrize(("name", "verb"), [("cp1", "init"), ("w1", "join")])
def test_what_kubeadm_does_not_bring_to_its_end_is_taken_back(host, name, verb):
    host.fails = verb
    said = refused(host.apply, name)
    assert f"kubeadm {verb} failed: [ERROR CRI]: no" in said and said.endswith("this host is no member of the cluster, as before")
    assert host.files() == ["/proc/sys/kernel/random/boot_id"] and host.look(name)["open"] is None
    host.fails = None
    assert host.apply(name) == {"changed": True}


def test_the_reason_of_an_api_server_that_does_not_come_up_is_said(host):
    host.fails = "init"
    host.write("/var/log/pods/kube-system_kube-apiserver-cp1_x/kube-apiserver/0.log",
               'T stderr F I1127 1 x.go:1] fine\nT stderr F E1127 19:54:43.1 1 run.go:72] "command failed" err="no such file"\n')  # fmt: skip
    assert 'the API server said: E1127 19:54:43.1 1 run.go:72] "command failed" err="no such file"' in refused(host.apply)


@pytest.mark.parametrize(("complete", "wiped"), [(True, 0), (False, 1)])
def test_a_run_that_was_cut_off_in_kubeadm_is_gone_on_with_or_begun_again(host, complete, wiped):
    host.dies, host.complete = "init", complete
    with pytest.raises(Killed):
        host.apply()
    assert host.look()["joined"] is complete and host.look()["open"]["step"] == "init"
    host.dies = None
    assert host.apply() == {"changed": True}
    assert len(host.ran("kubeadm", "reset")) == wiped and host.text("/etc/kubernetes/super-admin.conf") is None
    assert host.look() == WELL


@pytest.mark.parametrize(
    ("what", "value"), [("namespaces", ["default", "kube-system", "research"]), ("nodes", {"cp1": {"address": "x"}, "w9": {"address": "x"}})]
)
def test_a_control_plane_that_somebody_uses_is_not_reset(host, what, value):
    host.dies, host.complete = "init", False
    with pytest.raises(Killed):
        host.apply()
    setattr(host, what, value)
    assert "somebody uses it" in refused(host.apply) and host.ran("kubeadm", "reset") == []


@pytest.mark.parametrize("late", [False, True])
def test_an_api_that_does_not_answer_is_only_taken_for_none_before_it_was_there(host, late):
    host.dies = "init"
    with pytest.raises(Killed):
        host.apply()
    host.dies, host.server = None, lambda: False
    if late:
        host.write(JOINED, "server: https://192.0.2.11:6443\nclient-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem\n")
        assert "its API does not answer" in refused(host.look) and host.ran("kubeadm", "reset") == []
    else:
        assert host.look()["joined"] is False
        host.apply()
        assert len(host.ran("kubeadm", "reset")) == 1


# what kubeadm made stays, whatever becomes of what follows it
def test_a_resumed_run_that_fails_does_not_go_back_to_before_the_cluster(host):
    host.dies = "init"
    with pytest.raises(Killed):
        host.apply()
    host.dies, systemctl = None, host.systemctl
    host.systemctl = lambda command: (1, "no") if command[1] == "restart" else systemctl(command)
    refused(host.apply)
    assert [host.text(path) is not None for path in POLICIES] == [True] * 3
    host.systemctl = systemctl
    assert host.apply() == {"changed": True} and host.look() == WELL
    assert [host.text(path) is not None for path in POLICIES] == [True] * 3 and host.ran("kubeadm", "reset") == []


@pytest.mark.parametrize(("known", "wiped"), [(True, 0), (False, 1)])
def test_a_join_that_was_cut_off_counts_where_the_cluster_knows_the_node(host, known, wiped):
    host.dies = "join"
    with pytest.raises(Killed):
        host.apply("w1")
    host.dies, peers = None, PEERS if known else {}
    # nobody is asked for a ticket where it counts
    assert host.look("w1", peers=peers)["joined"] is known
    left = ["/etc/kubernetes/bootstrap-kubelet.conf", "/run/ai-stack-kubernetes/discovery.conf"]
    for path in left:
        host.write(path, "abc.def")
    host.apply("w1", peers=peers)
    assert [host.text(path) for path in left] == [None, None]
    assert len(host.ran("kubeadm", "reset")) == wiped and len(host.ran("kubeadm", "join")) == 1 + wiped


def test_policies_that_differ_start_the_api_server_anew(host):
    host.apply()
    host.write(POLICIES[0], "{}")
    assert resources(host.look()["differs"]) == ["file:" + POLICIES[0]]
    assert host.apply() == {"changed": True} and len([one for one in host.calls if "stop" in one]) == 1
    assert host.look()["differs"] == [] and host.apply() == {"changed": False}


def test_policies_that_it_does_not_live_with_are_led_back(host):
    host.apply()
    good = host.text(POLICIES[2])
    host.server = lambda: host.text(POLICIES[2]) == good
    bad = {**host.request()["policies"], POLICIES[2]: '{"broken": true}'}
    said = refused(host.apply, policies=bad)
    assert said == "the API server does not come back\nit runs with the files of before the change" and host.container["runs"]
    assert host.text(POLICIES[2]) == good and host.look()["open"] is None and host.ran("kubeadm", "reset") == []


LEFT = [("/etc/kubernetes/manifests/etcd.yaml", "x"), ("/etc/kubernetes/pki/ca.crt", "x"), ("/var/lib/etcd/member/snap", "x")]


@pytest.mark.parametrize(
    ("name", "there", "why"),
    [*[(name, [one], "something of another cluster is left here") for name in ("cp1", "w1") for one in LEFT],
     ("w1", [(JOINED, "server: https://10.0.0.1:6443\n")], "joined the cluster at 10.0.0.1:6443, and not that at 192.0.2.11:6443"),
     ("cp1", [(JOINED, "server: https://192.0.2.11:6443\n")], "is a worker of the cluster and was asked to be a control_plane"),
     ("w1", [(JOINED, "server: https://192.0.2.11:6443\n"), ("/etc/kubernetes/manifests/kube-apiserver.yaml", "x")], "is a control_plane"),
     ("w1", [("/etc/cni/net.d/05-other.conflist", "x")], "05-other.conflist is somebody else's network")],
    ids=range(10),
)  # fmt: skip
def test_a_host_that_is_something_else_is_refused_and_left_alone(host, name, there, why):
    for path, text in there:
        host.write(path, text)
    before = host.files()
    assert why in refused(host.look, name) == refused(host.apply, name)
    assert host.files() == before and not [one for one in host.calls if one[0] == "kubeadm"]


def test_a_network_of_somebody_that_comes_later_or_is_wanted_stays(host):
    host.write("/etc/cni/net.d/99-other.conflist", "x")
    assert host.look("w1")["differs"]
    host.write("/etc/cni/net.d/05-other.conflist", "x")
    assert host.look("w1", network=None)["differs"]


@pytest.mark.parametrize("name", ["cp1", "w1"])
def test_a_host_that_is_taken_out_is_what_it_was(host, name):
    host.write(members.SYSCTL, "of somebody\n")
    before = host.files()
    host.apply(name, peers=PEERS)
    assert host.text(members.SYSCTL) != "of somebody\n"
    assert host.reset(name, destroy="ai") == {"changed": True} and host.files() == before and host.text(members.SYSCTL) == "of somebody\n"
    assert host.units == set() and len(host.ran("kubeadm", "reset")) == 1
    assert ["nft", "delete", "table", "ip", network.TABLE] in host.calls


def test_a_bare_host_has_nothing_to_be_taken_out_of(host):
    assert host.reset("w1") == {"changed": False} and host.calls == []


def test_a_removal_that_was_cut_off_is_finished_by_the_next(host):
    host.apply("w1", peers=PEERS)
    answer = host.answer

    def dying(command):
        if command[:2] == ["kubeadm", "reset"]:
            raise Killed
        return answer(command)

    host.answer = dying
    with pytest.raises(Killed):
        host.reset("w1")
    host.answer = answer
    assert host.look("w1", peers=PEERS)["joined"] is False
    assert host.reset("w1") == {"changed": True} and host.files() == ["/proc/sys/kernel/random/boot_id"]


def test_a_host_whose_removal_was_cut_off_joins_anew(host):
    host.apply("w1", peers=PEERS)
    answer = host.answer
    host.answer = lambda command: (_ for _ in ()).throw(Killed) if command[:2] == ["kubeadm", "reset"] else answer(command)
    with pytest.raises(Killed):
        host.reset("w1")
    host.answer = answer
    host.apply("w1", peers=PEERS)
    assert len(host.ran("kubeadm", "join")) == 2


@pytest.mark.parametrize(
    ("there", "name", "destroy", "why"),
    [([(JOINED, "server: https://10.0.0.1:6443\n")], "w1", "ai", "has joined the cluster at 10.0.0.1:6443"),
     ([("/etc/kubernetes/manifests/kube-apiserver.yaml", "x")], "w1", "", "is a control plane"),
     ([("/var/lib/etcd/member/snap", "x")], "cp1", "", "is a control plane"), ([("/var/lib/etcd/member/snap", "x")], "cp1", "other", "is a control plane")],
    ids=range(4),
)  # fmt: skip
def test_a_host_of_another_cluster_and_a_control_plane_that_nobody_named_stay(host, there, name, destroy, why):
    for path, text in there:
        host.write(path, text)
    assert why in refused(host.reset, name, destroy=destroy) and host.ran("kubeadm", "reset") == []
    assert [host.text(path) for path, dummy in there] == [text for dummy, text in there]


def test_a_kubelet_beside_an_api_server_asks_that_one(host):
    named = {"endpoint": "api.example.org:6443", "settings": {**host.request()["settings"], "endpoint": "api.example.org:6443"}}
    host.apply(**named)
    assert host.look(**named)["differs"] == [] and host.apply(peers=PEERS, **named) == {"changed": True}


@pytest.mark.parametrize(("authority", "gone"), [("CA", False), ("another", True), (None, True)])
def test_a_node_of_a_cluster_that_is_gone_is_named(host, authority, gone):
    host.apply("w1")
    known = base64.b64encode(b"CA\n").decode()
    host.write(JOINED, f"clusters:\n- cluster:\n    certificate-authority-data: {known}\n    server: https://192.0.2.11:6443\n")
    if gone:
        assert "is a node of a cluster that was at 192.0.2.11:6443 before and is gone" in refused(host.look, "w1", authority=authority)
    else:
        assert host.look("w1", authority=authority)["differs"] == []
    # once the run changed something nobody compares with what was told before it
    assert host.look("w1")["differs"] == []


@pytest.mark.parametrize(("key", "value"), [("pods", "10.9.0.0/16"), ("domain", "other"), ("feature_gates", {"A": True}), ("conntrack", "keep")])
def test_what_a_cluster_was_made_with_is_not_changed_by_the_way(host, key, value):
    host.apply()
    said = refused(host.look, settings={**host.request()["settings"], key: value})
    assert said.startswith(f"the cluster was made with {key}: ") and "\n" not in said


def test_an_address_that_is_not_this_hosts_is_refused(host):
    host.mine = False
    assert "192.0.2.12 is no address of this host" in refused(host.look, "w1")


def test_nodes_in_another_segment_are_refused_where_routes_are_the_network(host):
    host.via = ("192.0.2.12",)
    assert "w1 at 192.0.2.12 is not in the network segment" in refused(host.look)
    assert host.look(network=None)["differs"]


def test_routes_to_nodes_that_went_go_last(host):
    host.routes = ["10.244.0.0/24", "10.244.9.0/24"]
    host.apply("w1", peers=PEERS)
    assert host.ran("ip", "route", "del") == [["ip", "route", "del", "10.244.9.0/24", "protocol", "87"]]


def test_super_admin_conf_that_came_back_goes_again(host):
    host.apply()
    host.write("/etc/kubernetes/super-admin.conf", "x")
    assert resources(host.look()["differs"]) == ["file:/etc/kubernetes/super-admin.conf"]
    host.apply()
    assert host.text("/etc/kubernetes/super-admin.conf") is None and host.look()["differs"] == []


def test_a_unit_that_somebody_stopped_runs_again(host):
    host.apply("w1", peers=PEERS)
    host.units.clear()
    assert resources(host.look("w1", peers=PEERS)["differs"]) == ["unit:" + network.UNIT]
    host.apply("w1", peers=PEERS)
    assert host.units == {network.UNIT}


def test_a_server_that_ends_again_and_again_is_not_waited_for(host):
    host.apply()
    good = host.text(POLICIES[2])
    host.server, before = lambda: host.text(POLICIES[2]) == good, len(host.calls)
    refused(host.apply, policies={**host.request()["policies"], POLICIES[2]: "{}"}, seconds=10)
    assert len([one for one in host.calls[before:] if one[0] == "crictl"]) < 20


def test_addresses_of_pods_go_with_the_node(host):
    host.apply("w1", peers=PEERS)
    host.write("/var/lib/cni/networks/ai-stack/10.244.1.2", "x")
    host.reset("w1")
    assert host.files() == ["/proc/sys/kernel/random/boot_id"]


@pytest.mark.parametrize(("left", "renews"), [(31, False), (29, True), (-1, True)])
def test_certificates_that_end_soon_are_renewed_and_whoever_reads_them_starts_anew(host, left, renews):
    host.apply()
    host.left = left
    assert resources(host.look()["differs"]) == (["certificates:cp1"] if renews else [])
    host.apply()
    assert len(host.ran("kubeadm", "certs", "renew", "all")) == renews and len([one for one in host.calls if "stop" in one and "crictl" in one]) == 2 * renews
    assert host.look()["differs"] == []


def test_a_node_has_no_certificates_of_a_control_plane(host):
    host.apply("w1")
    host.left = 1
    assert host.look("w1")["differs"] == [] and host.ran("kubeadm", "certs") == []


@pytest.mark.parametrize(("name", "verb"), [("cp1", "init"), ("w1", "join")])
def test_rules_that_another_cluster_left_go_before_the_host_is_a_node(host, name, verb):
    host.apply(name)
    names = [one[:5] for one in host.calls]
    gone = [names.index(["nft", "delete", "table", family, "kube-proxy"]) for family in ("ip", "ip6")]
    assert max(gone) < next(at for at, one in enumerate(host.calls) if one[:3] == ["kubeadm", verb, "--config"])
