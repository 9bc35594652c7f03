# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings as text of TOML: tables of tables, texts, numbers, switches and lists of these."""

from __future__ import annotations

import re

_BARE = re.compile(r'[A-Za-z0-9_-]+')


def key(name):
    return name if _BARE.fullmatch(name) else text(name)


def text(value):
    """A basic string: what is no printable ASCII is escaped."""
    found = []
    for char in value:
        if char in '"\\':
            found.append('\\' + char)
        elif ' ' <= char <= '~':
            found.append(char)
        else:
            found.append('\\U%08x' % ord(char))
    return '"%s"' % ''.join(found)


def value(one):
    if isinstance(one, bool):
        return 'true' if one else 'false'
    if isinstance(one, (list, tuple)):
        return '[%s]' % ', '.join(value(each) for each in one)
    return str(one) if isinstance(one, int) else text(str(one))


def render(document):
    """The document as text, keys of a table before the tables below it, all in their order."""
    return '\n'.join(_lines(document, ())) + '\n'


def _lines(table, path):
    plain = [(name, one) for name, one in table.items() if not isinstance(one, dict)]
    if path and (plain or not table):
        yield '[%s]' % '.'.join(key(name) for name in path)
    for name, one in plain:
        yield '%s = %s' % (key(name), value(one))
    for name, one in table.items():
        if isinstance(one, dict):
            yield from _lines(one, path + (name,))
