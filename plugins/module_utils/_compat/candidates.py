# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the repositories of a host offer: one candidate for each package set and driver version."""

from __future__ import annotations

import copy
import re

from . import versions
from .text import safe

DISTRIBUTION = 'distribution'
_PARTS = ('fabric_manager', 'imex', 'nvlsm', 'nscq')
# Names that belong to a driver whichever set installed them.
_DRIVER_NAME = re.compile(r'nvidia|nvlsm|^libcuda|^cuda-drivers|rocm|amdgpu|^habanalabs')


class Candidate:
    """One way to drive the cards of a host: a package set in one version, or what somebody else installed there."""

    def __init__(self, **values):
        self.set = self.vendor = self.flavour = self.module = self.package_version = None
        self.version = self.origin = self.message = self.stream = self.simulated = self.download = None
        self.build, self.source, self.installable = 'dkms', DISTRIBUTION, True
        # compiled: somebody has to compile the module; shipped: a build host does, and the module comes as a package of ours
        self.compiled = self.shipped = False
        self.packages, self.parts, self.uneven, self.repositories = {}, {}, {}, {}
        self.missing, self.remove, self.names = [], [], set()
        self.__dict__.update(values)

    @property
    def branch(self):
        return versions.branch(self.version) if self.version else None

    @property
    def name(self):
        """How messages call it: the version, the flavour, the module's package."""
        what = ' '.join(safe(text, 40) for text in (self.version, self.flavour) if text)
        where = '' if self.source == DISTRIBUTION else ' from %s' % safe(self.source, 80)
        return '%s (%s%s)' % (what or 'driver', safe(self.module or self.set, 80), where) if self.set else what

    def pin(self, name, version):
        self.packages[name] = version

    def versions_of(self, part):
        """The versions in which a friend of this driver (fabric manager, IMEX, nvlsm) can be had."""
        return self.parts.get(part, (None, []))[1]

    def has_equal(self, part):
        """Whether a friend can be had in the version of this driver."""
        return any(versions.upstream(one) == self.version for one in self.versions_of(part))


def definition(name, offered):
    """What a set is: as the role says, else as much as its names tell."""
    given = dict(offered.get('definition') or {})
    names = list(offered.get('versions') or ())
    module = next((one for one in names if 'dkms' in one), None) or next((one for one in names if one.startswith('kmod-')), None)
    given.setdefault('vendor', name.partition('-')[0])
    given.setdefault('flavour', 'open' if 'open' in name.split('-') else 'proprietary')
    given.setdefault('module', module)
    given.setdefault('build', 'dkms' if module and 'dkms' in module else 'prebuilt')
    given.setdefault('packages', names)
    given.setdefault('companions', [])
    return given


class _Set:
    """One package set of a host, with everything that the host says about it."""

    def __init__(self, name, offered, installed):
        self.name, self.what, self.installed = name, definition(name, offered), installed
        self.offers = offered.get('versions') or {}
        self.simulation = offered.get('simulation')
        self.names = set(self.what['packages'] + self.what['companions'])

    def candidates(self):
        """One for each version of the module, newest first; without any, one that misses everything."""
        offers = list(self.offers.get(self.what['module']) or ())
        here = self.installed.get(self.what['module'])
        if here and here not in [offer['version'] for offer in offers]:
            offers.append({'version': here, 'origin': None})
        seen = set()
        for offer in offers or [{'version': None, 'origin': None}]:
            version = versions.upstream(offer['version']) if offer['version'] else self._user_space()
            if version not in seen:
                seen.add(version)
                yield self._candidate(offer, version)

    def _user_space(self):
        """The driver version that the rest of the set is of, where its module cannot be had."""
        offers = [offer for name in self.what['packages'] for offer in self.offers.get(name) or ()] if self.what['module'] else []
        return versions.upstream(offers[0]['version']) if offers else None

    def _candidate(self, offer, version):
        what = self.what
        one = Candidate(set=self.name, vendor=what['vendor'], flavour=what['flavour'], module=what['module'], stream=what.get('stream'),
                        package_version=offer['version'], version=version, origin=offer['origin'], source=offer.get('repository') or DISTRIBUTION,
                        build='dkms' if what['build'] == 'dkms' else 'packaged', compiled=what['build'] == 'dkms', names=set(self.names))
        for name in what['packages'] + what['companions']:
            self._collect(one, name, name in what['companions'] or not one.version)
        self._simulated(one)
        for part in _PARTS:
            self._part(one, part)
        return one

    def _collect(self, one, name, own_line):
        """Pin a package of the set at the candidate's version, or note that it is missing or of another version."""
        offers = self.offers.get(name) or ()
        simulated = ((self.simulation or {}).get('install') or {}).get(name)
        for here in (simulated, self.installed.get(name)):
            if here and (own_line or versions.upstream(here) == one.version):
                one.pin(name, here)
                return
        best = next((offer for offer in offers if own_line or versions.upstream(offer['version']) == one.version), None)
        if best:
            one.pin(name, best['version'])
        elif offers:
            one.uneven[name] = offers[0]['version']
        else:
            one.missing.append(name)

    def _simulated(self, one):
        """What the package manager would install for this version, dependencies included; its word when it refuses."""
        found = self.simulation
        if not found:
            # Nothing to simulate: the set is there, and what came with it then stays with it.
            one.packages.update({name: version for name, version in self.installed.items()
                                 if one.version and versions.upstream(version) == one.version and _DRIVER_NAME.search(name)})
        elif not found.get('ok'):
            one.installable, one.message = bool(one.missing), found.get('message')
        else:
            install = found.get('install') or {}
            one.simulated = install.get(one.module)
            if one.simulated in (None, one.package_version):
                one.packages = dict(install, **one.packages)
                one.remove, one.download = sorted(found.get('remove') or ()), found.get('download_bytes')

    def _part(self, one, part):
        name = self.what.get(part)
        found = [offer['version'] for offer in self.offers.get(name) or ()] if name else []
        if name and self.installed.get(name) and self.installed[name] not in found:
            found.append(self.installed[name])
        one.parts[part] = (name, found)

    def repository(self, name, version):
        return next((offer.get('repository') for offer in self.offers.get(name) or () if offer['version'] == version), None)


def _shipped(candidate):
    """The same driver with its module built and signed elsewhere: no compiler, headers or key on the host."""
    twin = copy.copy(candidate)
    twin.build, twin.shipped = 'packaged', True
    twin.packages = {name: version for name, version in candidate.packages.items()
                     if name != candidate.module and (name in candidate.names or _DRIVER_NAME.search(name))}
    twin.missing = [name for name in candidate.missing if name != candidate.module]
    twin.names = candidate.names - {candidate.module}
    return twin


def of(observation, vendor):
    """Every candidate for cards of a vendor that the repositories of a host offer."""
    packages = observation.get('packages') or {}
    sets = [_Set(name, offered, packages.get('installed') or {}) for name, offered in sorted((packages.get('sets') or {}).items())]
    sets = [one for one in sets if one.what['vendor'] == vendor]
    found = []
    for one in sets:
        others = set().union(*(other.names for other in sets)) - one.names
        for candidate in one.candidates():
            candidate.packages = {name: version for name, version in candidate.packages.items() if name not in others}
            candidate.repository_of = one.repository
            found.append(candidate)
            if candidate.compiled:
                found.append(_shipped(candidate))
    return found


def holds(candidate):
    """What must not move by itself: the names of the set, and every part of the driver in its version."""
    return sorted(name for name, version in candidate.packages.items()
                  if name in candidate.names or candidate.version and versions.upstream(version) == candidate.version and _DRIVER_NAME.search(name))
