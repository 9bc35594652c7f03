# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with an entry of [pci] device_spec, before Nova reads it."""

from __future__ import annotations

import json
import re

from .._compat.register import Objection, rule
from .._compat.text import did_you_mean, safe
from . import address, names

IDS = ('vendor_id', 'product_id')
MATCH = IDS + ('address', 'devname')
_ID = re.compile('[0-9a-f]{4}$')
_VF = 'type-VF'


def parsed(text):
    """(values, why not): the values of one option line; JSON may hold one object or, in device_spec, a list of them."""
    try:
        value = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError) as error:
        return [], 'it is no JSON: %s' % safe(error)
    values = value if isinstance(value, list) else [value]
    return (values, None) if values and all(isinstance(one, dict) for one in values) else ([], 'it is no JSON object')


class Spec:
    """One object of a device_spec. report: whether report_in_placement is on; where: the place to name in a message."""

    def __init__(self, text, value, problem, series, report, where):
        self.text, self.value, self.problem, self.series, self.report, self.where = text, value, problem, series, report, where

    @property
    def named(self):
        return 'device_spec %s' % safe(self.text)

    def text_of(self, key):
        value = self.value.get(key)
        return value if isinstance(value, str) else None


def of(text, series, report, where='nova.conf [pci] device_spec'):
    """The objects of one option line; one that cannot be read is one object with a problem."""
    values, problem = parsed(text)
    return [Spec(text, value, None, series, report, where) for value in values] or [Spec(text, {}, problem, series, report, where)]


@rule('NR-01', 'spec')
def is_json(spec):
    """Double quotes, no trailing comma."""
    if spec.problem:
        yield Objection('%s: %s' % (spec.named, spec.problem), 'JSON with double quotes and without a trailing comma', spec.where)


@rule('NR-02', 'spec')
def selects_something_particular(spec):
    """An entry without a key that narrows it hands out every device of the host."""
    if not spec.problem and address.takes_all(spec.value):
        yield Objection('%s selects every PCI device of the host' % spec.named, 'an address, or vendor_id and product_id', spec.where)


@rule('NR-03', 'spec')
def keys_are_known(spec):
    """Nova takes a key that it does not know without a word."""
    known = spec.series.keys('device_spec')
    for key in sorted(set(spec.value) - set(known), key=str):
        yield Objection('%s: Nova of %s does not know the key %s' % (spec.named, spec.series.name, safe(key)), did_you_mean(key, known), spec.where)


def _allowed(spec, key, value):
    """Whether a value of a key is one that Nova reads as it was meant."""
    values = (spec.series.keys('device_spec').get(key) or {}).get('values')
    if key in MATCH:
        return isinstance(value, str) or key == 'address' and isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    return value in values or isinstance(value, bool) if values and isinstance(value, (str, bool)) else isinstance(value, str)


@rule('NR-04', 'spec')
def values_are_texts(spec):
    """A number or null stops nova-compute with a traceback, another word with an error."""
    known = spec.series.keys('device_spec')
    for key, value in sorted(spec.value.items()):
        if key in known and key != 'physical_network' and not _allowed(spec, key, value):
            values = known[key]['values']
            yield Objection('%s: %s cannot be %s' % (spec.named, safe(key), safe(value)), 'one of %s' % ', '.join(values) if values else 'a text in quotes',
                            spec.where)


@rule('NR-05', 'spec')
def ids_are_four_digits(spec):
    """Written alike in device_spec and alias, though only the alias insists."""
    for key in IDS:
        value = spec.text_of(key)
        if value not in (None, '*') and not _ID.match(value):
            yield Objection('%s: %s is written as four small hex digits' % (spec.named, key), safe(value.lower().removeprefix('0x').rjust(4, '0'), 8),
                            spec.where, None, None, _ID.match(value.lower()) is not None)


@rule('NR-06', 'spec')
def expressions_end(spec):
    """Nova ties a regular expression to the start only: bus 1 takes bus 1a too."""
    wanted = spec.value.get('address')
    for field, value in sorted(wanted.items()) if isinstance(wanted, dict) else ():
        if isinstance(value, str) and not value.endswith('$'):
            yield Objection('%s: the expression for %s has no end' % (spec.named, safe(field)), safe(value) + '$', spec.where)


@rule('NR-07', 'spec')
def address_is_within_limits(spec):
    """Domain FFFF, bus FF, slot 1F, function 7."""
    wanted = spec.text_of('address')
    for field in address.wrong_fields(wanted) if wanted else ():
        yield Objection('%s: %s of the address is out of bounds' % (spec.named, field), 'domain FFFF, bus FF, slot 1F, function 7 at most', spec.where)


@rule('NR-11', 'spec')
def no_device_name(spec):
    """Refused by nova-compute where it reports to placement."""
    if 'devname' in spec.value:
        yield Objection('%s uses devname' % spec.named, 'address', spec.where)


@rule('NR-12', 'spec')
def no_device_for_ports(spec):
    """One with physical_network never reaches placement; one with remote_managed is nobody's without a serial number, and no PF may be one."""
    for key, why in (('physical_network', 'would never be in placement'), ('remote_managed', 'would be a port of a network card with a system of its own')):
        if key in spec.value:
            yield Objection('%s has %s: the card %s' % (spec.named, key, why), 'the entry without it', spec.where)


@rule('NR-13', 'spec')
def one_time_use_is_possible(spec):
    """nova-compute refuses it without reports to placement."""
    if 'one_time_use' in spec.value and not spec.report:
        yield Objection('%s has one_time_use without report_in_placement' % spec.named, 'report_in_placement = true', spec.where)


@rule('NR-15', 'spec')
def traits_are_plain(spec):
    """Nova strips no space and finds a standard trait in capitals only."""
    for name in (spec.text_of('traits') or '').split(',') if spec.text_of('traits') else ():
        if not names.is_plain_trait(name):
            yield Objection('%s: the trait "%s" becomes another one' % (spec.named, safe(name)), safe(names.normalised(name.strip())), spec.where)


@rule('NR-16', 'spec')
def class_is_written_as_nova_reports_it(spec):
    """What placement shows is then what stands here."""
    given = spec.text_of('resource_class')
    made = given and names.resource_class(given, '', '', spec.series.keys('behaviour')['standard resource classes']['values'])
    if given and given != made:
        yield Objection('%s: placement shows the class %s as %s' % (spec.named, safe(given), safe(made)), safe(made), spec.where)
