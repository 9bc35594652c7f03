# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registered limits and limits of projects, of one service in one region.

oslo.limit reads those of the region of the service's endpoint and no others, so the region is never left out.
"""

from __future__ import annotations

from .._compat.text import did_you_mean, listed, safe
from .outcome import Outcome

# Keystone takes bodies of 112 KiB
_CHUNK = 200
_MOST = 1 << 31


def place_of(services, endpoints, kind, region):
    """((service id, region id), mistakes): where limits of a kind of service are read."""
    ids = [one['id'] for one in services if one['type'] == kind]
    if not ids:
        return None, ['there is no service of type %s; %s' % (safe(kind), did_you_mean(kind, {one['type'] for one in services}))]
    places = sorted({(one['service_id'], one['region_id']) for one in endpoints if one['service_id'] in ids and one.get('region_id')})
    mine = [place for place in places if region is None or place[1] == region]
    if len(mine) == 1:
        return mine[0], []
    regions = sorted({place[1] for place in places})
    if not mine:
        return None, ['service %s has no endpoint in region %s; %s' % (safe(kind), safe(region), did_you_mean(region or '', regions))]
    told = 'is there %d times in region %s' % (len(mine), safe(region)) if region else 'has endpoints in %s; say which by the option region' % listed(regions)
    return None, ['service %s %s' % (safe(kind), told)]


class Seen:
    """The limits of a place. registered, limits: rows of Keystone, of any region."""

    def __init__(self, place, registered, limits):
        self.service, self.region = place
        self.lost = sorted({one['resource_name'] for one in registered if one['service_id'] == self.service and not one.get('region_id')})
        self.registered = {one['resource_name']: one for one in registered if self._mine(one)}
        self.limits = {(one['project_id'], one['resource_name']): one for one in limits if self._mine(one) and one.get('project_id')}

    def _mine(self, one):
        return one['service_id'] == self.service and one.get('region_id') == self.region


def _wrong(where, values):
    for name, value in values.items():
        if not isinstance(value, int) or isinstance(value, bool) or not -1 <= value < _MOST:
            yield '%s %s is %s and no number from -1 on' % (where, safe(name), safe(value))


def _mistakes(registered, limits, seen):
    found = list(_wrong('registered limit', registered))
    for project, values in limits.items():
        found += _wrong('limit of project %s for' % safe(project), values)
        found += ['project %s has a limit for %s, which has no registered limit' % (safe(project), safe(name))
                  for name in values if name not in registered and name not in seen.registered]
    return found


def present(registered, limits, seen, projects, whole=True):
    """registered: {name: default}; limits: {project: {name: limit}}."""
    outcome = Outcome()
    ids, mistakes = projects.ids(list(limits))
    outcome.mistakes += mistakes + _mistakes(registered, limits, seen)
    outcome.warnings += ['the registered limit %s has no region, and is not read by its service' % name for name in seen.lost if name in registered]
    if outcome.mistakes:
        return outcome, {'limits': None}
    keys = {'service_id': seen.service, 'region_id': seen.region}
    rows = [(name, name, seen.registered.get(name), value, dict(keys, resource_name=name, default_limit=value)) for name, value in registered.items()]
    after = {'registered': dict(_kind(outcome, rows, 'registered_limit', 'default_limit', whole))}
    rows = [((project, name), '%s of project %s' % (name, project), seen.limits.get((ids[project], name)), value,
             dict(keys, resource_name=name, project_id=ids[project], resource_limit=value))
            for project, values in limits.items() for name, value in values.items()]
    after['projects'] = {project: {} for project in limits}
    for (project, name), value in _kind(outcome, rows, 'limit', 'resource_limit', whole):
        after['projects'][project][name] = value
    return outcome, {'limits': after}


def _kind(outcome, rows, kind, field, whole):
    """Yields (key, value afterwards). rows: (key, name for people, document or None, value, document to make)."""
    words, made = kind.replace('_', ' '), []
    for key, name, one, value, document in rows:
        before = one[field] if one else None
        if one is None:
            made.append((document, '%s %s is %d' % (words, name, value)))
        elif before != value and not whole and _less(value, before):
            outcome.kept.append('%s %s stays %d and is not lowered to %d' % (words, name, before, value))
            value = before
        elif before != value:
            outcome.call('identity', 'PATCH', '/%ss/%s' % (kind, one['id']), {kind: {field: value}}, '%s %s is %d, it was %d' % (words, name, value, before))
        outcome.shows('%s %s' % (words, name), before, value)
        yield key, value
    for at in range(0, len(made), _CHUNK):
        part = made[at:at + _CHUNK]
        outcome.call('identity', 'POST', '/%ss' % kind, {'%ss' % kind: [document for document, _says in part]}, [says for _document, says in part])


def _less(one, other):
    """-1 is no limit at all."""
    return one != -1 and (other == -1 or one < other)


def absent(registered, limits, seen, projects, whole=True):
    """The named ones go, limits of projects first; a registered one that others still rely on does not."""
    outcome = Outcome()
    ids, mistakes = projects.ids(list(limits))
    outcome.mistakes += mistakes
    mine = [(ids[project], name) for project, values in limits.items() if project in ids for name in values if (ids[project], name) in seen.limits]
    for project, name in mine:
        _gone(outcome, 'limit', seen.limits[(project, name)], '%s of project %s' % (name, projects.name(project)), 'resource_limit', whole)
    for name in [name for name in registered if name in seen.registered]:
        others = sorted(projects.name(project) for project, each in seen.limits if each == name and (project, each) not in mine)
        if others and whole:
            outcome.mistakes.append('registered limit %s is what limits of %s stand on' % (name, listed(others)))
        else:
            _gone(outcome, 'registered_limit', seen.registered[name], name, 'default_limit', whole)
    return outcome, {'limits': {'registered': {}, 'projects': {}}}


def _gone(outcome, kind, one, name, field, whole):
    words = kind.replace('_', ' ')
    if not whole:
        outcome.kept.append('%s %s stays' % (words, name))
        return
    outcome.call('identity', 'DELETE', '/%ss/%s' % (kind, one['id']), None, '%s %s is removed' % (words, name))
    outcome.shows('%s %s' % (words, name), one[field], None)
