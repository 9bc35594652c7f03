# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a control plane answers: who is in the cluster, tickets, whose certificates are approved, whether all is well."""

from __future__ import annotations

import io
import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import members

from .test_member import refused

CSR = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlJQkdUQ0J3QUlCQURBME1SVXdFd1lEVlFRS0V3eHplWE4wWlcwNmJtOWtaWE14R3pBWkJnTlZCQU1URW5ONQpjM1JsYlRwdWIyUmxPbXM0Y3kxM01UQlpNQk1HQnlxR1NNNDlBZ0VHQ0NxR1NNNDlBd0VIQTBJQUJQZk8vYUhlCjUvSjVMZXNCSEpMQlVxMnRIdUJQYlNjdUpBczk3NEpRdUR6VzBaY2xoVmVrbDdSVFZEK0ViUFplVkhZTEVldi8KUEtJcmQyRzRGNFBneHlXZ0tqQW9CZ2txaGtpRzl3MEJDUTR4R3pBWk1CY0dBMVVkRVFRUU1BNkNCbXM0Y3kxMwpNWWNFQ2tzQUREQUtCZ2dxaGtqT1BRUURBZ05JQURCRkFpQXNrdWV6ME11VUdWcmozNUVRSThCWkFZcFc3M0dqCitvQVlVbVFyNmhNV25RSWhBSitOT3pYNzFHSW1GK0tET2xkQ2V4MUtZRHdqSGdUM3hDTklHSUxzUDU1MAotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K"  # noqa: E501  of a real kubelet, in one line as the API has it


def request(name="csr-1", node="k8s-w1", **status):
    spec = {"signerName": "kubernetes.io/kubelet-serving", "username": f"system:node:{node}", "groups": ["system:nodes"],
            "usages": ["digital signature", "server auth"], "request": CSR}  # fmt: skip
    return {"metadata": {"name": name}, "spec": spec, "status": status}


@pytest.fixture
def control(host):
    host.apply()
    host.nodes = {"cp1": {"address": "192.0.2.11"}, "k8s-w1": {"address": "10.75.0.12"}}
    host.write(members.NODES, json.dumps({"k8s-w1": ["10.75.0.12"]}))
    host.tokens = {}
    return host


def test_a_host_without_a_cluster_tells_of_nobody(host):
    assert host.modules.server.told(host.ground) == host.modules.server.NOBODY and host.calls == []
    assert "no cluster was made" in refused(host.modules.tickets.ticket, host.ground, {"name": "w1"})


def test_nodes_are_told_with_their_part_of_the_network(control):
    control.requests = [request(), request("done", conditions=[{"type": "Approved"}])]
    control.tokens = {"bootstrap-token-x": "sovereign.ai_stack: w1", "bootstrap-token-y": "of the administrator"}
    found = control.modules.server.told(control.ground)
    assert found["nodes"]["cp1"] == {"address": "192.0.2.11", "pods": "10.244.0.0/24", "ready": True, "troubles": [], "version": "v1.37.2", "cards": {},
                                     "pool": None}  # fmt: skip
    assert found["authority"] == "CA"
    assert found["waiting"] == ["csr-1"] and found["tokens"] == ["bootstrap-token-x"]


def test_a_ticket_lives_a_quarter_of_an_hour_and_is_for_joining_alone(control):
    found = control.modules.tickets.ticket(control.ground, {"part": "worker", "name": "w2", "address": "192.0.2.13"})
    assert found == {"token": "abcdef.0123456789abcdef", "ca": "CA\n"}
    (command,) = control.ran("kubeadm", "--kubeconfig")
    assert command[command.index("--ttl") + 1] == "15m" and command[command.index("--usages") + 1] == "authentication"
    assert set(control.nodes) == {"cp1", "k8s-w1"}


def test_what_the_cluster_has_of_a_former_life_is_forgotten_and_another_host_is_not(control):
    control.modules.tickets.ticket(control.ground, {"part": "worker", "name": "k8s-w1", "address": "10.75.0.12"})
    assert set(control.nodes) == {"cp1"}
    said = refused(control.modules.tickets.ticket, control.ground, {"part": "worker", "name": "cp1", "address": "192.0.2.99"})
    assert "a node cp1 at 192.0.2.11, and this host is at 192.0.2.99" in said and set(control.nodes) == {"cp1"}


