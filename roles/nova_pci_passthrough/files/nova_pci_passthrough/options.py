# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Options as text: what a drop-in of ours says, and where in a file a key stands. Knows no file, no host and no Nova.

settings: {section: {key: text, or a list of texts where the option may stand several times}}
"""

from __future__ import annotations

MARKER = "# managed by sovereign.ai_stack: nova_pci_passthrough\n"


class Mixed(Exception):
    """Services of one host share a file, and want different values for one key; the text is a sentence."""


def text_of(value):
    """Nova reads true and false, not Python's words."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def of_host(settings, host):
    """{section: {key: value}} as texts; an option that is {host: lines} gives the lines of this host."""
    found = {}
    for section, values in settings.items():
        for key, value in values.items():
            mine = value.get(host, []) if isinstance(value, dict) else value
            if mine not in ([], None):
                found.setdefault(section, {})[key] = [text_of(one) for one in mine] if isinstance(mine, (list, tuple)) else text_of(mine)
    return found


def unnamed(settings, host):
    """[(section, key)] of options that say lines of other hosts and nothing of this one: what it has stays, since servers may use it."""
    return [(section, key) for section, values in settings.items() for key, value in values.items() if isinstance(value, dict) and host not in value]


def union(by_service):
    """One {section: {key: value}} for services that read the same file."""
    found, said_by = {}, {}
    for service, settings in sorted(by_service.items()):
        for section, values in settings.items():
            for key, value in values.items():
                there = found.setdefault(section, {}).setdefault(key, value)
                first = said_by.setdefault((section, key), service)
                if there != value:
                    raise Mixed("[%s] %s: %s and %s read one file, and are to have different values" % (section, key, first, service))
    return found


def held_back(wanted, there, due):
    """What a file is to say while not all is DUE(section, key): the others stay as they are there, and are new nowhere."""
    found = {}
    for section, values in wanted.items():
        for key, value in values.items():
            if due(section, key):
                found.setdefault(section, {})[key] = value
            elif key in there.get(section, {}):
                found.setdefault(section, {})[key] = there[section][key]
    return found


def with_kept(wanted, there, keys):
    """The same, and each of these keys that stands there already: one-way keys can be turned, never taken out."""
    found = {section: dict(values) for section, values in wanted.items()}
    for section, key in keys:
        if key in there.get(section, {}):
            found.setdefault(section, {}).setdefault(key, there[section][key])
    return found


def render(settings):
    """The text of a drop-in; empty where it has nothing to say."""
    lines = []
    for section, values in sorted(settings.items()):
        rows = ["%s = %s" % (key, one) for key, value in sorted(values.items()) for one in (value if isinstance(value, list) else [value])]
        lines += ["[%s]" % section] + rows if rows else []
    return MARKER + "\n".join(lines) + "\n" if lines else ""


def places(text):
    """[(line number, section, key, value)] as oslo.config reads a file; a value that goes on in the next line is one value."""
    found, section, goes_on = [], "DEFAULT", False
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare[0] in "#;":
            goes_on = goes_on and bool(bare)
        elif line[0] in " \t" and goes_on:
            at, where, key, value = found[-1]
            found[-1] = (at, where, key, value + "\n" + bare)
        elif bare[0] == "[":
            section, goes_on = bare[1:].split("]")[0], False
        else:
            cut = min([bare.index(sign) for sign in "=:" if sign in bare] or [len(bare)])
            value = bare[cut + 1:].strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
            found.append((number, section, bare[:cut].strip().replace("-", "_"), value[1:-1] if quoted else value))
            goes_on = True
    return found


def said(text, lists):
    """{section: {key: value}} of a drop-in of ours; LISTS: (section, key) of options that may stand several times."""
    found = {}
    for _number, section, key, value in places(text):
        if (section, key) in lists:
            found.setdefault(section, {}).setdefault(key, []).append(value)
        else:
            found.setdefault(section, {})[key] = value
    return found
