# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the module build? What was tried on some host first, then what the tables know."""

from __future__ import annotations

from .text import safe

_KEY = ('suite', 'kernel', 'package', 'version', 'compiler')
# What a result is worth, best first; a failure anywhere under the same key outweighs a success.
_WORTH = {'failed': 0, 'not_installable': 0, 'built': 1, 'quick': 2}


def _key(key):
    return tuple(str(key.get(name)) for name in _KEY)


def _verdict(result, mode):
    """built | quick | failed | not_installable | None (it was not tried)."""
    if result == 'built':
        return 'built' if mode == 'full' else 'quick'
    return result if result in _WORTH else None


class Builds:
    """Every known result of building a driver module, by what it holds for."""

    def __init__(self, index, observations, trials):
        self.index, self.exact, self.near, self.untried = index, {}, {}, {}
        for observation in observations.values():
            for trial in ((observation or {}).get('trials') or {}).values():
                self._add(trial)
        for trial in trials:
            self._add(trial)

    def _add(self, trial):
        verdict = _verdict(trial['result'], trial['mode'])
        key, line = _key(trial['key']), next(iter(trial.get('errors') or ()), None)
        source = 'trial on %s at %s' % (trial.get('host'), trial.get('at'))
        if verdict is None:
            self.untried[key] = ('unknown', 'it could not be tried: %s' % safe(line or 'no reason given'), source)
            return
        found = (verdict, line, source)
        if key not in self.exact or _WORTH[verdict] < _WORTH[self.exact[key][0]]:
            self.exact[key] = found
        self.near.setdefault(key[:1] + key[2:4], ('other', 'it was tried for kernel %s with %s' % (key[1], key[4]), found[2]))

    def result(self, key):
        """(verdict, line, source) for a trial key; other: a result that holds for another kernel or compiler; unknown: none at all."""
        found = self.exact.get(_key(key))
        if found and found[0] != 'quick':
            return found
        near = None
        for row in self.index.known_builds(key['suite'], key['package'], key['version']):
            verdict = _verdict(row['result'], row.get('mode'))
            if row.get('kernel') == key['kernel'] and (found is None or verdict != 'quick'):
                found = (verdict, row.get('error'), row.get('source'))
            elif row.get('kernel') and verdict:
                near = ('other', 'it is known for kernel %s' % row['kernel'], row.get('source'))
        # What the package manager refuses holds for any kernel, but the host's own simulation knows better.
        return found or self.near.get(_key(key)[:1] + _key(key)[2:4]) or near or self.untried.get(_key(key), ('unknown', None, None))
