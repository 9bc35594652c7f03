# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps cards of pools from the pods of a cluster."""

from __future__ import annotations

import re

from .._compat.register import Objection, rule
from .._compat.text import listed, safe
from .._parse.cluster_nodes import others
from . import cards

_NAMESPACE = re.compile(r'[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?')
_POOL = re.compile(r'[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?')
# namespaces that are there before any tenant
_TAKEN = re.compile(r'(kube-.*|default|ai-stack-(accelerators|canary))')
# where Kueue is: it neither holds pods there nor counts them
_KUEUES = 'kueue-system'
_METHODS = {None: 'none', 'time_slicing': 'time slicing', 'mps': 'MPS'}


def _taken(cluster, name):
    return bool(_TAKEN.fullmatch(name)) or (name == _KUEUES and bool(cluster.row.get('kueue')))


@rule('K8S-G17', 'cluster')
def cards_are_on_nodes(cluster):
    """Who asks for a card finds it on a node, and by one name."""
    takers = {}
    for pool in cluster.pools:
        strangers = [host for host in pool.hosts if host not in {one.name for one in cluster.everyone}]
        if strangers:
            yield Objection('pool %s gives its cards to cluster %s, and these hosts are no nodes of it: %s' % (
                safe(pool.name), safe(cluster.name), listed(strangers)), 'hosts of its group nodes', pool.path('hosts'))
        if not _POOL.fullmatch(pool.name):
            yield Objection('pool %s gives its name to labels and to what runs on its nodes, and no cluster takes it' % safe(pool.name),
                            'at most 40 of lower case, digits and hyphens', pool.path('name'))
        for host in pool.hosts:
            takers.setdefault(host, []).append(pool)
        bad = [tenant for tenant in pool.tenants if not _NAMESPACE.fullmatch(tenant) or _taken(cluster, tenant)]
        if bad:
            yield Objection('tenants of pool %s get namespaces of their names, and none can be called %s' % (safe(pool.name), listed(bad)),
                            'lower case, digits and hyphens, and no name of the cluster itself', pool.path('tenants'))
        for host, loose in sorted(pool.loose.items()):
            yield Objection('a device plugin hands out all cards of its vendor that the host drives, and these are not in pool %s or not in service: %s' % (
                safe(pool.name), listed(loose)), 'all of them in the pool, or the host in ai_stack_states', pool.path('select'), None, host)
    for host, named in sorted(takers.items()):
        if len(named) > 1:
            yield Objection('pools %s of cluster %s share the cards of this host: pods cannot tell whose card they ask for' % (
                listed(pool.name for pool in named), safe(cluster.name)), 'one pool for each node', named[-1].path('hosts'), None, host)


@rule('K8S-G9', 'cluster')
def cards_have_a_plugin(cluster):
    """A device plugin runs on nodes with cards of its vendor alone."""
    way, what = ('dra', 'DRA driver') if cluster.by_claims else ('device_plugin', 'device plugin')
    for pool in cluster.pools:
        if len(pool.vendors) > 1:
            yield Objection('pool %s has cards of several vendors, and each %s serves one' % (safe(pool.name), what), 'a pool for each', pool.path('hosts'))
        unknown = [vendor for vendor in pool.vendors if not cards.rows_of(cluster.index, vendor, way)]
        if unknown:
            yield Objection('no table knows a %s for the cards of pool %s (vendor %s)' % (what, safe(pool.name), listed(unknown)),
                            'a row of kubernetes_plugins in ai_stack_extra_tables', pool.path('cluster'))
        mine = {row['version'] for vendor in pool.vendors for row in cards.rows_of(cluster.index, vendor, 'device_plugin')}
        wanted = cluster.row.get('device_plugin')
        if wanted and not cluster.by_claims and mine and wanted not in mine:
            yield Objection('no table knows release %s of the device plugin for pool %s' % (safe(wanted), safe(pool.name)), 'one of: %s' % listed(sorted(mine)),
                            cluster.path('device_plugin'))
        if pool.method and pool.plugin and not pool.plugin['shared'] and not cluster.by_claims:
            yield Objection('%s %s has pods share no card, and pool %s wants it' % (pool.plugin['plugin'], pool.plugin['version'], safe(pool.name)),
                            'no sharing', pool.path('sharing'))


@rule('K8S-G2', 'cluster')
def cards_are_shared_by_one_method(cluster):
    """A device plugin shares all cards of its node in one way."""
    methods = {}
    for pool in cluster.pools:
        if pool.method and pool.use == 'mig':
            why = 'MPS does not go with MIG' if pool.method == 'mps' else 'that is a second way'
            yield Objection('pool %s shares its cards by MIG, and by %s too: %s' % (safe(pool.name), _METHODS.get(pool.method), why),
                            'a layout, or sharing with use: host', pool.path('sharing'))
        for host in pool.hosts:
            methods.setdefault(host, {}).setdefault(pool.method, pool)
    for host, named in sorted(methods.items()):
        if len(named) > 1:
            said = sorted('%s %s' % (safe(pool.name), _METHODS.get(method)) for method, pool in named.items())
            yield Objection('a node shares its cards by one method, and the pools of this one say several: %s' % listed(said), 'one pool for each node',
                            list(named.values())[-1].path('sharing'), None, host)


