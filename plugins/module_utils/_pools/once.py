# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cards that are used once: which they are, what each showed while nobody had it, and what its releaser wants to see again."""

from __future__ import annotations

_IDS = ('vendor', 'device', 'subsystem_vendor', 'subsystem_device')
SHOWN = ('link_width', 'link_speed', 'firmware')
# states of a round that want an operator
WANTED = ('failed', 'untied', 'unclear', 'silent')


def cards_of(cloud):
    """{host: {address: {serial, vendor, device, subsystem_vendor, subsystem_device}}}"""
    serials = {(name, card['address']): card.get('serial') for pool in cloud.pools for name in pool.donors for card in pool.cards[name] + pool.kept[name]}
    found = {}
    for pool, name, one, _class, _trait in cloud.given():
        if cloud.once(pool):
            found.setdefault(name, {})[one['address']] = dict({key: one.get(key) for key in _IDS}, serial=serials.get((name, one['address'])))
    return found


def is_noted(row):
    return isinstance(row.get('firmware'), dict) and all(row.get(key) is not None for key in SHOWN)


def _same(one, other):
    """A serial that nobody knows contradicts nothing."""
    return all(one.get(key) == other.get(key) for key in _IDS) and (None in (one.get('serial'), other.get('serial')) or one['serial'] == other['serial'])


def expected(cards, notes, shown=None, seen=None):
    """{host: {address: {serial, ids, and link_width, link_speed, firmware where they are noted}}}. cards: those of cards_of; notes: rows of the record's
    used_once; shown: {host: {address: what the card shows now}}, which is noted where nothing was, and nobody has, or had the card by what was seen of the
    cloud (seen: its observation; None: nobody knows)."""
    known = {(row['host'], row['address']): row for row in notes if isinstance(row, dict) and {'host', 'address'} <= set(row)}
    return {host: {address: _expected(row, known.get((host, address)), ((shown or {}).get(host) or {}).get(address), _free(seen, host, address))
                   for address, row in rows.items()} for host, rows in cards.items()}


def _free(seen, host, address):
    places = ((seen or {}).get('providers') or {}).get(host)
    there = (places or {}).get(address.upper()) or {}
    return places is not None and not (there.get('used') or there.get('reserved'))


def _expected(row, note, look, free):
    if note and is_noted(note) and _same(note, row):
        return dict(row, **{key: note[key] for key in SHOWN})
    fit = free and isinstance(look, dict) and is_noted(look) and not look.get('in_use') and all(look.get(key) == row[key] for key in _IDS)
    return dict(row, **({key: look[key] for key in SHOWN} if fit else {}))


def differing(wanted, look):
    """In words what a card shows that its releaser would not take. A card that a server has tells who it is and no more: its link and firmware are in the
    hands of the guest. wanted: of expected; look: None: it shows nothing."""
    if not isinstance(look, dict):
        return ['it shows nothing']
    if not is_noted(wanted):
        return ['nothing was noted of it while nobody had it']
    rows = [(key, wanted[key], look.get(key)) for key in _IDS]
    if not look.get('in_use'):
        rows += [(key, wanted[key], look.get(key)) for key in SHOWN[:2]]
        # what the operator's command tells shows only after a wipe
        rows += [('firmware.%s' % key, wanted['firmware'].get(key), (look.get('firmware') or {}).get(key)) for key in ('rom', 'vpd')]
    return ['%s is %s, not %s' % (key, there, noted) for key, noted, there in rows if noted != there]
