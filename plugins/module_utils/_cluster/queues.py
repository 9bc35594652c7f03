# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pools and tenants of a cluster as Kueue knows them, so that who cannot have a card now waits for it; source: its API v1beta2, and the rule K8S-A11.

Each pool is a flavor, each tenant has a queue. What a pool guarantees to a tenant is the queue's own, and lent to others while nobody wants it; what it
guarantees to nobody is the cohort's, of which each may take up to its max. Together that is each card once: no promise is made twice.
"""

from __future__ import annotations

from .._parse.cluster_nodes import POOL, QUEUE, QUEUED, TENANT
from .._parse.cluster_queues import API, written
from .named import meta

# what the names of flavors and queues begin with; alone it is the flavor of what is no card
PREFIX = 'ai-stack'
# a job waits as a whole, and one that asks for what a queue does not know waits for ever: of this there is as much as anybody can want
BESIDES = {'cpu': '1M', 'memory': '1Pi', 'ephemeral-storage': '1Pi', 'hugepages-2Mi': '1Pi', 'hugepages-1Gi': '1Pi'}
# by these the API server knows a pod that Kueue lets wait, and one of a job that it let go
GATE, RELEASED = 'kueue.x-k8s.io/admission', 'kueue.x-k8s.io/local-queue-name'
SAYS = 'kueue.x-k8s.io/queue-name'


def name_of(what):
    """Of the flavor of a pool, and of the queue of a tenant."""
    return '%s-%s' % (PREFIX, what)


def shared(cluster):
    """{pool: {free: {name: how many are guaranteed to nobody}, tenants: {tenant: {name: [how many are guaranteed, how many more it may hold]}}}}"""
    return {pool.name: _of_pool(pool) for pool in cluster.pools if pool.names}


def _of_pool(pool):
    kept = {tenant: pool.kept(tenant) for tenant in pool.tenants}
    free = pool.total - sum(kept.values())
    return {'free': {name: count * free for name, count in sorted(pool.names.items())},
            'tenants': {tenant: {name: [count * own, count * (pool.may(tenant) - own)] for name, count in sorted(pool.names.items())}
                        for tenant, own in sorted(kept.items())}}


def planned(pools):
    """{queue: {active, cards: {flavor: {name: [own, borrowed]}}}} as _parse.cluster_queues tells what is there; pools: of shared()"""
    found = {}
    for pool, row in sorted(pools.items()):
        for tenant, cards in row['tenants'].items():
            found.setdefault(name_of(tenant), {'active': True, 'cards': {}})['cards'][name_of(pool)] = cards
    return found


def tenants(pools):
    return sorted({tenant for row in pools.values() for tenant in row['tenants']})


def _made(kind, name, spec=None, namespace=None):
    return dict({'apiVersion': API, 'kind': kind, 'metadata': meta(name, namespace)}, **({'spec': spec} if spec else {}))


def _group(quotas):
    """One group of all flavors, as no name may be in two: a flavor says of each name how many it has, or none. quotas: {flavor: {name: {key: count}}}"""
    names = sorted({name for row in quotas.values() for name in row})
    nothing = {key: 0 for row in quotas.values() for one in row.values() for key in one}
    flavors = [{'name': flavor, 'resources': [dict({'name': name}, **{key: written(count) for key, count in (row.get(name) or nothing).items()})
                                              for name in names]} for flavor, row in sorted(quotas.items())]
    return {'coveredResources': names, 'flavors': flavors}


def _besides():
    resources = [{'name': name, 'nominalQuota': most} for name, most in BESIDES.items()]
    return {'coveredResources': list(BESIDES), 'flavors': [{'name': PREFIX, 'resources': resources}]}


def flavor(pool):
    return _made('ResourceFlavor', name_of(pool), {'nodeLabels': {POOL: pool}})


def cohort(pools):
    """What is guaranteed to nobody."""
    free = {name_of(pool): {name: {'nominalQuota': count} for name, count in row['free'].items()} for pool, row in pools.items()}
    return _made('Cohort', QUEUED, {'resourceGroups': [_group(free)]})


def queue(tenant, pools):
    """What was lent comes back when its owner wants it; of several pools its own cards go before borrowed ones."""
    cards = {name_of(pool): {name: {'nominalQuota': own, 'borrowingLimit': more} for name, (own, more) in row['tenants'][tenant].items()}
             for pool, row in pools.items() if tenant in row['tenants']}
    return _made('ClusterQueue', name_of(tenant), {
        'cohortName': QUEUED, 'namespaceSelector': {'matchLabels': {TENANT: tenant}}, 'resourceGroups': [_group(cards), _besides()],
        'preemption': {'reclaimWithinCohort': 'Any'}, 'flavorFungibility': {'whenCanBorrow': 'TryNextFlavor'}})


def documents(pools):
    """In the order in which they are made, after the namespaces of tenants. pools: of shared()"""
    if not pools:
        return []
    mine = tenants(pools)
    return ([_made('ResourceFlavor', PREFIX)] + [flavor(pool) for pool in sorted(pools)] + [cohort(pools)] + [queue(tenant, pools) for tenant in mine]
            + [_made('LocalQueue', QUEUED, {'clusterQueue': name_of(tenant)}, tenant) for tenant in mine])


def passed(labels):
    """(expression, message) of a rule for the API server: in the namespace of a queue cards are for what went through it. labels: expression for those of
    a namespace."""
    waits = "has(object.spec.schedulingGates) && object.spec.schedulingGates.exists(g, g.name == '%s')" % GATE
    released = "has(object.metadata.labels) && '%s' in object.metadata.labels" % RELEASED
    return ("!('%s' in %s) || (%s) || (%s)" % (QUEUE, labels, waits, released),
            'cards of this namespace are waited for in a queue: the label %s: %s on the job, or on a pod of its own, asks it' % (SAYS, QUEUED))
