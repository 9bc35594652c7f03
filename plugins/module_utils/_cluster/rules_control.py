# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps the control planes of a cluster from being one: their number, hosts that are away, and where their API is."""

from __future__ import annotations

from .._compat.register import Objection, rule
from .._compat.text import listed, safe
from . import network, virtual
from .node import CONTROL


@rule('K8S-E6', 'cluster')
def control_planes_are_odd(cluster):
    """An even number of members survives no more than one less, and stops more often."""
    count, most = len(cluster.groups['control_plane']), 5
    if count > most:
        yield Objection('cluster %s has %d control planes: every write waits for most of them' % (safe(cluster.name), count), '3 or %d' % most,
                        cluster.path('control_plane'))
    elif not count:
        yield Objection('cluster %s has no control plane: %s has no host' % (safe(cluster.name), safe(cluster.row.get('control_plane') or 'control_plane')),
                        'an inventory group of 1, 3 or 5 hosts', cluster.path('control_plane'))
    elif count % 2 == 0:
        yield Objection('cluster %s has %d control planes: etcd wants an odd number' % (safe(cluster.name), count), '%d or %d' % (count - 1, count + 1),
                        cluster.path('control_plane'))


@rule('K8S-E7', 'cluster')
def control_planes_are_in_service(cluster):
    """What is made or moved without a member of etcd is not proven to have a majority."""
    out = [one.name for one in cluster.out if one.part == CONTROL]
    fresh = [one.name for one in cluster.nodes if one.part == CONTROL and not one.joined]
    if out and (fresh or cluster.behind or not cluster.running):
        yield Objection('control planes of cluster %s are out of service, %s, and it is to be made, moved, or to get another one' % (
            safe(cluster.name), listed(out)), 'all of them in service, or the version that it runs', cluster.path('control_plane'))


@rule('K8S-N20', 'cluster')
def api_is_in_one_place(cluster):
    """Whoever knows one of several control planes alone loses the cluster with it."""
    count, given, where = len(cluster.groups['control_plane']), cluster.row.get('virtual_address'), cluster.path('virtual_address')
    if count > 1 and not given and not cluster.row.get('endpoint'):
        yield Objection('cluster %s has %d control planes, and its API no place of its own' % (safe(cluster.name), count),
                        'virtual_address: a free address of their segment, or endpoint: name:port of a load balancer', where)
    for message in _taken(cluster, given) if given else ():
        yield Objection('the virtual address of cluster %s %s' % (safe(cluster.name), message), 'a free address in the segment of its control planes', where)
    if given and cluster.row.get('endpoint') and cluster.row['endpoint'].rpartition(':')[2] != str(virtual.PORT):
        yield Objection('the endpoint of cluster %s is not at the port of its API servers, which are all that answers at its virtual address: %s' % (
            safe(cluster.name), safe(cluster.row['endpoint'])), 'NAME:%d, a name of the virtual address' % virtual.PORT, cluster.path('endpoint'))


def _taken(cluster, given):
    """What speaks against its virtual address."""
    place = network.address(given)
    yield from network.wrong_place(given, cluster.networks)
    for one in cluster.others:
        if network.address(one.row.get('virtual_address')) == place:
            yield 'is that of cluster %s too: %s' % (safe(one.name), safe(given))
    for one in (cluster, *cluster.others):
        for name, node in sorted((one.seen.get('nodes') or {}).items()):
            if network.address((node or {}).get('address')) == place:
                yield 'is the address of %s: %s' % (safe(name), safe(given))
