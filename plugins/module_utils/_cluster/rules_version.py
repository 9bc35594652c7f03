# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps a cluster from its versions: support, skew, order, and what its parts are made for."""

from __future__ import annotations

import datetime

from .._compat.register import Objection, rule
from .._compat.text import listed, safe
from . import network, numbers
from .cluster import PROGRAMS

_SOON = datetime.timedelta(days=90)


def _supported(cluster):
    """Minors that get fixes, those that a cluster which runs can go to."""
    found = sorted((row['minor'] for row in cluster.index.minors.values() if row['released'] <= cluster.site.today <= row['eol']), key=numbers.numbers)
    next_ones = [one for one in found if not cluster.running or 0 <= numbers.apart(one, cluster.running[0]) <= 1]
    return next_ones or found


@rule('K8S-V19', 'cluster')
def minor_is_known(cluster):
    """What fits a minor that no table has, nobody can say."""
    if cluster.row_of_minor is None:
        named = cluster.row.get('kubernetes')
        said = 'is to be of Kubernetes %s, which no table knows' % safe(named) if named else 'names no version of Kubernetes'
        yield Objection('cluster %s %s' % (safe(cluster.name), said), 'one of: %s' % listed(_supported(cluster)), cluster.path('kubernetes'))


@rule('K8S-V1', 'cluster')
def minor_is_supported(cluster):
    """A minor without fixes is nothing to start on."""
    near, row = 'one of: %s' % listed(_supported(cluster)), cluster.row_of_minor
    if row is None:
        return
    if row['eol'] < cluster.site.today:
        yield Objection('Kubernetes %s of cluster %s ended on %s' % (cluster.minor, safe(cluster.name), row['eol']), near, cluster.path('kubernetes'),
                        row['source'])
    elif row['eol'] < str(datetime.date.fromisoformat(cluster.site.today) + _SOON):
        yield Objection('Kubernetes %s of cluster %s ends on %s' % (cluster.minor, safe(cluster.name), row['eol']), near, cluster.path('kubernetes'),
                        row['source'], None, True)


def _offered(cluster, programs, branch=None, hosts=None):
    """What hosts are offered of programs, in words, host by host."""
    found = []
    for node in cluster.nodes if hosts is None else [one for one in cluster.nodes if one.name in hosts]:
        told = [set(node.offers(program)) for program in programs]
        same = sorted((one for one in set.intersection(*told) if branch in (None, numbers.branch(one))), key=numbers.numbers)
        found.append('%s has %s' % (safe(node.name), listed(same) if same else 'none'))
    return listed(found) if found else 'it has no host'


def _seen(cluster):
    """Whether every host was seen: else that is the one thing to say."""
    return all(one.host.known for one in cluster.nodes) and cluster.nodes


@rule('K8S-V18', 'cluster')
def patch_is_known(cluster):
    """What is installed is one version, on every host the same, and every host can get it."""
    near = 'a patch that all have, or a repository of ai_stack_repositories with one'
    if cluster.row_of_minor is None or not _seen(cluster):
        return
    lack = cluster.lack(PROGRAMS, cluster.version) if cluster.version else []
    if cluster.version is None:
        yield Objection('nobody knows which patch of Kubernetes %s cluster %s is to get. Of %s, by its repositories: %s' % (
            cluster.minor, safe(cluster.name), listed(PROGRAMS), _offered(cluster, PROGRAMS, cluster.minor)), near, cluster.path('kubernetes'))
    elif lack:
        yield Objection('not every host of cluster %s can get %s of Kubernetes %s. Of that minor, by its repositories: %s' % (
            safe(cluster.name), listed(PROGRAMS), cluster.version, _offered(cluster, PROGRAMS, cluster.minor, lack)), near, cluster.path('kubernetes'))


@rule('K8S-V20', 'cluster')
def runtime_is_known(cluster):
    """The same of containerd."""
    version, near = cluster.runtime[0], 'a version that all have, or a repository of ai_stack_repositories with one'
    if not _seen(cluster):
        return
    lack = cluster.lack(['containerd'], version) if version else []
    if version is None:
        yield Objection('nobody knows which containerd cluster %s is to get. By its repositories: %s' % (
            safe(cluster.name), _offered(cluster, ['containerd'])), near, cluster.path('containerd'))
    elif numbers.branch(version) not in cluster.index.containerd:
        yield Objection('cluster %s is to get containerd %s, of a branch that no table knows' % (safe(cluster.name), version),
                        'one of: %s' % listed(cluster.index.containerd), cluster.path('containerd'))
    elif lack:
        yield Objection('not every host of cluster %s can get containerd %s. By its repositories: %s' % (
            safe(cluster.name), version, _offered(cluster, ['containerd'], hosts=lack)), near, cluster.path('containerd'))


@rule('K8S-N19', 'cluster')
def networks_can_be(cluster):
    """Pods and services get networks of their own, with room for every node."""
    said = cluster.networks
    for key, text in network.objections(said['pods'], said['services'], len(cluster.everyone), said['network'] == 'routed'):
        yield Objection('the network of %s of cluster %s %s' % (key, safe(cluster.name), text), network.DEFAULTS[key], cluster.path(key))