def test_only_what_is_a_nodes_own_is_approved(control):
    control.requests = [request(), request("other", "cp1"), request("stranger", "x")]
    good, left = control.modules.server.approve(control.ground)
    assert good == ["csr-1"] and len(left) == 2 and left[1].startswith("stranger of system:node:x: ")
    assert [bool(one["status"]) for one in control.requests] == [True, False, False]


def test_without_the_file_of_nodes_nothing_is_approved(control):
    control.ground.remove(members.NODES)
    control.requests = [request()]
    assert control.modules.server.approve(control.ground)[0] == []


def test_an_api_that_does_not_answer_is_said(control):
    control.kubectl = lambda words: (1, "refused")
    assert "refused" in control.modules.server.told(control.ground)["silent"]


def test_whether_its_own_member_of_etcd_answers_is_told_too(control):
    assert control.modules.server.told(control.ground)["member"] is True
    control.well = False
    assert control.modules.server.told(control.ground)["member"] is False


def test_tickets_of_those_who_joined_are_called_back_and_no_other(control):
    control.requests = [request()]
    control.tokens = {"bootstrap-token-x": "sovereign.ai_stack: cp1", "bootstrap-token-y": "of the administrator",
                      "bootstrap-token-z": "sovereign.ai_stack: w9"}  # fmt: skip
    found = control.modules.server.settle(control.ground, {"joined": ["cp1", "k8s-w1"], "seconds": 0})
    assert found["changed"] and set(found["nodes"]) == {"cp1", "k8s-w1"} and control.requests[0]["status"]
    assert set(control.tokens) == {"bootstrap-token-y", "bootstrap-token-z"}
    assert control.modules.server.settle(control.ground, {"joined": ["cp1"], "seconds": 0})["changed"] is False


@pytest.mark.parametrize("there", [{}, {"w2": {"address": "192.0.2.13", "pods": None}}])
def test_who_never_comes_is_named_and_its_ticket_stays(control, there):
    control.nodes.update(there)
    control.tokens = {"bootstrap-token-x": "sovereign.ai_stack: w2"}
    assert "does not know of w2" in refused(control.modules.server.settle, control.ground, {"joined": ["w2", "cp1"], "seconds": 0})
    assert control.tokens


def test_what_keeps_pods_off_who_does_not_arrive_is_said_too(control):
    control.nodes["k8s-w1"]["troubles"] = ["PIDPressure", "DiskPressure"]
    assert control.modules.server.settle(control.ground, {"joined": ["cp1", "k8s-w1"], "seconds": 0})["nodes"]["k8s-w1"]["troubles"]
    control.shut = ("10.75.0.12",)
    said = refused(control.modules.server.settle, control.ground, {"joined": ["cp1", "k8s-w1"], "seconds": 0})
    assert said == "k8s-w1 has no certificate of the cluster to serve by\nk8s-w1 has DiskPressure, PIDPressure, which keeps pods off it"


def test_a_node_whose_certificate_nobody_approves_is_named_with_the_reason(control):
    control.shut, control.requests = ("10.75.0.12",), [request(), request("odd", "x")]
    said = refused(control.modules.server.settle, control.ground, {"joined": ["cp1", "k8s-w1"], "seconds": 0})
    assert said.startswith("k8s-w1 has no certificate of the cluster to serve by; odd of system:node:x: ")


def test_a_node_that_joins_without_its_control_plane_is_known_by_the_inventory_of_the_run(control):
    control.ground.remove(members.NODES)
    control.requests = [request(), request("of another", "cp1")]
    told = {"joined": ["k8s-w1"], "seconds": 0, "nodes": {"k8s-w1": ["10.75.0.12"], "cp1": ["10.75.0.12"]}}
    control.modules.server.settle(control.ground, told)
    # nothing is said here of who did not join
    assert [one["metadata"]["name"] for one in control.requests if one["status"]] == ["csr-1"]


WELL = {"nodes": ["cp1", "k8s-w1"], "version": "1.37.2", "seconds": 0, "ready": True}
TWO = {"cp1": {"address": "x"}, "k8s-w1": {"address": "y"}}


