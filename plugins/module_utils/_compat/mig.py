# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Can a card take a MIG layout, in which order are its instances made, and where do they lie."""

from __future__ import annotations

import re

from . import versions
from .register import Objection, rule
from .text import did_you_mean, listed, safe

_HEX = re.compile(r'[0-9a-f]{1,8}$')


class Wish:
    """A layout that a pool wants of one card, with the driver that was decided for its host; it speaks for all places with such a card there."""

    def __init__(self, index, card, pool_at, layout, version, gpu, adopted=False):
        self.index, self.card, self.row, self.layout, self.version, self.gpu = index, card, card['row'], layout, version, gpu or {}
        self.adopted = adopted
        self.path, self.places = 'ai_stack_pools[%d].layout' % pool_at, []
        self.profiles = index.mig.get(card['device'], {})
        self.known = {profile: (self.profiles[profile], count) for profile, count in (layout or {}).items() if profile in self.profiles}

    @property
    def key(self):
        """What the rules about layouts ask for: equal keys, equal answers."""
        return (self.card['vendor'], self.card['device'], self.card['subsystem'], self.card['vbios'], self.path, self.version,
                bool(self.disturbed) and self.card['address'], self.unmade)

    @property
    def disturbed(self):
        """How many processes would lose their instances to the layout."""
        return self.gpu.get('processes') if self.layout and counted(self.gpu) != self.layout else None

    @property
    def unmade(self):
        """Whether the layout is not there, and no unit of ours will make it."""
        return bool(self.adopted and self.layout and counted(self.gpu) != self.layout)

    @property
    def source(self):
        """Where the profiles of this card come from."""
        return [row.get('source') for row in self.profiles.values()][0] if self.profiles else None

    @property
    def name(self):
        return '%s at %s' % (self.row['name'], listed(self.places))

    def at(self, profile):
        return '%s.%s' % (self.path, safe(profile))

    def total(self, column):
        """(wanted, room) of slices or memory slots; room None: not known."""
        wanted = sum((row.get(column) or 0) * count for row, count in self.known.values())
        rows = [row for row, _dummy in self.known.values()]
        return wanted, rows[0].get('total_%s' % column) if rows else None


@rule('ACC-52', 'layout')
def card_is_capable(wish):
    """Only cards that a source names have MIG."""
    if wish.layout and not wish.profiles:
        able = sorted({row['model'] for device in wish.index.mig for rows in [wish.index.devices.get((wish.card['vendor'], device), ())] for row in rows})
        yield Objection('%s has no MIG profiles in any source' % wish.name, ', or one of the models '.join(['use host'] + [', '.join(able)] * bool(able)),
                        wish.path, wish.row.get('source'))


@rule('ACC-53', 'layout')
def profile_is_of_the_card(wish):
    """Profiles differ from card to card."""
    for profile in sorted(wish.layout or {}):
        if wish.profiles and profile not in wish.profiles:
            yield Objection('%s has no profile %s' % (wish.name, safe(profile)), did_you_mean(profile, wish.profiles), wish.at(profile),
                            wish.source)


@rule('ACC-54', 'layout')
def count_is_within_the_limit(wish):
    """A card takes so many instances of a profile, and no more."""
    for profile, (row, count) in sorted(wish.known.items()):
        if row.get('max') is not None and count > row['max']:
            yield Objection('%s takes %d instances of %s, not %d' % (wish.name, row['max'], profile, count), '%s: %d' % (profile, row['max']),
                            wish.at(profile), row.get('source'))


def _too_much(wish, column, text):
    wanted, room = wish.total(column)
    if room is not None and wanted > room:
        yield Objection('%s has %d %s; the layout wants %d' % (wish.name, room, text, wanted), 'a layout of at most %d %s' % (room, text), wish.path,
                        wish.source)


@rule('ACC-18a', 'layout')
def slices_fit(wish):
    """Compute slices are shared out once."""
    return _too_much(wish, 'slices', 'compute slices')


@rule('ACC-18b', 'layout')
def memory_fits(wish):
    """Memory slots are shared out once."""
    return _too_much(wish, 'memory_slots', 'memory slots')


@rule('ACC-18c', 'layout')
def media_engines_are_given_once(wish):
    """One +me instance a card."""
    wanted = sum(count for row, count in wish.known.values() if row.get('me'))
    if wanted > 1:
        yield Objection('the layout wants %d instances with media engines of %s' % (wanted, wish.name), 'at most one +me instance', wish.path,
                        wish.source)


def placed(wish):
    """[(profile, start)] in the order of creation, larger instances first; None: they do not fit; []: places are not known."""
    items = [(row.get('memory_slots') or 0, profile, row) for profile, (row, count) in wish.known.items() for _dummy in range(count)]
    items.sort(key=lambda item: (-item[0], item[1]))
    if not items or any(row.get('placements') is None for _dummy, _dummy, row in items):
        return []
    return _place(items, frozenset())


