# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quotas that Nova keeps itself, in the names of the limits that take their place; source: nova/limit/local.py and nova/limit/placement.py of 34.0.0."""

from __future__ import annotations

from .._compat.text import listed

LIMITS = {
    'instances': 'servers',
    'cores': 'class:VCPU',
    'ram': 'class:MEMORY_MB',
    'metadata_items': 'server_metadata_items',
    'injected_files': 'server_injected_files',
    'injected_file_content_bytes': 'server_injected_file_content_bytes',
    'injected_file_path_bytes': 'server_injected_file_path_bytes',
    'key_pairs': 'server_key_pairs',
    'server_groups': 'server_groups',
    'server_group_members': 'server_group_members',
}


def as_limits(quota):
    """{name of the limit: value} of a quota set; what has no limit, as floating IPs, is left out."""
    return {LIMITS[name]: value for name, value in quota.items() if name in LIMITS}


def unequal(defaults, rows, seen):
    """({name: value}, {project id: {name: value}}) of quotas that have no equal limit yet. rows: {project id: its quota as limits}; seen: limits.Seen."""
    registered = {name: value for name, value in defaults.items() if name not in seen.registered or seen.registered[name]['default_limit'] != value}
    own = {identity: {name: value for name, value in row.items() if _limit(seen, identity, name, defaults) != value} for identity, row in rows.items()}
    return registered, {identity: row for identity, row in own.items() if row}


def _limit(seen, identity, name, defaults):
    """What holds for a project once the registered limits are the defaults."""
    one = seen.limits.get((identity, name))
    return one['resource_limit'] if one else defaults.get(name)


def doubts(defaults, seen, flavors):
    """Sentences: what a limit would not hold as the quota did. seen: limits.Seen."""
    nothing = sorted(name for name, value in defaults.items() if value == 0 and name not in seen.registered)
    if nothing:
        yield ('Nova says 0 for %s and Keystone has no limit of it: either nobody may have any, or Nova counts by limits already and everybody may have all; '
               'say which by a registered limit' % listed(nothing))
    pinned = sorted(one['name'] for one in flavors if _pins(one.get('extra_specs') or {}))
    if pinned and 'class:PCPU' not in seen.registered:
        yield ('flavors %s pin CPUs: as quotas these are cores, as limits they are class:PCPU, which has no registered limit and so no end; register one'
               % listed(pinned))


def _pins(specs):
    return specs.get('hw:cpu_policy') in ('dedicated', 'mixed') or any(name.startswith('resources') and name.endswith(':PCPU') for name in specs)


def difference(quota, defaults):
    """What a project has otherwise than everybody; both as limits."""
    return {name: value for name, value in quota.items() if defaults.get(name) != value}
