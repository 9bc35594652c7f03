# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The promises about NVLink switches."""

from __future__ import annotations

from .fabric import UNIT
from .register import rule
from .view import check, none_for

_UNITS = {'fabric.manager': UNIT, 'fabric.imex': 'nvidia-imex.service'}


def _asked(view):
    return [subject for subject in _UNITS if view.want.get(subject)]


@rule('ACC-6b', 'check')
def fabric_manager_equals_driver(view):
    """The fabric manager refuses any driver but its own version."""
    promise = 'the fabric manager is of the version of the loaded module, and runs'
    if not _asked(view):
        yield none_for('fabric_manager', promise, 'no switch of this host asks for one')
    for subject in _asked(view):
        part = 'fabric_manager' if subject == 'fabric.manager' else 'imex'
        loaded = None if view.loaded is None else (view.loaded.get('nvidia') or {}).get('version') or 'none'
        unit = (view.units or {}).get(_UNITS[subject]) or {}
        want = {'version': view.want[subject], 'loaded': view.want[subject], 'unit': 'active'}
        seen = {'version': view.version_of(part), 'loaded': loaded, 'unit': None if view.units is None else unit.get('active') or 'absent'}
        unknown = loaded is None or seen['version'] == 'unknown' or view.units is None
        yield check(part, promise.replace('fabric manager', part.replace('_', ' ')), want, seen, 'package database, /sys/module/nvidia, systemd',
                    'unknown' if unknown else 'pass' if seen == want else 'fail')


@rule('ACC-7c', 'check')
def no_fabric_manager_without_switch(view):
    """Without a switch a fabric manager aborts."""
    promise = 'no fabric manager is enabled on a host without a switch'
    if view.want.get('fabric.manager') or not view.nvidia:
        yield none_for('no_fabric_manager', promise, 'a switch of this host asks for one' if view.nvidia else 'cards of another vendor')
        return
    unit = (view.units or {}).get(_UNITS['fabric.manager']) or {}
    seen = None if view.units is None else 'enabled' if unit.get('enabled') == 'enabled' or unit.get('active') == 'active' else 'not enabled'
    yield check('no_fabric_manager', promise, 'not enabled', seen, 'systemctl show %s' % _UNITS['fabric.manager'])


@rule('ACC-46', 'check')
def fabric_is_complete(view):
    """Cards start work when their fabric says completed and success."""
    if not view.want.get('fabric.manager'):
        return
    gpus, mute = view.gpus, {row['generation'] for row in view.index.fabric if not row['tells_state']}
    mute = {card['address'] for card in view.planned() if card['row']['architecture'] in mute}
    for address, gpu in sorted((gpus or {}).items()):
        if address in mute:
            yield none_for('fabric.%s' % address, 'the fabric of the card is complete', 'NVML does not tell it of cards of this generation')
            continue
        fabric = gpu.get('fabric') or {}
        seen = {'state': fabric.get('state'), 'status': fabric.get('status')} if fabric.get('state') else None
        yield check('fabric.%s' % address, 'the fabric of the card is complete', {'state': 'completed', 'status': 'success'}, seen, 'NVML')
    if gpus is None:
        yield check('fabric', 'the fabric of the cards is complete', {'state': 'completed', 'status': 'success'}, None, 'NVML')
