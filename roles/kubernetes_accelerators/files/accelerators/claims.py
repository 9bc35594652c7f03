# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Cards that pods get by claims (DRA): where the API does not have them there are none, and nothing of ours to take away."""

from __future__ import annotations

import json

import api
import cluster_claims
import cluster_nodes
import cluster_pods
import ledger

# of what this role makes
KINDS = ("deviceclasses", "resourceclaimtemplates")
MISSING = ("NotFound", "could not find the requested resource")


def told(ground, words):
    """A list of the API; empty where it knows no claims."""
    code, text = api.kubectl(ground, *words, check=False)
    if code and not any(one in text for one in MISSING):
        raise ledger.Refused("nobody knows what pods get by claims: %s" % ledger.tail(text, 2))
    return {"items": []} if code else json.loads(text)


def served(ground):
    """Whether the API has claims."""
    code, text = api.kubectl(ground, "get", "--raw", cluster_claims.ADDRESS, check=False)
    if code and not any(one in text for one in MISSING):
        raise ledger.Refused("nobody knows whether the cluster has claims: %s" % ledger.tail(text, 2))
    return not code


def kinds(ground):
    """As kubectl wants them, with a comma before each."""
    return "".join(",%s.%s" % (kind, cluster_claims.GROUP) for kind in KINDS) if served(ground) else ""


def is_one(document):
    return document.get("apiVersion") == cluster_claims.API


def cards(ground):
    """{node: {driver: how many devices it has there}}"""
    return cluster_claims.cards(told(ground, cluster_claims.SLICES))


def holders(ground):
    """{node: [pods that hold its cards]}, by names or by claims."""
    named = cluster_pods.holders(api.kubectl(ground, *cluster_pods.ASKED)[1], cluster_nodes.CANARY)
    return cluster_claims.both(named, cluster_claims.holders(told(ground, cluster_claims.CLAIMS), cluster_nodes.CANARY))


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
    by_claims, found = wanted(asked.documents), {}
    seen = cluster_nodes.nodes(api.ask(asked.ground, "get", "nodes"), cards(asked.ground))
    for node in asked.request["cards"]:
        # what an unready node told last counts for nobody
        one = seen.get(node) or {}
        names = [name for name in one.get("cards") or () if ("/" in name) == by_claims] if one.get("ready") else []
        if names:
            found[node] = sorted(names)
    return found


def settled(asked):
    """Wait until nobody can get a card in the way that goes: with both a card is handed out twice (rule K8S-G1)."""
    said = "pods can still have %s of %s: what handed them out before goes first"
    api.until(asked.request["seconds"], lambda: [said % (", ".join(names), node) for node, names in sorted(others(asked).items())], ledger.Refused)
