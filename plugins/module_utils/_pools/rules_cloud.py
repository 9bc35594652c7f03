# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps a cloud from its pools: series, patches, one-way doors, and what Placement can count in time."""

from __future__ import annotations

from .._compat import versions
from .._compat.register import Objection, rule
from .._compat.text import did_you_mean, listed, safe
from . import names
from .donor import USE

MANY = 8
_SLOW = 10000


@rule('NR-99', 'cloud')
def series_is_known(cloud):
    """What Nova can do depends on its series."""
    if cloud.series is None:
        yield Objection('cloud %s is of series %s, which no table knows' % (safe(cloud.name), safe(cloud.row.get('series') or 'unknown')),
                        did_you_mean(cloud.row.get('series') or '', cloud.index.series), cloud.path('series'))
    elif cloud.series.agrees is False:
        yield Objection('cloud %s is of series %s, and its hosts have Nova %s' % (safe(cloud.name), cloud.series.name, safe(cloud.series.nova)),
                        'the series of Nova %s' % cloud.series.release[0], cloud.path('series'))


@rule('NR-103', 'cloud')
def service_hosts_are_of_one_cloud(cloud):
    """One nova.conf, one cloud."""
    named = {pool.get('cloud') for _dummy, pool in cloud.site.claims.pools if pool['use'] == USE}
    for at, row in enumerate(cloud.site.intent.get('ai_stack_clouds') or ()):
        both = sorted(set(cloud.members) & set(cloud.site.claims.members(row))) if row.get('hosts') and at != cloud.at else []
        if both and (at < cloud.at or row['name'] not in named):
            yield Objection('%s would run services of cloud %s and of cloud %s' % (listed(both), safe(row['name']), safe(cloud.name)),
                            'hosts of its own for each cloud', cloud.path('hosts'))


@rule('NR-103', 'cloud')
def donor_runs_services_of_its_cloud(cloud):
    """A host whose nova-compute nobody tells keeps its cards from everybody."""
    for name in sorted(set(cloud.donors) - set(cloud.members)) if cloud.row.get('hosts') else ():
        yield Objection('this host gives cards to cloud %s and is not among its hosts, %s' % (safe(cloud.name), safe(cloud.row['hosts'])),
                        'a group that has this host too', cloud.path('hosts'), None, name)


@rule('NR-16', 'cloud')
def classes_differ(cloud):
    """Two names can become one class."""
    for at, pool in enumerate(cloud.pools):
        for other in cloud.pools[:at]:
            if pool.resource_class == other.resource_class:
                yield Objection('pools %s and %s both become the class %s' % (safe(other.name), safe(pool.name), pool.resource_class),
                                'names that differ in letters or digits', pool.path('name'))


@rule('NR-22', 'cloud')
def cards_of_a_pool_are_of_one_type(cloud):
    """An alias reaches one type of device."""
    for pool in cloud.pools:
        if len(pool.types) > 1:
            yield Objection('pool %s has cards of types %s; its alias reaches one of them' % (safe(pool.name), listed(pool.types)), 'a pool for each type',
                            pool.path('select'))


@rule('NR-24', 'cloud')
def pools_without_placement_are_of_other_products(cloud):
    """Without placement an alias goes by ids, and takes any card of the product."""
    seen = {}
    for pool in cloud.pools if cloud.series and not cloud.placement else ():
        for product in pool.products:
            if seen.setdefault(product, pool) is not pool:
                yield Objection('pools %s and %s have cards of one product, which Nova of %s cannot tell apart' % (
                    safe(seen[product].name), safe(pool.name), cloud.series.name), 'one pool a product, or a series with pci_in_placement', pool.path('select'))


def _measured(cloud, wanted, there):
    """(row, release) of a measurement for the placement of a cloud; row None: nobody measured."""
    told = versions.upstream(cloud.series.placement) or '%s.0.0' % cloud.series.row['placement']
    return cloud.index.candidates.get((told, wanted, there)), told


