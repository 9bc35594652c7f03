# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host as a flat table of resources: what it is, what it should be, and the difference."""

from __future__ import annotations

_MODULES = ('nvidia', 'nouveau', 'amdgpu', 'i915', 'xe', 'habanalabs')


def values(decisions):
    """Decisions by subject; a mapping is taken as it is."""
    if isinstance(decisions, dict):
        return decisions
    return {row['subject']: row['value'] for row in decisions or ()}


def _unit(unit):
    return '%s, %s' % (unit.get('active'), unit.get('enabled'))


def _module(module):
    return ' '.join(str(part) for part in (module.get('version'), module.get('flavour')) if part)


def of(observation):
    """{resource: value} of a host as it was seen."""
    packages = observation.get('packages') or {}
    found = {'package:%s' % name: version for name, version in (packages.get('installed') or {}).items()}
    found.update(('hold:%s' % name, True) for name in packages.get('held') or ())
    found.update(('file:%s' % path, 'ours' if file.get('ours') else 'foreign') for path, file in (observation.get('files') or {}).items())
    found.update(('unit:%s' % name, _unit(unit)) for name, unit in (observation.get('units') or {}).items())
    for kernel in (observation.get('kernel') or {}).get('installed') or ():
        for name, module in sorted((kernel.get('modules') or {}).items()):
            if name in _MODULES:
                found['module:%s' % kernel['release']] = _module(module)
    loaded = (observation.get('driver') or {}).get('loaded') or {}
    found['loaded'] = {name: _module(module) for name, module in sorted(loaded.items())} or None
    for gpu in (observation.get('nvml') or {}).get('gpus') or ():
        layout = _layout(gpu)
        if layout is not None:
            found['mig:%s' % gpu['address']] = layout
    return found


def _layout(gpu):
    """{profile: count} of a card, {} where MIG is off, None where it is not known."""
    mig = gpu.get('mig') or {}
    if mig.get('current') is None:
        return None
    counts = {}
    for device in mig.get('devices') or ():
        counts[device['profile']] = counts.get(device['profile'], 0) + 1
    return counts


def wanted(decisions, observation):
    """{resource: value} of the same host once the decisions are carried out."""
    want, found = values(decisions), of(observation)
    if not want.get('driver.set'):
        return found
    for name, version in want['driver.packages'].items():
        found['package:%s' % name] = version
    for name in want['driver.holds'] + (want.get('kernel.hold') or []):
        found['hold:%s' % name] = True
    if want.get('driver.version'):
        built = '%s %s' % (want['driver.version'], want['driver.flavour'])
        found['module:%s' % want['kernel.release']] = built
        if want.get('reboot'):
            found['loaded'] = {'nvidia': built}
    for address, layout in (want.get('mig.layout') or {}).items():
        found['mig:%s' % address] = layout
    return found


def difference(before, after):
    """[{resource, before, after}] of two such tables, by name; None: not there."""
    return [{'resource': name, 'before': before.get(name), 'after': after.get(name)}
            for name in sorted(set(before) | set(after)) if before.get(name) != after.get(name)]
