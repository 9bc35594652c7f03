# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lint for options, flavors and selections, whoever wrote them: rows {rule, host, path, message, nearest, source}, warnings apart."""

from __future__ import annotations

from .._compat.register import entry, of
from . import alias as aliases
from . import flavor as flavors
from . import selection as selections
from . import spec as specs
from .functions import functions_of


def judged(index, stage, things):
    """(conflicts, warnings) of the rules of a stage about some things."""
    found = ([], [])
    for identity, function in of(stage, index.enforced):
        for thing in things:
            for objection in function(thing):
                found[bool(objection.warns)].append(entry(index, identity, objection))
    return found


def device_spec(texts, series, report):
    """(conflicts, warnings) of the lines of [pci] device_spec."""
    return judged(series.index, 'spec', [one for text in texts for one in specs.of(text, series, report)])


def alias(texts, series, placement):
    """(conflicts, warnings) of the lines of [pci] alias."""
    return judged(series.index, 'alias', aliases.of(texts, series, placement))


def alias_everywhere(index, services):
    """(conflicts, warnings) of the alias lines of several services, {name: lines}."""
    return judged(index, 'services', [services])


def selected(texts, series, report, observation, board=False):
    """(conflicts, warnings) of the lines of a host beside its functions. board: a whole board with its switches goes to one guest."""
    lines = [one for text in texts for one in specs.of(text, series, report)]
    return judged(series.index, 'selection', [selections.Selection(lines, functions_of(observation), series.index, board)])


def flavor(index, document, configured, classes=(), kinds=None, where='flavor'):
    """(conflicts, warnings) of a flavor {name, is_public, extra_specs}; see flavor.Flavor."""
    return judged(index, 'flavor', [flavors.Flavor(index, document, configured, classes, kinds, where)])
