# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does this driver know these cards: branch, flavour, first release, and what the vendor's matrix says."""

from __future__ import annotations

from . import versions
from .register import Objection, rule

_KEPLER = 'Kepler'


def _dropped(candidate, case, kepler):
    for row in case.rows:
        last = row.get('last_branch')
        if (row.get('architecture') == _KEPLER) != kepler or not last or not candidate.version or int(candidate.branch) <= int(last):
            continue
        yield Objection('%s needs branch %s or older; %s is branch %s' % (row['name'], last, candidate.name, candidate.branch),
                        case.offers(lambda one, last=last: one.version and int(one.branch) <= int(last), 'branch %s or older' % last),
                        case.path('policy'), row.get('source'))


@rule('ACC-1a', 'candidate')
def kepler_needs_its_last_branch(candidate, case):
    """Kepler ended with branch 470."""
    return _dropped(candidate, case, True)


@rule('ACC-1b', 'candidate')
def old_cards_need_an_old_branch(candidate, case):
    """Maxwell, Pascal and Volta ended with branch 580."""
    return _dropped(candidate, case, False)


@rule('ACC-1c', 'candidate')
def branch_lists_the_architecture(candidate, case):
    """A branch takes the architectures that it lists, no older and no newer ones."""
    listed = (case.branch(candidate) or {}).get('architectures')
    for row in case.rows:
        if listed and candidate.vendor == 'nvidia' and row.get('architecture') not in listed:
            good = case.branches()
            yield Objection('%s is %s, which branch %s does not know' % (row['name'], row.get('architecture'), candidate.branch),
                            case.offers(lambda one, good=good: one.branch in good, 'branch %s' % ' or '.join(good) if good
                                        else 'other cards: no branch that the policy takes does for all cards of the pools here'),
                            case.path('policy'), row.get('source'))


@rule('ACC-2a', 'candidate')
def open_only_cards_need_open_modules(candidate, case):
    """Blackwell and GH200 take nothing but the open modules."""
    for row in case.rows:
        if row.get('flavour') == 'open_only' and candidate.flavour == 'proprietary':
            yield Objection('%s takes only the open kernel modules; %s is proprietary' % (row['name'], candidate.name),
                            case.offers(lambda one: one.flavour == 'open', case.with_branch('flavour open', candidate)), case.path('flavour'),
                            row.get('source'))


@rule('ACC-2b', 'candidate')
def cards_without_gsp_need_proprietary_modules(candidate, case):
    """Cards before Turing have no GSP, which the open modules need."""
    for row in case.rows:
        if row.get('flavour') == 'proprietary_only' and candidate.flavour == 'open':
            yield Objection('%s takes only the proprietary kernel modules; %s is open' % (row['name'], candidate.name),
                            case.offers(lambda one: one.flavour == 'proprietary', case.with_branch('flavour proprietary', candidate)),
                            case.path('flavour'), row.get('source'))


@rule('ACC-2c', 'candidate')
def branch_has_the_flavour(candidate, case):
    """Cards that take both flavours get the one that the branch has."""
    row_of_branch = case.branch(candidate) or {}
    flavours = row_of_branch.get(candidate.flavour)
    for row in case.rows:
        known = row.get('architecture') in (row_of_branch.get('architectures') or ())
        if flavours is not None and known and row.get('flavour') == 'either' and row.get('architecture') not in flavours:
            yield Objection('branch %s has no %s modules for %s' % (candidate.branch, candidate.flavour, row['name']),
                            'flavour %s' % ('open' if candidate.flavour == 'proprietary' else 'proprietary'), case.path('flavour'), row_of_branch.get('source'))


def _too_old(candidate, floors):
    """The release of the candidate's branch that first lists a card, when the candidate is older."""
    if not floors or not candidate.version or candidate.vendor != 'nvidia':
        return None
    lowest = min(floors, key=int)
    floor = floors.get(candidate.branch) or (floors[lowest] if int(candidate.branch) < int(lowest) else None)
    return floor if floor and versions.driver(candidate.version) < versions.driver(floor) else None


def _wants(candidate, case, row, floor, why):
    return Objection('%s %s from %s on; %s is older' % (row['name'], why, floor, candidate.name),
                     case.offers(lambda one: one.version and versions.driver(one.version) >= versions.driver(floor),
                                 case.with_branch('version %s or newer' % floor, candidate)),
                     case.path('policy'), row.get('source'))


@rule('ACC-3a', 'candidate')
def release_lists_the_card(candidate, case):
    """A card works only from the release that lists its id."""
    for row in case.rows:
        floor = _too_old(candidate, row.get('first_version') or {})
        if floor:
            yield _wants(candidate, case, row, floor, 'is listed')


