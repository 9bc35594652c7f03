# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""How a member goes to another version: what is refused before, in which order it goes, and how it goes on where it was cut off."""

from __future__ import annotations

import pytest

from .conftest import PODS, Killed
from .test_etcd import ALL, CONTROL
from .test_member import PEERS, refused, resources

OLD, NEW = "v1.36.4", "v1.37.2"
DRAIN = {"seconds": 5, "force": False}
MARK = "ai-stack.sovereign/emptied"


def peers(**versions):
    return {name: {**one, "version": versions.get(name, OLD)} for name, one in PEERS.items()}


class Moving:
    """A host of an older cluster, and the steps in the order in which the tasks take them."""

    def __init__(self, host, name):
        self.host, self.name, self.upgrade = host, name, host.modules.upgrade
        host.packages = {"kubelet": OLD, "kubeadm": OLD}
        host.apply(name)
        host.nodes = {one: {**known, "version": OLD} for one, known in PEERS.items()}
        host.tokens = {}

    def look(self, **versions):
        return self.host.look(self.name, peers=peers(**versions))

    def step(self, verb, *more):
        return getattr(self.upgrade, verb)(self.host.member(self.name, peers=peers()), *more)

    def set_out(self):
        found = self.step("set_out", "me")
        self.host.packages["kubeadm"] = NEW
        return found

    def kubelet(self):
        self.host.packages["kubelet"] = NEW
        found = self.step("restart")
        self.host.nodes[self.name]["version"] = NEW
        return found

    def all(self):
        self.set_out()
        self.step("move")
        self.kubelet()
        return self.step("arrived")


@pytest.fixture
def control(host):
    return Moving(host, "cp1")


@pytest.fixture
def node(host):
    return Moving(host, "w1")


def test_what_has_another_version_is_told_and_a_second_run_finds_nothing(control):
    found = control.look()
    assert resources(found["differs"])[:4] == ["kube-apiserver:cp1", "kube-controller-manager:cp1", "kube-scheduler:cp1", "kubelet:cp1"]
    assert {(row["before"], row["after"]) for row in found["differs"][:4]} == {(OLD, NEW)} and (found["moves"], found["cut_off"]) == (True, False)
    assert control.all() == {"changed": True}
    after = control.look(cp1=NEW)
    assert (after["moves"], after["cut_off"], after["open"]) == (False, False, None)
    assert not [name for name in resources(after["differs"]) if ":cp1" in name] and control.host.text("/etc/kubernetes/tmp/kubeadm-backup-etcd-1/db") is None


def test_a_kubelet_that_was_not_started_anew_is_still_the_old_one(node):
    node.host.packages = {"kubelet": NEW, "kubeadm": NEW}
    assert resources(node.look()["differs"])[0] == "kubelet:w1" and node.look()["moves"] and not node.look(w1=NEW)["moves"]


def test_kubeadm_looks_before_it_moves_and_what_the_site_accepts_does_not_stop_it(control):
    control.set_out()
    changed = {"peers": peers(), "ignored": ["SystemVerification", "Swap"]}
    control.upgrade.move(control.host.member("cp1", **changed))
    ran = [one[2:] for one in control.host.ran("kubeadm", "upgrade")]
    assert ran == [["apply", "phase", "preflight", NEW, "--yes", "--ignore-preflight-errors", "SystemVerification,Swap"],
                   ["apply", NEW, "--yes", "--skip-phases", "preflight"]]  # fmt: skip
    assert [control.host.text(f"/etc/kubernetes/manifests/{name}.yaml").count(NEW) for name in PODS] == [0, 1, 1, 1]


def test_a_node_moves_by_its_own_verb(node):
    node.all()
    assert [one[2:] for one in node.host.ran("kubeadm", "upgrade")] == [["node"]] and node.look(w1=NEW)["open"] is None


def test_what_kubeadm_refuses_is_said_and_nothing_is_open(control):
    found = control.set_out()
    assert found["former"] == "1.36.4"
    control.host.refuses = True
    assert refused(control.step, "move") == "kubeadm refuses to move this host: [ERROR CreateJob]: no end\nit runs what it ran before"
    assert control.look()["open"] is None and not [one for one in control.host.ran("kubeadm", "upgrade", "apply") if "phase" not in one]


@pytest.mark.parametrize(("halts", "said"), [("etcd", "it runs what it ran before"), ("kube-apiserver", None), ("kube-scheduler", None)])
def test_a_control_plane_that_moved_in_part_goes_on_and_one_that_kubeadm_led_back_is_done(control, halts, said):
    control.host.pods_of_kubeadm(OLD, etcd="3.6.14-0")
    control.set_out()
    control.host.halts = halts
    text = refused(control.step, "move")
    assert text.endswith(said or "the next run goes on from here") and (control.look()["open"] is None) is bool(said)
    control.host.halts = None
    control.set_out()
    control.step("move")
    control.kubelet()
    assert control.step("arrived") == {"changed": True} and control.look(cp1=NEW)["differs"][0]["resource"].startswith("file:")


