# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One document of all that a plan and its proof want to know of a cloud, asked once; docs/data.md has its shape."""

from __future__ import annotations

from . import look
from .flavors import specs_of
from .naming import Projects, hosts_of
from .servers import asked
from .services import MARK
from .session import CloudError

SCHEMA = 'sovereign.ai_stack/cloud/1'
# what pools and hosts with cards are called by; others of a cloud are nobody's business here
_TRAITS = ('CUSTOM_GPU_', 'CUSTOM_AI_STACK_')
_CLASSES = 'class:CUSTOM_'


def observation(session, cloud, hosts, at):
    """hosts: those that run services of the cloud, controllers too."""
    page = session.get('identity', '/projects')
    projects, services = Projects(page.get('projects') or []), look.services(session)
    there = {one['host']: one for one in services}
    names = hosts_of(hosts, list(there), 'compute service')[0]
    rows = {host: look.servers(session, host=name) for host, name in names.items()}
    found = {host: {'service_host': name, 'migrations': look.migrations(session, name)} for host, name in names.items()}
    found_limits, errors = _limits(session, projects)
    document = {'schema': SCHEMA, 'at': at, 'cloud': cloud, 'hosts': found, 'missing': [host for host in hosts if host not in found],
                # a list that Keystone cuts short says of nobody that he is not there
                'projects': None if page.get('truncated') else sorted(projects.by_name),
                'project_ids': {one: projects.key(one) for one in projects.rows},
                'services': {name: _service(one) for name, one in there.items()},
                'flavors': _flavors(session, projects), 'limits': found_limits, 'errors': errors,
                'aggregates': {one['name']: {'hosts': sorted(one['hosts']), 'metadata': one['metadata']} for one in look.aggregates(session)}}
    view, cards, ids = _cards(session, hosts, [one for each in rows.values() for one in each], projects)
    for host, each in rows.items():
        found[host].update(servers=[_server(view, one['id']) for one in each], compute_id=ids.get(host))
    return dict(document, **cards)


def _service(one):
    reason = one.get('disabled_reason')
    return {'status': one['status'], 'reason': reason, 'state': one['state'], 'ours': one['status'] == 'disabled' and str(reason or '').startswith(MARK)}


def _server(view, identity):
    """A server, with the cards that it holds in Placement."""
    mine = [card['address'] for card in view.cards if any(user['id'] == identity for user in card['servers'])]
    return dict(view.servers[identity], cards=sorted(mine))


def _cards(session, hosts, rows, projects):
    """(view, cards by host, ids by which Nova knows hosts: those of their providers)"""
    tree, traits = look.tree(session), look.traits(session, _TRAITS)
    places = tree.of(hosts)[0]
    view = look.cards(session, tree, places, None, traits=traits, known=(rows, projects))
    having = view.seen['traits']
    providers = {host: {} for host in places}
    for card in view.cards:
        kept = {key: card[key] for key in ('class', 'total', 'reserved', 'used', 'traits')}
        providers[card['host']][card['address']] = dict(kept, servers=[one['id'] for one in card['servers']])
    marks = {host: sorted(each for each in traits if tree.hosts[name]['uuid'] in having.get(each, ())) for host, name in places.items()}
    ids = {host: tree.hosts[name]['uuid'] for host, name in places.items()}
    return view, {'providers': providers, 'without_allocation': list(view.without_allocation()), 'host_traits': marks}, ids


def _flavors(session, projects):
    """Those that ask for cards."""
    mine = [one for one in look.flavors(session) if asked(one.get('extra_specs'))]
    access = look.access(session, mine)
    return {one['name']: {'vcpus': one['vcpus'], 'ram_mib': one['ram'], 'disk_gib': one['disk'], 'is_public': one['os-flavor-access:is_public'],
                          'extra_specs': specs_of(one), 'access': sorted(_key(projects, each) for each in access[one['id']]) if one['id'] in access else None}
            for one in mine}


def _key(projects, identity):
    return projects.key(identity) if identity in projects.rows else identity


def _limits(session, projects):
    """(limits of classes of our kind or None, why not): a login that may not see those of others is no reason to know nothing of the rest."""
    try:
        seen = look.limits(session, 'compute')
    except CloudError as why:
        return None, [str(why)]
    found = {'registered': {name: one['default_limit'] for name, one in seen.registered.items() if name.startswith(_CLASSES)}, 'projects': {}}
    for (project, name), one in seen.limits.items():
        if name.startswith(_CLASSES):
            found['projects'].setdefault(_key(projects, project), {})[name] = one['resource_limit']
    return found, []
