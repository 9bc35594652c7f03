# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan of a cluster promised, beside what its hosts and its API tell afterwards. Unknown stays unknown: it is no pass."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from .._compat.register import of, rule
from .._compat.view import check, none_for, row
from .._parse import cluster_nodes, containerd
from .._parse.cluster_certificates import DAYS
from . import claims, numbers, queues
from .node import CARDS, CONTROL, MEMBER, SERVER, WORKER

ROLE = 'kubernetes'
API = 'kubectl get nodes'
_DAY = re.compile(r'(\d{4})-(\d\d)-(\d\d)')
_MOMENT = re.compile(r'(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)')


def decided(resource):
    """{subject: value} of a resource of the plan."""
    return {row['subject']: row['value'] for row in resource['decisions']}


def hosts_of(resource):
    """{host: part}"""
    want = decided(resource)
    return {host: part for part in (WORKER, CONTROL) for host in want[part]}


def state_of(host, observation):
    """{PART:HOST: version, or cards of a node} of what a change of a cluster can touch."""
    node = observation.get('kubernetes') or {}
    found = {'containerd:%s' % host: numbers.plain((observation.get('containerd') or {}).get('version')),
             'kubelet:%s' % host: numbers.plain(node.get('kubelet')), '%s:%s' % (SERVER, host): numbers.plain((node.get('static_pods') or {}).get(SERVER))}
    found.update((CARDS % (name, host), one.get('cards')) for name, one in (node.get('nodes') or {}).items())
    return {name: value for name, value in found.items() if value}


def predicted(resources, host):
    """[{resource, before, after}] of a host in all clusters of a plan."""
    return [{key: row[key] for key in ('resource', 'before', 'after')} for one in resources for row in one['changes'] if row['resource'].endswith(':' + host)]


class Member:
    """A host of a cluster as it was seen, beside what was decided for it. told: nodes as the API has them; None: nobody could be asked. canary: what a
    pod came to that looked at a card of the host; None: none was asked for."""

    def __init__(self, host, part, name, want, seen, told, canary=None):
        self.host, self.part, self.name, self.want, self.told, self.canary = host, part, name, want, told, canary
        self.seen, self.there = seen, state_of(host, seen)
        self.kubernetes, self.containerd = seen.get('kubernetes') or {}, seen.get('containerd') or {}


def checks(index, resource, documents, hosts, canaries=None):
    """One resource of kind cluster. documents: {host: observation of now}; hosts: those that are looked at; canaries: {host: what came of the one there}."""
    want, members = decided(resource), hosts_of(resource)
    told = next((documents[host]['kubernetes']['nodes'] for host, part in sorted(members.items())
                 if part == CONTROL and (documents.get(host, {}).get('kubernetes') or {}).get('nodes') is not None), None)
    found = []
    for host, part in sorted(members.items()):
        if host in hosts and host in documents:
            member = Member(host, part, resource['id'], want, documents[host], told, (canaries or {}).get(host))
            rows = [(None, each) for each in _of_host(member)]
            rows += [(identity, each) for identity, function in of('member', index.enforced) for each in function(member)]
            found += [row(ROLE, each, identity, host, documents[host].get('at')) for identity, each in rows]
    if set(members) & set(hosts):
        strangers = None if told is None else sorted(set(told) - set(members) - set(want.get('left_out') or ()))
        each = check('nodes_are_planned', 'cluster %s has no node that nobody planned' % resource['id'], [], strangers, API)
        found.append(row(ROLE, each, None, None, None))
        found += [row(ROLE, each, None, None, None) for each in _queues(resource['id'], want, documents)]
    return found


def _queues(name, want, documents):
    """Where Kueue is in the cluster."""
    if 'queues' in want:
        seen = [(documents.get(host, {}).get('kubernetes') or {}).get('queues') for host in sorted(want[CONTROL])]
        told = next((one for one in seen if one is not None), None)
        yield check('queues_are_planned', 'each tenant of cluster %s has its queue, with the cards that are its own and those that it may borrow' % name,
                    queues.planned(want['queues']), told, 'kubectl get clusterqueues')


def _of_host(member):
    """What no rule says, and the plan promised."""
    want = member.want
    expected = {'containerd': want['containerd'], 'kubelet': want['kubernetes'], **({SERVER: want['kubernetes']} if member.part == CONTROL else {})}
    observed = {program: member.there.get('%s:%s' % (program, member.host)) for program in expected}
    yield check('versions', 'the host runs what is decided for cluster %s' % member.name, expected, observed, '--version and static pods')
    yield check('joined', 'the host is a member of cluster %s' % member.name, True, member.kubernetes.get('joined'), 'kubelet.conf')
    expected = {'ready': True, 'troubles': [], 'version': want['kubernetes']}
    node = None if member.told is None else member.told.get(member.host) or {}
    observed = None if node is None else {'ready': node.get('ready', False), 'troubles': node.get('troubles'), 'version': numbers.plain(node.get('version'))}
    yield check('node_is_ready', 'the API of cluster %s has the host as a ready node that nothing keeps pods off' % member.name, expected, observed, API)
    root = member.containerd.get('root')
    newer = None if not root else [one['path'] for one in containerd.newer(root, member.containerd.get('drop_ins') or ())]
    yield check('no_newer_drop_in', 'containerd starts again with the files that are there', [], newer, 'files of containerd')
    yield check('one_cgroup_driver', 'kubelet and containerd leave cgroups to systemd', True, member.containerd.get('systemd_cgroup'), 'containerd config dump')


