# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps cards of pools from the pods of a cluster."""

from __future__ import annotations

import re

from .._compat.register import Objection, rule
from .._compat.text import listed, safe

_NAMESPACE = re.compile(r'[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?')
_POOL = re.compile(r'[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?')
# namespaces that are there before any tenant
_TAKEN = re.compile(r'(kube-.*|default|ai-stack-accelerators)')


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
        bad = [tenant for tenant in pool.tenants if not _NAMESPACE.fullmatch(tenant) or _TAKEN.fullmatch(tenant)]
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
    for pool in cluster.pools:
        if len(pool.vendors) > 1:
            yield Objection('pool %s has cards of several vendors, and each device plugin serves one' % safe(pool.name), 'a pool for each', pool.path('hosts'))
        unknown = [vendor for vendor in pool.vendors if vendor not in cluster.index.plugins]
        if unknown:
            yield Objection('no table knows a device plugin for the cards of pool %s (vendor %s)' % (safe(pool.name), listed(unknown)),
                            'a row of kubernetes_plugins in ai_stack_extra_tables', pool.path('cluster'))
        mine = {row['version'] for vendor in pool.vendors for row in cluster.index.plugins.get(vendor, ())}
        wanted = cluster.row.get('device_plugin')
        if wanted and mine and wanted not in mine:
            yield Objection('no table knows release %s of the device plugin for pool %s' % (safe(wanted), safe(pool.name)), 'one of: %s' % listed(sorted(mine)),
                            cluster.path('device_plugin'))


@rule('K8S-G8', 'cluster')
def plugin_is_a_good_one(cluster):
    """Some releases do what no site wants."""
    for pool in cluster.pools:
        if pool.plugin and pool.plugin['refused']:
            good = sorted(row['version'] for row in cluster.index.plugins[pool.plugin['vendor']] if not row['refused'])
            yield Objection('%s %s of cluster %s %s' % (pool.plugin['plugin'], pool.plugin['version'], safe(cluster.name), pool.plugin['refused']),
                            'one of: %s' % listed(good), cluster.path('device_plugin'), pool.plugin['source'])
            return


def _too_much(pool):
    """(words, nearest) of every promise of a pool that nobody can keep."""
    most = {tenant: pool.may(tenant) for tenant in pool.tenants}
    for tenant, count in most.items():
        if count > pool.total:
            yield '%s may hold %d' % (safe(tenant), count), 'max %d' % pool.total
        kept = pool.tenants[tenant].get('guaranteed') or 0
        left = pool.total - sum(one for other, one in most.items() if other != tenant)
        if min(kept, count) > left:
            yield ('%d are guaranteed to %s, and the others may hold all but %d' % (kept, safe(tenant), max(left, 0)),
                   'lower max of the others: a quota keeps nothing free')


@rule('K8S-A11', 'cluster')
def quotas_can_be_kept(cluster):
    """A quota promises no more than there is."""
    for pool in cluster.pools:
        for words, nearest in _too_much(pool) if not pool.unseen else ():
            yield Objection('pool %s of cluster %s has %d cards, and %s' % (safe(pool.name), safe(cluster.name), pool.total, words), nearest,
                            pool.path('tenants'))


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
