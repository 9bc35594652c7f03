# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten thousand hosts on one page: in natural order, equal ones together, their names as ranges."""
from __future__ import annotations

import re

from markupsafe import Markup

from ._text import text

# More digits than this are a name, not a number.
_NUMBERS = re.compile(r'([0-9]{1,15})')
_NUMBERED = re.compile(r'(.*?)([0-9]{1,15})([^0-9]*)', re.DOTALL)

MAX_RANGES = 12


def order(name):
    """A sort key that puts gpu2 before gpu10."""
    parts = _NUMBERS.split(str(name))
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], str(name)


def ranges(names):
    """Names as a list of `name` and `[prefix, first, last, width, suffix]`, in natural order; each run of numbers is one entry."""
    out = []
    for name in sorted(names, key=order):
        found = _NUMBERED.fullmatch(name)
        parts = found and [found.group(1), int(found.group(2)), len(found.group(2)), found.group(3)]
        last = out[-1] if out else None
        if parts and last and [last[0], last[2] + 1, last[3], last[4]] == parts:
            last[2] += 1
        elif parts:
            out.append([parts[0], parts[1], parts[1], parts[2], parts[3]])
        else:
            out.append([name, None, None, 0, ''])
    return [_single(entry) if entry[1] == entry[2] else entry for entry in out]


def _single(entry):
    prefix, number, last, width, suffix = entry
    return prefix if number is None else '%s%0*d%s' % (prefix, width, number, suffix)


def label(entry):
    """One entry of `ranges` as HTML."""
    if isinstance(entry, str):
        return Markup('<span class="h">%s</span>') % text(entry)
    prefix, first, last, width, suffix = entry
    ends = ('%s%0*d%s' % (prefix, width, number, suffix) for number in (first, last))
    return Markup('<span class="h">%s</span> to <span class="h">%s</span>') % tuple(text(end) for end in ends)


def named(names):
    """All that a template needs to name some hosts: how many, the first ranges as HTML, the number of ranges left out, all ranges."""
    parts = ranges(names)
    return {
        'count': len(names),
        'html': Markup(', ').join(label(part) for part in parts[:MAX_RANGES]),
        'more': max(0, len(parts) - MAX_RANGES),
        'ranges': parts,
    }


def gather(items, key, host):
    """Items with an equal key become one entry `[first item, hosts]`, in the order of their first appearance."""
    found = {}
    for item in items:
        mark = repr(key(item))
        if mark not in found:
            found[mark] = (item, {})
        name = host(item)
        if name is not None:
            found[mark][1][str(name)] = None
    return [(item, list(hosts)) for item, hosts in found.values()]