@rule('NR-44', 'cloud')
def candidates_are_counted_in_time(cloud):
    """Placement lists the ways to give N equal cards of a host before it gives one."""
    for pool in cloud.pools if cloud.series and cloud.placement else ():
        options = [cloud.series.knows('placement_option', name) for name in ('max_allocation_candidates', 'optimize_for_wide_provider_trees')]
        if pool.largest > MANY and not any(options):
            yield Objection('pool %s has %d equal cards on one host, and Placement of %s has no cap for the ways to combine them' % (
                safe(pool.name), pool.largest, cloud.series.name), 'at most %d cards of a pool on a host, or a newer Placement' % MANY, pool.path('select'))
        for at, shape in enumerate(pool.shapes if pool.largest >= MANY and not options[1] else ()):
            row, told = _measured(cloud, shape['cards'], pool.largest)
            if row and (row['milliseconds'] is None or row['milliseconds'] >= _SLOW):
                time = 'never ends' if row['milliseconds'] is None else 'takes %d s' % (row['milliseconds'] // 1000)
                yield Objection('pool %s: to give %d of %d equal cards %s with Placement %s' % (safe(pool.name), shape['cards'], pool.largest, time, told),
                                'fewer cards a server, or a Placement with optimize_for_wide_provider_trees', pool.path('shapes[%d].cards' % at),
                                row['source'], None, row['milliseconds'] is not None)
            elif not row and shape['cards'] >= MANY - 1:
                yield Objection('pool %s: how long Placement %s takes to give %d of %d equal cards was not measured' % (
                    safe(pool.name), told, shape['cards'], pool.largest), 'try one server first', pool.path('shapes[%d].cards' % at), None, None, True)


def _patch(cloud, fix, what):
    """An objection where a fix is not there, or not known to be."""
    has = cloud.series.has_fix(fix)
    if has:
        return
    told = 'Nova %s of cloud %s' % (safe(cloud.series.nova or 'of an unknown release'), safe(cloud.name))
    floor = cloud.series.row['floor']
    yield Objection('%s %s %s: %s' % (told, 'does not have' if has is False else 'is not known to have', what, cloud.index.fixes[fix][0]['what']),
                    'Nova %s, or another package with it, named in ai_stack_clouds; else a waiver' % floor if floor else 'a newer series, or a waiver',
                    cloud.path('nova'), cloud.index.fixes[fix][0]['source'])


@rule('NR-48', 'cloud')
def functions_are_attached_once(cloud):
    """Only VFs are concerned."""
    if cloud.series and cloud.placement and any('type-VF' in pool.types for pool in cloud.pools):
        yield from _patch(cloud, 'bug-2098496', 'the fix of bug 2098496')


@rule('NR-49', 'cloud')
def hints_cannot_skip_claims(cloud):
    """A border that a user can step over is none."""
    if cloud.series and cloud.placement and cloud.tenants:
        yield from _patch(cloud, 'CVE-2026-46448', 'the guard against CVE-2026-46448')


@rule('NR-102', 'cloud')
def nova_is_above_its_floor(cloud):
    """What is unknown is not above it."""
    if not cloud.series or not cloud.tenants or cloud.series.above_floor():
        return
    floor, because = cloud.series.row['floor'], cloud.series.row['because']
    told = 'Nova %s' % safe(cloud.series.nova) if cloud.series.nova else 'the release of Nova is not known'
    wanted = 'it is %s or newer (%s)' % (floor, because) if floor else 'no release of %s is known to do' % cloud.series.name
    yield Objection('cloud %s: %s; for tenants %s' % (safe(cloud.name), told, wanted),
                    'Nova %s or newer, or a waiver' % floor if floor else 'a newer series, or a waiver', cloud.path('nova'), cloud.series.row['source'])


@rule('NR-98', 'cloud')
def one_way_doors_are_meant(cloud):
    """Each is named once, and then stands in the record."""
    for name, because in cloud.doors() if cloud.series else ():
        if name not in cloud.confirmed:
            yield Objection('%s cannot be taken back: %s' % (safe(name), because), 'ai_stack_confirm: ["%s"]' % safe(name), 'ai_stack_confirm')


def _promises(cloud):
    """(pool, tenant, text of what is not held) where limits do not count cards."""
    for pool in cloud.pools:
        for name, tenant in sorted(pool.tenants.items()):
            most = tenant.get('max')
            if isinstance(most, int) and most < pool.total:
                yield pool, name, 'at most %d cards for %s' % (most, safe(name))
            if names.whole(tenant.get('guaranteed')) and len(pool.tenants) > 1:
                yield pool, name, '%d cards guaranteed to %s' % (tenant['guaranteed'], safe(name))


@rule('NR-51', 'cloud')
def limits_are_promised_where_they_hold(cloud):
    """No series before counts cards: what is not held is said."""
    for pool, name, text in _promises(cloud) if cloud.series and not cloud.counts_cards else ():
        yield Objection('pool %s: Nova of %s does not hold "%s": whoever may use its flavors may use all %d cards' % (
            safe(pool.name), cloud.series.name, text, pool.total), 'a pool of its own for %s, of that size' % safe(name),
            pool.path('tenants'), None, None, True)


@rule('NR-108', 'cloud')
def compute_is_the_recorded_one(cloud):
    """Servers and their cards are allocated on the provider of that id."""
    for name, identity in cloud.compute_ids.items() if cloud.series else ():
        seen = ((cloud.seen.get('hosts') or {}).get(name) or {}).get('compute_id')
        if seen and seen != identity:
            told = (safe(cloud.name), safe(name), safe(seen), safe(identity))
            yield Objection(
                'cloud %s knows %s by the id %s, and the record has %s: it was registered anew, and what servers hold may be on the old one' % told,
                'its old id in the file compute_id, or its row out of compute_ids of the record', cloud.path('hosts'))
