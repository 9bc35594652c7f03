# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cards of pools that a cluster gets: by which names pods ask for them, how many a node has, and how many a tenant may hold.

A name stands for a whole card (pool with `use: host`), for a share of one (the same with `sharing`), or for each instance of a MIG profile (`use: mig`): the
names of the vendor's device plugin. No name stands for both a card and a share, so that quotas count them apart.
"""

from __future__ import annotations

from . import claims, numbers

USES = ('host', 'mig')


def slice_name(plugin, profile):
    """The name of a MIG profile: what an attribute adds stands behind a dot (1g.10gb+me is mig-1g.10gb.me)."""
    return plugin['slices'] + profile.replace('+', '.')


def shares_of(pool):
    """How many pods get a card of the pool at a time; None: each has it alone."""
    return (pool.get('sharing') or {}).get('replicas')


def names_of(plugin, pool):
    """{name by which pods ask: how many of them a card of the pool has}"""
    if pool['use'] == 'host' or not plugin['slices']:
        shares = shares_of(pool) if plugin['shared'] else None
        return {plugin['resource'] + plugin['shared']: shares} if shares else {plugin['resource']: 1}
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

    @property
    def method(self):
        """By which pods share a card of it; None: by none."""
        return (self.row.get('sharing') or {}).get('method')

    @property
    def names(self):
        """{name by which pods ask: how many of them a card has}; empty where no table knows its plugin."""
        return names_of(self.plugin, self.row) if self.plugin else {}

    @property
    def asked(self):
        """{name by which pods ask: how many of them a card has}: of what nodes have, or the class of claims."""
        return {claims.class_of(self.name): 1} if self.names and self.cluster.by_claims else self.names

    @property
    def users(self):
        """Tenants that may use it today."""
        return [name for name, row in self.tenants.items() if row.get('max') != 0 and not self._over(row)]

    def _over(self, row):
        return row.get('until') is not None and str(row['until']) < self.site.today

    def may(self, tenant):
        """How many cards a tenant may hold today: all where the pool does not say, none once its time is over."""
        row = self.tenants[tenant]
        if self._over(row):
            return 0
        return self.total if row.get('max') is None else row['max']

    def kept(self, tenant):
        """How many cards are guaranteed to a tenant today."""
        return min(self.tenants[tenant].get('guaranteed') or 0, self.may(tenant))


def pools(cluster):
    """The pools of a cluster, in their order."""
    rows = enumerate(cluster.site.intent.get('ai_stack_pools') or ())
    return [Pool(cluster, at, row) for at, row in rows if row.get('cluster') == cluster.name and row['use'] in USES]


def rows_of(index, vendor, way):
    """What hands out cards of a vendor in that way: device_plugin or dra."""
    return [row for row in index.plugins.get(vendor, ()) if row['way'] == way]


def plugin_of(index, vendor, wanted, way):
    """The row of what hands out cards of a vendor: of the release that the site names, else the newest that a site may run; None: no table has one."""
    rows = [row for row in rows_of(index, vendor, way) if (row['version'] == wanted if wanted else not row['refused'])]
    return max(rows, key=lambda row: numbers.numbers(row['version']), default=None)


def on_nodes(cluster):
    """{host: {name: how many}} of every node with cards."""
    found = {}
    for pool in cluster.pools:
        for host, cards in pool.cards.items():
            if pool.plugin and cards:
                found[host] = {name: count * len(cards) for name, count in pool.names.items()}
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
    every = sorted({name for pool in served for name in pool.asked})
    found = {tenant: dict.fromkeys(every, 0) for pool in served for tenant in pool.tenants}
    for pool in served:
        for tenant in pool.tenants:
            for name, count in pool.asked.items():
                found[tenant][name] += count * pool.may(tenant)
    return found


def alike(cluster):
    """{(tenant, name): [(pool, how many of it the tenant may hold, how many there are)]} where a tenant gets one name from several pools."""
    found = {}
    for pool in cluster.pools:
        for tenant in pool.users:
            for name, count in pool.asked.items():
                found.setdefault((tenant, name), []).append((pool, count * pool.may(tenant), count * pool.total))
    return {key: rows for key, rows in sorted(found.items()) if len(rows) > 1}


def served(cluster):
    """{pool: {hosts, at, names, image, mig, tenants, sharing, claims}} as what is made in the cluster needs it; at: {host: addresses of its cards}; names: by
    which pods ask; claims: only where they ask by claims"""
    return {pool.name: {'hosts': sorted(host for host, cards in pool.cards.items() if cards), 'names': sorted(pool.asked),
                        'at': {host: sorted(card['address'] for card in cards) for host, cards in sorted(pool.cards.items()) if cards},
                        'image': '%s:%s' % (pool.plugin['image'], pool.plugin['tag']), 'plugin': pool.plugin['plugin'], 'mig': pool.use == 'mig',
                        'tenants': sorted(pool.users), 'sharing': _sharing(pool), **_claims(pool)}
            for pool in cluster.pools if pool.plugin}


def _claims(pool):
    """{class, driver: by which nodes have cards, resource: beginning of names by which pods would ask for them} of a pool whose cards pods claim."""
    if not pool.cluster.by_claims:
        return {}
    return {'claims': {'class': claims.class_of(pool.name), 'driver': pool.plugin['resource'], 'resource': pool.plugin['instead_of']}}


def _sharing(pool):
    """{method, resource, replicas: of each card} of a pool whose cards pods share; None: they do not."""
    return {'method': pool.method, 'resource': pool.plugin['resource'], 'replicas': shares_of(pool.row)} if pool.method else None
