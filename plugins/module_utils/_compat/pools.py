# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which card belongs to which pool: what is named first, then counts in address order; what was given stays given."""

from __future__ import annotations

from collections import namedtuple

from .register import Objection, entry, of, rule
from .text import did_you_mean, listed, safe

_USABLE = ('ok', 'changed')


class Claims:
    """The pools of a site against the cards that are there."""

    def __init__(self, index, pools, hosts, record, accepted):
        self.index, self.pools, self.hosts, self.record, self.accepted = index, list(enumerate(pools)), hosts, record, frozenset(accepted)
        self.groups = {}
        for name, host in hosts.items():
            for group in host.groups:
                self.groups.setdefault(group, []).append(name)
        self.changed = [(name, card, old) for name, host in hosts.items() for card, old in self._changed(host)]
        self.given, self.overlaps = {}, []
        # Explicit claims go first: a count takes from what nobody asked for by name.
        for at, pool in sorted(self.pools, key=lambda pair: _count(pair[1]) is not None):
            for name in self.members(pool):
                self._claim(at, pool, hosts[name])

    def members(self, pool):
        """Names of the hosts of a pool: an inventory group, or one host."""
        return self.groups.get(pool['hosts']) or ([pool['hosts']] if pool['hosts'] in self.hosts else [])

    def _changed(self, host):
        for card in host.cards:
            old = self.record.changed(host.name, card)
            if old and card['status'] == 'ok' and '%s %s' % (host.name, card['address']) not in self.accepted:
                card['status'] = 'changed'
                yield card, old

    def _claim(self, at, pool, host):
        count = _count(pool)
        mine = [card for card in host.cards if card['status'] in _USABLE and _selects(pool, card)]
        if count is not None:
            mine = [card for card in mine if card['pool'] is None]
            mine.sort(key=lambda card: (self.record.pool_of(host.name, card) != pool['name'], card['address']))
            mine = sorted(mine[:count], key=lambda card: card['address'])
        for card in mine:
            if card['pool'] is not None:
                self.overlaps.append((host.name, card, card['pool_at'], at))
                continue
            card['pool'], card['pool_at'], card['use'] = pool['name'], at, pool['use']
        self.given[(at, host.name)] = mine

    def out_of_service(self, pool, name):
        """Cards of a pool that would count, were they well."""
        return [card for card in self.hosts[name].cards if card['status'] not in _USABLE and _selects(pool, card)]


def _count(pool):
    return (pool.get('select') or {}).get('count')


def _selects(pool, card):
    select = pool.get('select') or {}
    if select.get('model') is not None and select['model'] != card['model']:
        return False
    if select.get('serials') is not None and card['serial'] not in [str(serial) for serial in select['serials']]:
        return False
    return select.get('slots') is None or card['slot'] in [str(slot) for slot in select['slots']]


def _models(claims, names):
    """What is on these hosts, in words."""
    counts = {}
    for name in names:
        for card in claims.hosts[name].cards:
            counts[card['model'] or card['name']] = counts.get(card['model'] or card['name'], 0) + 1
    return ', '.join('%s (%d)' % (safe(model), counts[model]) for model in sorted(counts)) or 'none'


def _taken(claims, pool, name):
    """Which other pools of a host have cards that this one would take, in words."""
    counts = {}
    for card in claims.hosts[name].cards:
        if card['pool'] not in (None, pool['name']) and _selects(pool, card):
            counts[card['pool']] = counts.get(card['pool'], 0) + 1
    return ''.join('; pool %s has %d of them' % (safe(other), counts[other]) for other in sorted(counts))


@rule('ACC-63', 'pool')
def card_is_the_recorded_one(claims):
    """A card that is not the one that was given waits for consent."""
    for name, card, old in claims.changed:
        yield Objection('the card at %s is not the recorded one: %s, the record says %s' % (card['address'], _who(card), _who(old)),
                        'ai_stack_accept_cards: ["%s %s"], or the old card back in its place' % (safe(name), card['address']), 'ai_stack_accept_cards',
                        None, name)


def _who(card):
    return '%s, serial %s, %s' % (safe(card.get('model') or card.get('name') or 'unknown'), safe(card.get('serial') or 'unknown'),
                                  safe(card.get('uuid') or 'no UUID'))


@rule('ACC-64', 'pool')
def model_is_known(claims):
    """A model is one of the short names in the tables."""
    for at, pool in claims.pools:
        model = (pool.get('select') or {}).get('model')
        if model is not None and model not in claims.index.models:
            here = {card['model'] for name in claims.members(pool) for card in claims.hosts[name].cards if card['model']}
            yield Objection('pool %s: no card model is called %s' % (safe(pool['name']), safe(model)),
                            did_you_mean(model, here or claims.index.models), 'ai_stack_pools[%d].select.model' % at)


def _shortages(claims):
    """(at, pool, host or None, wanted, found, out of service) where a pool does not get what it asks for."""
    for at, pool in claims.pools:
        names, count = claims.members(pool), _count(pool)
        lost = {name: claims.out_of_service(pool, name) for name in names}
        if count is None:
            if not any(claims.given[(at, name)] for name in names):
                dark = [name for name in names if not claims.hosts[name].known]
                yield at, pool, None, 1, 0, [card for cards in lost.values() for card in cards] + dark
            continue
        for name in names:
            found = len(claims.given[(at, name)])
            if found < count and claims.hosts[name].known:
                yield at, pool, name, count, found, lost[name]


