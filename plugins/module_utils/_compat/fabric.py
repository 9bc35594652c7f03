# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NVLink switches: which ones a host has, and the services that they need beside the driver."""

from __future__ import annotations

from .register import Need, rule
from .text import safe

UNIT = 'nvidia-fabricmanager.service'


def _has(row, function):
    if row.get('vendor') != function.get('vendor'):
        return False
    if row['detect'] == 'pci':
        return function.get('device') in row['devices'] and (function.get('class') or '').startswith(row.get('pci_class') or '')
    return row['detect'] == 'vpd' and row['vpd'] in str((function.get('vpd') or {}).get('text') or '')


def found(index, functions):
    """(row, function) of every switch among the functions of a host, however it is found."""
    return [(index.fabric[at], function) for at, function in numbered(index, functions)]


def numbered(index, functions):
    """(number of the row, function) of the same."""
    # nearly every function is told by its ids to be none, and a site has many
    asked = [one for one in functions if (one.get('vendor'), one.get('device')) in index.switches or one.get('vendor') in index.bridges]
    return [(at, one) for at, row in enumerate(index.fabric) for one in asked if _has(row, one)] if asked else []


def _switches(case, how):
    """(row, why) of the switches that are found in one way of looking: pci or vpd."""
    for row, address in case.switches:
        if row['detect'] == how:
            yield row, '%s at %s' % (row['codename'], safe(address))


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
