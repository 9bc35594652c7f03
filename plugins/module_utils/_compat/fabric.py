# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NVLink switches: which ones a host has, and the services that they need beside the driver."""

from __future__ import annotations

from .register import Need, rule
from .text import safe

UNIT = 'nvidia-fabricmanager.service'


def concerns(index, function):
    """Whether some row about switches could speak about this function."""
    return any(row.get('vendor') == function.get('vendor') for row in index.fabric)


def _has(row, function):
    if row.get('vendor') != function.get('vendor'):
        return False
    if row['detect'] == 'pci':
        return function.get('device') in row['devices'] and (function.get('class') or '').startswith(row.get('pci_class') or '')
    return row['detect'] == 'vpd' and row['vpd'] in str((function.get('vpd') or {}).get('text') or '')


def found(index, functions):
    """(row, function) of every switch among the functions of a host, however it is found."""
    return [(row, function) for row in index.fabric for function in functions if _has(row, function)]


def _switches(case, how):
    """(row, why) of the switches that are found in one way of looking: pci or vpd."""
    for row in case.index.fabric:
        for function in case.pci if row['detect'] == how else ():
            if _has(row, function):
                yield row, '%s at %s' % (row['codename'], safe(function['address']))


@rule('ACC-7a', 'need')
def switch_needs_fabric_manager(case):
    """An NVSwitch is a PCI function of its own up to Hopper."""
    for row, why in _switches(case, 'pci'):
        for part in row['needs']:
            yield Need(part, why, row.get('source'))


@rule('ACC-7b', 'need')
def bridge_needs_fabric_manager(case):
    """On HGX B200 and B300 the switch hides behind a function whose VPD says so."""
    for row, why in _switches(case, 'vpd'):
        if 'fabric_manager' in row['needs']:
            yield Need('fabric_manager', why, row.get('source'))


@rule('ACC-8a', 'need')
def bridge_needs_subnet_manager(case):
    """NVLink 5 switches want a subnet manager too."""
    for row, why in _switches(case, 'vpd'):
        for part in row['needs']:
            if part != 'fabric_manager':
                yield Need(part, why, row.get('source'))


@rule('ACC-8b', 'need')
def bridge_needs_modules_and_programs(case):
    """The start script of the fabric manager looks for a module and calls programs."""
    for row, _dummy in _switches(case, 'vpd'):
        for part in ('modules', 'programs'):
            if row.get(part):
                yield Need(part, list(row[part]), row.get('source'))


@rule('ACC-81', 'need')
def rack_scale_cards_need_imex(case):
    """Cards of a rack share memory through IMEX; their switches are no functions of the node."""
    for row in case.index.fabric:
        if row['detect'] == 'card' and any(card.get('nvswitch') == 'switch_trays' for card in case.rows):
            for part in row['needs']:
                yield Need(part, row['codename'], row.get('source'))
