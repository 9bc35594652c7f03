# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be true of a cloud that gets cards, asked of its observation alone. host of a check: None where it is the cloud's."""

from __future__ import annotations

from .._cloud.naming import host_of
from .._compat.register import of, rule
from .._compat.text import safe
from .._compat.view import check, none_for, row
from . import once

ROLE = 'nova_pci_passthrough'
_ADMIN = 'enabled, or disabled by an admin'
_NOTHING = {'differs': [], 'due': [], 'refused': None}
_NOVA, _PLACEMENT, _KEYSTONE, _WIPER = 'API of Nova', 'API of Placement', 'API of Keystone', 'programs of the role pci_one_time_use'


class Promised:
    """A cloud beside its part of the plan. want: as cloud_plan gives it; seen: its observation; hosts: those that are looked at;
    services: {host: what the role's judge says of its services}; None: a cloud that nobody acts on;
    used_once: {host: {cards, round, failed}}: what the parts of the role pci_one_time_use answer."""

    def __init__(self, index, name, want, seen, hosts, services, used_once):
        self.index, self.name, self.want, self.seen, self.services, self.used_once = index, name, want, seen, services, used_once
        self.looked_at = set(hosts)
        self.hosts = [host for host in want['hosts'] if host in hosts]
        self.computes = [host for host in want['computes'] if host in hosts]
        self.ids = seen.get('project_ids') or {}

    def project(self, name):
        """The name by which the observation calls a project of the plan."""
        return self.ids.get(name, name)


def of_cloud(index, name, want, seen, hosts, services, lived=(), used_once=None):
    """The checks of a cloud. lived: what tenants' tries came to, where they were asked for: (row of `live`, result of compute_live_proof or why none)."""
    promised = Promised(index, name, want, seen, hosts, services, used_once or {})
    rows = [row(ROLE, each, identity, None, seen.get('at')) for identity, function in of('promised', index.enforced) for each in function(promised)]
    return rows + [row(ROLE, _lived(promised, one, result), None, None, result['at'] if isinstance(result, dict) else seen.get('at')) for one, result in lived]


def _lived(promised, one, result):
    """Cards come from the planned places, as many as the flavor says, and nobody gets one more than the plan allows."""
    promise = 'cloud %s: a server of %s from %s gets %s of the planned cards%s' % (
        safe(promised.name), safe(one['tenant']), safe(one['flavor']), one['cards'],
        ', and no server more than %d' % one['most'] if one['asked'] > one['most'] else '; whether one may have too many was not tried')
    what, how = 'live.%s.%s' % (one['tenant'], one['flavor']), 'servers of the tenant, each with its allocation'
    if not isinstance(result, dict):
        return check(what, promise, {'wrong': []}, result, how, 'unknown')
    granted = [each for each in result['servers'] if each['status'] == 'ACTIVE']
    last = next((each for each in result['servers'] if each['status'] != 'ACTIVE'), None)
    wrong = [text for each in granted for text in _misplaced(promised, one, each)]
    if not result['seen']:
        wrong.append('the tenant does not see the flavor')
    elif not granted and one['most']:
        wrong.append('there is no server')
    if len(granted) > one['most']:
        wrong.append('%d servers were granted' % len(granted))
    # a host that was not found is a refusal; whatever else ends a server is none
    if last and (last['status'] != 'ERROR' or last['cards'] or 'No valid host' not in (last['fault'] or '')):
        wrong.append('a server ended as %s: %s' % (safe(last['status']), safe(last['fault'] or 'it did not run in time')))
    ended = result['refused']['says'] if result['refused'] else last and last['fault']
    seen = {'wrong': wrong, 'granted': '%d of %d' % (len(granted), one['most']), 'cards': sorted(place for each in granted for place in each['cards']),
            'the next one': ended}
    # others have the rest, or Nova refused for another reason: nobody asked for one too many
    short = one['asked'] > one['most'] > len(granted)
    return check(what, promise, {'wrong': []}, seen, how, 'fail' if wrong else 'unknown' if short else 'pass')