@rule('ACC-3b', 'candidate')
def board_with_switch_has_a_floor_of_its_own(candidate, case):
    """A board with a fabric can need a newer driver than the card alone."""
    for row in case.rows:
        floor = (row.get('floors') or {}).get('driver_with_nvswitch')
        if floor and 'fabric_manager' in case.needs and candidate.version and versions.driver(candidate.version) < versions.driver(floor):
            yield _wants(candidate, case, row, floor, 'on a board with switches works')


@rule('ACC-3c', 'candidate')
def open_modules_list_the_card(candidate, case):
    """Some cards came to the open modules later than to the proprietary ones."""
    for row in case.rows:
        floor = _too_old(candidate, row.get('first_open_version') or {}) if candidate.flavour == 'open' else None
        if floor:
            yield _wants(candidate, case, row, floor, 'is known to the open modules')


def _without_cell(case, vendor):
    """(row, cells in words) of the cards whose matrix does not name this distribution."""
    for row in case.rows:
        cells = row.get('os')
        if cells is None or case.vendor_of(row) != vendor:
            continue
        distribution, release = case.release_of_system
        if not any(str(one) == release or str(one).startswith(release + '.') for one in cells.get(distribution) or ()):
            yield row, ', '.join('%s %s' % (name, one) for name in sorted(cells) for one in sorted(map(str, cells[name])))


def _no_cell(case, row, cells):
    return Objection('the vendor matrix of %s has no row for %s' % (row['name'], case.system_name),
                     'a host with one of: %s' % cells if cells else 'no distribution is named for this card', 'ai_stack_pools', row.get('source'))


@rule('ACC-21b', 'candidate')
def amd_matrix_names_the_distribution(candidate, case):
    """AMD names distributions card by card."""
    for row, cells in _without_cell(case, 'amd'):
        yield _no_cell(case, row, cells)


@rule('ACC-21c', 'candidate')
def gaudi_matrix_names_the_distribution(candidate, case):
    """Gaudi names Ubuntu and RHEL releases, and no Debian."""
    for row, cells in _without_cell(case, 'habana'):
        yield _no_cell(case, row, cells)


@rule('ACC-21e', 'candidate')
def gaudi_software_names_the_generation(candidate, case):
    """The first generation of Gaudi is named up to software 1.21."""
    release = '.'.join((candidate.version or '').split('.')[:2])
    listed = (case.index.branches.get(release) or {}).get('architectures')
    for row in case.rows:
        if candidate.vendor == 'habana' and listed and row.get('architecture') not in listed:
            good = sorted(one for one, other in case.index.branches.items() if row.get('architecture') in (other.get('architectures') or ()))
            yield Objection('%s is not named for software %s' % (row['name'], release), 'software %s' % ' or '.join(good), case.path('policy'),
                            row.get('source'))


@rule('ACC-22', 'candidate')
def one_driver_serves_every_card(candidate, case):
    """Two generations on a host want a driver that does for both."""
    fits = [row['name'] for row in case.rows if case.alone(row).fits(candidate)]
    misses = [row['name'] for row in case.rows if row['name'] not in fits]
    if fits and misses:
        yield Objection('%s does for %s but not for %s' % (candidate.name, ' and '.join(fits), ' and '.join(misses)),
                        'a version that does for every card of the host, or cards of one kind in the pools', case.path('policy'))


def dropped(candidate, case):
    """Rows of cards in no pool that have a driver now, and none once this candidate is loaded; one that is adopted stays as it is."""
    return [row for row in case.beside if candidate.set and case.vendor_of(row) == candidate.vendor and not case.alone(row).fits(candidate)]


@rule('ACC-84', 'candidate')
def dropped_card_is_meant(candidate, case):
    """A branch that drops a card which has a driver now is a one-way door, and wants to be confirmed by name."""
    for row in dropped(candidate, case):
        door = 'branch %s drops %s' % (candidate.branch, row['model'])
        if door not in case.confirmed:
            yield Objection('%s is in no pool and has a driver now; %s would take it away, which is a one-way door' % (row['name'], candidate.name),
                            'ai_stack_confirm: ["%s"], or a version that takes the card too' % door, 'ai_stack_confirm', row.get('source'))


def objections_of(candidate, case):
    """What the rules about cards alone say, whether they are enforced or not."""
    return [objection for function in (kepler_needs_its_last_branch, old_cards_need_an_old_branch, branch_lists_the_architecture,
                                       open_only_cards_need_open_modules, cards_without_gsp_need_proprietary_modules, release_lists_the_card)
            for objection in function(candidate, case)]