@rule('K8S-G19', 'cluster')
def sharing_stays_in_one_tenant(cluster):
    """Pods that share a card see each other's memory, and one that crashes can take the others with it."""
    for pool in cluster.pools:
        if pool.method and len(pool.tenants) != 1:
            has = 'has tenants %s' % listed(sorted(pool.tenants)) if pool.tenants else 'has no tenant'
            yield Objection('pool %s has pods share a card by %s, which isolates none of them, and it %s' % (safe(pool.name), _METHODS.get(pool.method), has),
                            'one tenant, or a pool for each', pool.path('tenants'))


@rule('K8S-G8', 'cluster')
def plugin_is_a_good_one(cluster):
    """Some releases do what no site wants."""
    for pool in cluster.pools:
        if pool.plugin and pool.plugin['refused']:
            good = sorted(row['version'] for row in cards.rows_of(cluster.index, pool.plugin['vendor'], pool.plugin['way']) if not row['refused'])
            yield Objection('%s %s of cluster %s %s' % (pool.plugin['plugin'], pool.plugin['version'], safe(cluster.name), pool.plugin['refused']),
                            'one of: %s' % listed(good), cluster.path('device_plugin'), pool.plugin['source'])
            return


def _too_much(pool):
    """(words, nearest) of every promise of a pool that nobody can keep."""
    for tenant in pool.tenants:
        if pool.may(tenant) > pool.total:
            yield '%s may hold %d' % (safe(tenant), pool.may(tenant)), 'max %d' % pool.total
    if pool.cluster.row.get('kueue'):
        # who lends a card gets it back
        kept = sum(pool.kept(tenant) for tenant in pool.tenants)
        if kept > pool.total:
            yield '%d are guaranteed' % kept, 'guarantees of %d together' % pool.total
        return
    for tenant in pool.tenants:
        left = pool.total - sum(pool.may(other) for other in pool.tenants if other != tenant)
        if pool.kept(tenant) > left:
            yield ('%d are guaranteed to %s, and the others may hold all but %d' % (pool.tenants[tenant]['guaranteed'], safe(tenant), max(left, 0)),
                   'lower max of the others, as a quota keeps nothing free, or kueue in the row of the cluster')


@rule('K8S-A11', 'cluster')
def quotas_can_be_kept(cluster):
    """A quota promises no more than there is."""
    for pool in cluster.pools:
        for words, nearest in _too_much(pool) if not pool.unseen else ():
            yield Objection('pool %s of cluster %s has %d cards, and %s' % (safe(pool.name), safe(cluster.name), pool.total, words), nearest,
                            pool.path('tenants'))


@rule('K8S-G18', 'cluster')
def quotas_tell_pools_apart(cluster):
    """A quota counts by name and sees no pool: of cards of one name it holds the sum of what the pools give."""
    rows = cards.alike(cluster) if not any(pool.unseen for pool in cluster.pools) else {}
    said = set()
    for (tenant, name), given in rows.items():
        together = sum(most for dummy, most, dummy in given)
        for pool, most, there in given:
            if min(together, there) > most and (tenant, pool.name) not in said:
                said.add((tenant, pool.name))
                others = listed(sorted(one.name for one, dummy, dummy in given if one is not pool))
                yield Objection('tenant %s may hold %d %s of pool %s and could hold %d: quotas count by name alone, and it has cards of this name of %s too' % (
                    safe(tenant), most, name, safe(pool.name), min(together, there), others),
                    'no max for it in any of them, one pool of this name for it, or cards of another name (use: mig, sharing)', pool.path('tenants'))


@rule('K8S-G20', 'node')
def cards_in_use_keep_their_names(node):
    """Whoever holds a whole card shares it all at once where its plugin begins to share, or gets it beside somebody else where another way hands it out; what
    the node can still give says nothing of that. What cuts cards up is K8S-G3's."""
    planned, told, held = cards.on_nodes(node.cluster).get(node.name) or {}, node.cluster.told_of(node.name), node.cluster.held
    if not planned or any(row['resource'].startswith('mig:') for row in node.host.changes):
        return
    names = others((held or {}).get(node.name) or (), planned)
    there = told.get('cards', {})
    # a node without a pool of ours never had any
    if held is None and told.get('pool') and (there is None or others(there, planned)):
        yield Objection('pods would ask for its cards as %s, and nobody tells which pods hold them by other names' % listed(sorted(planned)),
                        'an API that answers', 'ai_stack_pools', None, node.name)
    elif names:
        pods = sorted({pod for name in names for pod in held[node.name][name]})
        yield Objection('pods would ask for its cards as %s, and not as %s any more, while these hold them: %s' % (
            listed(sorted(planned)), listed(names), listed(pods)), 'kubectl drain %s, and deploy then' % node.name, 'ai_stack_pools', None, node.name)


@rule('K8S-G3', 'node')
def cards_that_are_in_use_are_not_cut_up(node):
    """A change of the layout takes the card from under a pod that holds it."""
    changes = sorted(row['resource'] for row in node.host.changes if row['resource'].startswith('mig:'))
    if not changes or not node.joined:
        return
    holders = node.cluster.holders
    if holders is None:
        yield Objection('the layout of its cards would change (%s), and nobody tells which pods hold them' % listed(changes),
                        'an API that answers', 'ai_stack_pools', None, node.name)
    elif holders.get(node.name):
        yield Objection('the layout of its cards would change (%s), and pods hold them: %s' % (listed(changes), listed(holders[node.name])),
                        'kubectl drain %s, and deploy then' % node.name, 'ai_stack_pools', None, node.name)