def _misplaced(promised, one, server):
    """A provider of a card is named HOST_ADDRESS; the host by the name that Nova has for it."""
    for name, resources in server['cards'].items():
        host, _line, place = name.rpartition('_')
        if one['class'] in resources and place.upper() not in one['places'].get(host_of(host, list(one['places'])), ()):
            yield 'a server got %s' % safe(name)
    count = sum(resources.get(one['class'], 0) for resources in server['cards'].values())
    if count != one['cards']:
        yield 'a server has %d cards in Placement' % count
    if promised.project(server['project']) != promised.project(one['tenant']):
        yield 'a server is of project %s' % safe(promised.project(server['project']))


def _on(host, each):
    return dict(each, host=host)


def _alike(promised, what, promise, differing, how):
    """A check over many objects, which names those that are not as planned."""
    return check(what, 'cloud %s: %s' % (safe(promised.name), promise), {'differing': []}, None if differing is None else {'differing': sorted(differing)}, how)


@rule('NR-20', 'promised')
def services_read_the_plan(promised):
    """Of every service that runs, not of the files alone."""
    promise = 'the services of Nova and Placement on the host read what the plan says, and run with it'
    # a gate reads files: whether a process read them too is the other tool's part
    handed = None if promised.want['deployment'] == 'packages' else 'the services of Nova and Placement on the host are configured as the plan says'
    if promised.services is None:
        yield none_for('services_read_the_plan', 'cloud %s: %s' % (safe(promised.name), promise), 'no verb of this version acts on it')
    for host in promised.hosts if promised.services is not None else ():
        told = promised.services.get(host)
        seen = {key: told.get(key) for key in _NOTHING} if isinstance(told, dict) else None
        how = "Nova's own parser, and the processes of the host" if handed is None else 'gates of the hand-over, by the configuration in it'
        yield _on(host, check('services_read_the_plan', handed or promise, _NOTHING, seen, how))
    asked = [promised.services.get(host) for host in promised.want['hosts']] if promised.services is not None else []
    # another tool knows better which service is where, and a gate says nothing where it is not
    if handed and asked and all(isinstance(told, dict) for told in asked):
        nowhere = set(promised.want['settings']).difference(*[told.get('services') or () for told in asked])
        yield _alike(promised, 'services_found', 'each service that is told something is on one of its hosts', nowhere, 'gates of the hand-over')


@rule('NR-40', 'promised')
def computes_are_in_service(promised):
    """One that an admin has disabled stays so; one that a run of ours left disabled is unfinished."""
    for host in promised.computes:
        name = ((promised.seen.get('hosts') or {}).get(host) or {}).get('service_host')
        one = (promised.seen.get('services') or {}).get(name)
        seen = None if one is None else '%s and %s%s' % (one.get('state'), one.get('status'), ', by a run of ours' if one.get('ours') else '')
        good = one is not None and one.get('state') == 'up' and not one.get('ours')
        status = 'pass' if good else 'fail' if one is not None or host in (promised.seen.get('missing') or ()) else 'unknown'
        yield _on(host, check('compute_in_service', 'nova-compute of the host is up, and takes servers unless an admin said no', 'up and %s' % _ADMIN,
                              seen or 'no compute service', _NOVA, status))


@rule('NR-41', 'promised')
def providers_equal_the_plan(promised):
    """Cards, how many they count as, and by which traits they are asked for."""
    classes = {one['class'] for cards in promised.want['providers'].values() for one in cards.values()}
    for host in promised.computes:
        planned = {place.upper(): dict(one, traits=sorted(one['traits'] or ())) for place, one in (promised.want['providers'].get(host) or {}).items()}
        there = (promised.seen.get('providers') or {}).get(host)
        shown = {}
        for place, one in (there or {}).items():
            if place in planned or one.get('class') in classes:
                wanted = planned.get(place, {}).get('traits') or ()
                shown[place] = {'class': one.get('class'), 'total': one.get('total'), 'traits': sorted(set(one.get('traits') or ()) & set(wanted))}
        if planned or shown:
            yield _on(host, check('cards_in_placement', 'Placement shows the cards of the host as planned, and no other', planned,
                                  None if there is None else shown, _PLACEMENT))


