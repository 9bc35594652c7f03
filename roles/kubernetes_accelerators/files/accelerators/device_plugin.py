# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Device plugins on nodes, ours or those of an operator, or DRA drivers; a request as objects.py has it says where they are, and what they are called."""

from __future__ import annotations

import api
import cluster_nodes
import ledger


def of(wanted, node):
    """By which the pods of a device plugin on a node are found."""
    plugin = wanted.request["plugin"]
    return ("--namespace", plugin["namespace"], "--selector", plugin["selector"], "--field-selector", "spec.nodeName=" + node)


def there(wanted, node):
    """Whether a device plugin is on a node that can be started anew."""
    return bool(api.ask(wanted.ground, "get", "pods", *of(wanted, node))["items"])


def last_words(wanted, node):
    """What hands out the cards of a node says, or why it does not run."""
    pods, its = api.ask(wanted.ground, "get", "pods", *of(wanted, node))["items"], "its %s" % wanted.request["plugin"]["called"]
    if not pods:
        return wanted.request["plugin"]["lacks"]
    states = [state for pod in pods for one in pod["status"].get("containerStatuses") or () for state in one["state"].values()]
    waits = [" ".join(filter(None, (one.get("reason"), one.get("message")))) for one in states if one.get("reason")]
    if waits:
        return "%s waits: %s" % (its, waits[0][:300])
    words = ("--namespace", wanted.request["plugin"]["namespace"], "logs", "--tail", "2", pods[0]["metadata"]["name"])
    code, text = api.kubectl(wanted.ground, *words, check=False)
    return "%s says: %s" % (its, ledger.tail(text, 2)) if not code else its + " does not run yet"


def rivals(wanted):
    """Two device plugins of a node would take its cards from each other. An operator that is there is the site's to take away, or to name as the owner."""
    if not wanted.made or wanted.request["by_operator"] or not wanted.request["cards"]:
        return []
    found = api.ask(wanted.ground, "get", "daemonsets", "--all-namespaces", "--selector", cluster_nodes.OPERATORS_PLUGIN)["items"]
    said = "the GPU operator hands out cards of this cluster, by %s/%s: it goes first, or the row of the cluster says accelerators: {owner: operator}"
    return [said % (one["metadata"]["namespace"], one["metadata"]["name"]) for one in found]
