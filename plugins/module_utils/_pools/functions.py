# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PCI functions of a host as the rules want them: text and numbers, whatever the document held."""

from __future__ import annotations

import re

from .._compat.cards import address
from .names import whole

_TEXTS = ('class', 'vendor', 'device', 'subsystem_vendor', 'subsystem_device', 'driver', 'driver_override', 'slot')
_GROUP = re.compile(r'\d{1,9}$')


def _text(value):
    return value if isinstance(value, str) else None


def _group(value):
    """An IOMMU group; None: not known."""
    if isinstance(value, str) and _GROUP.match(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _function(given):
    found = {key: _text(given.get(key)) for key in _TEXTS}
    physical = _text(given.get('physfn'))
    found.update(address=address(_text(given.get('address'))), iommu_group=_group(given.get('iommu_group')), physfn=physical and address(physical),
                 sriov_totalvfs=whole(given.get('sriov_totalvfs')), sriov_numvfs=whole(given.get('sriov_numvfs')), numa_node=_group(given.get('numa_node')),
                 bars=[one for one in given.get('bars') or () if whole(one)] if isinstance(given.get('bars'), list) else [],
                 boot_vga=given.get('boot_vga') if isinstance(given.get('boot_vga'), bool) else None,
                 vpd=given.get('vpd') if isinstance(given.get('vpd'), dict) else None)
    return found


def functions_of(observation):
    """Every function that an observation has, in address order."""
    given = observation.get('pci') if isinstance(observation, dict) else None
    found = [_function(one) for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    return sorted(found, key=lambda one: one['address'])
