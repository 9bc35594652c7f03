# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel of a host is told, and which modules it loads. Each function yields (what, because)."""

from __future__ import annotations

from .._compat.register import rule
from .._compat.text import safe


@rule('NR-61', 'argument')
def intel_switches_on(donor):
    """Without groups the IOMMU is off; what is there already is not said twice."""
    for row in donor.index.vfio.get('argument', ()):
        if row['cpu'] == donor.cpu and not donor.has_groups and row['name'] not in donor.arguments:
            yield row['name'], 'no IOMMU group is there yet, and the CPU is of %s' % row['cpu']


@rule('NR-64', 'module')
def vfio_is_loaded(donor):
    """A module that is built in cannot be loaded."""
    for row in donor.index.vfio.get('module', ()):
        if not row['kernels']:
            yield row['name'], 'vfio-pci needs it'
        elif donor.kernel_series in row['kernels']:
            yield row['name'], 'it is a module of its own in %s' % safe(donor.kernel.get('next_boot'))
