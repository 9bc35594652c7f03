# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables, indexed once: every look-up of the core is a dictionary access."""

from __future__ import annotations


def _rows(tables, name):
    return (tables.get(name) or {}).get('rows') or []


def _texts(source):
    return '; '.join(source) if isinstance(source, (list, tuple)) else (source or '')


def _base(suite):
    """bookworm of bookworm-security: the pockets of one release have one kernel and one compiler."""
    return (suite or '').partition('-')[0]


class Index:
    """What the tables say, by the keys that the core asks with."""

    def __init__(self, tables):
        self.rules = {row['id']: row for row in _rows(tables, 'rules')}
        self.enforced = frozenset(name for name, row in self.rules.items() if row.get('status') == 'enforced')
        self.waivable = frozenset(name for name, row in self.rules.items() if row.get('waivable') is True)
        self.branches = {str(row['branch']): row for row in _rows(tables, 'driver_branches')}
        self.platforms = {(row['distribution'], row['version'], row['vendor']): row['level'] for row in _rows(tables, 'platforms')}
        self.fabric = _rows(tables, 'fabric')
        self.switches = frozenset((row['vendor'], device) for row in self.fabric if row['detect'] == 'pci' for device in row['devices'])
        self.bridges = frozenset(row['vendor'] for row in self.fabric if row['detect'] == 'vpd')
        self.firmware = _rows(tables, 'firmware')
        self._accelerators(tables)
        self._distributions(tables)
        self._builds(tables)
        self._mig(tables)
        self._clouds(tables)
        self._clusters(tables)

    def _accelerators(self, tables):
        self.devices, self.models, self.names = {}, {}, {}
        for row in _rows(tables, 'accelerators'):
            self.devices.setdefault((row['vendor'], row['device']), []).append(row)
            self.models.setdefault(row['model'], []).append(row)
            self.names[row['name']] = row['model']
        self.vendors = frozenset(vendor for vendor, _dummy in self.devices)

    def _distributions(self, tables):
        self.packages, self.transitional, self.kinds = {}, {}, set()
        for row in _rows(tables, 'distributions'):
            place = (row.get('distribution'), str(row.get('version')))
            self.packages.setdefault(place + (row['package'],), []).append(row)
            self.kinds.add(place + (row.get('kind'),))
            if row.get('installs_branch'):
                self.transitional[place + (row['package'],)] = row

    def _builds(self, tables):
        self.builds = {}
        for row in _rows(tables, 'module_builds'):
            self.builds.setdefault((_base(row['suite']), row['package'], row['version']), []).append(row)

    def _mig(self, tables):
        self.mig = {}
        for row in _rows(tables, 'mig'):
            for device in row.get('devices') or ():
                self.mig.setdefault(device, {})[row['profile']] = row

    def _clouds(self, tables):
        self.series = {row['series']: row for row in _rows(tables, 'nova_series')}
        self.nova = {(row['where'], row['name']): row for row in _rows(tables, 'nova_keys')}
        self.filters = _rows(tables, 'nova_filters')
        self.candidates = {(row['placement'], row['wanted'], row['there']): row for row in _rows(tables, 'placement_candidates')}
        self.partitions = {(row['generation'], row['model']): row for row in _rows(tables, 'fabric_partitions')}
        self.fixes, self.vfio = {}, {}
        for row in _rows(tables, 'nova_fixes'):
            self.fixes.setdefault(row['fix'], []).append(row)
        for row in _rows(tables, 'vfio'):
            self.vfio.setdefault(row['kind'], []).append(row)

    def _clusters(self, tables):
        self.minors = {row['minor']: row for row in _rows(tables, 'kubernetes_minors')}
        self.containerd = {row['branch']: row for row in _rows(tables, 'containerd_branches')}
        self.gates = {row['gate']: row for row in _rows(tables, 'kubernetes_gates')}
        self.floors = {row['rule']: row for row in _rows(tables, 'kubernetes_steps')}
        self.queues = {row['branch']: row for row in _rows(tables, 'kubernetes_queues')}
        self.plugins = {}
        for row in _rows(tables, 'kubernetes_plugins'):
            self.plugins.setdefault(row['vendor'], []).append(row)
        self.operators = _rows(tables, 'kubernetes_operators')

    def source(self, identity, row=None):
        """Where a statement comes from: the row that decided, else the rule's own row."""
        return _texts((row or {}).get('source')) or _texts(self.rules.get(identity, {}).get('source')) or None

    def known_builds(self, suite, package, version):
        """The rows about building a module package, for whatever kernel."""
        return self.builds.get((_base(suite), package, version), [])

    def package(self, place, name, package_version=None):
        """The row about a package of a (distribution, release): that version's where there is one."""
        rows = self.packages.get(place + (name,), [])
        same = [row for row in rows if package_version and row.get('ships') == package_version]
        return (same or rows or [None])[0]

    def waivable_by(self, identity):
        """The names under which a waiver may call a rule: ACC-4a, and ACC-4 for all of its parts."""
        return (identity, identity.rstrip('abcdefgh')) if identity in self.waivable else ()