@pytest.mark.parametrize("name", ["cp1", "w1"])
def test_a_run_that_was_killed_in_kubeadm_is_gone_on_with(host, name):
    moving = Moving(host, name)
    moving.set_out()
    host.dies = "upgrade"
    with pytest.raises(Killed):
        moving.step("move")
    host.dies = None
    found = moving.look()
    assert (found["moves"], found["cut_off"], found["open"]["step"]) == (True, True, "upgrade")
    # the kubeadm to go back to is the one of before all of it
    found = moving.set_out()
    assert found["former"] == "1.36.4" and moving.look()["open"]["step"] == "upgrade"
    assert moving.step("move") == {"changed": True}
    moving.kubelet()
    assert moving.step("arrived") == {"changed": True} and moving.look(**{name: NEW})["moves"] is False


def test_a_run_that_goes_on_tells_one_whose_package_failed_from_one_that_kubeadm_began_to_move(node):
    node.set_out()
    node.set_out()
    assert node.look()["open"]["step"] == "begin"
    node.step("move")
    node.set_out()
    assert node.look()["open"]["step"] == "moved"


def test_what_kubeadm_has_moved_is_not_moved_again(control):
    control.set_out()
    control.step("move")
    control.set_out()
    assert control.step("move") == {"changed": False} and len(control.host.ran("kubeadm", "upgrade")) == 2


def test_a_kubeadm_that_outlived_its_run_is_waited_for(control):
    control.set_out()
    control.host.busy = 2
    control.step("move")
    calls = [one[:2] for one in control.host.calls]
    assert calls.index(["kubeadm", "upgrade"]) > max(at for at, one in enumerate(calls) if one[0] == "pgrep")
    control.upgrade.places.LONG = 0
    control.host.busy = 9
    assert "another kubeadm is at work" in refused(control.upgrade.alone, control.host.ground)


def test_a_kubelet_that_does_not_come_up_is_said_and_stays_open(node):
    node.set_out()
    node.step("move")
    node.host.well = False
    assert "the kubelet of v1.37.2 does not come up" in refused(node.kubelet) and node.look()["cut_off"]


def test_a_move_is_not_over_before_all_of_it_is_there(node):
    node.set_out()
    node.step("move")
    assert refused(node.step, "arrived") == "kubelet:w1 is v1.36.4, not v1.37.2" and node.look()["cut_off"]


def test_an_image_that_no_mirror_has_is_named_before_anything_changes(control):
    control.host.missing = "kube-scheduler"
    assert refused(control.step, "fetch") == "registry.k8s.io/kube-scheduler:v1.37.2 cannot be pulled: not found" and control.look()["open"] is None
    control.host.missing = None
    assert control.step("fetch") == {"fetched": True}


def test_a_node_needs_no_images_of_a_control_plane(node):
    node.host.missing = "kube-apiserver"
    assert node.step("fetch") == {"fetched": True} and [one[-1] for one in node.host.calls if "pull" in one] == ["registry.k8s.io/kube-proxy:v1.37.2"]


QUESTION = {"version": "1.37.2", "control": ["cp1"], "moving": ["cp1", "w1"], "cut_off": [], "drain": DRAIN}


def test_a_cluster_that_is_well_can_be_moved(control):
    assert control.upgrade.ahead(control.host.ground, QUESTION) == {"ready": True}


@pytest.mark.parametrize(
    ("changed", "asked", "said"),
    [({"nodes": {"cp1": {"address": "x"}, "w1": {"address": "y", "ready": False}}}, {}, "w1 is not ready"),
     ({"nodes": {"cp1": {"address": "x"}, "w1": {"address": "y", "troubles": ["DiskPressure"]}}}, {}, "w1 has DiskPressure, which keeps pods off it"),
     ({}, {"moving": ["w1"]}, "the API server runs v1.36.4, and no kubelet may be newer: the control plane cp1 goes first"),
     ({"ready": False}, {}, "cannot delete Pods declare no controller; kubernetes_drain_force says that it may go"),
     ({"server": lambda: False}, {}, "the cluster cannot be moved as it is")],
    ids=range(5),
)  # fmt: skip
def test_what_is_known_to_be_in_the_way_is_said_before(control, changed, asked, said):
    for name, one in changed.items():
        setattr(control.host, name, one)
    calls = len(control.host.calls)
    assert said in refused(control.upgrade.ahead, control.host.ground, {**QUESTION, **asked})
    assert not [one for one in control.host.calls[calls:] if "patch" in one or "drain" in one and "--dry-run=client" not in one]


def of_three(control):
    """The question of a control plane and a fresh third one, beside one that lives."""
    control.host.members = list(ALL)
    control.host.nodes["cp2"] = {"address": "192.0.2.21", "version": OLD}
    return {**QUESTION, "control": CONTROL, "moving": ["cp1", "cp2", "w1"]}


@pytest.mark.parametrize("left", [{}, {"cp3": {"address": None, "version": OLD}}])
def test_what_joins_is_not_asked_before_what_moves(control, left):
    asked = of_three(control)
    control.host.nodes.update(left)
    assert control.upgrade.ahead(control.host.ground, asked) == {"ready": True}


