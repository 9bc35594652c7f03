# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A pod on each node that asks for a card, started and taken away; what it sees its own node looks at.

A request has {canaries: {node: {name: by which it asks for a card, pod: its document}}} beside the rest. Of each node there is an answer: {status: runs,
container: its id}, {status: skipped, why} where no card is free or nobody wants pods there, or {status: failed, why}.
"""

from __future__ import annotations

import json
import re
import time

import api
import claims
import cluster_nodes
import ledger

IN = ("--namespace", cluster_nodes.CANARY)
WORDS = 300
ATTEMPTS = 3
# taints of the cluster itself: not ready, out of reach
OF_TROUBLE = "node.kubernetes.io/"
# what the scheduler says where a claim finds no card
CLAIMED = "cannot allocate all claims"
_CONTAINER = re.compile(r"containerd://([0-9a-f]{64})")


def stop(wanted):
    """None is left, of an earlier run that was cut off neither: nothing else is in that namespace. there: those that nobody took away before."""
    there = pods(wanted.ground) if wanted.made else {}
    if there and api.kubectl(wanted.ground, *IN, "delete", "pods", "--all", "--wait", "--timeout", "60s", seconds=90, check=False)[0]:
        # whose node does not answer stays until somebody says that it is gone
        api.kubectl(wanted.ground, *IN, "delete", "pods", "--all", "--force", "--grace-period", "0")
    return {"there": sorted(node for node, one in there.items() if "deletionTimestamp" not in one["metadata"])}


def start(wanted):
    """Wait until each runs, or is known not to."""
    stop(wanted)
    known, request, end = nodes(wanted.ground), wanted.request["canaries"], time.time() + wanted.request["seconds"]
    # where nobody wants new pods
    closed = {node for node, spec in known.items() if spec.get("unschedulable")}
    asked = {node: one for node, one in sorted(request.items()) if node not in closed}
    said = created(wanted.ground, [tolerant(one["pod"], known.get(node) or {}) for node, one in asked.items()])
    while True:
        seen, held = (pods(wanted.ground), claims.holders(wanted.ground)) if asked else ({}, {})
        found = {node: placed(seen.get(node), one["name"], held.get(node)) or state(seen.get(node), said) for node, one in asked.items()}
        if all(found.values()) or time.time() >= end:
            break
        time.sleep(api.PAUSE)
    late = {node: failed("it did not run within %d s%s" % (wanted.request["seconds"], waits(seen[node]))) for node, one in found.items() if not one}
    return {"nodes": {**{node: skipped("the node is shut (cordoned)") for node in request if node in closed}, **found, **late}}


def skipped(why):
    return {"status": "skipped", "why": why[:WORDS]}


def failed(why):
    return {"status": "failed", "why": why[:WORDS]}


def nodes(ground):
    """{node: its spec}"""
    return {one["metadata"]["name"]: one.get("spec") or {} for one in api.ask(ground, "get", "nodes")["items"]}


def tolerant(pod, spec):
    """The same pod for a node that a site keeps for who says so, and puts others out of; what Kubernetes says of one in trouble keeps it off."""
    keys = sorted({one["key"] for one in spec.get("taints") or () if one["effect"] == "NoExecute" and not one["key"].startswith(OF_TROUBLE)})
    says = [{"key": key, "operator": "Exists", "effect": "NoExecute"} for key in keys]
    return {**pod, "spec": {**pod["spec"], "tolerations": [*(pod["spec"].get("tolerations") or ()), *says]}}


def created(ground, documents):
    """What the API said of those that it refused; the others are made."""
    text = ""
    for _attempt in range(ATTEMPTS):
        there = pods(ground)
        missing = [one for one in documents if one["metadata"]["name"] not in there]
        if not missing:
            return ""
        data = json.dumps({"apiVersion": "v1", "kind": "List", "items": missing}).encode("utf-8")
        code, text = api.kubectl(ground, "create", "--filename", "-", seconds=120, data=data, check=False)
        if not code:
            return ""
        # a namespace that was just made has no account for its pods yet
        time.sleep(api.PAUSE)
    return ledger.tail(text, 2)


def pods(ground):
    """{node: pod}; each has the name of its node."""
    return {one["metadata"]["name"]: one for one in api.ask(ground, *IN, "get", "pods")["items"]}


def condition(pod):
    """What the scheduler says of one."""
    rows = (pod.get("status") or {}).get("conditions") or ()
    return next((one for one in rows if one["type"] == "PodScheduled" and one.get("reason") == "Unschedulable"), {}).get("message") or ""


def placed(pod, name, holders):
    """Whether it gets no card because others have them, which is nobody's fault. Where nobody has one it waits: a scheduler learns late of new cards."""
    none = "Insufficient %s" % name if "/" in name else CLAIMED
    if pod and holders and none in condition(pod):
        return skipped("no card is free: they are held by %s" % claims.shown(holders))
    return None


def state(pod, said):
    """What came of one; None: it is on its way. said: what the API refused."""
    if pod is None:
        # the scheduler takes the card back for anybody who needs it
        return failed("the API refused it: " + said) if said else skipped("somebody else needed the card")
    status = pod.get("status") or {}
    if status.get("phase") in ("Failed", "Succeeded"):
        return failed("its pod ended: %s %s" % (status.get("reason") or status["phase"], status.get("message") or ""))
    for one in status.get("containerStatuses") or ():
        container = _CONTAINER.fullmatch(one.get("containerID") or "")
        if "running" in one["state"]:
            return {"status": "runs", "container": container.group(1)} if container else failed("its container is none of containerd's")
    return None


def waits(pod):
    """Why a pod does not run yet, where it is said."""
    states = [one["state"].get("waiting") or {} for one in (pod.get("status") or {}).get("containerStatuses") or ()]
    words = [condition(pod)] + ["%s %s" % (one["reason"], one.get("message") or "") for one in states if one.get("reason")]
    return "".join(": " + one.strip() for one in words if one)
