# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps the pools of a cluster from being queues of Kueue."""

from __future__ import annotations

from .._compat.register import Objection, rule
from .._compat.text import listed, safe
from . import numbers


@rule('K8S-V13', 'cluster')
def kueue_fits_the_minor(cluster):
    """A release says from which minor of Kubernetes on it works, and its project tests it on some."""
    wanted, row = cluster.row.get('kueue'), cluster.queues
    if wanted and row is None:
        known = sorted(cluster.index.queues, key=numbers.numbers)
        yield Objection('no table knows Kueue %s of cluster %s' % (safe(wanted), safe(cluster.name)), 'one of: %s' % listed(known), cluster.path('kueue'))
    elif wanted and cluster.minor:
        minor, where = numbers.numbers(cluster.minor), cluster.path('kueue')
        if minor < numbers.numbers(row['lowest']):
            yield Objection('Kueue %s of cluster %s wants Kubernetes %s or newer, and it gets %s' % (row['branch'], safe(cluster.name), row['lowest'],
                            cluster.minor), 'an older Kueue, or Kubernetes %s' % row['lowest'], where, row['source'])
        elif minor > numbers.numbers(row['tested']):
            yield Objection('Kueue %s of cluster %s is tested by its project up to Kubernetes %s, and it gets %s' % (row['branch'], safe(cluster.name),
                            row['tested'], cluster.minor), 'a newer Kueue, or Kubernetes %s' % row['tested'], where, row['source'], None, True)


@rule('K8S-A15', 'cluster')
def queues_hold_all_pools(cluster):
    """Kueue takes so many flavors and names in a group, and all pools are in one."""
    row, pools = cluster.queues, [pool for pool in cluster.pools if pool.names]
    names = {name for pool in pools for name in pool.names}
    if row and (max(len(pools), len(names)) > row['flavors'] or len(pools) * len(names) > row['quotas']):
        yield Objection('cluster %s has %d pools and %d names for their cards, which are too many for a queue of Kueue: it takes %d of each, and %d quotas' % (
            safe(cluster.name), len(pools), len(names), row['flavors'], row['quotas']), 'fewer pools, or fewer profiles', cluster.path('kueue'), row['source'])