@rule('K8S-U3', 'member')
def cards_are_planned(member):
    """After a restart of kubelet or runtime a node may have none, or those of before; names of other vendors are somebody else's."""
    planned, pools = member.want.get('cards'), member.want.get('pools')
    if planned is None or member.host not in {**planned, **(member.told or {})}:
        return
    expected = {'cards': planned.get(member.host, {}), 'pool': next((name for name, pool in sorted(pools.items()) if member.host in pool['hosts']), None)}
    ours = {cluster_nodes.whose(name) for pool in pools.values() for name in claims.counted(pool)}
    node = {} if member.told is None else member.told.get(member.host) or {}
    # of cards that nobody knows nothing is proven
    there = None if member.told is None else node.get('cards', {})
    observed = None if there is None else {'cards': {name: count for name, count in there.items() if cluster_nodes.whose(name) in ours},
                                           'pool': node.get('pool')}
    yield check('cards_are_planned', 'pods can have the cards of the host, and nobody else has it in a pool', expected, observed, API)


@rule('K8S-U4', 'member')
def cards_outlast_a_reload(member):
    """Cards that did not come by CDI go when systemd reads its units anew."""
    canary = member.canary
    if canary is None or member.host not in (member.want.get('cards') or {}):
        return
    promise = 'a pod that asks for a card of the host sees that one alone, and keeps it when units are read anew'
    if canary['status'] == 'skipped':
        yield none_for('canary_keeps_its_card', promise, canary['why'])
        return
    status = {'seen': 'pass', 'failed': 'fail'}.get(canary['status'], 'unknown')
    yield check('canary_keeps_its_card', promise, 'one card of its pool', canary.get('card') if status == 'pass' else canary['why'], 'a canary', status)


@rule('K8S-S3', 'member')
def nobody_has_all_rights_in_a_file(member):
    """Whoever reads super-admin.conf is bound to a built-in group that no role binding takes rights from."""
    yield check('no_super_admin_conf', 'no super-admin.conf is on the host', False, member.kubernetes.get('super_admin'), 'a look at /etc/kubernetes')


@rule('K8S-S6', 'member')
def certificates_last(member):
    """Those of a control plane end after a year, and it with them."""
    if member.part != CONTROL:
        return
    ends, at = member.kubernetes.get('certificates'), _day(member.seen.get('at'))
    soon = None if ends is None or at is None else {name: end for name, end in sorted(ends.items()) if (_day(end) or at) - at < DAYS}
    promise = 'no certificate of the control plane ends within %d days' % DAYS
    yield check('certificates_last', promise, {}, soon, 'kubeadm certs check-expiration')


@rule('K8S-E9', 'member')
def control_planes_are_whole(member):
    """With one of three away nobody notices, and the next one takes the cluster along."""
    names = sorted(member.want['control_plane'])
    if member.part == CONTROL and len(names) > 1:
        told = member.kubernetes.get('control')
        observed = None if told is None else {part: [name for name in told.get(part) or () if name in names] for part in (SERVER, MEMBER)}
        promise = 'each control plane has an API server and a member of etcd that are ready'
        yield check('control_planes_are_whole', promise, {SERVER: names, MEMBER: names}, observed, 'kubectl get pods')


@rule('K8S-E8', 'member')
def sets_are_fresh(member):
    """A set that was taken long ago, or is not where it was put, brings little back."""
    if member.part != CONTROL:
        return
    promise = 'the newest set of etcd is there, and not older than the site says'
    if 'sets' in member.kubernetes and member.kubernetes['sets'] is None:
        yield none_for('sets_are_fresh', promise, 'no sets are taken of cluster %s' % member.name)
        return
    expected, seen = {'fresh': True, 'there': True}, _set(member.kubernetes.get('sets') or {}, _moment(member.seen.get('at')))
    # the digest stands in the evidence: whoever can write where sets lie could put another one there
    status = None if seen is None else 'pass' if {key: seen[key] for key in expected} == expected else 'fail'
    yield check('sets_are_fresh', promise, expected, seen, 'what the host noted of its sets', status)


def _set(sets, now):
    """{fresh, there, taken, name, sha256, failed: why a later one did, or None} of the newest set; None: nobody can tell."""
    last, hours = sets.get('last'), sets.get('fresh_hours')
    taken = _moment((last or {}).get('at'))
    if now is None or not isinstance(hours, int) or last and taken is None:
        return None
    found = {'fresh': bool(last and now - taken <= timedelta(hours=hours)), 'there': bool(last) and sets.get('there') is not False}
    return dict(found, failed=sets.get('failed'), taken=(last or {}).get('at'), **{key: (last or {}).get(key) for key in ('name', 'sha256')})


def _moment(text):
    found = _MOMENT.match(str(text))
    return datetime(*(int(part) for part in found.groups())) if found else None


def _day(text):
    """The number of a day, of ISO text; None: it is none."""
    found = _DAY.match(str(text))
    return date(*(int(part) for part in found.groups())).toordinal() if found else None
