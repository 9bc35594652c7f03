# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read of a cloud, in as few requests as its services allow. Each function asks and gives documents; nothing is decided here."""

from __future__ import annotations

from .cards import MANAGED, ONCE, Tree, View, free_queries
from .limits import Seen, place_of
from .naming import Projects, host_of
from .servers import going_on
from .session import CloudError, projects_of


def projects(session, domain=None, wanted=()):
    """Those that names and reports need. wanted: names that are looked up; None: none of a project is told either."""
    return Projects([]) if wanted is None else Projects(*projects_of(session, domain, wanted))


def services(session):
    """The compute services."""
    return session.get('compute', '/os-services?binary=nova-compute')['services']


def quota(session, path, key):
    """A quota set. Later versions do not show what Nova keeps of files, and keeps to."""
    return session.get('compute', '/%s' % path, version='2.56')[key]


def migrations(session, host):
    """Those to and from a host, by the name of its compute service, that are not over."""
    return going_on(session.listed('compute', '/os-migrations?host=%s' % host, 'migrations'))


def flavors(session):
    return session.listed('compute', '/flavors/detail?is_public=None', 'flavors')


def access(session, flavors):
    """{id: ids of the projects} of private flavors."""
    return {one['id']: [row['tenant_id'] for row in session.get('compute', '/flavors/%s/os-flavor-access' % one['id'])['flavor_access']]
            for one in flavors if not one['os-flavor-access:is_public']}


def aggregates(session):
    return session.get('compute', '/os-aggregates')['aggregates']


def limits(session, kind):
    """Registered limits and limits of projects of a kind of service in the region of the session; those of others take a login for the whole system."""
    place, mistakes = place_of(session.get('identity', '/services')['services'], session.get('identity', '/endpoints')['endpoints'], kind, session.region)
    if mistakes:
        raise CloudError('\n'.join(mistakes))
    asked = '?service_id=%s' % place[0]
    return Seen(place, session.listed('identity', '/registered_limits%s' % asked, 'registered_limits'),
                session.listed('identity', '/limits%s' % asked, 'limits', system=True))


def servers(session, version=None, **filters):
    """Servers of all tenants. version: another microversion than the fixed one."""
    more = ''.join('&%s=%s' % pair for pair in sorted(filters.items()))
    return session.listed('compute', '/servers/detail?all_tenants=1%s' % more, 'servers', version=version)


def tree(session):
    return Tree(session.get('placement', '/resource_providers')['resource_providers'])


def having(session, traits):
    """{trait: uuids of the providers that have it}, of the traits that there are."""
    names = sorted(set(traits))
    known = session.get('placement', '/traits?name=in:%s' % ','.join(names))['traits'] if names else []
    return {name: {one['uuid'] for one in session.get('placement', '/resource_providers?required=%s' % name)['resource_providers']} for name in known}


def traits(session, starts):
    """The names of all traits that begin in one of these ways."""
    return sorted({name for start in starts for name in session.get('placement', '/traits?name=startswith:%s' % start)['traits']})


def traits_of(session, providers):
    return {one['uuid']: session.get('placement', '/resource_providers/%s/traits' % one['uuid']) for one in providers}


def inventories(session, providers):
    """{uuid: {resource_provider_generation, inventories}}; a provider that is gone meanwhile has none."""
    found = {one['uuid']: session.get('placement', '/resource_providers/%s/inventories' % one['uuid'], missing=True) for one in providers}
    return {uuid: document for uuid, document in found.items() if document}


def allocations(session, there):
    """{uuid: {consumer: {resources}}} of providers that are not free as a whole. there: {uuid: inventories}."""
    taken = set(there)
    for (name, total), uuids in sorted(free_queries(there).items()):
        free = {one['uuid'] for one in session.get('placement', '/resource_providers?resources=%s:%d' % (name, total))['resource_providers']}
        # one with another class beside it is looked at, whatever it has free of this one
        taken -= {uuid for uuid in uuids & free if len(there[uuid]) == 1}
    found = {uuid: session.get('placement', '/resource_providers/%s/allocations' % uuid, missing=True) for uuid in sorted(taken)}
    return {uuid: document['allocations'] for uuid, document in found.items() if document}


def cards(session, there, hosts, planned, names=None, traits=(), known=None):
    """The view of the cards of hosts, {host: name of its provider}. names: places (host, ADDRESS) of those that matter; None: all of the hosts do,
    and servers that lack an allocation are looked for. traits: those that are asked for beside the planned ones; known: (servers, projects) where
    somebody has asked for them before."""
    places = [place for place in there.places(hosts) if names is None or place[:2] in names]
    documents = inventories(session, [one for _host, _address, one in places])
    rows = {uuid: document['inventories'] for uuid, document in documents.items()}
    wanted = {trait for each in (planned or {}).values() for row in each.values() for trait in row.get('traits') or ()} | set(traits)
    seen = {'inventories': rows, 'allocations': allocations(session, rows), 'traits': having(session, wanted | {MANAGED, ONCE}), 'held': {},
            'servers': known[0] if known else _on(session, sorted(set(hosts.values()))),
            'generations': {uuid: document['resource_provider_generation'] for uuid, document in documents.items()}}
    view = View(places, list(hosts), planned, seen, known[1] if known else projects(session))
    for row in list(view.without_allocation()) if names is None else ():
        seen['held'][row['id']] = session.get('placement', '/allocations/%s' % row['id'])['allocations']
    return view


def _on(session, names):
    """The servers on hosts, by the name that their compute service has."""
    known = [one['host'] for one in services(session)]
    return [one for name in names for host in [host_of(name, known)] if host for one in servers(session, host=host)]
