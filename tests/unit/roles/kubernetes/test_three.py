# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Several control planes: one makes the cluster, the others join it, and there is never a second one."""

from __future__ import annotations

import json
import os
import stat

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import virtual

from .conftest import JOINED, POLICIES, THREE, Killed
from .test_etcd import ALL, CONTROL, left
from .test_member import ENCRYPTION, refused, resources
from .test_server import request

PEERS = {name: {"address": one["address"], "pods": f"10.244.{at}.0/24"} for at, (name, one) in enumerate(sorted(THREE.items()))}


@pytest.fixture
def three(host):
    for path in (virtual.PROGRAM, virtual.ASKS):
        host.write(path, "")
    return host


@pytest.fixture
def asked(three):
    """The first control plane, with a cluster."""
    three.apply("cp1", **three.of_three("cp1"))
    three.nodes, three.tokens, three.members = {"cp1": {"address": "192.0.2.11"}}, {}, ALL[:1]
    return three


def ticket(asked, name="cp2", **more):
    wanted = {**asked.of_three(name, ["cp1"]), "asked": {"name": "cp1", "address": "192.0.2.11"}, "bare": ["cp2", "cp3"], "cut_off": False, **more}
    return asked.modules.tickets.ticket(asked.ground, wanted)


def test_the_first_makes_it_and_its_address_is_there_before_kubeadm_asks_for_it(three):
    assert "unit:" + virtual.UNIT in resources(three.look("cp1", **three.of_three("cp1"))["differs"])
    assert three.apply("cp1", **three.of_three("cp1")) == {"changed": True}
    calls = [one[:3] for one in three.calls]
    # once: it would lose the address that it just got
    assert len([one for one in three.calls if "restart" in one and virtual.UNIT in one]) == 1
    assert calls.index(["systemctl", "restart", virtual.UNIT]) < calls.index(["kubeadm", "init", "--config"])
    assert "interface eth0" in three.text(virtual.CONF) and virtual.UNIT in three.units
    assert three.look("cp1", **three.of_three("cp1", ["cp1"]))["differs"] == []


def test_another_one_joins_with_the_key_of_secrets_that_the_cluster_has(three):
    assert three.apply("cp2", **three.of_three("cp2", ["cp1"])) == {"changed": True}
    assert three.ran("kubeadm", "init") == [] and three.text(ENCRYPTION) == "the key of all"
    document = json.loads(three.seen[1])
    assert document["controlPlane"] == {"localAPIEndpoint": {"advertiseAddress": "192.0.2.21"}, "certificateKey": "00ff"}
    assert json.loads(three.seen[0])["clusters"][0]["cluster"]["server"] == "https://192.0.2.10:6443"
    # the API server that comes up reads them
    calls = [one[:2] for one in three.calls]
    assert all(three.text(path) for path in POLICIES) and ["kubeadm", "join"] in calls
    assert three.look("cp2", **three.of_three("cp2", ["cp1", "cp2"]))["differs"] == []
    assert stat.S_IMODE(os.stat(three.ground.at(ENCRYPTION)).st_mode) == 0o600
    remembered = "".join(path.read_text() for path in three.remembered())
    assert "00ff" not in remembered + str(three.calls) and "the key of all" not in remembered


def test_a_join_that_fails_leaves_nothing_of_a_control_plane(three):
    three.fails = "join"
    before = three.files()
    assert "as before" in refused(three.apply, "cp2", **three.of_three("cp2", ["cp1"]))
    assert three.files() == before and virtual.UNIT not in three.units


def test_who_makes_it_waits_for_those_that_may_have_it(three):
    said = refused(three.look, "cp1", **three.of_three("cp1", (), ["cp2", "cp3"]))
    assert "nobody can tell whether cp2, cp3 has the cluster already" in said and three.ran("kubeadm") == []
    # whoever joins asks one that has it
    assert three.look("cp2", **three.of_three("cp2", ["cp1"], ["cp3"]))["differs"]


def test_a_join_that_was_cut_off_never_becomes_a_second_cluster(three):
    three.dies = "join"
    with pytest.raises(Killed):
        three.apply("cp2", **three.of_three("cp2", ["cp1"]))
    three.dies = None
    assert "no other control plane has the cluster any more" in refused(three.look, "cp2", **three.of_three("cp2", ["cp2"]))
    assert three.ran("kubeadm", "init") == [] == three.ran("kubeadm", "reset")


@pytest.mark.parametrize(("known", "ready", "marked", "whole"), [(True, True, True, True), (True, True, False, False), (True, False, True, False),
                                                                 (False, True, True, False)])  # fmt: skip
