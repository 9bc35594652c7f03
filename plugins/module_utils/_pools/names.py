# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names as Nova makes them, and what kind of function a card is to Nova."""

from __future__ import annotations

import re

CUSTOM = 'CUSTOM_'
_OTHER = re.compile('[^0-9A-Za-z]+')
_TRAIT = re.compile('[A-Z0-9_]+$')


def normalised(name):
    """A custom name as os-resource-classes and os-traits make it."""
    return CUSTOM + _OTHER.sub('_', name).upper()


def resource_class(name, vendor, device, standard):
    """The class that Nova reports for a device; source: nova/compute/pci_placement_translator.py of 34.0.0."""
    if not name:
        return normalised('PCI_%s_%s' % (vendor, device))
    upper = name.upper()
    return upper if upper in standard or upper.startswith(CUSTOM) else normalised(name)


def traits(text, known):
    """The traits that Nova reports for a comma separated text; known: whether a name is a standard one. Spaces are not stripped."""
    return [name if known(name) or name.upper().startswith(CUSTOM) else normalised(name) for name in text.split(',')]


def is_plain_trait(name):
    """Whether a trait stays as it is written, but for the prefix of a custom one."""
    return _TRAIT.match(name) is not None


def device_type(function):
    """type-VF, type-PF (SR-IOV capable, even with no VF) or type-PCI; source: nova/virt/libvirt/host.py of 26 to 34."""
    if function.get('physfn'):
        return 'type-VF'
    return 'type-PF' if whole(function.get('sriov_totalvfs')) else 'type-PCI'


def whole(value):
    """A number that a host told, 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
