# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quotas that Nova keeps itself, in the names of the limits that take their place; source: nova/limit/local.py and nova/limit/placement.py of 34.0.0."""

from __future__ import annotations

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


def difference(quota, defaults):
    """What a project has otherwise than everybody."""
    return {name: value for name, value in as_limits(quota).items() if defaults.get(name) != value}
