# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be true on a host that gives cards away, asked of its observation alone."""

from __future__ import annotations

from .._compat.cards import address
from .._compat.register import of, rule
from .._compat.state import VFIO, values
from .._compat.view import check, none_for, row
from . import alone, checks_cloud
from .functions import functions_of
from .rules_host import VFIO as DRIVERS

# Importing it fills the register.
CHECKS = (checks_cloud,)
ROLE = 'pci_passthrough'
_BRIDGE, _SWITCH = '06', '0680'


class Given:
    """A host beside what it was decided to give away."""

    def __init__(self, index, want, observation):
        self.index, self.want, self.seen = index, want, observation
        self.bind = {address(place): one for place, one in want['passthrough.bind'].items()}
        self.by_address = {one['address']: one for one in functions_of(observation)}
        passed = observation.get('passthrough')
        self.passed = passed if isinstance(passed, dict) else None
        kept = alone.settings(index, want, observation, alone.pages(observation))
        self.kept = {part: kept[part] for part in alone.PARTS}

    def neighbours(self, place):
        """(address, driver) of what shares the group of a card and is not given away; None: its group is not known."""
        group = (self.by_address.get(place) or {}).get('iommu_group')
        if group is None:
            return None
        rows = [one for one in self.by_address.values() if one['iommu_group'] == group and one['address'] not in self.bind]
        return [one for one in rows if one['driver'] not in DRIVERS + (None,) and not self._is_bridge(one)]

    @staticmethod
    def _is_bridge(one):
        return (one['class'] or '').startswith(_BRIDGE) and not (one['class'] or '').startswith(_SWITCH)


def of_host(index, host, decisions, observation):
    """The checks of a host; [] where it gives nothing away."""
    want = values(decisions)
    if not want.get('passthrough.bind'):
        return []
    given = Given(index, want, observation)
    rows = [(identity, each) for identity, function in of('given', index.enforced) for each in function(given)]
    return [row(ROLE, each, identity, host, observation.get('at')) for identity, each in rows]


@rule('NR-67', 'given')
def cards_are_bound(given):
    """By address, and the very device that was meant."""
    def seen(place):
        one = given.by_address.get(place)
        return None if one is None else '%s:%s %s' % (one['vendor'], one['device'], one['driver'] or 'without a driver')
    expected = {place: '%s:%s %s' % (one['vendor'], one['device'], VFIO) for place, one in sorted(given.bind.items())}
    observed = {place: seen(place) for place in expected}
    promise = 'each card that is given away is the one that was meant, and bound to vfio-pci'
    yield check('cards_are_bound', promise, expected, observed if given.seen.get('pci') is not None else None, 'sysfs')


@rule('NR-65', 'given')
def groups_are_pure(given):
    """What was not known before the IOMMU was on is asked now."""
    promise = 'nothing that the host drives shares an IOMMU group with a card that is given away'
    found = {place: given.neighbours(place) for place in sorted(given.bind)}
    unknown = [place for place, rows in found.items() if rows is None]
    observed = {place: sorted('%s driven by %s' % (one['address'], one['driver']) for one in rows) for place, rows in found.items() if rows}
    how = 'sysfs, iommu_group of each function'
    if unknown:
        yield check('groups_are_pure', promise, {}, {'not in a group that is known': unknown}, how, 'unknown')
    else:
        yield check('groups_are_pure', promise, {}, observed, how)


@rule('NR-60', 'given')
def kernel_was_told(given):
    """The running kernel, not the one to come."""
    promise = 'the running kernel was told what the host is to be told'
    words, cmdline = given.kept['arguments'], (given.seen.get('kernel') or {}).get('cmdline')
    if not words:
        yield none_for('arguments', promise, 'this host needs no argument')
        return
    known = isinstance(cmdline, str)
    yield check('arguments', promise, words, [word for word in words if word in cmdline.split()] if known else None, '/proc/cmdline')


@rule('NR-67', 'given')
def settings_are_kept(given):
    """What a boot brings back by itself."""
    promise = 'the host keeps what it is to give away, and no change of it is under way'
    how = '%s and the journal of the role' % alone.SETTINGS
    expected = {'settings': given.kept, 'open': None}
    if given.passed is None:
        yield check('settings', promise, expected, None, how)
        return
    there = given.passed.get('settings')
    kept = {part: there.get(part) for part in alone.PARTS} if isinstance(there, dict) else None
    step = (given.passed.get('open') or {}).get('step')
    yield check('settings', promise, expected, {'settings': kept, 'open': step}, how, 'pass' if kept == given.kept and step is None else 'fail')
