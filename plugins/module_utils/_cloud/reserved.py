# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cards out of service and back, by what Placement keeps for nobody. Nova leaves that number alone, but where cards are used once."""

from __future__ import annotations

from .._compat.text import safe
from .cards import ONCE
from .outcome import Outcome
from .servers import in_words


def named(cards, known):
    """([{host, address, serial}], mistakes): cards by host and address, or by a serial that the plan or the record knows."""
    found, mistakes = [], []
    rows = [_row(row['host'], row['address'], row.get('serial')) for row in known if row.get('host') and row.get('address')]
    places = {(row['host'], row['address']): row for row in rows}
    for card in cards:
        serial = card.get('serial')
        if card.get('host') and card.get('address'):
            there = places.get((card['host'], card['address'].upper()), {}).get('serial')
            if serial and there not in (None, serial):
                mistakes.append('card %s of host %s has the serial %s and not %s' % tuple(map(safe, (card['address'], card['host'], there, serial))))
            found.append(_row(card['host'], card['address'], serial or there))
        elif serial:
            mine = [row for row in rows if row['serial'] == serial]
            found += mine[:1]
            mistakes += ['serial %s is that of %d known cards; name host and address' % (safe(serial), len(mine))] if len(mine) != 1 else []
        else:
            mistakes.append('a card needs host and address, or its serial')
    return found, mistakes


def _row(host, address, serial):
    return {'host': host, 'address': str(address).upper(), 'serial': serial}


def decide(cards, out, keep, once):
    """cards: rows of a view with serial, inventories and generation. keep: though a server has it; once: though its worker would release it."""
    outcome = Outcome()
    for card in cards:
        where = 'card %s of host %s' % (card['address'], safe(card['host']))
        moved = {name: row for name, row in card['inventories'].items() if row['total'] and row['reserved'] != (row['total'] if out else 0)}
        if out and moved and card['servers'] and not keep:
            outcome.mistakes.append('%s is in use by %s' % (where, in_words(card['servers'], None)))
        elif not out and moved and ONCE in card['traits'] and not once:
            outcome.mistakes.append('%s is used once and comes back when it was wiped, by whoever wipes it' % where)
        else:
            _set(outcome, card, where, moved, out)
    return outcome


def _set(outcome, card, where, moved, out):
    # every write moves the generation on by one
    for at, (name, row) in enumerate(sorted(moved.items())):
        value = row['total'] if out else 0
        outcome.call('placement', 'PUT', '/resource_providers/%s/inventories/%s' % (card['uuid'], name),
                     dict(row, reserved=value, resource_provider_generation=card['generation'] + at),
                     '%s goes out of service' % where if out else '%s comes back into service' % where)
        outcome.shows(where, {'reserved': row['reserved']}, {'reserved': value})
        card['reserved'] = value if name == card['class'] else card['reserved']


def told(card, serial, view):
    """A card of a view with what decide wants beside it."""
    return dict(card, serial=serial, inventories=view.seen['inventories'][card['uuid']], generation=view.seen['generations'][card['uuid']])


def shown(card):
    """A card for people."""
    return {key: card[key] for key in ('host', 'address', 'serial', 'provider', 'uuid', 'class', 'total', 'reserved', 'used', 'servers')}
