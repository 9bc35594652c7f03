# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host as a flat table of resources: what it is, what it should be, and the difference.

Only resources that a run of ours can touch are in it: a package that somebody installs meanwhile is no change of ours.
"""

from __future__ import annotations

import re

from . import fabric, files
from .cards import address
from .mig import counted

# the vendor's container toolkit is no part of a driver
_PACKAGES = re.compile(r'nvidia(?!-container-)|nvlsm|^libcuda|^cuda-drivers|rocm|^amdgpu|^habanalabs|^dkms$|firmware')
_DRIVERS = ('nvidia', 'amdgpu', 'habanalabs')
_IOMMU = ('intel_iommu',)
VFIO = 'vfio-pci'
OWN_UNITS = ('ai-stack-gpu-driver.service', 'ai-stack-gpu-driver-check.service')


def values(decisions):
    """Decisions by subject; a mapping is taken as it is."""
    if isinstance(decisions, dict):
        return decisions
    return {row['subject']: row['value'] for row in decisions or ()}


def _module(module):
    return ' '.join(str(part) for part in (module.get('version'), module.get('flavour')) if part)


def of(observation):
    """{resource: value} of a host as it was seen."""
    packages = observation.get('packages') or {}
    found = {'package:%s' % name: version for name, version in (packages.get('installed') or {}).items() if _PACKAGES.search(name)}
    found.update(('hold:%s' % name, True) for name in packages.get('held') or ())
    found.update(('repository:%s' % each['name'], True) for each in packages.get('repositories') or () if each.get('set_up'))
    found.update(('file:%s' % path, file.get('sha256')) for path, file in (observation.get('files') or {}).items() if path in files.PATHS)
    found.update(('unit:%s' % name, unit.get('enabled')) for name, unit in (observation.get('units') or {}).items() if name in OWN_UNITS + (fabric.UNIT,))
    for kernel in (observation.get('kernel') or {}).get('installed') or ():
        module = (kernel.get('modules') or {}).get('nvidia')
        if module:
            found['module:%s' % kernel['release']] = _module(module)
    loaded = (observation.get('driver') or {}).get('loaded') or {}
    found.update(_passed(observation))
    if loaded:
        found['loaded'] = {name: _module(module) for name, module in sorted(loaded.items())}
    for gpu in (observation.get('nvml') or {}).get('gpus') or ():
        if gpu.get('persistence') is False:
            found['persistence:%s' % address(gpu['address'])] = 'off'
        if counted(gpu):
            found['mig:%s' % address(gpu['address'])] = counted(gpu)
    return found


def _passed(observation):
    """What is kept for vfio-pci, and what the kernel is told about the IOMMU."""
    for one in observation.get('pci') or ():
        if isinstance(one, dict) and one.get('driver_override') == VFIO:
            yield 'override:%s' % address(one.get('address')), VFIO
    cmdline = (observation.get('kernel') or {}).get('cmdline')
    for word in cmdline.split() if isinstance(cmdline, str) else ():
        if word.partition('=')[0] in _IOMMU:
            yield 'argument:%s' % word, True


def passed_through(want, observation):
    """{resource: value} of a host once its cards are bound to vfio-pci; arguments are added, never replaced."""
    before, bound = of(observation), [address(place) for place in want.get('passthrough.bind') or ()]
    found = dict(before)
    found.update(('override:%s' % place, VFIO) for place in bound)
    found.update(('argument:%s' % word, True) for word in want.get('passthrough.arguments') or ())
    return found if found == before else _booted(found, want, bound)


def _booted(found, want, bound):
    """The boot that binds cards loads no driver that is kept off, and whatever a driver said of these cards is gone."""
    loaded = {name: text for name, text in (found.pop('loaded', None) or {}).items() if name not in (want.get('passthrough.keep_off') or ())}
    found.update({'loaded': loaded} if loaded else {})
    return {name: value for name, value in found.items() if name not in ['%s:%s' % (kind, place) for kind in ('persistence', 'mig') for place in bound]}


def wanted(decisions, observation):
    """{resource: value} of the same host once the decisions are carried out."""
    want = values(decisions)
    found = passed_through(want, observation)
    if not want.get('driver.set'):
        return found
    _packages(found, want)
    packages = observation.get('packages') or {}
    found.update(('repository:%s' % each['name'], True) for each in packages.get('repositories') or () if each.get('set_up') is False)
    for path, text in files.rendered(want, packages.get('manager')).items():
        found['file:%s' % path] = files.digest(text)
    for unit in OWN_UNITS + ((fabric.UNIT,) if want.get('fabric.manager') else ()):
        found['unit:%s' % unit] = 'enabled'
    if want.get('driver.version'):
        found['module:%s' % want['kernel.release']] = '%s %s' % (want['driver.version'], want['driver.flavour'])
    _boot(found, want)
    if want.get('driver.persistence'):
        found = {name: value for name, value in found.items() if not name.startswith('persistence:')}
    return found


def _packages(found, want):
    for name, version in want['driver.packages'].items():
        if _PACKAGES.search(name):
            found['package:%s' % name] = version
    for name in want.get('driver.remove') or ():
        for resource in ('package:%s' % name, 'hold:%s' % name):
            found.pop(resource, None)
    for name in want['driver.holds'] + (want.get('kernel.hold') or []):
        found['hold:%s' % name] = True


def _boot(found, want):
    """What the next boot brings; without one the layout of the cards and the loaded module stay until somebody reboots."""
    module = 'nvidia' if want.get('driver.version') else 'amdgpu'
    version = '%s %s' % (want['driver.version'], want['driver.flavour']) if want.get('driver.version') else ''
    if want.get('reboot'):
        gone = set(want['modules.blacklist']) | set(_DRIVERS)
        found['loaded'] = dict({name: text for name, text in (found.get('loaded') or {}).items() if name not in gone}, **{module: version})
    if (found.get('loaded') or {}).get(module) == version or want.get('reboot'):
        for place, layout in (want.get('mig.layout') or {}).items():
            found['mig:%s' % place] = layout


def difference(before, after):
    """[{resource, before, after}] of two such tables, by name; None: not there."""
    return [{'resource': name, 'before': before.get(name), 'after': after.get(name)}
            for name in sorted(set(before) | set(after)) if before.get(name) != after.get(name)]