@rule('ACC-65', 'pool')
def pool_finds_its_cards(claims):
    """A pool that matches nothing, or wants more cards than a host has, is a mistake."""
    for at, pool, name, wanted, found, lost in _shortages(claims):
        path, names, model = 'ai_stack_pools[%d].select' % at, claims.members(pool), (pool.get('select') or {}).get('model')
        # a model that nobody knows has a conflict of its own
        if found + len(lost) >= wanted or model is not None and model not in claims.index.models:
            continue
        if name is None and names:
            yield Objection('pool %s matches no card of %s' % (safe(pool['name']), safe(pool['hosts'])), 'cards there: %s' % _models(claims, names), path)
        elif name is not None:
            yield Objection('pool %s wants %d card%s of this host; %d can be given' % (safe(pool['name']), wanted, 's'[wanted == 1:], found),
                            '%sother cards; here: %s%s' % ('count %d, or ' % found if found else '', _models(claims, [name]), _taken(claims, pool, name)),
                            path + '.count', None, name)


@rule('ACC-67', 'pool')
def pool_is_met_without_the_dead(claims):
    """A dead card or dark host is a conflict only where a pool cannot be met without it."""
    for at, pool, name, wanted, found, lost in _shortages(claims):
        if lost and name is not None:
            # What the operator has taken out is left out knowingly: the rest goes on.
            dead = [card['address'] for card in lost if card['status'] == 'dead']
            if dead and found + len(lost) >= wanted > found + len(lost) - len(dead):
                yield Objection('pool %s wants %d cards of this host; %d are well, dead: %s' % (safe(pool['name']), wanted, found, ', '.join(dead)),
                                'name the dead card in ai_stack_states, or count %d until it is replaced' % found,
                                'ai_stack_pools[%d].select.count' % at, None, name)
        elif lost and found + len(lost) >= wanted:
            yield Objection('pool %s has no card that is well and seen: %d are out of service, or nothing is known of them' % (safe(pool['name']), len(lost)),
                            'wait for them, or take the pool away', 'ai_stack_pools[%d].select' % at, None, None, True)


@rule('ACC-66', 'pool')
def one_pool_owns_a_card(claims):
    """A card has one owner."""
    shared = {}
    for name, card, first, second in claims.overlaps:
        shared.setdefault((name, first, second), []).append(card['address'])
    for (name, first, second), places in shared.items():
        one, other = claims.pools[first][1]['name'], claims.pools[second][1]['name']
        yield Objection('pools %s and %s both claim the card%s at %s' % (safe(one), safe(other), 's'[len(places) == 1:], listed(places)),
                        'a count, slots or serials that leave it to one of them', 'ai_stack_pools[%d].select' % second, None, name)


@rule('ACC-79', 'pool')
def hosts_of_pool_exist(claims):
    """A pool names an inventory group, or one host."""
    for at, pool in claims.pools:
        if pool['hosts'] is not None and not claims.members(pool):
            yield Objection('pool %s: no inventory group or host is called %s' % (safe(pool['name']), safe(pool['hosts'])),
                            did_you_mean(pool['hosts'], claims.groups), 'ai_stack_pools[%d].hosts' % at)


@rule('ACC-80', 'pool')
def pools_of_a_host_want_one_driver(claims):
    """The pools of one host ask for one driver."""
    if not any(pool.get('driver') for _dummy, pool in claims.pools):
        return
    for name, host in claims.hosts.items():
        said = {}
        for at in sorted({card['pool_at'] for card in host.cards if card['pool']}):
            for key, value in sorted((claims.pools[at][1].get('driver') or {}).items()):
                path = 'ai_stack_pools[%d].driver.%s' % (at, key)
                first, where = said.setdefault(key, (value, path))
                if first != value:
                    yield Objection('the pools of this host want different drivers: %s is %s, %s is %s' % (where, safe(first), path, safe(value)),
                                    'one value of %s for all pools of a host' % key, path, None, name)


_Blank = namedtuple('_Blank', 'cards')


class _Names:
    """Pools that cannot be planned as they are written, as far as their names can be read: what the two rules about names ask for."""

    def __init__(self, index, rows, inventory):
        self.index, self.groups, self.hosts = index, {}, {name: _Blank(()) for name in inventory}
        self.pools = [(at, {'name': row.get('name', at), 'hosts': _text(row.get('hosts')),
                            'select': {'model': _text(_mapping(row.get('select')).get('model'))}}) for at, row in sorted(rows.items())]
        for name in sorted(inventory):
            for group in inventory[name] or ():
                self.groups.setdefault(group, []).append(name)

    members = Claims.members


def _text(value):
    return value if isinstance(value, str) else None


def _mapping(value):
    return value if isinstance(value, dict) else {}


def conflicts_of_names(index, rows, inventory):
    """What is wrong with the names of groups and models in pools that are not planned. rows: {index in the intent: row as it is written}."""
    return [entry(index, identity, objection) for identity, function in of('pool', index.enforced) if function in (model_is_known, hosts_of_pool_exist)
            for objection in function(_Names(index, rows, inventory))]