def _place(items, taken):
    if not items:
        return []
    size, profile, row = items[0]
    for start in row['placements']:
        slots = frozenset(range(start, start + size))
        if not slots & taken:
            rest = _place(items[1:], taken | slots)
            if rest is not None:
                return [(profile, start)] + rest
    return None


@rule('ACC-55', 'layout')
def instances_find_a_place(wish):
    """An instance lies at certain slots only."""
    if all(count <= (row.get('max') or 0) for row, count in wish.known.values()) and placed(wish) is None:
        yield Objection('the instances of the layout find no place beside each other on %s' % wish.name,
                        'places: %s' % '; '.join('%s at %s' % (profile, row['placements']) for profile, (row, _dummy) in sorted(wish.known.items())),
                        wish.path, wish.source)


@rule('ACC-56', 'layout')
def driver_knows_the_profile(wish):
    """A profile came with a branch."""
    for profile, (row, _dummy) in sorted(wish.known.items()):
        if wish.version and row.get('min_branch') and int(versions.branch(wish.version)) < int(row['min_branch']):
            yield Objection('profile %s needs branch %s; the driver is %s' % (profile, row['min_branch'], wish.version),
                            'branch %s or newer, or another profile' % row['min_branch'], wish.at(profile), row.get('source'))


@rule('ACC-57', 'layout')
def driver_has_mig_for_the_card(wish):
    """A card can be listed before its MIG works."""
    above = (wish.row.get('floors') or {}).get('mig_driver_above')
    if wish.layout and above and wish.version and versions.driver(wish.version) <= versions.driver(above):
        yield Objection('%s has no MIG with driver %s' % (wish.name, wish.version), 'a driver newer than %s' % above, wish.path, wish.row.get('source'))


def _vbios(text):
    parts = str(text or '').lower().split('.')
    return [int(part, 16) for part in parts] if all(_HEX.match(part) for part in parts) else None


@rule('ACC-58', 'layout')
def vbios_is_new_enough(wish):
    """MIG of some cards wants a VBIOS floor; one that cannot be read yet is a warning."""
    for row in wish.index.firmware:
        if (row.get('component') != 'vbios' or row.get('needed_for') != 'mig' or wish.card['device'] not in row['devices'] or not wish.layout
                or row.get('subsystems') and wish.card['subsystem'] not in row['subsystems']):
            continue
        here = _vbios(wish.card['vbios'])
        if here is None or here < _vbios(row['floor']):
            has = 'it has %s' % safe(wish.card['vbios']) if here else 'its own is not known yet'
            yield Objection('MIG on %s needs VBIOS %s; %s' % (wish.name, row['floor'], has),
                            'VBIOS %s or newer' % row['floor'], wish.path, row.get('source'), None, here is None)


def counted(gpu):
    """{profile: count} of a card as NVML sees it, {} where MIG is off, None where it is not known."""
    mig = gpu.get('mig') or {}
    if mig.get('current') is None:
        return None
    counts = {}
    for device in mig.get('devices') or ():
        counts[device['profile']] = counts.get(device['profile'], 0) + 1
    return counts


@rule('ACC-59', 'layout')
def card_in_use_keeps_its_layout(wish):
    """Changing the geometry resets the card under whoever computes on it."""
    if wish.disturbed:
        yield Objection('%s runs %d processes, and its MIG layout would change' % (wish.name, wish.disturbed), 'drain the host first', wish.path)


@rule('ACC-62', 'layout')
def mig_mode_has_instances(wish):
    """A card in MIG mode without instances computes nothing."""
    if not wish.layout:
        yield Objection('pool %s uses mig and names no layout for %s' % (safe(wish.card['pool']), wish.name),
                        'a layout of: %s' % ', '.join(sorted(wish.profiles)) if wish.profiles else 'use host', wish.path)


@rule('ACC-87', 'layout')
def adopted_driver_keeps_its_layout(wish):
    """A driver that is adopted is left alone, and with it what its cards are."""
    if wish.unmade:
        yield Objection('the driver of %s is somebody else\'s and adopted, so nobody makes its MIG layout' % wish.name,
                        'use host, the layout made there by hand (nvidia-smi mig), or the driver taken away with what installed it', wish.path)


@rule('ACC-86', 'whole')
def whole_card_is_not_in_mig_mode(pairs):
    """Nobody but those who use the instances can say that they may go. PAIRS: (card, the same as NVML sees it) of cards that are given whole."""
    for card, gpu in pairs:
        if (gpu.get('mig') or {}).get('current') == 'enabled':
            yield Objection('the card at %s is in MIG mode, and pool %s gives it whole' % (card['address'], safe(card['pool'])),
                            'drain the host and turn MIG off there (nvidia-smi -i %s -mig 0), or use mig' % card['address'],
                            'ai_stack_pools[%d].use' % card['pool_at'])
