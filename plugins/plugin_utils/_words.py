# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Foreign text made harmless for a message, plain values of foreign ones, and the nearest of the names that are known."""

from __future__ import annotations

import datetime
import difflib


def normalise(value):
    """Plain JSON values: YAML reads unquoted dates as dates and numbers as keys."""
    if isinstance(value, dict):
        return {str(key): normalise(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [normalise(one) for one in value]
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return None if value is None else str(value)


def printable(text, limit=120) -> str:
    """Foreign text in one line of harmless characters."""
    short = text if len(text) <= limit else text[: limit - 3] + "..."
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in short)


def counted(number, noun) -> str:
    """1 conflict, 2 conflicts"""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def hosts_in_words(hosts, most=8) -> str:
    return ", ".join(hosts[:most]) + (f" and {len(hosts) - most} more" if len(hosts) > most else "")


def nearest(name, known) -> str | None:
    """The known name that is most like this one."""
    by_lower = {str(one).lower(): str(one) for one in known}
    wanted = str(name).lower()[:120]
    found = difflib.get_close_matches(wanted, list(by_lower), n=5, cutoff=0.5)
    # of equally near ones, the one that only goes on where the name ends
    found.sort(key=lambda one: not one.startswith(wanted))
    return by_lower[found[0]] if found else None
