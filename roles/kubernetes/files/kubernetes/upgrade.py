# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A member of a cluster goes to another version: kubeadm and what it moves first, the kubelet of an emptied node last.

Packages are brought between the steps by who asks. The journal stays open from set_out to arrived, and a run that was cut off goes on from the step it shows:
what kubeadm moves it moves again without harm.
"""

from __future__ import annotations

import json
import shutil
import time

import api
import applying
import cluster_nodes
import cluster_versions
import emptying
import etcd
import ledger
import making
import places
import serving
import sets
import virtual

MANIFESTS = "/etc/kubernetes/manifests/%s.yaml"
SERVER = "kube-apiserver"
SERVERS = (SERVER, "kube-controller-manager", "kube-scheduler")
PROXY = "kube-proxy"
ETCD = "etcd"
# where kubeadm keeps what it replaces, with a copy of the store of etcd
LEFT = "/etc/kubernetes/tmp"
HEALTH = "http://127.0.0.1:10248/healthz"
# an API server whose manifest was changed is away for as long
PAUSE = 2


def _wanted(member):
    return "v" + member.request["version"]


def _kubelet(ground):
    return cluster_versions.kubelet(ground.run(["kubelet", "--version"], timeout=60, data=b"")[1])


def _tag(ground, name):
    return cluster_versions.tag((ground.text(MANIFESTS % name) or "") + "\n")


def _pods(member):
    """{static pod of the control plane: tag of its image}"""
    return {name: _tag(member.ground, name) for name in (ETCD, *SERVERS)} if member.request["part"] == places.CONTROL else {}


def _ours(member):
    """The journal, where it is that of a move."""
    return member.journal if member.journal and member.journal.get("move") else None


def rows(member, told=None):
    """[{resource, before, after}] of what has another version than it is to have. told: of the kubelet, as the API has it: one that was not started anew yet
    is another one."""
    if not member.joined:
        return []
    wanted, kubelet = _wanted(member), _kubelet(member.ground)
    there = {"kubelet:" + member.name: told if kubelet == _wanted(member) and told else kubelet}
    there.update(("%s:%s" % (name, member.name), tag) for name, tag in _pods(member).items() if name != ETCD)
    return [{"resource": name, "before": had, "after": wanted} for name, had in sorted(there.items()) if had != wanted]


def look(member):
    """What would change, with versions, or every refusal; moves: whether this host goes to another version, or is on its way."""
    found = rows(member, ((member.request.get("peers") or {}).get(member.name) or {}).get("version"))
    return dict(applying.look(member, found), moves=bool(found or _ours(member)), cut_off=bool(_ours(member)))


def ahead(ground, request):
    """Whatever is known to be in the way of a move, before it; asked of a control plane. request: {version, moving, cut_off: [names], control: names of all
    control planes, drain}"""
    if set(request["control"]) & set(request["cut_off"]):
        # its API may be away just because of that
        return {"ready": True}
    try:
        nodes = cluster_nodes.nodes(api.ask(ground, "get", "nodes"))
        others = sorted(set(nodes) - set(request["cut_off"]))
        found = ["%s is not ready" % name for name in others if not nodes[name]["ready"]] + cluster_nodes.in_trouble(nodes, others)
        api.kubectl(ground, "get", "--raw", "/readyz/etcd")
        found += _behind(ground, request, nodes)
        found += ["the member of etcd on %s does not answer" % one for one in etcd.silent_ones(ground)] if len(request["control"]) > 1 else []
    except ledger.Refused as error:
        raise ledger.Refused("the cluster cannot be moved as it is: %s" % error)
    for name in request["moving"]:
        found += emptying.objections(ground, name, request["drain"])
    if found:
        raise ledger.Refused("\n".join(found))
    return {"ready": True}


def _behind(ground, request, nodes):
    """API servers that have the cluster, that this run does not move, and that are older than the kubelets that it brings, or lost."""
    found = []
    # one without an address was never more than a name, and joins after the move
    joined = {name for name in request["control"] if (nodes.get(name) or {}).get("address")}
    for name in sorted(joined - set(request["moving"])):
        at = ["--server", virtual.server(nodes[name]["address"])] if len(request["control"]) > 1 else []
        runs = _runs(ground, *at)
        if not runs:
            found.append("the API server on %s does not answer: if that control plane is lost, replace it first, by a run with kubernetes: \"%s\" in the row "
                         "of the cluster" % (name, _runs(ground).lstrip("v")))  # fmt: skip
        elif runs != "v" + request["version"]:
            found.append("the API server runs %s, and no kubelet may be newer: the control plane %s goes first, in a run with it" % (runs, name))
    return found


def _runs(ground, *at):
    """Version of an API server; empty: it does not answer."""
    code, text = api.kubectl(ground, "get", "--raw", "/version", *at, check=False)
    return "" if code else json.loads(text)["gitVersion"]


def fetch(member):
    """The images that this host will run, while nothing has changed."""
    names = (SERVERS if member.request["part"] == places.CONTROL else ()) + (PROXY,)
    missing = []
    for image in ("%s/%s:%s" % (member.request["images"], name, _wanted(member)) for name in names):
        code, text = member.ground.run(places.RUNTIME + ["pull", image], check=False, timeout=places.LONG)
        missing += ["%s cannot be pulled: %s" % (image, ledger.tail(text, 1))] if code else []
    if missing:
        raise ledger.Refused("\n".join(missing))
    return {"fetched": True}


def set_out(member, owner):
    """Open the journal, or go on with it at the step that it shows; former: the kubeadm to go back to, empty where there is no way back to it."""
    request, journal = member.request, _ours(member)
    if not journal or journal["move"] != request["version"]:
        if request["part"] == places.CONTROL:
            etcd.whole(member, "before the move to " + request["version"])
            sets.taken(member, "before the move to " + request["version"])
        kubeadm = member.ground.run(["kubeadm", "version", "--output", "short"], timeout=60, data=b"")[1].strip().lstrip("v")
        member.ledger.begin({"plan": request["plan"], "owner": owner, "touches": {}, "irreversible": request["part"] == places.CONTROL, "fresh": False,
                             "move": request["version"], "former": kubeadm, "pods": _pods(member), "applies": False, "moved": False})  # fmt: skip
    else:
        member.ledger.step(journal["step"], plan=request["plan"], owner=owner)
    return {"changed": True, "former": member.ledger.need_open()["former"]}


def move(member):
    """What kubeadm of the new version moves: the static pods of a control plane, and the settings of the kubelet."""
    ground, control = member.ground, member.request["part"] == places.CONTROL
    if member.ledger.need_open()["moved"]:
        return {"changed": False}
    alone(ground)
    ignored = ["--ignore-preflight-errors", ",".join(member.request["ignored"])] if member.request["ignored"] else []
    if control:
        # here and not only where it set out: another one may be lost since, and of a run that goes on this one may have come up just now
        answers(member)
        etcd.whole(member, "before the move to " + member.request["version"])
    if control and (member.ledger.need_open()["applies"] or not _applied(member)):
        member.ledger.step("preflight")
        _kubeadm(member, "refuses to move this host", ["apply", "phase", "preflight", _wanted(member), "--yes", *ignored])
        member.ledger.step("upgrade", applies=True)
        _kubeadm(member, "did not move this host", ["apply", _wanted(member), "--yes", "--skip-phases", "preflight"])
    else:
        member.ledger.step("upgrade")
        _kubeadm(member, "did not move this host", ["node", *ignored])
    member.ledger.step("moved", moved=True)
    return {"changed": True}


def _applied(member):
    """Whether another control plane moved the cluster before: its settings say so, which kubeadm writes once its own pods are of the new version, and before
    it renews what all nodes read. Where it was cut off in between, the journal of that host knows better."""
    if len(member.request["control"]) == 1:
        return False
    made = api.ask(member.ground, "get", "configmap", "kubeadm-config", "--namespace", "kube-system")["data"]["ClusterConfiguration"]
    return "kubernetesVersion: %s\n" % _wanted(member) in made + "\n"


def _kubeadm(member, what, words):
    code, text = member.ground.run(["kubeadm", "upgrade", *words], check=False, timeout=places.LONG)
    if code:
        raise ledger.Refused("kubeadm %s: %s%s\n%s" % (what, making.reasons(text), serving.last_words(member.ground), led_back(member)))


def led_back(member):
    """What came of a move that kubeadm did not bring to its end: it has put the manifests of before back, or the next run goes on."""
    record, now = member.ledger.need_open(), _pods(member)
    moved = sorted("%s %s" % (name, tag) for name, tag in now.items() if tag != record["pods"].get(name))
    if moved:
        return "%s on this host came before that: the next run goes on from here" % ", ".join(moved)
    member.ledger.close(record, "restored")
    return "it runs what it ran before"


def alone(ground):
    """A kubeadm whose run was killed may still be at work: it comes to its end, or the host is left to it."""
    end = time.monotonic() + places.LONG
    while ground.run(["pgrep", "-x", "kubeadm"], check=False, timeout=60)[0] == 0:
        if time.monotonic() >= end:
            raise ledger.Refused("another kubeadm is at work on this host, and does not end: look what it does")
        time.sleep(PAUSE)


def answers(member):
    """An API server that a run left in the middle of its start comes up by itself."""
    end = time.monotonic() + member.request["seconds"]
    while serving.local(member, "get", "--raw", "/readyz")[0]:
        if time.monotonic() >= end:
            raise ledger.Refused("the API on this host does not answer%s" % serving.last_words(member.ground))
        time.sleep(PAUSE)


def restart(member):
    """The kubelet of the package that is there now; its pods run on."""
    ground = member.ground
    member.ledger.step("restart")
    ground.run(["systemctl", "daemon-reload"], timeout=120)
    ground.run(["systemctl", "restart", "kubelet.service"], timeout=120)
    end = time.monotonic() + member.request["seconds"]
    while not serving.well(HEALTH):
        if time.monotonic() >= end:
            said = ground.run(["journalctl", "--unit", "kubelet.service", "--lines", "3", "--output", "cat"], check=False, timeout=60)[1]
            # who empties nodes says that this one stays so
            raise ledger.Refused("the kubelet of %s does not come up: %s" % (_wanted(member), ledger.tail(said, 3)))
        time.sleep(PAUSE)
    return {"changed": True}


def arrived(member):
    """The move is over; copies that kubeadm kept for a way back, the store of etcd among them, go."""
    left = rows(member)
    if left:
        raise ledger.Refused("\n".join("%s is %s, not %s" % (one["resource"], one["before"], one["after"]) for one in left))
    shutil.rmtree(member.ground.at(LEFT), ignore_errors=True)
    member.ledger.commit()
    return {"changed": True}
