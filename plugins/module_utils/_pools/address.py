# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses and ids of a device_spec: what Nova reads in them, and which devices they select."""

from __future__ import annotations

import re
from functools import lru_cache

LIMITS = {'domain': 0xffff, 'bus': 0xff, 'slot': 0x1f, 'function': 7}
_HEX = re.compile(r'[0-9a-fA-F]+$')
_FULL = re.compile(r'([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$')


def fields(text):
    """{field: text or *} of an address as a string, short or full; None where it has more fields than an address."""
    place, _dummy, function = text.partition('.')
    parts = place.split(':') if place else []
    if len(parts) > 3:
        return None
    parts = ['*'] * (3 - len(parts)) + parts
    return dict(zip(LIMITS, [part or '*' for part in parts] + [function or '*']))


@lru_cache(maxsize=4096)
def wrong_fields(text):
    """The fields of an address that are no hex number within its limits."""
    found = fields(text)
    if found is None:
        return ['the number of fields']
    return [name for name, value in found.items() if value != '*' and not (_HEX.match(value) and len(value) < 9 and int(value, 16) <= LIMITS[name])]


def parts_of(address):
    """{field: text} of the address of a device as sysfs writes it; None: it is none."""
    found = _FULL.match(address) if isinstance(address, str) else None
    return dict(zip(LIMITS, found.groups())) if found else None


def _same(pattern, value):
    return pattern == '*' or int(pattern, 16) == int(value, 16)


def _expression(pattern, value):
    try:
        return re.match(pattern, value) is not None
    except (re.error, RecursionError, OverflowError):
        return False


def selects_address(wanted, address):
    """Whether an address of an entry, a string or {field: regular expression}, takes a device."""
    here = parts_of(address)
    if here is None:
        return False
    if isinstance(wanted, dict):
        return all(isinstance(wanted.get(name, '.*'), str) and _expression(wanted.get(name, '.*'), here[name]) for name in LIMITS)
    if not isinstance(wanted, str) or wrong_fields(wanted):
        return False
    found = fields(wanted)
    return all(_same(found[name], here[name]) for name in LIMITS)


def _id(wanted, here):
    if wanted is None or wanted == '*':
        return True
    return isinstance(wanted, str) and isinstance(here, str) and wanted.lower().removeprefix('0x').rjust(4, '0') == here.lower()


def _names_one(wanted):
    """Whether an address says every field."""
    return isinstance(wanted, str) and '*' not in (fields(wanted) or {'': '*'}).values()


def selects(spec, function):
    """Whether an entry takes a function of a host. The whole address of a PF takes its VFs too; a pattern that the PF fits does not."""
    if not (_id(spec.get('vendor_id'), function.get('vendor')) and _id(spec.get('product_id'), function.get('device'))):
        return False
    wanted = spec.get('address')
    if wanted is None:
        return True
    mine, parent = function.get('address'), function.get('physfn')
    return selects_address(wanted, mine) or bool(parent) and _names_one(wanted) and selects_address(wanted, parent)


def takes_all(spec):
    """Whether an entry has nothing that narrows it: every device of the host is its."""
    for key in ('vendor_id', 'product_id', 'devname'):
        if spec.get(key, '*') != '*':
            return False
    wanted = spec.get('address', '*')
    if isinstance(wanted, dict):
        return all(value in ('.*', '.*$', '') for value in wanted.values())
    return isinstance(wanted, str) and not set(wanted) - set('*:.')
