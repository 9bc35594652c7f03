# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten thousand hosts on one page: in natural order, equal ones together, their names as ranges."""

from __future__ import annotations

import marshal
import re
from functools import lru_cache

from markupsafe import Markup

from ._text import text

# More digits than this are a name, not a number.
_NUMBERS = re.compile(r"([0-9]{1,15})")
_NUMBERED = re.compile(r"(.*?)([0-9]{1,15})([^0-9]*)", re.DOTALL)

MAX_RANGES = 12  # a heading or a cell
MAX_ALL = 1000  # the list of all names behind them
MAX_WHOLE = 14


@lru_cache(maxsize=65536)
def order(name):
    """A sort key that puts gpu2 before gpu10."""
    parts = _NUMBERS.split(name)
    parts[1::2] = map(int, parts[1::2])
    return parts, name


def mark(value):
    """A key that equal documents share. marshal, of a version without references, is three times as fast as repr."""
    try:
        return marshal.dumps(value, 2)
    except ValueError:
        return repr(value)


def ranges(names):
    """Names as a list of `name` and `[prefix, first, last, width, suffix]`, in natural order; a run of three numbers or more is one entry."""
    out = []
    for name in sorted(names, key=order):
        found = _NUMBERED.fullmatch(name)
        parts = found and [found.group(1), int(found.group(2)), len(found.group(2)), found.group(3)]
        last = out[-1] if out else None
        if parts and last and last[1] is not None and [last[0], last[2] + 1, last[3], last[4]] == parts:
            last[2] += 1
        elif parts:
            out.append([parts[0], parts[1], parts[1], parts[2], parts[3]])
        else:
            out.append([name, None, None, 0, ""])
    return [part for entry in out for part in ([entry] if entry[1] is not None and entry[2] - entry[1] > 1 else _spell(entry))]


def _spell(entry):
    prefix, first, last, width, suffix = entry
    return [prefix] if first is None else ["%s%0*d%s" % (prefix, width, number, suffix) for number in range(first, last + 1)]


def _name(name, tail):
    # Only a usual name may keep its hyphens together; a long one has to break somewhere.
    return Markup('<span class="h%s">%s%s</span>') % (" nb" if len(name) <= MAX_WHOLE else "", text(name), tail)


def label(entry, tail=""):
    """One entry of `ranges` as HTML; the tail, a comma, stays on the line of the name."""
    if isinstance(entry, str):
        return _name(entry, tail)
    prefix, first, last, width, suffix = entry
    ends = [_name("%s%0*d%s" % (prefix, width, number, suffix), end) for number, end in ((first, ""), (last, tail))]
    return Markup("%s to %s") % tuple(ends)


@lru_cache(maxsize=64)
def _named(names, most):
    parts = ranges(names)
    rest = parts[most:MAX_ALL]
    return {
        "count": len(names),
        "html": _list(parts[:most]),
        "more": max(0, len(parts) - most),
        "rest": _list(rest) if rest else "",
        "unnamed": max(0, len(parts) - MAX_ALL),
        "ranges": parts,
    }


def _list(parts):
    return Markup(" ").join(label(part, "," if number < len(parts) else "") for number, part in enumerate(parts, 1))


def named(names, most=MAX_RANGES):
    """All that a template needs to name some hosts: how many, the first ranges as HTML, the others, all as data. Remembered: steps share targets."""
    return _named(tuple(names), most)


def gather(items, key, host):
    """Items with an equal key become one entry `[first item, hosts]`, in the order of their first appearance."""
    found = {}
    for item in items:
        kept = found.setdefault(mark(key(item)), (item, {}))
        name = host(item)
        if name is not None:
            kept[1][str(name)] = None
    return [(item, list(hosts)) for item, hosts in found.values()]


def together(found):
    """`(item, hosts)` pairs as blocks `{hosts, items}` of the same hosts, in the order of their first appearance."""
    blocks = {}
    for item, names in found:
        blocks.setdefault(tuple(names), []).append(item)
    return [{"hosts": named(names), "items": items} for names, items in blocks.items()]
