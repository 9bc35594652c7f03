# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of the work, what each step costs, and what has to be at hand for it."""

from __future__ import annotations

from .state import values


def of(site):
    """[{n, wave, what, targets, needs, costs}]: everything that can fail goes first, whatever cuts service goes host by host."""
    todo = [host for host in site.hosts.values() if host.changes and host.state == 'planned']
    wants = {host.name: values(host.decisions) for host in todo}
    plan = []
    _step(plan, 1, 'build the module for the kernel that boots next, installing nothing', [h for h in todo if 'driver.trial' in wants[h.name]], 'minutes of a CPU')
    _step(plan, 2, 'install, pin and hold the driver', [h for h in todo if any(row['resource'].startswith(('package:', 'hold:')) for row in h.changes)], None)
    wave = 3
    for host in todo:
        if host.reboots:
            drain = wants[host.name].get('drain')
            if drain:
                _step(plan, wave, 'drain', [host], 'the work on this host')
            _step(plan, wave, 'reboot into the driver', [host], 'reboot')
            wave += 1
    _step(plan, wave, 'make the MIG layout', [h for h in todo if any(row['resource'].startswith('mig:') for row in h.changes)], 'a reset of the cards')
    _step(plan, wave + 1, 'verify', todo, None)
    return plan


def _step(plan, wave, what, hosts, costs):
    """Add a step; it needs the last one of each of its hosts."""
    if hosts:
        names = [host.name for host in hosts]
        mine = set(names)
        needs = sorted({max((row['n'] for row in plan if name in row['_']), default=0) for name in mine} - {0})
        plan.append({'n': len(plan) + 1, 'wave': wave, 'what': what, 'targets': names, 'needs': needs, 'costs': costs, '_': mine})


def artefacts(site):
    """[{name, version, source, digest}]: every package that some host needs and does not have."""
    found = set()
    for host in site.hosts.values():
        for row in host.changes:
            if row['resource'].startswith('package:') and row['after'] is not None:
                found.add((row['resource'][len('package:'):], row['after'], values(host.decisions).get('driver.source')))
    return [{'name': name, 'version': version, 'source': source, 'digest': None} for name, version, source in sorted(found, key=str)]