def test_a_join_that_was_cut_off_counts_where_the_whole_control_plane_is_there(three, known, ready, marked, whole):
    three.dies = "join"
    with pytest.raises(Killed):
        three.apply("cp2", **three.of_three("cp2", ["cp1"]))
    three.dies, three.server, three.control = None, lambda: ready, ["cp1", "cp2"] if marked else ["cp1"]
    mine = three.of_three("cp2", ["cp1", "cp2"], peers=PEERS if known else {})
    assert three.look("cp2", **mine)["joined"] is whole
    # nobody is asked through it before
    assert "cut off" in three.modules.server.told(three.ground)["silent"]
    three.apply("cp2", **mine)
    assert len(three.ran("kubeadm", "reset")) == (not whole) and len(three.ran("kubeadm", "join")) == 1 + (not whole)


def test_an_api_server_is_asked_itself_and_not_what_stands_before_it(three):
    three.apply("cp2", **three.of_three("cp2", ["cp1"]))
    three.write(POLICIES[0], "{}")
    three.apply("cp2", **three.of_three("cp2", ["cp1", "cp2"]))
    asked = [one for one in three.ran("kubectl") if "/readyz" in one]
    assert asked and all(one[-2:] == ["--server", "https://192.0.2.21:6443"] for one in asked)


def test_a_ticket_for_a_control_plane_has_what_it_needs_and_no_command_line_has_it(asked):
    found = ticket(asked)
    assert set(found) == {"token", "ca", "key", "encryption"} and found["encryption"] == asked.text(ENCRYPTION) and len(found["key"]) == 64
    own, settings = asked.uploaded.split("\n---\n")
    assert json.loads(own)["certificateKey"] == found["key"] and json.loads(own)["localAPIEndpoint"] == {"advertiseAddress": "192.0.2.11"}
    assert settings.startswith("kind: ClusterConfiguration") and asked.secret["metadata"]["annotations"] == {"ai-stack.sovereign/for": "cp2"}
    assert found["key"] not in str(asked.calls) and found["encryption"] not in str(asked.calls)
    assert asked.text("/run/ai-stack-kubernetes/kubeadm.yaml") is None


def test_the_authorities_go_once_the_host_is_known_and_those_of_others_stay(asked):
    ticket(asked)
    asked.nodes["cp2"] = {"address": "192.0.2.21"}
    settled = {"joined": ["cp1", "cp2"], "control": CONTROL, "seconds": 0}
    assert asked.modules.server.settle(asked.ground, settled)["changed"] and asked.secret is None
    asked.secret = {"metadata": {"annotations": {"ai-stack.sovereign/for": "cp9"}}}
    assert asked.modules.server.settle(asked.ground, settled)["changed"] is False and asked.secret


def test_a_lost_member_is_forgotten_before_a_fresh_host_takes_its_place(asked):
    asked.members = [*ALL[:2], ("cp3", "192.0.2.31", False)]
    asked.nodes.update({"cp2": {"address": "192.0.2.21"}, "cp3": {"address": "192.0.2.31"}})
    assert ticket(asked, "cp3", bare=["cp3"])["key"]
    assert left(asked) == ["cp1", "cp2"] and set(asked.nodes) == {"cp1", "cp2"}
    assert [one for one in asked.ran("kubectl") if "spec.nodeName=cp3" in one]


def test_authorities_that_cannot_be_left_are_said(asked):
    asked.fails = "upload"
    assert "kubeadm does not leave the authorities for cp2" in refused(ticket, asked)


def test_a_control_plane_leaves_where_others_have_the_cluster(asked):
    asked.members, asked.nodes = list(ALL), {name: {"address": at} for name, at, dummy in ALL}
    drain = {"seconds": 5, "force": False}
    leaving = {**asked.of_three("cp3", CONTROL), "drain": drain}
    assert asked.modules.emptying.leave(asked.ground, leaving) == {"changed": True}
    assert left(asked) == ["cp1", "cp2"] and set(asked.nodes) == {"cp1", "cp2"}
    assert asked.modules.emptying.leave(asked.ground, leaving) == {"changed": False}
    # a removal that was cut off behind the node
    asked.members = [*ALL[:2], ("cp3", "192.0.2.31", True)]
    assert asked.modules.emptying.leave(asked.ground, leaving) == {"changed": True} and left(asked) == ["cp1", "cp2"]
    asked.members, asked.nodes = [ALL[0], ("cp2", "192.0.2.21", False), ALL[2]], {name: {"address": at} for name, at, dummy in ALL}
    assert "would lose all" in refused(asked.modules.emptying.leave, asked.ground, leaving) and len(asked.nodes) == 3


