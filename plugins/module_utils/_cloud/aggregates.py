# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aggregates: hosts and metadata, and which tenants they are for."""

from __future__ import annotations

from .._compat.text import listed, safe
from .naming import hosts_of
from .outcome import Outcome, new, twice

TENANTS = 'filter_tenant_id'
# ids of projects that fit into one value of 255 characters
_FIT = 7


def tenants_of(row):
    """The projects that an aggregate is for, one or several; None: that is not said."""
    value = row.get(TENANTS)
    return None if value is None else [value] if isinstance(value, str) else list(value)


def present(wanted, seen, projects, whole=True):
    """wanted: rows {name, hosts, metadata, filter_tenant_id}; seen: {aggregates: as /os-aggregates, hosts: names of compute services}."""
    outcome, there = Outcome(), {one['name']: one for one in seen['aggregates']}
    outcome.mistakes += ['aggregate %s stands there more than once' % safe(name) for name in twice([row['name'] for row in wanted])]
    ids, mistakes = projects.ids(sorted({name for row in wanted for name in tenants_of(row) or ()}))
    outcome.mistakes += mistakes
    result = []
    for row in wanted:
        hosts, mistakes = hosts_of(row.get('hosts') or (), seen['hosts'], 'compute service')
        outcome.mistakes += [text for text in mistakes if text not in outcome.mistakes]
        result.append(_one(outcome, row, there.get(row['name']), sorted(hosts.values()), ids, whole))
    return outcome, {'aggregates': result}


def _one(outcome, row, one, hosts, ids, whole):
    name, identity = row['name'], one['id'] if one else new('aggregate', row['name'])
    if one is None:
        outcome.call('compute', 'POST', '/os-aggregates', {'aggregate': {'name': name, 'availability_zone': None}}, 'aggregate %s is made' % name,
                     (identity, ('aggregate', 'id')))
    before = {'hosts': sorted(one['hosts']), 'metadata': dict(one['metadata'])} if one else {'hosts': [], 'metadata': {}}
    after = {'hosts': _hosts(outcome, name, identity, before['hosts'], hosts, whole),
             'metadata': _metadata(outcome, row, identity, before['metadata'], ids, whole)}
    outcome.shows(name, before if one else None, after)
    return dict(after, name=name, id=identity)


def _hosts(outcome, name, identity, before, wanted, whole):
    for host in [host for host in wanted if host not in before]:
        _action(outcome, identity, {'add_host': {'host': host}}, 'host %s joins aggregate %s' % (host, name))
    gone = [host for host in before if host not in wanted]
    if gone and not whole:
        outcome.kept.append('aggregate %s keeps %s' % (name, listed(gone)))
        return sorted(wanted + gone)
    for host in gone:
        _action(outcome, identity, {'remove_host': {'host': host}}, 'host %s leaves aggregate %s' % (host, name))
    return wanted


def _action(outcome, identity, body, says):
    outcome.call('compute', 'POST', '/os-aggregates/%s/action' % identity, body, says)


def _metadata(outcome, row, identity, before, ids, whole):
    wanted, gone = {str(key): str(value) for key, value in (row.get('metadata') or {}).items()}, []
    names = tenants_of(row)
    if names is not None:
        theirs = [one for key, value in sorted(before.items()) if key.startswith(TENANTS) for one in value.split(',')]
        ours = sorted(ids[name] for name in names if name in ids)
        if not whole and set(theirs) - set(ours):
            outcome.kept.append('aggregate %s stays open to %s' % (row['name'], listed(sorted(set(theirs) - set(ours)))))
            ours = sorted(set(ours) | set(theirs))
        chunks = [','.join(ours[at:at + _FIT]) for at in range(0, len(ours), _FIT)]
        wanted.update((TENANTS + (str(at) if at else ''), chunk) for at, chunk in enumerate(chunks))
        gone = sorted(key for key in before if key.startswith(TENANTS) and key not in wanted)
    changed = {key: value for key, value in wanted.items() if before.get(key) != value}
    if changed or gone:
        _action(outcome, identity, {'set_metadata': {'metadata': dict(changed, **dict.fromkeys(gone))}},
                'aggregate %s gets %s' % (row['name'], listed(sorted(['%s=%s' % pair for pair in changed.items()] + ['no %s' % key for key in gone]))))
    return {key: value for key, value in dict(before, **wanted).items() if key not in gone}


def absent(wanted, seen, projects, whole=True):
    """Hosts that are named leave; with none named all do. An aggregate that is then empty goes too."""
    outcome, there = Outcome(), {one['name']: one for one in seen['aggregates']}
    for row in wanted:
        one = there.get(row['name'])
        if one is not None and not whole:
            outcome.kept.append('aggregate %s stays' % row['name'])
        elif one is not None:
            _leave(outcome, row, one)
    return outcome, {'aggregates': []}


def _leave(outcome, row, one):
    # a host that is gone from the cloud may still stand in the aggregate
    found = hosts_of(row['hosts'], one['hosts'], 'place')[0].values() if row.get('hosts') else one['hosts']
    left = _hosts(outcome, row['name'], one['id'], sorted(one['hosts']), sorted(set(one['hosts']) - set(found)), True)
    if left:
        outcome.kept.append('aggregate %s stays with %s' % (row['name'], listed(left)))
    else:
        outcome.call('compute', 'DELETE', '/os-aggregates/%s' % one['id'], None, 'aggregate %s is removed' % row['name'])
    outcome.shows(row['name'], {'hosts': sorted(one['hosts']), 'metadata': one['metadata']}, {'hosts': left, 'metadata': one['metadata']} if left else None)
