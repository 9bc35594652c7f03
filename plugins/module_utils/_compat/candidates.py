# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the repositories of a host offer: one candidate for each package set and driver version."""

from __future__ import annotations

from . import versions

_PARTS = ('fabric_manager', 'imex', 'nvlsm', 'nscq')


class Candidate:
    """One way to drive the cards of a host: a package set in one version, or what somebody else installed there."""

    def __init__(self, **values):
        self.set = self.vendor = self.flavour = self.module = self.package_version = None
        self.version = self.origin = self.row = self.message = self.stream = None
        self.build = 'dkms'
        self.source = 'distribution'
        self.packages, self.versions, self.missing, self.parts, self.remove = {}, {}, [], {}, []
        self.uneven, self.download, self.simulated = {}, None, None
        self.installable = True
        self.names = set()
        self.__dict__.update(values)

    @property
    def branch(self):
        return versions.branch(self.version) if self.version else None

    @property
    def name(self):
        """How messages call it: the version, the flavour, the module's package."""
        what = ' '.join(text for text in (self.version, self.flavour) if text)
        return '%s (%s)' % (what or 'driver', self.module or self.set) if self.set else what


def definition(name, offered):
    """What a set is: as the role says, else as much as its names tell."""
    given = dict(offered.get('definition') or {})
    names = list(offered.get('versions') or ())
    module = next((one for one in names if 'dkms' in one), None) or next((one for one in names if one.startswith('kmod-')), None)
    given.setdefault('vendor', name.partition('-')[0])
    given.setdefault('flavour', 'open' if 'open' in name.split('-') else 'proprietary')
    given.setdefault('module', module)
    given.setdefault('build', 'dkms' if module and 'dkms' in module else 'prebuilt')
    given.setdefault('packages', [one for one in names if versions.upstream(one) is None])
    given.setdefault('companions', [])
    return given


def _pick(offers, wanted):
    """The offer of a package whose driver version is the wanted one; they come newest first."""
    return next((offer for offer in offers or () if versions.upstream(offer['version']) == wanted), None)


def _collect(candidate, what, offered, installed):
    """Pin every package of the set at the candidate's version, and note what is missing or of another version."""
    offers = offered.get('versions') or {}
    simulated = (offered.get('simulation') or {}).get('install') or {}
    for name in what['packages'] + what['companions']:
        own_line = name in what['companions']
        here = simulated.get(name) or installed.get(name)
        if here and (own_line or versions.upstream(here) == candidate.version):
            candidate.packages[name] = here
            continue
        best = (offers.get(name) or [None])[0] if own_line or not candidate.version else _pick(offers.get(name), candidate.version)
        if best:
            candidate.packages[name] = best['version']
        elif offers.get(name):
            candidate.uneven[name] = offers[name][0]['version']
        else:
            candidate.missing.append(name)


def _with_dependencies(candidate, offered):
    """What the package manager would install for this version, dependencies included; its word when it refuses."""
    simulation = offered.get('simulation')
    if not simulation:
        return
    if not simulation.get('ok'):
        candidate.installable, candidate.message = False, simulation.get('message')
        return
    install = simulation.get('install') or {}
    candidate.simulated = install.get(candidate.module)
    if candidate.simulated not in (None, candidate.package_version):
        return
    candidate.packages = dict(install, **candidate.packages)
    candidate.remove = sorted(simulation.get('remove') or ())
    candidate.download = simulation.get('download_bytes')


def _parts(candidate, what, offered, installed):
    """The versions in which each friend of the driver (fabric manager, IMEX, ...) can be had here."""
    for part in _PARTS:
        name = what.get(part)
        found = [offer['version'] for offer in (offered.get('versions') or {}).get(name) or ()] if name else []
        if name and installed.get(name) and installed[name] not in found:
            found.append(installed[name])
        candidate.parts[part] = (name, found)


def of_set(name, offered, installed):
    """The candidates of one set, newest first; without any version of its module one that misses everything."""
    what = definition(name, offered)
    offers = (offered.get('versions') or {}).get(what['module']) or ()
    if not offers and installed.get(what['module']):
        offers = [{'version': installed[what['module']], 'origin': None}]
    seen, found = set(), []
    for offer in offers or [{'version': None, 'origin': None}]:
        version = versions.upstream(offer['version']) if offer['version'] else None
        if version in seen:
            continue
        seen.add(version)
        candidate = Candidate(set=name, vendor=what['vendor'], flavour=what['flavour'], module=what['module'], stream=what.get('stream'),
                              package_version=offer['version'], version=version, origin=offer['origin'],
                              build='dkms' if what['build'] == 'dkms' else 'packaged', names=set(what['packages'] + what['companions']))
        _collect(candidate, what, offered, installed)
        _with_dependencies(candidate, offered)
        _parts(candidate, what, offered, installed)
        found.append(candidate)
    return found


def of(observation, vendor):
    """Every candidate for cards of a vendor that the repositories of a host offer."""
    packages = observation.get('packages') or {}
    found = []
    for name, offered in sorted((packages.get('sets') or {}).items()):
        found.extend(one for one in of_set(name, offered, packages.get('installed') or {}) if one.vendor == vendor)
    return found
