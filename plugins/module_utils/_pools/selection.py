# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What entries of a host's device_spec do to the functions that it has."""

from __future__ import annotations

from .._compat import fabric
from .._compat.register import Objection, rule
from .._compat.text import listed, safe
from . import address, names

VFIO = ('vfio-pci',)


class Selection:
    """The readable entries of one host, in order, beside its functions."""

    def __init__(self, specs, functions, index, board=False):
        self.specs, self.functions, self.index, self.board = [one for one in specs if not one.problem], functions, index, board
        self.taken = [(one, [each for each in functions if address.selects(one.value, each)]) for one in self.specs]

    def first(self, function):
        """The entry that decides about a function."""
        return next((one for one, taken in self.taken if function in taken), None)


def _tags(spec):
    return {key: value for key, value in spec.value.items() if key not in ('vendor_id', 'product_id', 'address')}


@rule('NR-08', 'selection')
def each_entry_selects_and_none_twice(selection):
    """An entry without a device is a mistake; the first of two entries would decide."""
    for at, (one, taken) in enumerate(selection.taken):
        if not taken:
            yield Objection('%s selects no device of this host' % one.named, 'an entry for a device that is there, or none', one.where)
        for other, others in selection.taken[:at]:
            both = [each['address'] for each in taken if each in others]
            if both and _tags(one) != _tags(other):
                yield Objection('%s and %s both select %s, and the first decides' % (other.named, one.named, listed(both)), 'one entry a device', one.where)


@rule('NR-09', 'selection')
def no_pf_beside_its_vfs(selection):
    """nova-compute refuses to start where it reports both to placement; the address of a PF takes its VFs along."""
    places = {each['address'] for each in selection.functions if selection.first(each)}
    for each in selection.functions:
        if each.get('physfn') in places and each['address'] in places:
            yield Objection('%s and its VF %s are both selected' % (each['physfn'], each['address']), 'the PF without VFs, or its VFs only',
                            selection.first(each).where)


@rule('NR-10', 'selection')
def functions_of_one_card_are_of_one_class(selection):
    """Placement has one inventory for all VFs of a PF."""
    said = {}
    for each in selection.functions:
        spec = selection.first(each)
        if each.get('physfn') and spec:
            tags = (spec.value.get('resource_class'), spec.value.get('traits'))
            if said.setdefault(each['physfn'], tags) != tags:
                yield Objection('the VFs of %s get different classes or traits' % safe(each['physfn']), 'one class for all VFs of a PF', spec.where)


@rule('NR-13', 'selection')
def no_virtual_function_is_used_once(selection):
    """The key on a VF stops nova-compute, even as false."""
    for each in selection.functions:
        spec = selection.first(each)
        if spec and 'one_time_use' in spec.value and names.device_type(each) == 'type-VF':
            yield Objection('%s is a VF, and its entry has one_time_use' % each['address'], 'whole cards, or the entry without it', spec.where)


@rule('NR-14', 'selection')
def unmanaged_device_is_bound_already(selection):
    """With managed no libvirt binds nothing: another driver at the start can take the node down."""
    for each in selection.functions:
        spec = selection.first(each)
        if spec and spec.value.get('managed') in ('no', 'false', False) and each.get('driver') not in VFIO:
            yield Objection('%s is managed: no, and bound to %s' % (each['address'], safe(each.get('driver'))), 'vfio-pci before nova-compute starts',
                            spec.where)


@rule('NR-96', 'selection')
def switch_is_nobodys_card(selection):
    """NVSwitches go with the whole board, or to nobody."""
    for row, each in fabric.found(selection.index, selection.functions):
        spec = selection.first(each)
        if spec and not selection.board:
            yield Objection('%s selects the NVLink switch at %s (%s)' % (spec.named, each['address'], row['codename']), 'addresses of the cards', spec.where)
