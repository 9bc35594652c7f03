# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters of a site: versions, hosts, order, and every conflict."""

from __future__ import annotations

from .._compat.register import of
from . import (
    cards,
    gpu_operator,
    members,
    order,
    proof,
    queues,
    rules_cards,
    rules_claims,
    rules_control,
    rules_node,
    rules_operator,
    rules_queues,
    rules_version,
)
from .cluster import Cluster
from .node import CARDS, CONTROL, SERVER, WORKER

RULES = (proof, rules_cards, rules_claims, rules_control, rules_node, rules_operator, rules_queues, rules_version)


def of_site(site, seen=None):
    """Decide all clusters of a site. seen: {name: what is known of the cluster itself}."""
    made = [Cluster(site, at, row, (seen or {}).get(row['name'])) for at, row in enumerate(site.intent.get('ai_stack_clusters') or ())]
    for one in made:
        one.others = [other for other in made if other is not one]
        one.refused = _judge(site, one)
    return made


def _judge(site, cluster):
    """Every rule about a cluster and its hosts; whether something stands in the way."""
    found = [site.say(cluster.waived, identity, one) for identity, function in of('cluster', site.index.enforced) for one in function(cluster)]
    # one that is out of service gets nothing, so only what it counts for is asked
    for node in cluster.nodes + [one for one in cluster.out if one.part == CONTROL and not one.host.known]:
        waived = site.waivers.for_cluster(cluster.name, node.name, node.host.groups)
        found += [site.say(waived, identity, one, node.name) for identity, function in of('node', site.index.enforced) for one in function(node)]
    return any(found)


def _row(index, subject, value, because, identity=None):
    return {'subject': subject, 'value': value, 'because': because, 'rule': identity, 'source': index.source(identity) if identity else None}


def _versions(cluster):
    """What its minor and the site say of what it is made of."""
    row = cluster.row_of_minor
    yield _row(cluster.index, 'kubernetes', cluster.version, cluster.because, 'K8S-V18')
    yield _row(cluster.index, 'containerd', *cluster.runtime, 'K8S-V6')
    if row['pause']:
        image = '%s/pause:%s' % (cluster.row.get('images') or members.REGISTRY, row['pause'])
        yield _row(cluster.index, 'sandbox', image, 'what kubeadm of %s brings holds the namespaces of pods' % cluster.minor)
    for part in ('etcd', 'coredns', 'pause'):
        tags = row[part] if isinstance(row[part], list) else [row[part]] if row[part] else []
        yield _row(cluster.index, part, tags[-1] if tags else None, 'what kubeadm of %s brings' % cluster.minor)


def _handed_out(cluster):
    """What the pools that name it say of cards."""
    if cluster.pools or cluster.handed:
        yield _row(cluster.index, 'pools', cards.served(cluster), 'the pools that name this cluster', 'K8S-G17')
        yield _row(cluster.index, 'cards', cards.on_nodes(cluster), 'what their nodes have, by the names by which pods ask', 'K8S-U3')
        yield _row(cluster.index, 'quotas', cards.quotas(cluster), 'what the pools say of tenants', 'K8S-A11')
    if cluster.pools and cluster.queues:
        because = 'Kueue %s is there: who cannot have a card now waits for it' % cluster.queues['branch']
        yield _row(cluster.index, 'queues', queues.shared(cluster), because, 'K8S-V13')
    if cluster.pools and cluster.by_claims:
        yield _row(cluster.index, 'allocation', 'dra', 'the site has pods get cards by claims, of the class of the pool', 'K8S-G1')
    if cluster.operator:
        release = gpu_operator.decided(cluster.operator, cards.served(cluster))
        yield _row(cluster.index, 'operator', release, 'the site has it bring what hands out cards', 'K8S-V11a')
    shared = {pool.name: 'none' for pool in cluster.pools if pool.method}
    if shared:
        yield _row(cluster.index, 'isolation', shared, 'pods share their cards, and see and break each other there', 'K8S-G19')


def decisions(cluster):
    """What is decided for a cluster as a whole."""
    yield from _versions(cluster)
    for key, value in sorted(cluster.networks.items()):
        yield _row(cluster.index, key, value, 'the site says it' if cluster.row.get(key) else 'the default', 'K8S-N19' if key in ('pods', 'services') else None)
    for part in (CONTROL, WORKER):
        yield _row(cluster.index, part, sorted(one.name for one in cluster.nodes if one.part == part), 'the hosts of its group that are in service')
    yield from _handed_out(cluster)
    if cluster.out:
        yield _row(cluster.index, 'left_out', sorted(one.name for one in cluster.out), 'ai_stack_states takes them out of service')


def _change(role, resource, before, after, drain):
    return {'role': role, 'resource': resource, 'before': before, 'after': after, 'reboot': False, 'drain': drain, 'irreversible': False}


def changes(cluster):
    """What differs, part by part: {resource: PART:HOST, before, after}."""
    for node in cluster.nodes:
        # of a lost machine the API still tells, and a fresh one took its place
        kubelet = node.kubelet if node.joined is False else cluster.kubelets.get(node.name)
        rows = [('container_runtime', 'containerd', node.installed('containerd'), cluster.runtime[0]), ('kubernetes', 'kubelet', kubelet, cluster.version)]
        if node.part == CONTROL:
            rows.append(('kubernetes', SERVER, cluster.servers.get(node.name), cluster.version))
        for role, part, before, after in rows:
            if before != after:
                yield _change(role, '%s:%s' % (part, node.name), before, after, bool(node.joined and part != SERVER))
    # the API tells of them, so each of its control planes does
    for control in (one for one in cluster.nodes if one.part == CONTROL):
        for name, there, planned in cards.differing(cluster, fresh=control.joined is False and control.told is None):
            yield _change('kubernetes_accelerators', CARDS % (name, control.name), there, planned, False)


def resources(clusters):
    """Clusters of which nothing stands in the way."""
    return [{'kind': 'cluster', 'id': one.name, 'decisions': list(decisions(one)), 'changes': list(changes(one))} for one in clusters if not one.refused]


def steps(clusters, before):
    """The steps of the clusters, after those that are there."""
    found = list(before)
    for cluster in clusters:
        wave = max((step['wave'] for step in found), default=0) + 1
        found += order.steps(cluster, len(found) + 1, wave) if not cluster.refused else []
    return found
