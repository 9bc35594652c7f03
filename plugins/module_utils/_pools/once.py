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
    """{host: {address: {serial, vendor, device, subsystem_vendor, subsystem_device, noted, busy}}}. noted: {link_width, link_speed, firmware} by the record,
    None where it has nothing of this very card; busy: a server has or had it, so that it is not noted now."""
    known = {(row.get('host'), row.get('address')): row for row in cloud.record.get('used_once') or () if isinstance(row, dict)}
    serials = {(name, card['address']): card.get('serial') for pool in cloud.pools for name in pool.donors for card in pool.cards[name] + pool.kept[name]}
    found = {}
    for pool, name, one, _class, _trait in cloud.given():
        if cloud.once(pool):
            place = (name, one['address'])
            mine = dict({key: one.get(key) for key in _IDS}, serial=serials.get(place))
            row = known.get(place)
            noted = {key: row[key] for key in SHOWN} if row and is_noted(row) and _same(row, mine) else None
            there = ((cloud.seen.get('providers') or {}).get(name) or {}).get(one['address'].upper()) or {}
            found.setdefault(name, {})[one['address']] = dict(mine, noted=noted, busy=noted is None and bool(there.get('used') or there.get('reserved')))
    return found


def is_noted(row):
    return isinstance(row.get('firmware'), dict) and all(row.get(key) is not None for key in SHOWN)


def _same(one, other):
    """A serial that nobody knows contradicts nothing."""
    return all(one.get(key) == other.get(key) for key in _IDS) and (None in (one.get('serial'), other.get('serial')) or one['serial'] == other['serial'])


def expected(cards, shown):
    """{host: {address: {serial, ids, and link_width, link_speed, firmware where they are noted}}}. cards: those of cards_of; shown: {host: {address: what the
    card shows now}}, which is noted where nothing was and nobody has, or had the card."""
    return {host: {address: _expected(row, (shown.get(host) or {}).get(address)) for address, row in rows.items()} for host, rows in cards.items()}


def _expected(row, seen):
    mine = {key: row[key] for key in _IDS + ('serial',)}
    fit = isinstance(seen, dict) and is_noted(seen) and not (row['busy'] or seen.get('in_use')) and all(seen.get(key) == row[key] for key in _IDS)
    return dict(mine, **(row['noted'] or ({key: seen[key] for key in SHOWN} if fit else {})))


def differing(wanted, seen):
    """In words what a card shows that its releaser would not take; under a server no card shows its ROM. wanted: of expected; seen: None: it shows nothing."""
    if not isinstance(seen, dict):
        return ['it shows nothing']
    if not is_noted(wanted):
        return ['nothing was noted of it while nobody had it']
    # the releaser holds firmware against what was noted under any name; what the operator's command tells shows only after a wipe
    rows = [(key, wanted[key], seen.get(key)) for key in _IDS + SHOWN[:2]]
    rows += [('firmware.%s' % key, wanted['firmware'].get(key), (seen.get('firmware') or {}).get(key))
             for key in ('rom', 'vpd') if not (key == 'rom' and seen.get('in_use'))]
    return ['%s is %s, not %s' % (key, there, noted) for key, noted, there in rows if noted != there]
