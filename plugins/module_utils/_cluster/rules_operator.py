# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps an operator from bringing what hands out the cards of a cluster."""

from __future__ import annotations

from .._compat import state
from .._compat.register import Objection, rule
from .._compat.text import listed, safe
from . import gpu_operator, numbers

DRIVERS = 'drivers of a branch that it was validated with, another release of it, or a waiver'


def _named(cluster):
    return '%s %s of cluster %s' % (cluster.operator['operator'], cluster.operator['version'], safe(cluster.name))


def _with_cards(cluster):
    """Nodes that have cards of pools."""
    hosts = {host for pool in cluster.pools for host, cards in pool.cards.items() if cards}
    return [node for node in cluster.nodes if node.name in hosts]


def _unknown(cluster):
    """Cards and releases of which no table knows an operator."""
    served = {row['vendor'] for row in cluster.index.operators}
    for pool in cluster.pools:
        others = [vendor for vendor in pool.vendors if vendor not in served]
        if others:
            yield Objection('no table knows an operator for the cards of pool %s (vendor %s)' % (safe(pool.name), listed(others)), 'owner: role',
                            cluster.path('accelerators.owner'))
    wanted, known = cluster.of_accelerators.get('release'), {row['version'] for row in cluster.index.operators}
    if wanted and wanted not in known:
        yield Objection('no table knows release %s of the operator of cluster %s' % (safe(wanted), safe(cluster.name)), 'one of: %s' % listed(sorted(known)),
                        cluster.path('accelerators.release'))


@rule('K8S-G21', 'cluster')
def accelerators_have_one_owner(cluster):
    """Two who say what hands out cards are two who hand them out."""
    if not cluster.by_operator and cluster.of_accelerators.get('release'):
        yield Objection('cluster %s names a release of an operator, and its owner is role' % safe(cluster.name), 'owner: operator, or no release',
                        cluster.path('accelerators.release'))
    if cluster.by_operator and cluster.row.get('device_plugin'):
        yield Objection('cluster %s names a device plugin, and its operator brings one' % safe(cluster.name), 'no device_plugin',
                        cluster.path('device_plugin'))
    yield from _unknown(cluster) if cluster.by_operator else ()


@rule('K8S-G11', 'cluster')
def namespace_of_the_operator_is_its_own(cluster):
    """It is privileged, so nothing else runs there."""
    for pool in cluster.pools if cluster.by_operator else ():
        if gpu_operator.SPACE in pool.tenants:
            yield Objection('a tenant of pool %s gets the namespace %s, which is privileged and the operator\'s' % (safe(pool.name), gpu_operator.SPACE),
                            'another name', pool.path('tenants'))


@rule('K8S-V11a', 'cluster')
def minor_is_in_the_matrix(cluster):
    """What its vendor has not tried, nobody knows."""
    row = cluster.operator
    if row and cluster.minor and cluster.minor not in row['kubernetes']:
        yield Objection('%s was validated with Kubernetes %s, and not with %s' % (_named(cluster), listed(row['kubernetes']), cluster.minor),
                        'one of these minors, owner: role, or a waiver', cluster.path('accelerators'), row['source'])


@rule('K8S-G22', 'cluster')
def runtime_has_its_way_in(cluster):
    """It gets at containers by NRI, so that it changes no file of the runtime."""
    row, version = cluster.operator, cluster.runtime[0]
    if not row or not version:
        return
    branches = {numbers.branch(one): one for one in row['containerd']}
    floor = branches.get(numbers.branch(version))
    if floor is None or numbers.numbers(version) < numbers.numbers(floor):
        yield Objection('the NRI plugin of %s was validated with containerd from %s of each branch, and not with %s' % (
            _named(cluster), listed(row['containerd']), version), 'containerd: "%s", or a waiver' % numbers.branch(row['containerd'][-1]),
            cluster.path('containerd'), row['source'])


@rule('K8S-G23', 'cluster')
def drivers_are_in_the_matrix(cluster):
    """The drivers are the hosts', and what it brings has to know them."""
    row = cluster.operator
    for node in _with_cards(cluster) if row else ():
        branch = state.values(node.host.decisions).get('driver.branch')
        if branch and branch not in row['drivers']:
            yield Objection('%s was validated with drivers of branches %s, and this host has %s' % (_named(cluster), listed(row['drivers']), branch), DRIVERS,
                            'ai_stack_driver', row['source'], node.name)


@rule('K8S-G24', 'cluster')
def systems_are_in_the_matrix(cluster):
    """With the driver of the host little of it depends on the distribution, so this is said and stops nothing."""
    row, strange = cluster.operator, {}
    for node in _with_cards(cluster) if row else ():
        name, release = str(node.system.get('distribution')).lower(), str(node.system.get('version'))
        if node.system.get('distribution') and not {'%s %s' % (name, release), '%s %s' % (name, release.partition('.')[0])} & set(row['systems']):
            strange.setdefault('%s %s' % (safe(name), safe(release)), []).append(node.name)
    for system, hosts in sorted(strange.items()):
        yield Objection('%s was validated on %s, and not on %s: %s' % (_named(cluster), listed(row['systems'], 12), system, listed(hosts)),
                        'hosts of one of these, or owner: role', cluster.path('accelerators'), row['source'], None, True)
