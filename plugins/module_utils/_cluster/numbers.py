# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of Kubernetes, etcd and containerd: dotted numbers, with a v before them or a package's revision behind."""

from __future__ import annotations

import re

# a revision of a package may stand behind it, and no mark of what comes before a release
_FOUND = re.compile(r'^v?(?:\d+:)?(\d{1,9}(?:\.\d{1,9}){1,3})(?!\.?\d)(?!~?-?(?:alpha|beta|rc))')


def plain(text):
    """1.37.2 of v1.37.2 and of 1.37.2-1.1; None: there is no version in it, or one before a release."""
    found = _FOUND.match(text) if isinstance(text, str) else None
    return found.group(1) if found else None


def numbers(text):
    """A version as integers, for comparison; (): there is none."""
    return tuple(int(part) for part in (plain(text) or '').split('.') if part)


def branch(text):
    """1.37 of v1.37.2; None: there is no version in it."""
    return '.'.join(plain(text).split('.')[:2]) if plain(text) else None


def is_exact(text):
    """Whether a version names a patch."""
    return len(numbers(text)) > 2


def apart(later, earlier):
    """How many minors lie between two versions; negative: the first is the older one."""
    return numbers(later)[1] - numbers(earlier)[1]


def next_branch(text, step=1):
    """1.38 of 1.37."""
    major, minor = numbers(text)[:2]
    return '%d.%d' % (major, minor + step)


def reaches(text, floors):
    """Whether a version reaches the floor of its branch; a branch above all of them does. floors: versions, one a branch."""
    mine, known = numbers(text), sorted(numbers(one) for one in floors)
    same = [one for one in known if one[:2] == mine[:2]]
    return mine >= same[0] if same else bool(known) and mine[:2] > known[-1][:2]


def newest(texts):
    """The highest of some versions, or None."""
    return max(texts, key=numbers) if texts else None
