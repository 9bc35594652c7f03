# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps the pods of a cluster from getting cards by claims (DRA)."""

from __future__ import annotations

from .._compat import state
from .._compat.register import Objection, rule
from .._compat.text import listed, safe
from . import claims, numbers

# from this minor on the API has claims without a feature gate
LOWEST = '1.34'
_WHERE = 'accelerators.allocation'


def _drivers(cluster):
    """Rows of the DRA drivers that it gets."""
    found = {pool.vendors[0]: pool.plugin for pool in cluster.pools if pool.plugin} if cluster.by_claims else {}
    return [row for dummy, row in sorted(found.items())]


@rule('K8S-G1', 'cluster')
def one_way_hands_out_cards(cluster):
    """What two ways hand out is handed out twice."""
    if not cluster.by_claims:
        return
    if cluster.row.get('device_plugin'):
        yield Objection('cluster %s names a device plugin, and its cards are given by claims (DRA)' % safe(cluster.name), 'no device_plugin',
                        cluster.path('device_plugin'))
    if cluster.by_operator:
        yield Objection('cluster %s has an operator bring its device plugin, and its cards are given by claims (DRA); that the operator brings DRA is not '
                        'planned yet' % safe(cluster.name), 'owner: role, or allocation: device_plugin', cluster.path(_WHERE))


@rule('K8S-V10', 'cluster')
def claims_are_of_the_api(cluster):
    """Before its first stable version the API of claims was another one."""
    if cluster.by_claims and cluster.minor and numbers.numbers(cluster.minor) < numbers.numbers(LOWEST):
        yield Objection('cards of cluster %s are given by claims (DRA), and Kubernetes %s has no %s' % (safe(cluster.name), cluster.minor, claims.API),
                        'Kubernetes %s, or allocation: device_plugin' % LOWEST, cluster.path(_WHERE))


@rule('ACC-20a', 'cluster')
def patch_has_what_the_driver_needs(cluster):
    """A driver says from which patch on it works."""
    for row in _drivers(cluster):
        if row['kubernetes'] and cluster.version and numbers.numbers(cluster.version) < numbers.numbers(row['kubernetes']):
            yield Objection('%s %s of cluster %s needs Kubernetes %s, and it gets %s' % (row['plugin'], row['version'], safe(cluster.name), row['kubernetes'],
                            cluster.version), 'kubernetes: "%s" or newer' % row['kubernetes'], cluster.path('kubernetes'), row['source'])


@rule('K8S-G26', 'cluster')
def vendor_says_what_it_supports(cluster):
    """Two pages of one vendor disagree, so this is said and stops nothing."""
    for row in _drivers(cluster):
        if row['warned']:
            yield Objection('%s %s of cluster %s %s' % (row['plugin'], row['version'], safe(cluster.name), row['warned']), 'allocation: device_plugin',
                            cluster.path(_WHERE), row['source'], None, True)


@rule('K8S-V12a', 'node')
def driver_is_new_enough(node):
    """A DRA driver talks to the driver of the host."""
    branch = state.values(node.host.decisions).get('driver.branch')
    for pool in node.cluster.pools if node.cluster.by_claims and branch else ():
        row = pool.plugin
        if row and row['driver'] and pool.cards.get(node.name) and int(str(branch).partition('.')[0]) < int(row['driver'].partition('.')[0]):
            yield Objection('%s %s needs a driver of branch %s, and this host has %s' % (row['plugin'], row['version'], row['driver'], branch),
                            'a driver of branch %s or newer' % row['driver'], 'ai_stack_driver', row['source'], node.name)


@rule('K8S-G25', 'cluster')
def claims_are_for_whole_cards_of_one_pool(cluster):
    """A class tells devices by what their driver says of them, and it says nothing of the node."""
    if not cluster.by_claims:
        return
    where, near = cluster.path(_WHERE), 'allocation: device_plugin'
    if len(cluster.pools) > 1:
        yield Objection('cards of cluster %s are given by claims (DRA), and several pools are its own: %s. A class cannot tell their cards apart' % (
            safe(cluster.name), listed(pool.name for pool in cluster.pools)), 'one pool, or ' + near, where)
    for pool in cluster.pools:
        if pool.use == 'mig':
            yield Objection('pool %s is cut up (use: mig), and by claims (DRA) whole cards are given alone' % safe(pool.name), 'use: host, or ' + near,
                            pool.path('use'))
        if pool.method:
            yield Objection('pool %s has pods share a card, and by claims (DRA) whole cards are given alone' % safe(pool.name), 'no sharing, or ' + near,
                            pool.path('sharing'))
    if cluster.row.get('kueue'):
        yield Objection('cluster %s has queues of Kueue, which are not planned for cards that are given by claims (DRA)' % safe(cluster.name),
                        'no kueue, or ' + near, cluster.path('kueue'))
