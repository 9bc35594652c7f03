# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drop-ins of a host's driver, as the role's templates write them: a change of their content is a change to predict.

A test renders the templates of the role and compares them with this.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

MARKER = 'managed by sovereign.ai_stack'
MODPROBE = '/etc/modprobe.d/ai-stack-gpu-driver.conf'
PREFERENCES = '/etc/apt/preferences.d/ai-stack-gpu-driver'
SETTINGS = '/etc/ai-stack/gpu-driver.json'
PATHS = (MODPROBE, PREFERENCES, SETTINGS)


@lru_cache(maxsize=256)
def _modprobe(modules):
    lines = ['# ' + MARKER]
    for module in modules:
        lines.append('blacklist %s' % module)
        if module == 'nouveau':
            lines.append('options nouveau modeset=0')
    return '\n'.join(lines) + '\n'


@lru_cache(maxsize=256)
def _preferences(pins):
    lines = ['# ' + MARKER]
    for name, version in pins:
        lines += ['', 'Package: %s' % name, 'Pin: version %s' % version, 'Pin-Priority: 1001']
    return '\n'.join(lines) + '\n'


@lru_cache(maxsize=1024)
def _settings(values):
    return json.dumps(json.loads(values), indent=4, sort_keys=True, separators=(',', ': ')) + '\n'


def rendered(want, manager):
    """{path: content} of the drop-ins that the decisions of a host ask for."""
    values = {'managed_by': MARKER, 'persistence': want['driver.persistence'], 'mig': want.get('mig.layout') or {}}
    found = {SETTINGS: _settings(json.dumps(values))}
    if want['modules.blacklist']:
        found[MODPROBE] = _modprobe(tuple(want['modules.blacklist']))
    if manager == 'apt':
        found[PREFERENCES] = _preferences(tuple((name, want['driver.packages'][name]) for name in sorted(want['driver.holds'])))
    return found


@lru_cache(maxsize=1024)
def digest(text):
    """sha256 of a content, as an observation has it."""
    return hashlib.sha256(text.encode('utf-8')).hexdigest()
