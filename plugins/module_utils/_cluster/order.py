# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which a cluster is made, or moved to its next minor; what each step costs, and whether there is a way back from it.

A step yields (what, targets, costs); a gate changes nothing. Each needs the one before it: a cluster is one thing.
"""

from __future__ import annotations

from . import numbers
from .node import CONTROL, WORKER

REVERSIBLE, WITH_LOSS = 'reversible', 'back by the etcd set alone, which loses what was written since'


def _names(cluster, part):
    return sorted(one.name for one in cluster.nodes if one.part == part)


def _made(cluster):
    """From nothing, or for hosts that have joined no cluster."""
    fresh = {part: sorted(one.name for one in cluster.nodes if one.part == part and not one.joined) for part in (CONTROL, WORKER)}
    everyone = fresh[CONTROL] + fresh[WORKER]
    first = fresh[CONTROL][:1] if len(fresh[CONTROL]) == len(_names(cluster, CONTROL)) else []
    if everyone:
        yield 'install the container runtime and tell it its settings', everyone, 'restart of containerd, %s' % REVERSIBLE
        yield 'install, pin and hold kubeadm, kubelet and kubectl', everyone, REVERSIBLE
    if first:
        yield 'make the first control plane', first, '%s: a reset' % REVERSIBLE
    for name in fresh[CONTROL][len(first):]:
        yield 'gate: every member of etcd answers', _names(cluster, CONTROL), None
        yield 'join as a control plane', [name], '%s: a removal' % REVERSIBLE
    if fresh[WORKER]:
        yield 'join as nodes', fresh[WORKER], '%s: a removal' % REVERSIBLE


def _moved(cluster):
    """To the next minor; a patch of the same minor moves in the same way."""
    control, last = _names(cluster, CONTROL), cluster.running[0]
    yield 'gate: every node is ready, every member of etcd answers and reaches its floor', control, None
    yield 'take the etcd set, with PKI and encryption configuration, and bring it off the node', control[:1], None
    yield 'move the first control plane from %s to %s' % (last, cluster.version), control[:1], WITH_LOSS
    for name in control[1:]:
        yield 'gate: every member of etcd answers', control, None
        yield 'move the next control plane', [name], WITH_LOSS
    for name in [one for one in control + _names(cluster, WORKER) if one in {node.name for node in cluster.nodes if node.joined}]:
        yield 'drain, move kubelet and kubectl, take it back', [name], 'the pods of this node; %s while it is at most three minors behind' % REVERSIBLE


def _is_moved(cluster):
    return bool(cluster.running and cluster.version and numbers.numbers(cluster.running[0]) < numbers.numbers(cluster.version))


def steps(cluster, start, wave):
    """Steps from a number and a wave on."""
    # a kubelet is never newer than its API server: what joins comes after what moves
    rows = (list(_moved(cluster)) if _is_moved(cluster) else []) + list(_made(cluster))
    rows += [('verify', sorted(cluster.names), None)] if rows else []
    return [{'n': start + at, 'wave': wave + at, 'what': 'cluster %s: %s' % (cluster.name, what), 'targets': targets, 'needs': [start + at - 1] if at else [],
             'costs': costs} for at, (what, targets, costs) in enumerate(rows)]
