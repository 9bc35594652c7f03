# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Cards that pods get by claims (DRA): where the API does not have them there are none, and nothing of ours to take away."""

from __future__ import annotations

import api
import cluster_claims
import cluster_nodes
import cluster_pods
import ledger

# of what this role makes
KINDS = ("deviceclasses", "resourceclaimtemplates")
SHOWN = 8


def told(ground, address):
    """A list of the API; empty where it knows no claims."""
    return api.raw(ground, address, "nobody knows what pods get by claims", ledger.Refused) or {"items": []}


def served(ground):
    """Whether the API has claims."""
    return api.raw(ground, cluster_claims.ADDRESS, "nobody knows whether the cluster has claims", ledger.Refused) is not None


def kinds(ground):
    """As kubectl wants them, with a comma before each."""
    return "".join(",%s.%s" % (kind, cluster_claims.GROUP) for kind in KINDS) if served(ground) else ""


def is_one(document):
    return document.get("apiVersion") == cluster_claims.API


def cards(ground):
    """{node: {driver: how many devices it has there}}"""
    return cluster_claims.cards(told(ground, cluster_claims.SLICES[-1]))


def held(ground):
    """{node: {name, or driver of claims: [pods that hold its cards so]}}"""
    named = cluster_pods.held(api.kubectl(ground, *cluster_pods.ASKED)[1], cluster_nodes.CANARY)
    return cluster_claims.both(named, cluster_claims.held(told(ground, cluster_claims.CLAIMS[-1]), cluster_nodes.CANARY))


def holders(ground):
    """{node: [pods that hold its cards]}, by names or by claims."""
    return cluster_claims.holders(held(ground))


def shown(names):
    return ", ".join(names[:SHOWN]) + (" and %d more" % (len(names) - SHOWN) if len(names) > SHOWN else "")


def wanted(documents):
    """Whether pods are to get cards by claims."""
    return any(one["kind"] == "DeviceClass" for one in documents)


def rivals(asked):
    """Somebody else who hands out whole cards by claims: his chart made a class of its name (rule K8S-G1)."""
    if not asked.made or not asked.request["cards"] or not served(asked.ground):
        return []
    found = api.ask(asked.ground, "get", "--ignore-not-found", "deviceclasses." + cluster_claims.GROUP, cluster_claims.VENDORS_CLASSES[0])
    said = "the cluster has the DeviceClass %s, which whoever made it hands out cards by: his chart goes first, or does without cards (resources.gpus)"
    return [said % cluster_claims.VENDORS_CLASSES[0]] if found else []


def others(asked):
    """{node: [names]} by which pods can still have cards in the way that is wanted no more."""
    claimed, found = wanted(asked.documents), {}
    seen = cluster_nodes.nodes(api.ask(asked.ground, "get", "nodes"), cards(asked.ground))
    for node, planned in asked.request["cards"].items():
        # what an unready node told last counts for nobody
        one = seen.get(node) or {}
        names = [name for name in cluster_nodes.others(one.get("cards") or (), planned) if ("/" in name) == claimed] if one.get("ready") else []
        if names:
            found[node] = names
    return found


def leavers(asked):
    """{node: [pods]} that hold its cards by names that were not planned, whatever the node can still give: who has a card keeps it when its way is gone."""
    found = {}
    for node, names in (held(asked.ground) if asked.request["cards"] else {}).items():
        planned = asked.request["cards"].get(node) or {}
        pods = {pod for name in cluster_nodes.others(names, planned) for pod in names[name]}
        if pods:
            found[node] = sorted(pods)
    return found


def unsettled(asked):
    """A sentence for each node of which somebody can get a card, or has one, in the way that goes."""
    said = ["pods can still have %s of %s: what handed them out before goes first" % (", ".join(names), node) for node, names in sorted(others(asked).items())]
    return said + ["cards of %s are in use by %s: they go first" % (node, shown(pods)) for node, pods in leavers(asked).items()]


def settled(asked):
    """Wait until nobody can get a card in the way that goes, and nobody has one: with both a card is handed out twice (rule K8S-G1). While it went somebody
    could still take one."""
    api.until(asked.request["seconds"], lambda: unsettled(asked), ledger.Refused)
