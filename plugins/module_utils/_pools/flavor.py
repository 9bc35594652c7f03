# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a flavor that asks for cards."""

from __future__ import annotations

import re

from .._compat.register import Objection, rule
from .._compat.text import did_you_mean, safe

ALIAS = 'pci_passthrough:alias'
_RESOURCES = re.compile(r'resources\w*:(.+)')
_NUMA = ('hw:numa_nodes', 'hw:pci_numa_affinity_policy')
_NUMBER = re.compile('[1-9][0-9]{0,8}$')
_PAGES = re.compile('(small|large|any|[1-9][0-9]{0,8}([kKMGT]i?B?)?)$')
_SHAPES = {'hw:numa_nodes': (_NUMBER, 'a number of nodes'), 'hw:mem_page_size': (_PAGES, 'small, large, any or a size')}
_ASKED = ((re.compile('trait[a-zA-Z0-9_-]{0,64}:CUSTOM_[A-Z0-9_]+$'), re.compile('(required|forbidden)$'), 'required or forbidden'),
          (re.compile('resources[a-zA-Z0-9_-]{0,64}:CUSTOM_[A-Z0-9_]+$'), _NUMBER, 'a number'))


class Flavor:
    """A flavor {name, is_public, vcpus, ram_mib, extra_specs} beside what the cloud has.

    aliases: {name: most cards that one host has of it, None: not known}; classes: resource classes of cards; kinds: {alias: device type};
    where: the place to name in a message.
    """

    def __init__(self, index, flavor, aliases, classes=(), kinds=None, where='flavor'):
        self.index = index
        specs = flavor.get('extra_specs')
        self.flavor, self.aliases, self.classes, self.kinds, self.where = flavor, aliases, classes, kinds or {}, where
        self.specs = {str(key): str(value) for key, value in specs.items()} if isinstance(specs, dict) else {}
        self.name = safe(flavor.get('name'))

    @property
    def requests(self):
        """[(alias, count)]; count None: it is no number."""
        found = []
        for part in (self.specs.get(ALIAS) or '').split(','):
            name, _dummy, count = part.strip().partition(':')
            if name:
                found.append((name, int(count) if count.isdigit() and len(count) < 9 else None))
        return found

    @property
    def asked(self):
        """{alias: cards of a server}, however often it is named; None: some request of it is no number, or none."""
        found = {}
        for name, count in self.requests:
            found[name] = found.get(name, 0) + count if count and found.get(name, 0) is not None else None
        return found


@rule('NR-26', 'flavor')
def asks_for_what_one_host_has(flavor):
    """Every alias is configured, and no host has to have more cards than the largest one has: Placement would try for ever."""
    for name, count in flavor.asked.items():
        most = flavor.aliases.get(name)
        if name not in flavor.aliases:
            yield Objection('flavor %s asks for the alias %s, which is not configured' % (flavor.name, safe(name)), did_you_mean(name, flavor.aliases),
                            flavor.where)
        elif count is None or most is not None and count > most:
            told = 'no number of' if count is None else count, safe(name), 'an unknown number' if most is None else most
            yield Objection('flavor %s asks for %s cards of %s; the largest host has %s' % (flavor.name, *told),
                            'at most %s' % most if most else 'a number of cards', flavor.where)


@rule('NR-27', 'flavor')
def asks_by_alias_only(flavor):
    """Nova would claim the class in placement and attach no device."""
    for key in sorted(flavor.specs):
        found = _RESOURCES.match(key)
        if found and found.group(1) in flavor.classes:
            yield Objection('flavor %s asks for %s by %s: no device would be attached' % (flavor.name, safe(found.group(1)), safe(key)), ALIAS, flavor.where)


@rule('NR-28', 'flavor')
def several_functions_say_their_group_policy(flavor):
    """Without it Nova packs the VFs of a server."""
    several = [name for name, count in flavor.requests if (count or 0) > 1 and flavor.kinds.get(name) == 'type-VF']
    if several and flavor.specs.get('group_policy') not in ('none', 'isolate'):
        yield Objection('flavor %s asks for several VFs without group_policy' % flavor.name, 'group_policy: none or isolate', flavor.where)


@rule('NR-29', 'flavor')
def is_private(flavor):
    """An alias carries no right of a project: the access list of the flavor does."""
    if flavor.requests and flavor.flavor.get('is_public') is not False:
        yield Objection('flavor %s asks for cards and is public' % flavor.name, 'is_public: false, and access for the tenants', flavor.where)


@rule('NR-30', 'flavor')
def places_memory_near_the_card(flavor):
    """A guest without NUMA gets memory from anywhere."""
    for key in _NUMA:
        if flavor.requests and key not in flavor.specs:
            yield Objection('flavor %s asks for cards without %s' % (flavor.name, key), key, flavor.where)


@rule('NR-31', 'flavor')
def address_width_is_on_the_image(flavor):
    """The API refuses hw:maxphysaddr_* on a flavor."""
    for key in sorted(flavor.specs):
        if key.startswith('hw:maxphysaddr_'):
            yield Objection('flavor %s has %s' % (flavor.name, safe(key)), 'hw_maxphysaddr_mode on the image', flavor.where)


@rule('NR-74', 'flavor')
def locked_memory_has_a_page_size(flavor):
    """The one is refused without the other."""
    if 'hw:locked_memory' in flavor.specs and 'hw:mem_page_size' not in flavor.specs:
        yield Objection('flavor %s has hw:locked_memory without hw:mem_page_size' % flavor.name, 'hw:mem_page_size', flavor.where)


def _wanted(flavor, key, value):
    """What the API wants in place of an extra spec; None: it takes it, or none of its business."""
    row = flavor.index.nova.get(('extra_spec', key))
    shape = _SHAPES.get(key)
    if row and (value in row['values'] if row['values'] else not shape or shape[0].match(value)):
        return 'shared or dedicated, since no mask says which CPUs are which' if (key, value) == ('hw:cpu_policy', 'mixed') else None
    if row:
        return 'one of %s' % ', '.join(row['values']) if row['values'] else shape[1]
    for name, values, words in _ASKED:
        if name.match(key):
            return None if values.match(value) else words
    return 'an extra spec that a table knows' if ':' in key else None


@rule('NR-104', 'flavor')
def the_api_takes_it(flavor):
    """A flavor with another word is refused when it is made, or when the first server asks for it."""
    for key, value in sorted(flavor.specs.items()) if flavor.requests else ():
        wanted = _wanted(flavor, key, value) if not key.startswith('hw:maxphysaddr_') else None
        if wanted:
            yield Objection('flavor %s: the API does not take %s = %s' % (flavor.name, safe(key), safe(value)), wanted, flavor.where)
    nodes = flavor.specs.get('hw:numa_nodes') or ''
    for key in ('vcpus', 'ram_mib') if _NUMBER.match(nodes) else ():
        if isinstance(flavor.flavor.get(key), int) and flavor.flavor[key] % int(nodes):
            yield Objection('flavor %s: its %s cannot be shared out over %s NUMA nodes' % (flavor.name, key, nodes), 'a multiple of %s' % nodes, flavor.where)
