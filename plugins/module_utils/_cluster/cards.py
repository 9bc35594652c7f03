# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cards of pools that a cluster gets: by which names pods ask for them, how many a node has, and how many a tenant may hold.

A name stands for a whole card (pool with `use: host`), or for each instance of a MIG profile (`use: mig`): the names of the vendor's device plugin.
"""

from __future__ import annotations

from . import numbers

USES = ('host', 'mig')


def slice_name(plugin, profile):
    """The name of a MIG profile: what an attribute adds stands behind a dot (1g.10gb+me is mig-1g.10gb.me)."""
    return plugin['slices'] + profile.replace('+', '.')


def names_of(plugin, pool):
    """{name by which pods ask: how many of them a card of the pool has}"""
    if pool['use'] == 'host':
        return {plugin['resource']: 1}
    return {slice_name(plugin, profile): count for profile, count in sorted((pool.get('layout') or {}).items())}


class Pool:
    """A row of ai_stack_pools whose cards a cluster gets."""

    def __init__(self, cluster, at, row):
        self.cluster, self.site, self.at, self.row, self.name, self.use = cluster, cluster.site, at, row, str(row['name']), row['use']
        self.hosts = sorted(self.site.claims.members(row))
        mine = [self.site.hosts[host] for host in self.hosts]
        self.cards = {host.name: [card for card in host.cards if card['pool'] == row['name'] and card['status'] == 'ok'] for host in mine if not host.out}
        # what a host that nobody saw has, nobody knows
        self.unseen = [host.name for host in mine if not host.known]
        self.tenants = {str(name): one or {} for name, one in sorted((row.get('tenants') or {}).items())}

    def path(self, key):
        return 'ai_stack_pools[%d].%s' % (self.at, key)

    @property
    def vendors(self):
        return sorted({card['vendor'] for cards in self.cards.values() for card in cards})

    @property
    def loose(self):
        """{host: [addresses]} of cards that its plugin would hand out too: of its vendors, driven by the host, and not its own. One that fell off the bus, or
        that another program was given, no plugin finds."""
        found = {}
        for host in self.hosts:
            here = self.site.hosts[host]
            mine = {card['address'] for card in self.cards.get(host, ())}
            rest = [card['address'] for card in here.cards if card['vendor'] in self.vendors and card['address'] not in mine and card['use'] != 'passthrough'
                    and card['status'] != 'dead']
            if mine and rest:
                found[host] = rest
        return found

    @property
    def total(self):
        """How many cards it has."""
        return sum(len(cards) for cards in self.cards.values())

    @property
    def plugin(self):
        """The row of the device plugin of its cards; None: no table knows one, or it has cards of several vendors, or none at all."""
        return self.cluster.plugin(self.vendors[0]) if len(self.vendors) == 1 else None

    def may(self, tenant):
        """How many cards a tenant may hold today: all where the pool does not say, none once its time is over."""
        row = self.tenants[tenant]
        if row.get('until') is not None and str(row['until']) < self.site.today:
            return 0
        return self.total if row.get('max') is None else row['max']


def pools(cluster):
    """The pools of a cluster, in their order."""
    rows = enumerate(cluster.site.intent.get('ai_stack_pools') or ())
    return [Pool(cluster, at, row) for at, row in rows if row.get('cluster') == cluster.name and row['use'] in USES]


def plugin_of(index, vendor, wanted):
    """The row of a vendor's device plugin: of the release that the site names, else the newest that a site may run; None: no table has one."""
    rows = [row for row in index.plugins.get(vendor, ()) if (row['version'] == wanted if wanted else not row['refused'])]
    return max(rows, key=lambda row: numbers.numbers(row['version']), default=None)


def on_nodes(cluster):
    """{host: {name: how many}} of every node with cards."""
    found = {}
    for pool in cluster.pools:
        for host, cards in pool.cards.items():
            if pool.plugin and cards:
                found[host] = {name: count * len(cards) for name, count in names_of(pool.plugin, pool.row).items()}
    return found


def differing(cluster, fresh=False):
    """(host, what pods can have, what they are to have) where that is not the same; None: nothing. fresh: told by one that has no cluster yet."""
    planned = on_nodes(cluster)
    for name in sorted({*planned, *cluster.handed}):
        there, wanted = None if fresh else cluster.told_of(name).get('cards') or None, planned.get(name)
        if there != wanted:
            yield name, there, wanted


def quotas(cluster):
    """{tenant: {name: at most how many}}: of each name that the cluster has, none where no pool gives any of it."""
    served = [pool for pool in cluster.pools if pool.plugin]
    every = sorted({name for pool in served for name in names_of(pool.plugin, pool.row)})
    found = {tenant: dict.fromkeys(every, 0) for pool in served for tenant in pool.tenants}
    for pool in served:
        for tenant in pool.tenants:
            for name, count in names_of(pool.plugin, pool.row).items():
                found[tenant][name] += count * pool.may(tenant)
    return found


def served(cluster):
    """{pool: {hosts, names, image, mig, tenants}} as what is made in the cluster needs it."""
    return {pool.name: {'hosts': sorted(host for host, cards in pool.cards.items() if cards), 'names': sorted(names_of(pool.plugin, pool.row)),
                        'image': '%s:%s' % (pool.plugin['image'], pool.plugin['tag']), 'plugin': pool.plugin['plugin'], 'mig': pool.use == 'mig',
                        'tenants': sorted(pool.tenants)}
            for pool in cluster.pools if pool.plugin}
