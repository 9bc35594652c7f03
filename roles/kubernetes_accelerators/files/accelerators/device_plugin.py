# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The device plugin on a node: whether there is one, and what it says."""

from __future__ import annotations

import api
import cluster_nodes
import ledger


def of_plugin(node):
    """By which the pods of a device plugin on a node are found."""
    return ("--namespace", cluster_nodes.NAMESPACE, "--selector", cluster_nodes.POOL, "--field-selector", "spec.nodeName=" + node)


def has_plugin(ground, node):
    """Whether a device plugin is on a node that can be started anew."""
    return bool(api.ask(ground, "get", "pods", *of_plugin(node))["items"])


def last_words(ground, node):
    """What a device plugin on a node says, or why it does not run."""
    pods = api.ask(ground, "get", "pods", *of_plugin(node))["items"]
    if not pods:
        return "no device plugin is on it"
    states = [state for pod in pods for one in pod["status"].get("containerStatuses") or () for state in one["state"].values()]
    waits = [" ".join(filter(None, (one.get("reason"), one.get("message")))) for one in states if one.get("reason")]
    if waits:
        return "its device plugin waits: %s" % waits[0][:300]
    code, text = api.kubectl(ground, "--namespace", cluster_nodes.NAMESPACE, "logs", "--tail", "2", pods[0]["metadata"]["name"], check=False)
    return "its device plugin says: %s" % ledger.tail(text, 2) if not code else "its device plugin does not run yet"
