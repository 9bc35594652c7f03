# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flavors with extra specs and access: what a cloud lacks of those that are wanted. A size is never changed: Nova cannot, and a new flavor is another one."""

from __future__ import annotations

from .._compat.text import listed, safe
from .outcome import Outcome, new, twice
from .servers import in_words

_SIZES = {'vcpus': 'vcpus', 'ram_mib': 'ram', 'disk_gib': 'disk', 'is_public': 'os-flavor-access:is_public'}
# a flavor of a pool has neither; a foreign one of the same name may
_NONE = ('swap', 'OS-FLV-EXT-DATA:ephemeral')


def _text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def specs_of(row):
    """Nova keeps texts only."""
    return {str(key): _text(value) for key, value in (row.get('extra_specs') or {}).items()}


def present(wanted, seen, projects, whole=True):
    """wanted: rows {name, vcpus, ram_mib, disk_gib, is_public, extra_specs, access}; seen: {flavors: as /flavors/detail, access: {id: project ids}}."""
    outcome, there = Outcome(), {one['name']: one for one in seen['flavors']}
    outcome.mistakes += ['flavor %s stands there more than once' % safe(name) for name in twice([row['name'] for row in wanted])]
    members, mistakes = projects.ids(sorted({name for row in wanted for name in row.get('access') or ()}))
    outcome.mistakes += mistakes
    result = []
    for row in wanted:
        outcome.mistakes += _mistakes(row, there.get(row['name']))
        result.append(_one(outcome, row, there.get(row['name']), members, seen['access'], projects, whole))
    return outcome, {'flavors': result}


def _mistakes(row, one):
    name = safe(row['name'])
    if row.get('is_public') and row.get('access') is not None:
        yield 'flavor %s is public, so it has no access list' % name
    for key, theirs in _SIZES.items():
        if one is not None and one[theirs] != row[key]:
            yield 'flavor %s is there with %s %s and not %s, which cannot be changed; take another name or remove it first' % (name, key, one[theirs], row[key])
    for theirs in _NONE:
        if one is not None and one.get(theirs):
            yield 'flavor %s is there with %s %s; take another name or remove it first' % (name, theirs.rpartition(':')[2], one[theirs])


def _one(outcome, row, one, members, access, projects, whole):
    name = row['name']
    identity = one['id'] if one else new('flavor', name)
    if one is None:
        body = dict({theirs: row[key] for key, theirs in _SIZES.items()}, name=name)
        outcome.call('compute', 'POST', '/flavors', {'flavor': body}, 'flavor %s is made' % name, (identity, ('flavor', 'id')))
    before = {'extra_specs': dict(one.get('extra_specs') or {}), 'access': _names(access.get(one['id']), projects)} if one else None
    specs = _specs(outcome, name, identity, before['extra_specs'] if one else {}, specs_of(row), whole)
    ids = _access(outcome, row, identity, access.get(identity, []), members, projects, whole)
    after = {'extra_specs': specs, 'access': _names(ids, projects)}
    outcome.shows(name, before, after)
    return {'name': name, 'id': identity, 'access': after['access']}


def _names(ids, projects):
    return None if ids is None else sorted(projects.name(one) for one in ids)


def _specs(outcome, name, identity, before, after, whole):
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    gone = sorted(set(before) - set(after))
    if changed:
        # of a flavor that is made it is no change of its own
        says = 'flavor %s gets %s' % (name, listed(sorted('%s=%s' % pair for pair in changed.items()))) if not identity.startswith('{new') else ()
        outcome.call('compute', 'POST', '/flavors/%s/os-extra_specs' % identity, {'extra_specs': changed}, says)
    if gone and not whole:
        outcome.kept.append('flavor %s keeps %s' % (name, listed(gone)))
        return dict(after, **{key: before[key] for key in gone})
    for key in gone:
        outcome.call('compute', 'DELETE', '/flavors/%s/os-extra_specs/%s' % (identity, key), None, 'flavor %s loses %s' % (name, safe(key)))
    return after


def _access(outcome, row, identity, before, members, projects, whole):
    """The ids that have access afterwards; None: nobody looked."""
    if row.get('access') is None:
        return None
    wanted = [members[name] for name in row['access'] if name in members]
    for one in [one for one in wanted if one not in before]:
        _grant(outcome, row['name'], identity, 'addTenantAccess', one, 'project %s gets access to flavor %s' % (projects.name(one), row['name']))
    gone = [one for one in before if one not in wanted]
    if gone and not whole:
        outcome.kept.append('flavor %s stays open to %s' % (row['name'], listed(_names(gone, projects))))
        return wanted + gone
    for one in gone:
        _grant(outcome, row['name'], identity, 'removeTenantAccess', one, 'project %s loses access to flavor %s' % (projects.name(one), row['name']))
    return wanted


def _grant(outcome, name, identity, action, project, says):
    outcome.call('compute', 'POST', '/flavors/%s/action' % identity, {action: {'tenant': project}}, says)


def absent(wanted, seen, projects, whole=True):
    """seen: {flavors, servers: {flavor id: servers that use it}}."""
    outcome, there = Outcome(), {one['name']: one for one in seen['flavors']}
    for name in sorted({row['name'] for row in wanted} & set(there)):
        identity = there[name]['id']
        users = seen['servers'].get(identity) or []
        if not whole:
            outcome.kept.append('flavor %s stays' % name)
        elif users:
            outcome.mistakes.append('flavor %s is in use by %s' % (name, in_words(users, projects)))
        else:
            outcome.call('compute', 'DELETE', '/flavors/%s' % identity, None, 'flavor %s is removed' % name)
            outcome.shows(name, {'extra_specs': there[name].get('extra_specs') or {}}, None)
    return outcome, {'flavors': []}
