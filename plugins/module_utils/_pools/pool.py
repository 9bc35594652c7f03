# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pool that a cloud gets: its cards over all hosts, its tenants, and the names that it has in Nova and Placement."""

from __future__ import annotations

from . import names


class Pool:
    """A pool with use passthrough. at: its place in ai_stack_pools; donors: the hosts that give cards to it."""

    def __init__(self, site, at, pool, donors):
        self.at, self.pool, self.name = at, pool, str(pool['name'])
        self.cards = {one.name: [card for card in one.cards if card['pool_at'] == at] for one in donors}
        self.kept = {one.name: [card for card in one.kept if site.record.pool_of(one.name, card) == self.name] for one in donors}
        self.donors = {one.name: one for one in donors if self.cards[one.name] or self.kept[one.name]}
        self.remembered = {name: rows for name, rows in _remembered(site, pool) if rows}
        self.unseen = [name for name in site.claims.members(pool) if not site.hosts[name].known and name not in self.remembered]
        self.shapes = shapes_of(pool)
        self.guest = pool.get('guest') or {}
        self.spare = names.whole(pool.get('spare'))
        self.tenants, self.expired = _tenants(pool, site.today)
        self.resource_class = names.normalised(self.name)
        for name, card in [(name, card) for name, cards in self.cards.items() for card in cards]:
            card['type'], card['tenants'] = names.device_type(self.donors[name].by_address[card['address']]), sorted(self.tenants)
        self.trait = names.normalised('_'.join(['GPU'] + sorted({card['model'] or 'UNKNOWN' for card in self._all()})))

    def _all(self):
        return [card for cards in self.cards.values() for card in cards]

    def _told(self):
        return [row for rows in self.remembered.values() for row in rows]

    def path(self, key):
        return 'ai_stack_pools[%d].%s' % (self.at, key)

    def functions(self):
        """The functions of the cards, as their hosts show them."""
        return [self.donors[name].by_address[card['address']] for name, cards in sorted(self.cards.items()) for card in cards]

    @property
    def counts(self):
        """{host: cards}; a host that is not seen today has what the record gave."""
        found = {name: len(cards) + len(self.kept[name]) for name, cards in self.cards.items() if cards or self.kept[name]}
        return dict({name: len(rows) for name, rows in self.remembered.items()}, **found)

    @property
    def total(self):
        return sum(self.counts.values())

    @property
    def largest(self):
        return max(self.counts.values(), default=0)

    @property
    def types(self):
        return sorted({names.device_type(one) for one in self.functions()} | {row['type'] for row in self._told() if isinstance(row.get('type'), str)})

    @property
    def products(self):
        return sorted({(card['vendor'], card['device']) for card in self._all() + self._told()})

    @property
    def board(self):
        """Switches that go along with all cards of a host; 0: none."""
        return max([len(one.switch_functions(self.at)) for one in self.donors.values()], default=0)

    @property
    def bars(self):
        return max((max(one['bars'], default=0) for one in self.functions()), default=0)


def shapes_of(pool):
    """The shapes of a pool that say all that a flavor needs."""
    return [shape for shape in pool.get('shapes') or () if isinstance(shape, dict) and names.whole(shape.get('cards'))
            and all(isinstance(shape.get(key), int) for key in ('vcpus', 'ram_gib', 'disk_gib'))]


def _remembered(site, pool):
    """(host, rows of the record) for hosts of the pool that are dark or out of service: what was promised of them stays promised."""
    for name in site.claims.members(pool):
        host = site.hosts[name]
        if not host.known or host.out:
            gone = {card['address'] for card in host.cards if card['status'] == 'retired'}
            yield name, [row for place, row in sorted(site.record.cards.items()) if place[0] == name and row.get('pool') == pool['name']
                         and place[1] not in gone]


def _tenants(pool, today):
    """(tenants of today, tenants whose time is over)"""
    rows = {str(name): row or {} for name, row in (pool.get('tenants') or {}).items()}
    over = {name: row for name, row in rows.items() if row.get('until') is not None and str(row['until']) < today}
    return {name: row for name, row in rows.items() if name not in over}, over