def test_a_control_plane_that_is_lost_is_replaced_before_the_others_move(control):
    asked = of_three(control)
    control.host.nodes["cp3"], control.host.away = {"address": "192.0.2.31", "version": OLD, "ready": False}, ["192.0.2.31"]
    assert refused(control.upgrade.ahead, control.host.ground, asked).splitlines() == [
        "cp3 is not ready",
        'the API server on cp3 does not answer: if that control plane is lost, replace it first, by a run with kubernetes: "1.36.4" in the row of the cluster',
    ]
    # one that answers is no further than it says
    control.host.nodes["cp3"]["ready"], control.host.away = True, ()
    assert "the control plane cp3 goes first" in refused(control.upgrade.ahead, control.host.ground, asked)


def test_what_a_cut_off_run_left_is_no_reason_to_leave_it_so(control):
    control.host.nodes["w1"]["ready"] = False
    assert control.upgrade.ahead(control.host.ground, {**QUESTION, "cut_off": ["w1"]}) == {"ready": True}
    control.host.server = lambda: False
    assert control.upgrade.ahead(control.host.ground, {**QUESTION, "cut_off": ["cp1"]}) == {"ready": True}


def pod(name, **more):
    return {"metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}, **more}, "status": {"phase": "Running"}}


def budget(name="web", allowed=0, **selector):
    return {"metadata": {"name": name, "namespace": "default"}, "spec": {"selector": selector or {"matchLabels": {"app": "web"}}},
            "status": {"disruptionsAllowed": allowed}}  # fmt: skip


@pytest.fixture
def emptying(control):
    return control.host.modules.emptying


def test_a_node_is_shut_and_marked_in_one_and_opened_in_one(control, emptying):
    ground = control.host.ground
    assert emptying.empty(ground, {"name": "w1", "drain": DRAIN}) == {"changed": True}
    assert control.host.marks["w1"] == {"mark": {MARK: "true"}, "shut": True}
    control.host.nodes["w1"]["version"] = NEW
    assert emptying.back(ground, {"name": "w1", "version": "1.37.2", "seconds": 0}) == {"changed": True}
    assert control.host.marks["w1"] == {"mark": {MARK: None}, "shut": None}


def test_a_node_that_an_administrator_shut_stays_shut(control, emptying):
    control.host.marks["w1"], control.host.nodes["w1"]["version"] = {"mark": {}, "shut": True}, NEW
    emptying.empty(control.host.ground, {"name": "w1", "drain": DRAIN})
    assert emptying.back(control.host.ground, {"name": "w1", "version": "1.37.2", "seconds": 0}) == {"changed": False}
    assert control.host.marks["w1"]["shut"] is True


def test_a_budget_that_lets_no_pod_go_is_named_and_the_node_takes_pods_again(control, emptying):
    control.host.ready, control.host.kept = False, ([pod("web-1"), pod("other-1", labels={})], [budget(), budget("roomy", 1)])
    said = refused(emptying.empty, control.host.ground, {"name": "w1", "drain": DRAIN})
    assert said.startswith("w1 cannot be emptied within 5 s: pod default/web-1 is kept by the budget default/web\nIt takes pods as before")
    assert control.host.marks["w1"] == {"mark": {MARK: None}, "shut": None}


def test_a_node_that_does_not_come_back_takes_no_pods(control, emptying):
    emptying.empty(control.host.ground, {"name": "w1", "drain": DRAIN})
    said = refused(emptying.back, control.host.ground, {"name": "w1", "version": "1.37.2", "seconds": 0})
    assert said == "the API has w1 with the kubelet of v1.36.4, not v1.37.2" and control.host.marks["w1"]["shut"] is True
    # who goes back to what was there does not wait for it
    assert emptying.back(control.host.ground, {"name": "w1", "version": "", "seconds": 0}) == {"changed": True}


def test_the_steps_are_words_of_its_command_line(host):
    words = {"ahead", "fetch", "set_out", "move", "restart", "arrived", "empty", "back"}
    assert words <= set(host.modules.cli.VERBS) and {one for one in words if host.modules.cli.VERBS[one][1]} == {"ahead", "fetch"}


@pytest.mark.parametrize(("name", "times"), [("cp1", 1), ("w1", 0)])
def test_a_set_is_taken_before_a_control_plane_moves_and_not_again_where_it_goes_on(host, monkeypatch, name, times):
    taken, moving = [], Moving(host, name)
    monkeypatch.setattr(host.modules.sets, "taken", lambda member, reason: taken.append(reason))
    moving.set_out()
    moving.set_out()
    assert taken == ["before the move to 1.37.2"] * times


def test_without_a_set_nothing_moves(host, monkeypatch):
    def none(_member, _reason):
        raise host.modules.ledger.Refused("no set of etcd can be taken")

    moving = Moving(host, "cp1")
    monkeypatch.setattr(host.modules.sets, "taken", none)
    assert "no set of etcd" in refused(moving.step, "set_out", "me") and host.member("cp1").journal is None