@rule('K8S-V2', 'cluster')
def kubelets_keep_up(cluster):
    """A kubelet is never newer than its API server, and at most three minors older."""
    for host, version in cluster.kubelets.items() if cluster.minor else ():
        behind = numbers.apart(cluster.minor, version)
        if cluster.running and numbers.apart(cluster.running[0], version) < 0:
            # where the API servers are to follow, as after a move that was cut off, that is the cure
            yield Objection('its kubelet is %s, newer than an API server of cluster %s is, %s' % (version, safe(cluster.name), cluster.running[0]),
                            'a kubelet of %s' % numbers.branch(cluster.running[0]), cluster.path('kubernetes'), None, host,
                            numbers.branch(version) == cluster.minor)
        elif behind < 0:
            yield Objection('its kubelet is %s, newer than the API servers of cluster %s are to be, %s' % (version, safe(cluster.name), cluster.minor),
                            'kubernetes: "%s" or later' % numbers.branch(version), cluster.path('kubernetes'), None, host)
        elif behind > 3:
            yield Objection('its kubelet is %s, %d minors older than the API servers of cluster %s are to be; 3 is the most' % (
                version, behind, safe(cluster.name)), 'an upgrade of this host first', cluster.path('kubernetes'), None, host)


@rule('K8S-V3', 'cluster')
def no_minor_is_skipped(cluster):
    """API servers move one minor at a time, and never back."""
    running = cluster.running
    if len(running) > 1 and numbers.apart(running[-1], running[0]) > 1:
        yield Objection('the API servers of cluster %s run %s, which is more than one minor apart' % (safe(cluster.name), listed(running)),
                        'all of them on %s' % numbers.next_branch(running[0]), cluster.path('kubernetes'))
    elif running and cluster.minor and (numbers.apart(cluster.minor, running[-1]) < 0
                                        or cluster.version and numbers.numbers(cluster.version) < numbers.numbers(running[-1])):
        yield Objection('cluster %s runs %s and is to be of %s: it cannot go back' % (safe(cluster.name), running[-1], cluster.version or cluster.minor),
                        'kubernetes: "%s"' % running[-1], cluster.path('kubernetes'))
    elif len(cluster.hops()) > 1:
        yield Objection('cluster %s runs %s and is to be of %s; a minor cannot be skipped' % (safe(cluster.name), running[0], cluster.minor),
                        'kubernetes: "%s" first' % cluster.hops()[0], cluster.path('kubernetes'))


@rule('K8S-V6', 'cluster')
def runtime_fits_the_minor(cluster):
    """Each minor is tested with some branches of containerd, from some patch on."""
    version, floors = cluster.runtime[0], (cluster.row_of_minor or {}).get('containerd')
    if version and floors and not numbers.reaches(version, floors):
        yield Objection('containerd %s is too old for Kubernetes %s of cluster %s' % (version, cluster.minor, safe(cluster.name)),
                        'one of these, or a later patch: %s' % listed(floors), cluster.path('containerd'), cluster.row_of_minor['source'])


@rule('K8S-V7', 'cluster')
def runtime_is_supported(cluster):
    """A branch without fixes runs everybody's containers."""
    row = cluster.index.containerd.get(numbers.branch(cluster.runtime[0] or ''))
    floors = (cluster.row_of_minor or {}).get('containerd') or [one['latest'] for one in cluster.index.containerd.values()]
    alive = [one['branch'] for one in cluster.index.containerd.values()
             if one['eol'] and one['eol'] >= cluster.site.today and numbers.reaches(one['latest'], floors)]
    if row and row['eol'] and row['eol'] < cluster.site.today:
        yield Objection('containerd %s of cluster %s ended on %s' % (row['branch'], safe(cluster.name), row['eol']), 'one of: %s' % listed(alive),
                        cluster.path('containerd'), row['source'])


@rule('K8S-V8', 'cluster')
def runtime_moves_in_steps(cluster):
    """containerd moves one minor, or from one LTS to the next."""
    row = cluster.index.containerd.get(numbers.branch(cluster.runtime[0] or ''))
    for node in cluster.nodes if row else ():
        now = numbers.branch(node.installed('containerd') or '')
        if now and numbers.numbers(node.installed('containerd')) > numbers.numbers(cluster.runtime[0]):
            yield Objection('containerd is %s here and is to be %s: it does not go back' % (node.installed('containerd'), cluster.runtime[0]),
                            'containerd: "%s"' % node.installed('containerd'), cluster.path('containerd'), row['source'], node.name)
        elif now and now != row['branch'] and now not in row['before']:
            yield Objection('containerd goes from %s to %s here, which is no step that it supports' % (node.installed('containerd'), cluster.runtime[0]),
                            'a branch that leads there: %s' % listed(row['before']), cluster.path('containerd'), row['source'], node.name)


def _below_the_floor(cluster, identity):
    """Members of etcd that are too old for the step to the branch that the minor brings."""
    row, tags = cluster.index.floors.get(identity), (cluster.row_of_minor or {}).get('etcd') or ()
    for host, version in cluster.members.items() if row and tags and numbers.branch(tags[-1]) == row['to'] else ():
        if numbers.numbers(version) < numbers.numbers(row['floor']):
            yield Objection('its member of etcd is %s and would go to %s; below %s: %s' % (version, row['to'], row['floor'], row['because']),
                            'etcd %s or a later patch on every member first' % row['floor'], cluster.path('kubernetes'), row['source'], host)


@rule('K8S-E1', 'cluster')
def members_bring_nobody_back(cluster):
    """Members below the floor bring removed ones back."""
    return _below_the_floor(cluster, 'K8S-E1')


@rule('K8S-E2', 'cluster')
def members_have_left_the_old_store(cluster):
    """What the next branch no longer reads has to be gone before it."""
    return _below_the_floor(cluster, 'K8S-E2')


@rule('K8S-V16', 'cluster')
def gates_are_there(cluster):
    """A component that is told of a gate that is gone does not start."""
    for gate in sorted(cluster.row.get('feature_gates') or ()):
        row = cluster.index.gates.get(gate)
        if row and cluster.minor and numbers.numbers(cluster.minor) >= numbers.numbers(row['removed']):
            yield Objection('the feature gate %s is gone from Kubernetes %s on' % (safe(gate), row['removed']), 'no such entry', cluster.path('feature_gates'),
                            row['source'])