@rule('NR-41', 'promised')
def servers_hold_their_cards(promised):
    """Whoever has a card that Placement does not know of shares it with the next one."""
    if promised.want['providers']:
        rows = promised.seen.get('without_allocation')
        names = None if rows is None else ['%s of project %s' % (safe(one.get('name') or one.get('id')), safe(one.get('project'))) for one in rows]
        yield _alike(promised, 'servers_hold_their_cards', 'each server with cards holds them in Placement', names, _PLACEMENT)


@rule('NR-41', 'promised')
def cards_out_of_service_are_kept(promised):
    """Nobody gets a card that is out of service; who has it keeps it."""
    for host in promised.computes:
        out = sorted(one['address'].upper() for one in promised.want['out_of_service'] if one['host'] == host)
        there = (promised.seen.get('providers') or {}).get(host) or {}
        free = sorted(place for place in out if (there.get(place) or {}).get('total', 0) > (there.get(place) or {}).get('reserved', 0))
        if out and promised.want['providers'].get(host):
            yield _on(host, check('cards_out_of_service', 'Placement gives nobody a card that is out of service', [], free, _PLACEMENT))


@rule('NR-83', 'promised')
def cards_used_once_show_what_was_noted(promised):
    """A card that shows something else does not come back after its next server. One that is out of service does not come back anyway."""
    about = promised.want['one_time_use']
    out = {(one['host'], one['address']) for one in about['out']}
    for host in sorted(about['cards']) if promised.want['releaser'] and promised.services is not None else ():
        if host in promised.looked_at:
            told = promised.used_once.get(host)
            rows, looks = sorted(about['cards'][host].items()), (told or {}).get('cards') or {}
            found = ['%s: %s' % (place, text) for place, one in rows if (host, place) not in out for text in once.differing(one, looks.get(place))]
            seen = None if told is None else {'differing': [told['failed']] if told.get('failed') else found}
            yield _on(host, check('cards_used_once', 'the host shows each card that is used once as it was noted while nobody had it', {'differing': []},
                                  seen, _WIPER))


@rule('NR-107', 'promised')
def cards_used_once_come_back(promised):
    """By the last round of the releaser."""
    host = promised.want['releaser']
    if host in promised.looked_at and promised.services is not None and promised.want['one_time_use']['cards']:
        told = promised.used_once.get(host)
        last = (told or {}).get('round') or {}
        left = ['%s of %s: %s, %s' % (one['address'], safe(one['host']), one['state'], safe(one['why'])) for one in last.get('cards') or ()
                if one['state'] in once.WANTED]
        seen = None if told is None else {'left': [told['failed']] if told.get('failed') else left}
        yield _on(host, check('cards_come_back', 'cloud %s: the releaser answers, and no card that was used waits for an operator' % safe(promised.name),
                              {'left': []}, seen, _WIPER))


@rule('NR-45', 'promised')
def plain_servers_stay_away(promised):
    """The trait of the host that plain servers do not ask for."""
    for host in promised.computes:
        wanted = promised.want['host_traits'].get(host)
        if wanted:
            seen = (promised.seen.get('host_traits') or {}).get(host)
            yield _on(host, check('plain_servers_stay_away', 'the host has the trait that plain servers do not ask for', wanted,
                                  None if seen is None else sorted(set(seen) & set(wanted)), _PLACEMENT))


@rule('NR-45', 'promised')
def aggregates_are_as_planned(promised):
    """Hosts and metadata; who else is in the cloud is not ours."""
    there = promised.seen.get('aggregates')
    found = None if there is None else [text for one in promised.want['aggregates'] for text in _of_aggregate(promised, one, there.get(one['name']))]
    yield _alike(promised, 'aggregates', 'aggregates have the hosts, metadata and tenants that are planned', found, _NOVA)


