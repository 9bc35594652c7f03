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
    missing = [kind for kind in KINDS if kind not in served(wanted.ground)] if any(map(is_one, wanted.documents)) else []
    if missing:
        raise ledger.Refused("queues are wanted (kueue of the cluster), and the cluster has no %s of %s: install Kueue there, or leave the key out" % (
            ", ".join(missing), cluster_queues.API))  # fmt: skip


def used(goes):
    """A sentence for each queue that would go from under its jobs: what waits in it would never start, and nobody said so. goes: documents that go."""
    found = []
    for status, name in ((one.get("status") or {}, one["metadata"]["name"]) for one in goes if one["kind"] == WORK[1]):
        let_go, waits = status.get("reservingWorkloads", 0), status.get("pendingWorkloads", 0)
        if let_go or waits:
            found.append("the queue %s is in use, %d that it let go and %d that wait: they end or go first" % (name, let_go, waits))
    return found


def asleep(there):
    """A sentence for each queue from which nothing would go. there: {name: document, or None}"""
    told = [(name, *cluster_queues.active(document or {})) for name, document in sorted(there.items())]
    return ["%s lets nothing go: %s" % (name, why) for name, works, why in told if not works]