@pytest.mark.parametrize(
    ("change", "why"),
    [({"nodes": {"cp1": {"address": "192.0.2.11"}}}, "k8s-w1 is no node of the cluster"),
     ({"nodes": {**TWO, "k8s-w1": {"address": "x", "ready": False}}}, "k8s-w1 is not ready"),
     ({"nodes": {**TWO, "k8s-w1": {"address": "x", "troubles": ["MemoryPressure"]}}}, "k8s-w1 has MemoryPressure, which keeps pods off it"),
     ({"nodes": {**TWO, "cp1": {"address": "x", "version": "v1.36.4"}}}, "cp1 runs the kubelet of v1.36.4, not v1.37.2"),
     ({"ready": False}, "kube-proxy does not run on cp1\nkube-proxy does not run on k8s-w1"), ({"dns": False}, "CoreDNS does not run"),
     ({"nodes": TWO, "shut": ("y",)}, "k8s-w1 has no certificate of the cluster to serve by"),
     ({"nodes": {**TWO, "away": {"address": "z", "ready": False}}}, None)],
    ids=range(8),
)  # fmt: skip
def test_what_is_not_well_is_said(control, change, why):
    for name, value in change.items():
        setattr(control, name, value)
    if why:
        assert refused(control.modules.server.prove, control.ground, WELL) == why
    else:
        assert control.modules.server.prove(control.ground, WELL) == {"proven": True}
    assert not [one for one in control.calls if one[0] == "kubectl" and ("approve" in one or "delete" in one)]


def test_an_answer_that_fails_once_is_waited_for(control):
    kubectl, failed = control.kubectl, []

    def once(words):
        if "pods" in words and not failed:
            failed.append(words)
            return 1, "connection refused"
        return kubectl(words)

    control.kubectl, control.nodes = once, TWO
    assert control.modules.server.prove(control.ground, {**WELL, "seconds": 5}) == {"proven": True} and failed


def test_without_a_network_nobody_is_ready_and_the_rest_counts(control):
    control.nodes = {**TWO, "k8s-w1": {"address": "x", "ready": False, "version": "v1.36.4"}}
    control.dns = False
    assert refused(control.modules.server.prove, control.ground, {**WELL, "ready": False}) == "k8s-w1 runs the kubelet of v1.36.4, not v1.37.2"


def test_super_admin_conf_is_not_well(control):
    control.write("/etc/kubernetes/super-admin.conf", "x")
    assert "K8S-S3" in refused(control.modules.server.prove, control.ground, {**WELL, "nodes": []})


DRAIN = {"seconds": 5, "force": False}


def test_a_node_that_cannot_be_emptied_takes_pods_again(control):
    control.ready = False
    said = refused(control.modules.emptying.leave, control.ground, {"part": "worker", "name": "k8s-w1", "drain": DRAIN})
    assert said.startswith("k8s-w1 cannot be emptied within 5 s: error: cannot delete Pods") and set(control.nodes) == {"cp1", "k8s-w1"}
    assert [one for one in control.calls if "uncordon" in one] and not [one for one in control.calls if "--force" in one]


def test_a_node_that_leaves_is_emptied_first_and_one_that_is_gone_is_gone(control):
    wanted = {"part": "worker", "name": "k8s-w1", "drain": {**DRAIN, "force": True}}
    assert control.modules.emptying.leave(control.ground, wanted) == {"changed": True} and set(control.nodes) == {"cp1"}
    kubectl = [one for one in control.calls if one[0] == "kubectl"]
    assert [next(word for word in one if word in ("drain", "delete")) for one in kubectl if "drain" in one or "delete" in one] == ["drain", "delete"]
    assert control.modules.emptying.leave(control.ground, {"part": "worker", "name": "k8s-w1", "drain": {**DRAIN, "force": True}}) == {"changed": False}


@pytest.mark.parametrize(("words", "code", "key"), [(["look"], 0, "differs"), (["status"], 0, "open"), (["told"], 0, "nodes"), (["nonsense"], 2, None)])
def test_its_command_line(host, monkeypatch, capsys, words, code, key):
    cli = host.modules.cli
    monkeypatch.setattr(cli, "GROUND", host.ground)
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(host.request())))
    assert cli.main(words) == code
    said = capsys.readouterr()
    assert key in json.loads(said.out) if key else "Usage" in said.err
