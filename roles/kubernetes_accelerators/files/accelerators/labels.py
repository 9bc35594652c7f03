# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Labels of ours on what others have: namespaces, and nodes."""

from __future__ import annotations

import api
import cluster_nodes

OURS = (cluster_nodes.POOL, cluster_nodes.ISOLATION, cluster_nodes.TENANT, cluster_nodes.QUEUE)


def over(there, wanted=None):
    """Those that were given before, and are wanted no more: rights of a namespace, what is said of a node."""
    if there["kind"] not in ("Namespace", "Node"):
        return []
    labels = there["metadata"].get("labels") or {}
    mine = {name for name in labels if name in OURS or name.startswith(cluster_nodes.MAY_USE)}
    # a site may point its operator at a config of its own: ours is called as the pool
    if labels.get(cluster_nodes.CONFIG, "") == labels.get(cluster_nodes.POOL):
        mine.add(cluster_nodes.CONFIG)
    return sorted(mine - set((wanted or {"metadata": {}})["metadata"].get("labels") or ()))


def forget(ground, there, wanted=None):
    """Take those away that are wanted no more, whoever set them: the API forgets fields of one manager alone when that one says them no more."""
    names = over(there, wanted)
    if names:
        api.kubectl(ground, "label", there["kind"], there["metadata"]["name"], *[name + "-" for name in names])