@pytest.mark.parametrize(("shut", "opened"), [(None, 1), (True, 0)])
def test_a_control_plane_whose_member_does_not_go_takes_pods_again(asked, shut, opened):
    asked.members, asked.nodes = list(ALL), {name: {"address": at} for name, at, dummy in ALL}
    asked.marks["cp3"], kubectl = {"mark": {}, "shut": shut}, asked.kubectl

    def lost_meanwhile(words):
        if words[0] == "drain":
            asked.members[1] = ("cp2", "192.0.2.21", False)
        return kubectl(words)

    asked.kubectl = lost_meanwhile
    leaving = {**asked.of_three("cp3", CONTROL), "drain": {"seconds": 5, "force": False}}
    assert "the member of etcd on cp3 stays" in refused(asked.modules.emptying.leave, asked.ground, leaving) and "cp3" in asked.nodes
    assert len([one for one in asked.ran("kubectl") if one[5:] == ["uncordon", "cp3"]]) == opened


def test_a_control_plane_goes_without_destroying_what_others_have(three):
    before = three.files()
    three.apply("cp2", **three.of_three("cp2", ["cp1"]))
    mine = three.of_three("cp2", ["cp1", "cp2"])
    assert "is a control plane" in refused(three.reset, "cp2", **mine, left=False)
    assert three.reset("cp2", **mine, left=True) == {"changed": True} and three.files() == before and virtual.UNIT not in three.units


def test_the_key_of_secrets_is_one(three):
    three.apply("cp2", **three.of_three("cp2", ["cp1"]))
    mine, same = three.of_three("cp2", ["cp1", "cp2"]), three.modules.restore.digest_of(three.ground, ENCRYPTION)
    assert three.look("cp2", **mine, encryption=same)["differs"] == [] and "another key of secrets" in refused(three.look, "cp2", **mine, encryption="x")


def test_keepalived_is_brought_where_an_address_moves(host):
    assert "program:keepalived" in resources(host.look("cp1", **host.of_three("cp1"))["differs"])
    assert "program:keepalived" not in resources(host.look("cp1")["differs"])
    # one that cannot ask would have the address nowhere
    host.write(virtual.PROGRAM, "")
    assert "program:keepalived" in resources(host.look("cp1", **host.of_three("cp1"))["differs"])
    host.write(virtual.ASKS, "")
    assert "program:keepalived" not in resources(host.look("cp1", **host.of_three("cp1"))["differs"])


def test_an_address_behind_a_gateway_moves_nowhere(three):
    three.via = ("192.0.2.10",)
    assert "the virtual address 192.0.2.10 is not in the network segment" in refused(three.look, "cp2", **three.of_three("cp2", ["cp1"]))


@pytest.mark.parametrize(
    ("told", "taken"),
    [(["lladdr 02:00:00:00:00:01 REACHABLE"], True), (["INCOMPLETE", "lladdr 02:00:00:00:00:01 REACHABLE"], True), (["INCOMPLETE", "FAILED"], False),
     (["lladdr 02:00:00:00:00:01 STALE", "lladdr 02:00:00:00:00:01 router PROBE", "FAILED"], False), ([], False)],
    ids=str,
)  # fmt: skip
def test_an_address_that_somebody_has_is_taken_from_nobody(three, told, taken):
    three.neighbours = list(told)
    said = refused(three.look, "cp1", **three.of_three("cp1")) if taken else three.look("cp1", **three.of_three("cp1")) and ""
    assert ("somebody else has the virtual address 192.0.2.10 already" in said) is taken and three.neighbours == []


def test_the_address_of_the_cluster_itself_is_taken_by_nobody_else(three):
    three.neighbours = ["REACHABLE"]
    assert three.look("cp2", **three.of_three("cp2", ["cp1"]))["differs"]
    # a run was cut off here
    three.moved_here = True
    assert three.look("cp1", **three.of_three("cp1"))["differs"] and three.neighbours == ["REACHABLE"]


def test_routes_that_change_leave_the_address_where_it_is(three):
    mine = three.of_three("cp1", ["cp1"])
    three.apply("cp1", **mine)
    before = len([one for one in three.calls if virtual.UNIT in one and "restart" in one])
    three.apply("cp1", **mine, peers=PEERS)
    assert len([one for one in three.calls if virtual.UNIT in one and "restart" in one]) == before


def test_each_control_plane_of_several_is_proven(asked):
    asked.members, asked.nodes = list(ALL), {name: {"address": at} for name, at, dummy in ALL}
    whole = {"nodes": CONTROL, "control": CONTROL, "version": "1.37.2", "seconds": 0, "ready": True}
    assert asked.modules.server.prove(asked.ground, whole) == {"proven": True}
    asked.members = [*ALL[:2], ("cp3", "192.0.2.31", False)]
    assert refused(asked.modules.server.prove, asked.ground, whole) == "the member of etcd on cp3 does not answer"
    asked.members, asked.shut_pods = list(ALL), ["etcd"]
    assert refused(asked.modules.server.prove, asked.ground, whole) == "\n".join(f"etcd on {name} is not ready" for name in CONTROL)
    asked.server = lambda: False
    assert "the API server on cp1 is not ready" in refused(asked.modules.server.prove, asked.ground, whole)


