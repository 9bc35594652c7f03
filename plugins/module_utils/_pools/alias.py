# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with an entry of [pci] alias, before Nova reads it."""

from __future__ import annotations

import re

from .._compat.register import Objection, rule
from .._compat.text import did_you_mean, listed, safe
from . import names
from .spec import IDS, parsed

WHERE = 'nova.conf [pci] alias'
_ID = re.compile('[0-9a-fA-F]{4}$')


class Alias:
    """One line of alias. placement: whether pci_in_placement is on; twins: the other lines of its name."""

    def __init__(self, text, series, placement):
        values, problem = parsed(text)
        if not problem and (len(values) != 1 or text.lstrip()[:1] == '['):
            problem = 'it is a list; one object a line'
        self.text, self.series, self.placement, self.problem, self.twins = text, series, placement, problem, []
        self.value = values[0] if not problem else {}

    @property
    def named(self):
        return 'alias %s' % safe(self.text)

    @property
    def name(self):
        """As Nova reads it: without the spaces around it."""
        given = self.value.get('name')
        return given.strip() if isinstance(given, str) else given


def of(texts, series, placement):
    """The aliases of the lines of one configuration."""
    found = [Alias(text, series, placement) for text in texts]
    for one in found:
        one.twins = [other for other in found if other is not one and other.name == one.name and not other.problem]
    return found


def _values(alias, key):
    return (alias.series.keys('alias').get(key) or {}).get('values') or []


@rule('NR-20', 'services')
def alias_is_everywhere(services):
    """Boot asks nova-api, a move asks nova-compute: the lines of one service are those of all. services: {name: lines}."""
    counts = {}
    for lines in services.values():
        counts[tuple(sorted(map(str, lines)))] = counts.get(tuple(sorted(map(str, lines))), 0) + 1
    most = max(sorted(counts), key=lambda lines: (counts[lines], len(lines)), default=())
    for name, lines in sorted(services.items()):
        missing, more = (sorted(set(one) - set(other)) for one, other in ((most, map(str, lines)), (list(map(str, lines)), most)))
        if missing or more:
            differs = ['without ' + one for one in missing] + ['with ' + one for one in more]
            yield Objection('%s has not the aliases of the others: %s' % (safe(name), listed(differs)),
                            'the same lines on every nova-api and nova-compute', WHERE)


@rule('NR-21', 'alias')
def keys_and_values_are_known(alias):
    """One JSON object a line, of keys and values that Nova knows, with a name and ids of four hex digits."""
    known = alias.series.keys('alias')
    if alias.problem:
        yield Objection('%s: %s' % (alias.named, alias.problem), 'one JSON object a line, in double quotes', WHERE)
        return
    for key, value in sorted(alias.value.items()):
        values = _values(alias, key)
        if key not in known:
            yield Objection('%s: Nova of %s does not know the key %s' % (alias.named, alias.series.name, safe(key)), did_you_mean(key, known), WHERE)
        elif not isinstance(value, str) or values and value not in values or key in IDS and not _ID.match(value) or key == 'name' and not 0 < len(value) < 257:
            if key not in ('live_migratable', 'traits'):
                yield Objection('%s: %s cannot be %s' % (alias.named, key, safe(value)),
                                'one of %s' % ', '.join(values) if values else 'four hex digits' if key in IDS else 'a text', WHERE)
    if 'name' not in alias.value:
        yield Objection('%s has no name' % alias.named, 'a name', WHERE)


@rule('NR-05', 'alias')
def ids_have_no_prefix(alias):
    """The alias refuses 0x."""
    for key in IDS:
        value = alias.value.get(key)
        if isinstance(value, str) and value.lower().startswith('0x'):
            yield Objection('%s: %s is written as four small hex digits' % (alias.named, key), safe(value[2:].lower().rjust(4, '0'), 8), WHERE)


@rule('NR-22', 'alias')
def device_type_is_written(alias):
    """An alias without it never gets a PF, and lines of one name must agree in it."""
    if alias.problem:
        return
    kinds = _values(alias, 'device_type')
    if alias.value.get('device_type') not in kinds:
        yield Objection('%s has no device_type: it never gets an SR-IOV capable card' % alias.named,
                        'one of %s, as the host shows it' % ', '.join(kinds), WHERE)
    for other in alias.twins:
        if any(other.value.get(key) != alias.value.get(key) for key in ('device_type', 'numa_policy')):
            yield Objection('%s: lines of one name differ in device_type or numa_policy' % alias.named, 'the same in all of them', WHERE)


@rule('NR-23', 'alias')
def one_line_a_name_with_placement(alias):
    """With pci_in_placement a name is one line, with both ids or a resource class."""
    if alias.problem or not alias.placement:
        return
    if alias.twins:
        yield Objection('%s: with pci_in_placement a name has one line' % alias.named, 'one resource_class for all products, in device_spec', WHERE)
    if not alias.value.get('resource_class') and not all(alias.value.get(key) for key in IDS):
        yield Objection('%s names neither both ids nor a resource_class' % alias.named, 'a resource_class', WHERE)


@rule('NR-24', 'alias')
def both_ids_without_placement(alias):
    """Without pci_in_placement Nova looks at the ids only."""
    if alias.problem or alias.placement:
        return
    if not all(alias.value.get(key) for key in IDS):
        yield Objection('%s has not both ids, and pci_in_placement is off' % alias.named, 'vendor_id and product_id', WHERE)
    for key in ('resource_class', 'traits'):
        if key in alias.value:
            yield Objection('%s: %s is used with pci_in_placement only' % (alias.named, key), 'the alias without it', WHERE)


@rule('NR-25', 'alias')
def live_migratable_is_a_text(alias):
    """A boolean is refused here, though device_spec takes one."""
    if 'live_migratable' in alias.value and alias.value['live_migratable'] not in ('yes', 'no'):
        yield Objection('%s: live_migratable cannot be %s' % (alias.named, safe(alias.value['live_migratable'])), '"yes" or "no"', WHERE)


@rule('NR-15', 'alias')
def traits_are_plain(alias):
    """A comma separated text, as in device_spec."""
    given = alias.value.get('traits')
    if 'traits' in alias.value and not isinstance(given, str):
        yield Objection('%s: traits cannot be %s' % (alias.named, safe(given)), 'a comma separated text', WHERE)
    for name in given.split(',') if isinstance(given, str) else ():
        if not names.is_plain_trait(name):
            yield Objection('%s: the trait "%s" becomes another one' % (alias.named, safe(name)), safe(names.normalised(name.strip())), WHERE)
