# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Nodes are emptied and take pods again, asked of a control plane. Who cordoned a node stands beside it in the API, written in the same moment: a run that was
cut off leaves no node shut for ever, and one that an administrator shut stays shut."""

from __future__ import annotations

import json

import api
import cluster_nodes
import disruption
import etcd
import ledger
import places

MARK = "ai-stack.sovereign/emptied"


def _drain(name, drain, *words):
    forced = ["--force", "--delete-emptydir-data"] if drain["force"] else []
    return ["drain", name, "--ignore-daemonsets", *words, *forced]


def drained(ground, name, drain):
    """Send the pods of a node away; why not, or nothing. drain: {seconds, force}"""
    words = _drain(name, drain, "--timeout", "%ds" % drain["seconds"])
    code, text = api.kubectl(ground, *words, check=False, seconds=drain["seconds"] + 60)
    if not code:
        return ""
    kept = ["pod %s is kept by the budget %s" % one for one in _kept(ground, name)]
    return "%s cannot be emptied within %d s: %s" % (name, drain["seconds"], "; ".join(kept) or ledger.tail(text, 3))


def _kept(ground, name):
    """What budgets keep on a node; who cannot be asked has said it in other words."""
    try:
        pods = api.ask(ground, "get", "pods", "--all-namespaces", "--field-selector", "spec.nodeName=" + name)["items"]
        return disruption.kept(pods, api.ask(ground, "get", "poddisruptionbudgets", "--all-namespaces")["items"])
    except ledger.Refused:
        return []


def objections(ground, name, drain):
    """Why a node could not be emptied whatever time it had: pods that nobody makes again, and what they keep."""
    code, text = api.kubectl(ground, *_drain(name, drain, "--dry-run=client"), check=False, seconds=120)
    return ["%s cannot be emptied: %s; kubernetes_drain_force says that it may go" % (name, ledger.tail(text, 3))] if code else []


def _node(ground, name):
    return api.ask(ground, "get", "node", name)


def _ours(node):
    return MARK in (node["metadata"].get("annotations") or {})


def _mark(ground, name, shut):
    patch = {"metadata": {"annotations": {MARK: "true" if shut else None}}, "spec": {"unschedulable": shut or None}}
    api.kubectl(ground, "patch", "node", name, "--type", "merge", "--patch", json.dumps(patch))


def empty(ground, request):
    """Empty a node for a change; what cannot be emptied takes pods again. request: {name, drain}"""
    name, node = request["name"], _node(ground, request["name"])
    if not node["spec"].get("unschedulable"):
        _mark(ground, name, True)
    wrong = drained(ground, name, request["drain"])
    if wrong:
        again(ground, name)
        raise ledger.Refused("%s\nIt takes pods as before, and nodes behind it were left alone." % wrong)
    return {"changed": True}


def again(ground, name):
    """Let a node take pods, if it was shut here; whether it was."""
    ours = _ours(_node(ground, name))
    if ours:
        _mark(ground, name, False)
    return ours


def back(ground, request):
    """Wait until a node is ready in its version, and let it take pods. request: {name, version, seconds}; no version: as it is."""
    name, wanted = request["name"], request["version"] and "v" + request["version"]

    def wrong():
        node = cluster_nodes.nodes(api.ask(ground, "get", "nodes")).get(name) or {}
        found = ["%s is not ready within %d s" % (name, request["seconds"])] if not node.get("ready") else []
        return found + (["the API has %s with the kubelet of %s, not %s" % (name, node.get("version"), wanted)] if node.get("version") != wanted else [])

    if wanted:
        api.until(request["seconds"], wrong, ledger.Refused)
    return {"changed": again(ground, name)}


def leave(ground, request):
    """Empty a node and forget it, and of a control plane its member of etcd; one that the cluster does not know is gone already. What does not go takes pods
    again. request: that of the host, with drain."""
    name, control = request["name"], request["part"] == places.CONTROL
    wrong = etcd.objections(ground, name, request["address"]) if control else ""
    if wrong:
        raise ledger.Refused("%s stays: %s" % (name, wrong))
    if name not in cluster_nodes.nodes(api.ask(ground, "get", "nodes")):
        return {"changed": control and etcd.forgotten(ground, name, request["address"])}
    cordoned = _node(ground, name)["spec"].get("unschedulable")
    try:
        wrong = drained(ground, name, request["drain"])
        if wrong:
            raise ledger.Refused(wrong)
        if control:
            etcd.forgotten(ground, name, request["address"])
    except ledger.Refused:
        if not cordoned:
            api.kubectl(ground, "uncordon", name, check=False)
        raise
    api.kubectl(ground, "delete", "node", name, seconds=120)
    return {"changed": True}