@pytest.mark.parametrize(("applied", "words"), [("v1.36.4", "apply"), ("v1.37.2", "node")])
def test_one_control_plane_moves_the_cluster_and_the_others_follow(three, applied, words):
    three.apply("cp2", **three.of_three("cp2", ["cp1"]))
    three.packages, three.applied, three.members = {"kubelet": "v1.36.4", "kubeadm": "v1.36.4"}, applied, list(ALL)
    mine = three.member("cp2", **three.of_three("cp2", CONTROL))
    three.modules.upgrade.set_out(mine, "me")
    three.modules.upgrade.move(three.member("cp2", **three.of_three("cp2", CONTROL)))
    assert {one[2] for one in three.ran("kubeadm", "upgrade")} == {words}


def test_a_control_plane_that_was_cut_off_while_it_moved_the_cluster_moves_all_of_it(three):
    three.apply("cp2", **three.of_three("cp2", ["cp1"]))
    three.packages, three.dies, three.members = {"kubelet": "v1.36.4", "kubeadm": "v1.36.4"}, "upgrade", list(ALL)
    three.modules.upgrade.set_out(three.member("cp2", **three.of_three("cp2", CONTROL)), "me")
    with pytest.raises(Killed):
        three.modules.upgrade.move(three.member("cp2", **three.of_three("cp2", CONTROL)))
    # kubeadm had written the settings of the cluster, and not yet those of kubelets
    three.dies, three.applied = None, "v1.37.2"
    three.modules.upgrade.set_out(three.member("cp2", **three.of_three("cp2", CONTROL)), "me")
    three.modules.upgrade.move(three.member("cp2", **three.of_three("cp2", CONTROL)))
    assert {one[2] for one in three.ran("kubeadm", "upgrade")} == {"apply"}


def test_no_control_plane_starts_anew_beside_a_member_that_is_down(three):
    three.apply("cp2", **three.of_three("cp2", ["cp1"]))
    three.write(POLICIES[0], "{}")
    three.members, before = [ALL[0], ALL[1], ("cp3", "192.0.2.31", False)], len(three.calls)
    said = refused(three.apply, "cp2", **three.of_three("cp2", CONTROL))
    assert said == "members of etcd do not answer before its API server is started anew: cp3"
    assert three.text(POLICIES[0]) == "{}" and not [one for one in three.calls[before:] if "stop" in one]
    assert three.member("cp2", **three.of_three("cp2", CONTROL)).journal is None
    three.members = list(ALL)
    assert three.apply("cp2", **three.of_three("cp2", CONTROL)) == {"changed": True}


def test_no_control_plane_goes_on_with_its_move_beside_a_member_that_is_down(three):
    three.apply("cp2", **three.of_three("cp2", ["cp1"]))
    three.packages, three.members = {"kubelet": "v1.36.4", "kubeadm": "v1.36.4"}, list(ALL)
    three.modules.upgrade.set_out(three.member("cp2", **three.of_three("cp2", CONTROL)), "me")
    three.members[2] = ("cp3", "192.0.2.31", False)
    three.modules.upgrade.set_out(three.member("cp2", **three.of_three("cp2", CONTROL)), "me")
    said = refused(three.modules.upgrade.move, three.member("cp2", **three.of_three("cp2", CONTROL)))
    assert said == "members of etcd do not answer before the move to 1.37.2: cp3" and three.ran("kubeadm", "upgrade") == []


def test_no_control_plane_sets_out_beside_a_member_that_is_down(three):
    three.apply("cp2", **three.of_three("cp2", ["cp1"]))
    three.members = [ALL[0], ALL[1], ("cp3", "192.0.2.31", False)]
    said = refused(three.modules.upgrade.set_out, three.member("cp2", **three.of_three("cp2", CONTROL)), "me")
    assert said == "members of etcd do not answer before the move to 1.37.2: cp3"


def test_requests_that_another_control_plane_approved_first_are_no_failure(asked):
    asked.write(asked.modules.server.NODES, json.dumps({"k8s-w1": ["10.75.0.12"]}))
    asked.requests, kubectl = [request()], asked.kubectl
    asked.kubectl = lambda words: (1, "not found") if words[:2] == ["certificate", "approve"] else kubectl(words)
    assert asked.modules.server.approve(asked.ground) == ([], ["csr-1: not found"])
    assert JOINED in asked.files()
