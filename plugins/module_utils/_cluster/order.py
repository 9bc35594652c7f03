# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which a cluster is made, or moved to its next minor; what each step costs, and whether there is a way back from it.

A step yields (what, targets, costs); a gate changes nothing. Each needs the one before it: a cluster is one thing.
"""

from __future__ import annotations

from . import cards
from .node import CONTROL, WORKER

REVERSIBLE, WITH_LOSS = 'reversible', 'back by the etcd set alone, which loses what was written since'


def _made(cluster):
    """From nothing, or for hosts that have joined no cluster."""
    fresh = {part: sorted(one.name for one in cluster.nodes if one.part == part and not one.joined) for part in (CONTROL, WORKER)}
    everyone, there = fresh[CONTROL] + fresh[WORKER], sorted(cluster.servers)
    first = fresh[CONTROL][:1] if not there else []
    if everyone:
        yield 'install the container runtime and tell it its settings', everyone, 'restart of containerd, %s' % REVERSIBLE
        yield 'install, pin and hold kubeadm, kubelet and kubectl', everyone, REVERSIBLE
    if first:
        yield 'make the first control plane', first, '%s: a reset' % REVERSIBLE
    there += first
    for name in fresh[CONTROL][len(first):]:
        yield 'gate: every member of etcd answers', list(there), None
        yield 'join as a control plane', [name], '%s: a removal' % REVERSIBLE
        there.append(name)
    if fresh[WORKER]:
        yield 'join as nodes', fresh[WORKER], '%s: a removal' % REVERSIBLE


def _moved(cluster):
    """To the next minor; a patch of the same minor moves in the same way. What an earlier run moved stays as it is."""
    members, behind = sorted(cluster.servers), cluster.behind
    if behind:
        yield 'gate: every node is ready, every member of etcd answers and reaches its floor', members, None
        yield 'take the etcd set, with PKI and encryption configuration, and bring it off the node', behind[:1], None
    for at, name in enumerate(behind):
        first = at == 0 and len(behind) == len(members)
        if at:
            yield 'gate: every member of etcd answers', members, None
        yield 'move the %s control plane from %s to %s' % ('first' if first else 'next', cluster.servers[name], cluster.version), [name], WITH_LOSS
    if behind:
        yield 'gate: every API server runs %s' % cluster.version, members, None
    for node in cluster.nodes:
        yield from _of_node(cluster, node)


def _of_node(cluster, node):
    """What a node that has joined gets, with one drain."""
    kubelet, runtime = cluster.kubelets.get(node.name), node.installed('containerd')
    moves = ['kubelet and kubectl'] if kubelet and kubelet != cluster.version else []
    moves += ['containerd'] if runtime and runtime != cluster.runtime[0] else []
    if node.joined and moves:
        yield 'drain, move %s, take it back' % ' and '.join(moves), [node.name], \
            'the pods of this node; %s while it is at most three minors behind' % REVERSIBLE


def _handed_out(cluster):
    """Cards that pods cannot have yet, or not as they were planned."""
    hosts = [name for name, dummy, dummy in cards.differing(cluster)]
    if hosts:
        yield 'hand out the cards of pools, with quotas for tenants', hosts, REVERSIBLE


def steps(cluster, start, wave):
    """Steps from a number and a wave on."""
    # a kubelet is never newer than its API server: what joins comes after what moves
    rows = list(_moved(cluster)) + list(_made(cluster)) + list(_handed_out(cluster))
    rows += [('verify', sorted(cluster.names), None)] if rows else []
    return [{'n': start + at, 'wave': wave + at, 'what': 'cluster %s: %s' % (cluster.name, what), 'targets': targets, 'needs': [start + at - 1] if at else [],
             'costs': costs} for at, (what, targets, costs) in enumerate(rows)]
