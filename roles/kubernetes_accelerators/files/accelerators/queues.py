# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Queues of Kueue, which the site brings: where it is not there they cannot be made, and there are none to take away."""

from __future__ import annotations

import api
import cluster_queues
import ledger

# in the order in which they go: Kueue keeps each until nothing uses it, a queue until what it let go has ended
KINDS = ("localqueues", "clusterqueues", "cohorts", "resourceflavors")
WORK = ("LocalQueue", "ClusterQueue")
SHOWN = 8


def is_one(document):
    return document.get("apiVersion") == cluster_queues.API


def turn(document):
    """When one goes, of those that go."""
    kind = document["kind"].lower() + "s"
    return KINDS.index(kind) if is_one(document) else len(KINDS)


def served(ground):
    """Of these kinds those that the API has."""
    told = api.raw(ground, cluster_queues.ADDRESS, "nobody knows whether Kueue is there", ledger.Refused)
    names = {one["name"] for one in told["resources"]} if told else ()
    return [kind for kind in KINDS if kind in names]


def kinds(ground):
    """As kubectl wants them, with a comma before each."""
    return "".join(",%s.%s" % (kind, cluster_queues.GROUP) for kind in served(ground))


def refuse(wanted):
    """Where queues are wanted and cannot be."""
    if not any(map(is_one, wanted.documents)):
        return
    there = served(wanted.ground)
    missing = [kind for kind in KINDS if kind not in there]
    if missing:
        raise ledger.Refused("queues are wanted (kueue of the cluster), and the cluster has no %s of %s: install Kueue there, or leave the key out" % (
            ", ".join(missing), cluster_queues.API))  # fmt: skip


def first(documents):
    """[documents that Kueue judges and others build on, the others]: where it refuses one, nothing that counts on it is there."""
    basis = [one for one in documents if is_one(one) and one["kind"] != WORK[0]]
    return [part for part in (basis, [one for one in documents if one not in basis]) if part]


def used(ground, goes):
    """A sentence for each queue that would go from under its jobs: what waits in it would never start, and nobody said so. goes: documents that go."""
    names = sorted(one["metadata"]["name"] for one in goes if one["kind"] == WORK[1])
    let_go, waits = jobs(ground) if names else ({}, {})
    said = "the queue %s is in use, %d that it let go and %d that wait: they end or go first, which are the Workloads %s; where Kueue is away delete their jobs"
    return [said % (name, len(let_go.get(name, ())), len(waits.get(name, ())), ", ".join((let_go.get(name, []) + waits.get(name, []))[:SHOWN]))
            for name in names if name in let_go or name in waits]  # fmt: skip


def jobs(ground):
    """({queue: [Workloads that it let go]}, {queue: [those that wait]}) by what they say themselves: what a queue says of them stays where Kueue is away. Those
    on their way out have lost their jobs, and wait for Kueue alone."""
    kinds = ",".join("%s.%s" % (kind, cluster_queues.GROUP) for kind in (KINDS[0], "workloads"))
    found, let_go, waits = api.ask(ground, "get", kinds, "--all-namespaces")["items"], {}, {}
    leads = {(one["metadata"]["namespace"], one["metadata"]["name"]): one["spec"].get("clusterQueue") for one in found if one["kind"] == WORK[0]}
    for one in found:
        meta, admission = one["metadata"], (one.get("status") or {}).get("admission") or {}
        if one["kind"] != "Workload" or "deletionTimestamp" in meta or _ended(one):
            continue
        queue = admission.get("clusterQueue") or leads.get((meta["namespace"], one["spec"].get("queueName")))
        # one that was switched off waits for nothing
        if admission or one["spec"].get("active", True):
            (let_go if admission else waits).setdefault(queue, []).append("%s/%s" % (meta["namespace"], meta["name"]))
    return let_go, waits


def _ended(workload):
    return any(one.get("type") == "Finished" and one.get("status") == "True" for one in (workload.get("status") or {}).get("conditions") or ())


def asleep(there):
    """A sentence for each queue from which nothing would go. there: {name: document, or None}"""
    told = [(name, *cluster_queues.active(document or {})) for name, document in sorted(there.items())]
    return ["%s lets nothing go: %s" % (name, why) for name, works, why in told if not works]
