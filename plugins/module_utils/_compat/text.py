# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others wrote, made harmless for a message; and the nearest of the names that we know."""

from __future__ import annotations

from difflib import get_close_matches

_LIMIT = 200


def safe(value, limit=_LIMIT):
    """A foreign value for use inside a message: one line, no control characters, at most limit characters."""
    text = value if isinstance(value, str) else str(value)
    if len(text) <= limit and text.isprintable():
        return text
    text = ''.join(char if char.isprintable() else '\\x%02x' % ord(char) for char in text[:limit + 1])
    return text if len(text) <= limit else text[:limit - 3] + '...'


def nearest(wanted, known):
    """The known name that is most like the wanted one, or None."""
    names = {str(name).lower(): str(name) for name in known}
    found = get_close_matches(str(wanted).lower()[:_LIMIT], list(names), n=1, cutoff=0.4)
    return names[found[0]] if found else None


def listed(values, limit=8):
    """A, B, C and 4 more."""
    texts = [safe(value) for value in values]
    more = len(texts) - limit
    return ', '.join(texts[:limit]) + (' and %d more' % more if more > 0 else '')


def did_you_mean(wanted, known):
    """A sentence for "nearest": the closest name first, then what there is."""
    known = sorted(str(name) for name in known)
    if not known:
        return None
    close = nearest(wanted, known)
    return '%s (there are: %s)' % (safe(close), listed(known)) if close else 'one of: %s' % listed(known)
