# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cards as Placement keeps them, beside the plan and the servers: a provider below its host's, named HOST_ADDRESS with the address in upper case."""

from __future__ import annotations

import re

from .._compat.text import safe
from .naming import host_of, hosts_of
from .servers import in_words, server_of

MANAGED = 'COMPUTE_MANAGED_PCI_DEVICE'
ONCE = 'HW_PCI_ONE_TIME_USE'
_ADDRESS = re.compile('_([0-9A-F]{4,8}:[0-9A-F]{2}:[0-9A-F]{2}[.][0-7])$')


class Tree:
    """Hosts and their cards. providers: every row of /resource_providers."""

    def __init__(self, providers):
        roots = {one['uuid']: one for one in providers if one.get('root_provider_uuid') in (None, one['uuid'])}
        self.hosts = {one['name']: one for one in roots.values()}
        self.cards = {name: {} for name in self.hosts}
        for one in providers:
            root, found = roots.get(one.get('root_provider_uuid')), _ADDRESS.search(one['name'])
            if root and root is not one and found:
                self.cards[root['name']][found.group(1)] = one

    def with_cards(self):
        return sorted(name for name, cards in self.cards.items() if cards)

    def of(self, hosts):
        """({host: name of its provider}, mistakes)"""
        return hosts_of(hosts, list(self.hosts), 'provider in placement')

    def card(self, host, address):
        """The provider of a card; None: there is none."""
        name = host_of(host, list(self.hosts))
        return self.cards[name].get(address.upper()) if name else None

    def places(self, hosts):
        """[(host, address, provider)] of all cards of hosts, as {host: name of its provider}."""
        return [(host, address, one) for host, name in hosts.items() for address, one in sorted(self.cards[name].items())]


class View:
    """Cards with everything about them, and the servers of their hosts. places: (host, address, provider) of each.

    seen: {inventories: {uuid: inventories}, allocations: {uuid: {consumer: resources}}, traits: {trait: uuids}, servers: rows of /servers/detail,
    held: {server id: its allocations, by provider}, generations: {uuid: number}} - allocations of cards that are free are left out, held has servers
    that no card knows.
    """

    def __init__(self, places, hosts, planned, seen, projects):
        self.seen, self.projects = seen, projects
        self.planned = {host: {address.upper(): row for address, row in (planned or {}).get(host, {}).items()} for host in hosts}
        self.servers = {one['id']: server_of(one, projects) for one in seen['servers']}
        self.cards = [self._card(*place) for place in places]

    def _card(self, host, address, one):
        planned = self.planned[host].get(address)
        rows = {name: row for name, row in self.seen['inventories'].get(one['uuid'], {}).items() if row['total']}
        name = planned['class'] if planned and planned['class'] in rows else next(iter(sorted(rows)), None)
        held = {who: each['resources'].get(name, 0) for who, each in self.seen['allocations'].get(one['uuid'], {}).items()}
        inventory = rows.get(name) or {}
        return {'host': host, 'address': address, 'provider': one['name'], 'uuid': one['uuid'], 'class': name, 'total': inventory.get('total', 0),
                'reserved': inventory.get('reserved', 0), 'used': sum(held.values()), 'planned': planned,
                'traits': sorted(trait for trait, uuids in self.seen['traits'].items() if one['uuid'] in uuids),
                'servers': [self._user(who) for who in sorted(held)]}

    def _user(self, who):
        row = self.servers.get(who) or {}
        return dict({key: row.get(key) for key in ('name', 'status', 'project_id')}, id=who, project=row.get('project') or 'unknown, it may be a migration')

    def without_allocation(self):
        """Servers that ask for cards and hold fewer."""
        here = {}
        for card in self.cards:
            for who, each in self.seen['allocations'].get(card['uuid'], {}).items():
                here[who] = here.get(who, 0) + sum(each['resources'].values())
        classes = {card['class'] for card in self.cards}
        for row in self.servers.values():
            wanted, has = sum(row['wants_cards'].values()), here.get(row['id'], 0)
            # while it moves, its cards are on a host that was not looked at
            elsewhere = [each['resources'] for each in self.seen['held'].get(row['id'], {}).values()]
            has = max(has, sum(count for each in elsewhere for name, count in each.items() if name in classes))
            if has < wanted:
                yield dict({key: row[key] for key in ('id', 'name', 'status', 'host', 'project_id', 'project', 'wants_cards')}, has_cards=has)


def free_queries(there):
    """{(class, total): uuids} of {uuid: inventories}: what is asked so that whole cards that are free need no look at their allocations."""
    found = {}
    for uuid, rows in there.items():
        for name, row in rows.items():
            if row['total']:
                found.setdefault((name, row['total']), set()).add(uuid)
    return found


def _difference(host, address, what, planned, seen, message):
    return {'host': host, 'address': address, 'what': what, 'planned': planned, 'seen': seen, 'message': message}


def differences(view, unknown, servers=True):
    """[{host, address, what, planned, seen, message}] of a view and the plan; unknown: hosts of the plan that have no provider."""
    found = [_difference(host, None, 'no_provider', None, None, text) for host, text in unknown.items()]
    cards = {(card['host'], card['address']): card for card in view.cards}
    classes = {row['class'] for rows in view.planned.values() for row in rows.values()}
    for host, rows in view.planned.items():
        for address, row in sorted(rows.items()):
            found += _of_card(host, address, row, cards.get((host, address)))
    for (host, address), card in cards.items():
        if card['planned'] is None and card['class'] in classes:
            found.append(_difference(host, address, 'unexpected', None, card['class'],
                                     'host %s has card %s of class %s in placement, which is not planned' % (safe(host), address, card['class'])))
    for row in view.without_allocation() if servers else ():
        count = sum(row['wants_cards'].values())
        found.append(_difference(row['host'], None, 'no_allocation', count, row['has_cards'], '%s asks for %d cards and has %d in placement' % (
            in_words([row], view.projects), count, row['has_cards'])))
    return found


def _of_card(host, address, row, card):
    where = 'card %s of host %s' % (address, safe(host))
    if card is None:
        return [_difference(host, address, 'missing', row['class'], None, '%s is planned and not in placement' % where)]
    if card['class'] != row['class']:
        return [_difference(host, address, 'class', row['class'], card['class'], '%s is of class %s in placement, planned %s' % (
            where, card['class'], row['class']))]
    found = []
    if card['total'] != row['total']:
        found.append(_difference(host, address, 'total', row['total'], card['total'], '%s counts %d in placement, planned %d' % (
            where, card['total'], row['total'])))
    lacks = sorted(set(row.get('traits') or ()) - set(card['traits']))
    if lacks:
        found.append(_difference(host, address, 'traits', row['traits'], card['traits'], '%s lacks the trait %s in placement' % (where, ', '.join(lacks))))
    return found


def lacks_trait(host, traits):
    return _difference(host, None, 'host_trait', traits, None, 'host %s lacks the trait %s in placement' % (safe(host), ', '.join(traits)))


def wrong(planned, values=True):
    """Sentences about what is no {host: {ADDRESS: {class, total, traits}}}."""
    found = []
    for host, rows in planned.items():
        for address, row in (rows if isinstance(rows, dict) else {None: None}).items():
            if not isinstance(address, str) or not _ADDRESS.match('_' + address.upper()):
                found.append('providers of host %s: %s is no PCI address' % (safe(host), safe(address)))
            elif values and not (isinstance(row, dict) and isinstance(row.get('class'), str) and isinstance(row.get('total'), int)):
                found.append('providers of host %s: %s has no class and total' % (safe(host), address))
    return found
