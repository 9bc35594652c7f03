# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a driver decision depends on, and nothing else: equal cases share one decision."""

from __future__ import annotations

import copy
import marshal

from . import candidates, fabric, files, refusals, register, rules_card, rules_policy, versions
from .cards import VENDORS
from .text import listed, safe

# The first choice of each list in the contract.
DEFAULTS = {'policy': 'production', 'source': 'distribution', 'flavour': 'auto', 'build': None, 'reboot': 'never', 'drain': None,
            'foreign': 'refuse', 'lock_timeout': 300, 'persistence': True}
# Free bytes that we insist on: a module build tree with its objects, and one more initramfs beside the good one.
ROOM = {'/var': 1 << 30, '/boot': 100 << 20}
_RHEL = ('rhel', 'redhat', 'fedora')
PACKAGED = ('distribution', 'vendor_repository')
# What rules may read of each part of an observation. The rest is not handed on: it would be no part of what tells two hosts apart.
_READ = {
    'system': ('distribution', 'version', 'codename', 'family'),
    'kernel': ('next_boot', 'next_boot_because', 'compiler', 'installed'),
    'secure_boot': ('state', 'mok_enrolled'),
    'driver': ('owners', 'foreign', 'loaded', 'fabric_manager', 'imex', 'nvlsm'),
    'packages': ('manager', 'installed', 'held', 'broken', 'lock', 'repositories', 'tools', 'sets'),
}
_STRANGER = ('pool_at', 'address', 'vendor', 'device', 'name')


def managed(observation):
    """Whether a run of ours has been here: it left its settings."""
    return bool(((observation.get('files') or {}).get(files.SETTINGS) or {}).get('ours'))


