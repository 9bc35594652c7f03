# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare versions by the rules of whoever made them: dpkg, rpm, or the driver's own dotted integers."""

from __future__ import annotations

import re
from functools import cmp_to_key, lru_cache

# No version has parts of ten digits; a hostile one could have thousands.
_DRIVER = re.compile(r'^(?:\d{1,9}:)?(\d{1,9}(?:\.\d{1,9}){1,4})')
_RPM_PART = re.compile(r'(\d+|[A-Za-z]+|~|\^)')
_NUMBERS = re.compile(r'\d{1,9}')


def _order(char):
    """Weight of one character outside a run of digits (deb-version(7)): ~, end, letters, the rest."""
    if char == '~':
        return -1
    if char.isalpha():
        return ord(char)
    return ord(char) + 256


def _number(digits):
    """The value of digits as something to compare: integers of thousands of digits are refused by Python."""
    digits = digits.lstrip('0')
    return len(digits), digits


def _debian_parts(text):
    """Split into (weights of non-digits, integer) pairs; a plain list comparison then gives dpkg's order."""
    parts, rest = [], text
    while rest:
        at = 0
        while at < len(rest) and not rest[at].isdigit():
            at += 1
        end = at
        while end < len(rest) and rest[end].isdigit():
            end += 1
        # The closing 0 stands for "end of string", which sorts after ~ and before everything else.
        parts.append([_order(char) for char in rest[:at]] + [0])
        parts.append(_number(rest[at:end]))
        rest = rest[end:]
    # An exhausted string goes on as "no characters, number 0" for as long as the other one lasts.
    return parts


def _compare_parts(left, right):
    for at in range(max(len(left), len(right))):
        filler = (0, '') if at % 2 else [0]
        mine = left[at] if at < len(left) else filler
        other = right[at] if at < len(right) else filler
        if mine != other:
            return -1 if mine < other else 1
    return 0


@lru_cache(maxsize=4096)
def _debian(text):
    epoch, colon, rest = text.partition(':')
    if not colon or not epoch.isdigit():
        epoch, rest = '0', text
    upstream, _dummy, revision = rest.rpartition('-')
    if not _dummy:
        upstream, revision = rest, ''
    return _number(epoch), _debian_parts(upstream), _debian_parts(revision)


def compare_dpkg(left, right):
    """-1, 0 or 1 as `dpkg --compare-versions` would say; source: deb-version(7)."""
    mine, other = _debian(left), _debian(right)
    if mine[0] != other[0]:
        return -1 if mine[0] < other[0] else 1
    return _compare_parts(mine[1], other[1]) or _compare_parts(mine[2], other[2])


def _rpm_segment(mine, other):
    """Order of two segments of one position; None stands for the end of a string."""
    if mine == other:
        return 0
    for mark, sign in (('~', -1), ('^', 1)):
        if mine == mark or other == mark:
            # A tilde sorts before the end of a version; a caret after it, but before any further segment.
            if mark == '^' and mine is not None and other is not None:
                sign = -1
            return sign if mine == mark else -sign
    if mine is None or other is None:
        return -1 if mine is None else 1
    if mine.isdigit() != other.isdigit():
        return 1 if mine.isdigit() else -1
    if mine.isdigit():
        mine, other = _number(mine), _number(other)
    return (mine > other) - (mine < other)


def _rpm_vercmp(left, right):
    mine, other = _RPM_PART.findall(left), _RPM_PART.findall(right)
    for at in range(max(len(mine), len(other))):
        found = _rpm_segment(mine[at] if at < len(mine) else None, other[at] if at < len(other) else None)
        if found:
            return found
    return 0


@lru_cache(maxsize=4096)
def _evr(text):
    epoch, colon, rest = text.partition(':')
    if not colon or not epoch.isdigit():
        epoch, rest = '0', text
    version, _dummy, release = rest.partition('-')
    return _number(epoch), version, release


def compare_rpm(left, right):
    """-1, 0 or 1 by rpm's order of epoch, version and release; a missing release matches any."""
    mine, other = _evr(left), _evr(right)
    if mine[0] != other[0]:
        return -1 if mine[0] < other[0] else 1
    found = _rpm_vercmp(mine[1], other[1])
    if found or not mine[2] or not other[2]:
        return found
    return _rpm_vercmp(mine[2], other[2])


_KEYS = {'apt': cmp_to_key(compare_dpkg), 'dnf': cmp_to_key(compare_rpm)}


def key(manager):
    """The sort key for package versions of a package manager (apt or dnf)."""
    return _KEYS['dnf' if manager == 'dnf' else 'apt']


@lru_cache(maxsize=4096)
def upstream(text):
    """The driver's own version inside a package version: 535.309.01-0+deb12u1 -> 535.309.01; None: there is none."""
    found = _DRIVER.match(text or '')
    return found.group(1) if found else None


@lru_cache(maxsize=4096)
def driver(text):
    """A driver version as integers, for comparison only; the text is kept for everything else."""
    return tuple(int(part) for part in _NUMBERS.findall(upstream(text) or text or ''))


def branch(text):
    """535 of 535.309.01."""
    return (upstream(text) or text or '').partition('.')[0]


@lru_cache(maxsize=4096)
def kernel(text):
    """The leading numbers of a kernel release: 6.12.118+deb13-amd64 -> (6, 12, 118)."""
    found = re.match(r'\d{1,9}(?:\.\d{1,9}){0,4}', text or '')
    return tuple(int(part) for part in found.group(0).split('.')) if found else ()
