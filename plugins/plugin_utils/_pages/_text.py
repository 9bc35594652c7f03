# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a value that somebody else wrote gets into a page: as text, with nothing in it hidden."""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache

from markupsafe import Markup, escape

# A longer text is cut and says so: one host's log must not become the page.
MAX_TEXT = 1000
MAX_ITEMS = 400
MAX_DEPTH = 6
# Accents pile up on one letter and would paint over the lines around it.
MAX_ACCENTS = 3

_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_ENDLESS = re.compile(r"\S{80}")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2})(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|\+00:00)")


def _hidden(char):
    """Control, direction, zero-width, private, unassigned and odd space characters: what a reader cannot see."""
    category = unicodedata.category(char)
    return category[0] in "CZ" and char != " "


def _mark(char):
    code = Markup('<span class="ctl">U+{:04X}</span>').format(ord(char))
    return code + Markup("<br>") if char == "\n" else code


def _cut(value):
    text = str.__str__(value)
    if len(text) <= MAX_TEXT:
        return text
    return "%s ... (%d characters in all)" % (text[:MAX_TEXT], len(text))


@lru_cache(maxsize=65536)
def text(value):
    """A string as HTML text."""
    value = _cut(value)
    html = escape(value) if _PRINTABLE.fullmatch(value) else _marked(value)
    # A browser measures each place where an endless word may break; this class lets it break anywhere without measuring.
    return Markup('<span class="long">%s</span>') % html if _ENDLESS.search(value) else html


def _marked(value):
    out, accents = [], 0
    for char in value:
        accents = accents + 1 if unicodedata.category(char)[0] == "M" else 0
        out.append(_mark(char) if accents > MAX_ACCENTS or _hidden(char) else escape(char))
    return Markup("").join(out)


def plain(value):
    """A string where no element can stand, such as the title of the document."""
    return "".join("[U+%04X]" % ord(char) if _hidden(char) else char for char in _cut(str(value)))


def _remark(word):
    return Markup('<i class="none">%s</i>') % word


def _items(pairs, total, depth, null):
    rows = [Markup("<li>%s%s") % (Markup("<b>%s</b> ") % show(key, depth) if key is not None else "", show(item, depth, null)) for key, item in pairs]
    if total > MAX_ITEMS:
        rows.append(Markup("<li>") + _remark("%d more in the JSON document" % (total - MAX_ITEMS)))
    return Markup('<ul class="v">%s</ul>') % Markup("").join(rows)


def show(value, depth=0, null="unknown"):
    """Any value of a JSON document as HTML; null: what a null in it says. The templates pass everything through it, so that none can be forgotten."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        return text(value) if value else _remark("empty")
    if value is None:
        return _remark(null)
    if isinstance(value, bool):
        return Markup("yes") if value else Markup("no")
    if depth >= MAX_DEPTH:
        return _remark("nested deeper, see the JSON document")
    if isinstance(value, dict):
        return _items(list(value.items())[:MAX_ITEMS], len(value), depth + 1, null) if value else _remark("none")
    if isinstance(value, (list, tuple)):
        return _items([(None, item) for item in value[:MAX_ITEMS]], len(value), depth + 1, null) if value else _remark("none")
    return text(str(value)[:64])


def sources(value):
    """A source as its parts: the tables join several with a semicolon."""
    return value.split("; ") if isinstance(value, str) else [value]


def moment(value):
    """A time as the documents write it, shorter for the eye; anything else stays what it is."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    return Markup("<time>%s %s UTC</time>") % found.groups() if found else show(value)


def island(value):
    """JSON for a script element of type application/json: no character in it can end the element or start markup."""
    packed = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return Markup(packed.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def lines(value):
    """Any value as text of several lines, for tables that the page itself writes when a reader opens them."""
    if isinstance(value, dict):
        return "\n".join("%s %s" % (_cut(str(key)), lines(item)) for key, item in list(value.items())[:MAX_ITEMS])
    if isinstance(value, (list, tuple)):
        return "\n".join(lines(item) for item in value[:MAX_ITEMS])
    if value is None:
        return None
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else _cut(str(value))