def _of_aggregate(promised, one, there):
    if there is None:
        return ['%s is not there' % one['name']]
    known = promised.seen.get('hosts') or {}
    wanted = {(known.get(host) or {}).get('service_host') or host for host in one['hosts']}
    found = ['%s lacks host %s' % (one['name'], host) for host in wanted - set(there.get('hosts') or ())]
    found += ['%s has host %s too' % (one['name'], host) for host in set(there.get('hosts') or ()) - wanted]
    metadata = there.get('metadata') or {}
    found += ['%s lacks %s=%s' % (one['name'], key, value) for key, value in one['metadata'].items() if metadata.get(key) != value]
    if 'filter_tenant_id' in one:
        told = [each for key, value in metadata.items() if key.startswith('filter_tenant_id') for each in str(value).split(',')]
        if sorted(promised.project(each) for each in told) != [promised.project(one['filter_tenant_id'])]:
            found.append('%s is not for project %s alone' % (one['name'], one['filter_tenant_id']))
    return found


_SIZES = ('vcpus', 'ram_mib', 'disk_gib', 'is_public', 'extra_specs')


@rule('NR-29', 'promised')
def flavors_are_as_planned(promised):
    """What they ask for, and who may."""
    there, found = promised.seen.get('flavors'), []
    for one in promised.want['access'] if there is not None else ():
        seen = there.get(one['name'])
        if seen is None:
            found.append('%s is not there' % one['name'])
            continue
        found += ['%s has another %s' % (one['name'], key) for key in _SIZES if seen.get(key) != one[key]]
        if seen.get('access') is None or sorted(seen['access']) != sorted(promised.project(each) for each in one['access']):
            found.append('%s is open to %s' % (one['name'], ', '.join(seen['access']) if seen.get('access') is not None else 'everybody'))
    yield _alike(promised, 'flavors', 'flavors are as planned, and open to the tenants of their pools alone', None if there is None else found, _NOVA)


@rule('NR-29', 'promised')
def no_other_flavor_gives_cards(promised):
    """An alias carries no right: whoever sees a flavor that asks for it gets cards."""
    planned = {one['name'] for one in promised.want['access']}
    ours = {name for one in promised.want['access'] for name in _asked(one)}
    there = promised.seen.get('flavors')
    found = [name for name, one in (there or {}).items() if name not in planned and ours & set(_asked(one)) and one.get('access') != []]
    yield _alike(promised, 'no_other_flavor_gives_cards', 'no flavor that is not planned gives cards of its pools', None if there is None else found, _NOVA)


def _asked(one):
    text = (one.get('extra_specs') or {}).get('pci_passthrough:alias') or ''
    return [part.strip().partition(':')[0] for part in text.split(',') if part.strip()]


@rule('NR-50', 'promised')
def limits_are_as_planned(promised):
    """Of each class, and of each tenant."""
    promise = 'limits of classes of cards are as planned'
    if not promised.want['counts_cards']:
        yield none_for('limits', 'cloud %s: %s' % (safe(promised.name), promise), 'no limit counts cards here')
        return
    there = promised.seen.get('limits')
    found = None if there is None else _differing('every project', promised.want['registered'], there.get('registered') or {})
    for project, wanted in promised.want['projects'].items() if there is not None else ():
        found += _differing('project %s' % project, wanted, (there.get('projects') or {}).get(promised.project(project)) or {})
    yield _alike(promised, 'limits', promise, found, _KEYSTONE)


def _differing(whose, wanted, there):
    return ['%s of %s is %s, planned %d' % (name, whose, there.get(name, 'not there'), value) for name, value in wanted.items() if there.get(name) != value]


@rule('NR-51', 'promised')
def what_nobody_holds_is_said(promised):
    """In plain words, so that nobody relies on it."""
    for at, text in enumerate(promised.want['not_enforced']):
        yield none_for('not_enforced.%d' % (at + 1), 'cloud %s: what its Nova does not hold is said' % safe(promised.name), text)