def plain(value):
    """A value without anything but JSON's own types, such as the dates that a YAML reader makes."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def policy_of(intent, pools):
    """The driver settings of a host and the place each comes from: a pool's own come before the site's."""
    values, places = dict(DEFAULTS), {}
    for key, value in sorted((intent.get('ai_stack_driver') or {}).items()):
        values[key], places[key] = value, 'ai_stack_driver.%s' % key
    for at, pool in reversed(pools):
        for key, value in sorted((pool.get('driver') or {}).items()):
            values[key], places[key] = value, 'ai_stack_pools[%d].driver.%s' % (at, key)
    values['policy'] = str(values['policy'])
    return values, places


def acting(policy):
    """How a driver may be changed: what its role has to know beside the decisions."""
    return {key: policy[key] for key in ('reboot', 'drain', 'lock_timeout')}


def facts_of(observation, cards, index):
    """What a decision is told of a host, and all that it is told: hosts with equal facts share one decision."""
    facts = {}
    for part, names in _READ.items():
        seen = observation.get(part) or {}
        facts[part] = {name: seen[name] for name in names if name in seen}
    disk, unit = observation.get('disk') or {}, (observation.get('units') or {}).get(fabric.UNIT) or {}
    # Only what is short is told apart, else no two hosts were equal.
    facts['disk'] = {folder: disk[folder] for folder, room in ROOM.items() if disk.get(folder) is not None and disk[folder] < room}
    facts['fabric_manager'] = unit.get('enabled')
    facts['switches'] = [(at, one['address']) for at, one in fabric.numbered(index, observation.get('pci') or ())]
    facts['strangers'] = [{key: card[key] for key in _STRANGER} for card in cards if not card['row']]
    facts['journal_open'], facts['ours'] = bool((observation.get('journal') or {}).get('open')), managed(observation)
    return facts


def key_of(facts, rows, beside, policy, places, waived, record):
    """Everything that Case is given, as bytes: equal keys, equal decisions. Unequal keys of equal cases cost time and nothing else."""
    said = [(name, row['approver'], str(row['until'])) for name, row in sorted(waived.items())]
    # Rows of the tables outlive every case. Their order is that of the cards, which messages keep.
    found = [list(dict.fromkeys(map(id, one))) for one in (rows, beside)]
    # marshal is three times as fast as json here; version 2 has no references, which would differ between equal documents.
    return marshal.dumps([facts, found, policy, places, said, record], 2)


class Case:
    """A host as the rules of a driver see it. rows, beside: of its cards in pools, and of those in none that have a driver now."""

    def __init__(self, site, facts, rows, beside, policy, places, waived, record):
        self.index, self.today, self.settled, self._builds = site.index, site.today, site.settled, site.builds
        self.system, self.kernel, self.secure_boot, self.driver, self.packages = (facts[part] for part in _READ)
        self.certificate = (site.intent.get('ai_stack_module_signing') or {}).get('certificate')
        self.disk, self.journal_open, self.ours, self.strangers = facts['disk'], facts['journal_open'], facts['ours'], facts['strangers']
        self.fabric_manager, self.switches = facts['fabric_manager'], [(self.index.fabric[at], address) for at, address in facts['switches']]
        self.rows, self.beside = _distinct(rows), _distinct(beside)
        self.confirmed = frozenset(site.intent.get('ai_stack_confirm') or ())
        self.policy, self.places, self.waived, self.record = policy, places, waived, record or {}
        self.needs, self._known, self._fits, self._allowed = {}, {}, {}, {}
        self.vendors = sorted({self.vendor_of(row) for row in self.rows})
        self.vendor = self.vendors[0] if len(self.vendors) == 1 else None
        self.offered = candidates.of(facts, self.vendor)

    def alone(self, row):
        """The same case with one card only."""
        other = copy.copy(self)
        other.rows = [row]
        return other

    def path(self, key):
        """The place in the inventory that a setting comes from."""
        return self.places.get(key, 'ai_stack_driver.%s' % key)

    def offers(self, wanted, otherwise):
        """The candidates that pass a test and that no rule refuses here, in words; else what the site would have to get."""
        names = sorted({one.name for one in self.offered if wanted(one) and self.allows(one)}, reverse=True)
        return 'available here: %s' % listed(names) if names else otherwise

    def allows(self, candidate, but=None):
        """Whether no rule, but this one, refuses a candidate, waivers counted: what is suggested must not be refused in its turn."""
        key = (candidate.set, candidate.package_version, candidate.build, but, tuple(map(id, self.rows)))
        if key not in self._allowed:
            self._allowed[key] = False  # rules name other candidates in their messages
            self._allowed[key] = not any(not objection.warns and not any(name in self.waived for name in self.index.waivable_by(identity))
                                         for identity, function in register.of('candidate', self.index.enforced) if identity != but
                                         for objection in function(candidate, self))
        return self._allowed[key]

    def branches(self):
        """NVIDIA's branches that the policy of the site takes and every card here takes, oldest first."""
        production = self.policy['policy'] == 'production'
        fits = rules_policy.in_production if production else rules_policy.not_ended
        mine = [row for row in self.rows if self.vendor_of(row) == 'nvidia']
        return sorted((name for name, row in self.index.branches.items() if row.get('vendor') in {one['vendor'] for one in mine}
                       and fits(row, self.today) and all(refusals.takes(one, row) for one in mine)), key=int)

    def with_branch(self, text, candidate):
        """A choice in words, with the branches that have it where the candidate's own branch would not do."""
        good = self.branches()
        return '%s, of branch %s' % (text, ' or '.join(good)) if good and candidate.branch not in good else text

    def fits(self, candidate):
        """Whether the cards take a candidate, as far as branch, flavour and first release go."""
        key = (candidate.set, candidate.version, candidate.package_version, tuple(map(id, self.rows)))
        if key not in self._fits:
            self._fits[key] = True  # the rules about cards name other candidates in their messages
            self._fits[key] = not rules_card.objections_of(candidate, self)
        return self._fits[key]

    @staticmethod
    def vendor_of(row):
        return VENDORS.get(row.get('driver'), row.get('driver'))

    def branch(self, candidate):
        """The row of a candidate's branch."""
        return self.index.branches.get(candidate.branch)

    @property
    def release(self):
        """The kernel that boots next; None: unknown."""
        return self.kernel.get('next_boot')

    @property
    def installed_kernel(self):
        return next((one for one in self.kernel.get('installed') or () if one.get('release') == self.release), {})

    @property
    def compiler(self):
        found = self.kernel.get('compiler')
        return '%s %s' % (found.get('name'), found.get('version')) if found else None

    @property
    def suite(self):
        return self.system.get('codename') or '%s%s' % (self.system.get('distribution'), self.system.get('version'))

    @property
    def release_of_system(self):
        return self.system.get('distribution'), str(self.system.get('version'))

    @property
    def system_name(self):
        """Distribution and release, for a message."""
        return '%s %s' % tuple(safe(part) for part in self.release_of_system)

    @property
    def place(self):
        """The key of the tables about packages: rhel stands for its family, by its major release."""
        if self.system.get('family') in _RHEL:
            return 'rhel', str(self.system.get('version')).partition('.')[0]
        return self.release_of_system

    def package_row(self, name, version=None):
        return self.index.package(self.place, name, version)

    def transitional(self, name):
        return self.index.transitional.get(self.place + (name,))

    def has_kind(self, kind):
        """Whether the tables have rows of a kind for this distribution."""
        return self.place + (kind,) in self.index.kinds

    @property
    def foreign(self):
        """Owners of a driver that a set of packages here is not."""
        source = 'distribution' if self.policy['source'] == 'distribution' else 'vendor_repository'
        owners = [one for one in self.driver.get('owners') or () if one.get('kind') not in (source,) and not self._is_recorded(one)]
        left = [] if owners else [{'kind': 'file', 'evidence': '%s: %s' % (one.get('path'), one.get('why'))} for one in self.driver.get('foreign') or ()]
        return owners + left

    def _is_recorded(self, owner):
        """Whether packages that call another vendor their maker are those that a run of ours has installed."""
        return owner.get('kind') in PACKAGED and (self.ours or self.record.get('version') and owner.get('version') == self.record['version'])

    @property
    def our_holds(self):
        """Names that an earlier run of ours has held."""
        return set(self.record.get('packages') or ())

    def trial_key(self, candidate):
        return {'suite': self.suite, 'kernel': self.release, 'package': candidate.module, 'version': candidate.package_version,
                'compiler': self.compiler}

    def built(self, candidate):
        """(verdict, line, source) of building a candidate for the next kernel; see trials.Builds.result."""
        key = (candidate.set, candidate.package_version)
        if key not in self._known:
            self._known[key] = self._build(candidate)
        return self._known[key]

    def _build(self, candidate):
        if not candidate.compiled:
            return 'built', None, None
        there = (self.installed_kernel.get('modules') or {}).get('nvidia') or {}
        if there.get('version') == candidate.version and there.get('flavour') == candidate.flavour:
            return 'built', 'the module is there for %s' % self.release, None
        if not candidate.version:
            return 'unknown', None, None
        return self._builds.result(self.trial_key(candidate))

    def versions_of(self, part):
        """Every version in which a friend of the driver can be had here, newest first."""
        found = {version for one in self.offered for version in one.versions_of(part)}
        return sorted(found, key=versions.key(self.packages.get('manager')), reverse=True)


def _distinct(rows):
    found = []
    for row in rows:
        if row not in found:
            found.append(row)
    return found
