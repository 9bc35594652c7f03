# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Nova and Placement of a cloud know: by their series, and by the release where that is known."""

from __future__ import annotations

import re

from .._compat import versions

_EPOCH = re.compile(r'^\d+:')


def reached(first, major, release):
    """Whether a release has what `first` names per major version; None: it depends on a release that nobody told."""
    if major in first:
        floor = versions.driver(first[major])
        if not any(floor[1:]):
            return True
        return None if not release else release >= floor
    return bool(first) and int(major) > max(int(one) for one in first)


class Series:
    """A row of the table of series, with what is installed: versions as packages have them, or None."""

    def __init__(self, index, row, nova=None, placement=None):
        self.index, self.row, self.name, self._keys = index, row, row['series'], {}
        self.nova, self.placement = (_EPOCH.sub('', text) if isinstance(text, str) else None for text in (nova, placement))

    @property
    def release(self):
        """Upstream version of Nova as integers; (): not known."""
        return versions.driver(versions.upstream(self.nova)) if versions.upstream(self.nova) else ()

    @property
    def agrees(self):
        """Whether what is installed is of this series; None: not known."""
        return str(self.release[0]) == self.row['nova'] if self.release else None

    def knows(self, where, name):
        """True, False, or None where it depends on a release that nobody told."""
        row = self.index.nova.get((where, name))
        if not row:
            return False
        if where != 'placement_option':
            return reached(row['first'], self.row['nova'], self.release)
        told = versions.upstream(self.placement)
        return reached(row['first'], self.row['placement'], versions.driver(told) if told else ())

    def keys(self, where):
        """{name: row} of what a release certainly has."""
        if where not in self._keys:
            self._keys[where] = {name: row for (place, name), row in self.index.nova.items() if place == where and self.knows(where, name)}
        return self._keys[where]

    def has_fix(self, fix):
        """True, False (it was read, and is not there) or None (nobody read it, or the release is not known)."""
        rows = self.index.fixes.get(fix, ())
        told = [one for one in (_of_package(row, self.nova) for row in rows if row['package']) if one is not None]
        upstream = [_of_release(row, self.row['nova'], self.release) for row in rows if not row['package']]
        if True in told + upstream:
            return True
        return False if False in told or False in upstream and versions.upstream(self.nova) == self.nova else None

    def above_floor(self):
        """Whether Nova is at or above the floor of its series; None: not known, or the series has no floor."""
        return reached({self.row['nova']: self.row['floor']}, self.row['nova'], self.release) if self.row['floor'] else None


def _of_package(row, nova):
    """What a row about a package says of another one of the same upstream release: a fix stays, a hole was there before."""
    if not nova or versions.upstream(row['package']) != versions.upstream(nova):
        return None
    order = versions.compare_dpkg(nova, row['package'])
    return row['has'] if order == 0 or order > 0 and row['has'] or order < 0 and not row['has'] else None


def _of_release(row, major, release):
    found = reached(row['first'], major, release)
    if found is not False:
        return found
    if not release:
        return None
    if not row['missing']:
        return False if major in row['first'] else None
    # what is between the last release that lacks it and the first one that has it was not read
    return False if any(release <= versions.driver(one) for one in row['missing'] if one.partition('.')[0] == major) else None
