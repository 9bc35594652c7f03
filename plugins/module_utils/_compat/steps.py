# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of the work, what each step costs, and what has to be at hand for it."""

from __future__ import annotations

_INSTALLED = ('repository:', 'package:', 'hold:', 'file:', 'unit:', 'module:')


class _Order:
    """Steps in order; each needs the last one of each of its hosts."""

    def __init__(self):
        self.steps, self._last = [], {}

    def add(self, wave, what, hosts, costs):
        names = [host.name for host in hosts]
        if not names:
            return
        number = len(self.steps) + 1
        needs = sorted({self._last[name] for name in names if name in self._last})
        self._last.update((name, number) for name in names)
        self.steps.append({'n': number, 'wave': wave, 'what': what, 'targets': names, 'needs': needs, 'costs': costs})

    def counted(self):
        """The steps, their waves counted from one: a wave in which nothing is to do is none."""
        numbers = {wave: number for number, wave in enumerate(sorted({step['wave'] for step in self.steps}), 1)}
        return [dict(step, wave=numbers[step['wave']]) for step in self.steps]


_INSTALL = 'install, pin and hold the driver'


def _touches(host, kinds):
    return any(row['resource'].startswith(kinds) for row in host.changes)


def _is_ours(host):
    """Whether a driver is brought to a host; passthrough has steps of its own."""
    return any(row['role'] == 'gpu_driver' for row in host.changes)


def of(site):
    """[{n, wave, what, targets, needs, costs}]: what can fail goes first, and what cuts service goes host by host."""
    todo, order, wave = [host for host in site.hosts.values() if host.state == 'planned' and _is_ours(host)], _Order(), 3
    order.add(1, 'build the module for the kernel that boots next, installing nothing', [host for host in todo if host.tries], 'minutes of a CPU')
    order.add(2, _INSTALL, [host for host in todo if _touches(host, _INSTALLED) and not host.replaces], None)
    for host in todo:
        if host.drains:
            order.add(wave, 'drain', [host], 'the work on this host')
        if host.replaces and _touches(host, _INSTALLED):
            order.add(wave, _INSTALL, [host], None)
        if host.reboots:
            order.add(wave, 'reboot into the driver', [host], 'reboot')
            wave += 1
    order.add(wave, 'make the MIG layout', [host for host in todo if _touches(host, 'mig:')], 'a reset of the cards')
    order.add(wave + 1, 'verify', todo, None)
    return order.counted()


def artefacts(site):
    """[{name, version, source, digest}]: every package that some host needs and does not have."""
    found = set()
    for host in site.hosts.values():
        installed = (host.seen.get('packages') or {}).get('installed') or {}
        for name, version in host.packages.items() if host.state == 'planned' else ():
            if installed.get(name) != version:
                found.add((name, version, host.source))
    return [{'name': name, 'version': version, 'source': source, 'digest': None} for name, version, source in sorted(found)]
