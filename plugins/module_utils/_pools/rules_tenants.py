# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tenants are promised against what there is."""

from __future__ import annotations

from .._compat.register import Objection, rule
from .._compat.text import did_you_mean, listed, safe
from . import names


def _sum(pool, key):
    return sum(names.whole(tenant.get(key)) for tenant in pool.tenants.values())


def _has(pool):
    """What a pool has, in words; hosts that were never seen may have more."""
    unseen = '; %s never told' % listed(pool.unseen) if pool.unseen else ''
    return 'it has %d, %d of them spare%s' % (pool.total, pool.spare, unseen)


@rule('NR-55', 'cloud')
def limits_are_not_overbooked(cloud):
    """Overbooking is a contract, and a waiver names who agreed."""
    for pool in cloud.pools:
        there = max(pool.total - pool.spare, 0)
        if _sum(pool, 'max') > there and all(names.whole(tenant.get('max')) <= there for tenant in pool.tenants.values()):
            told = (safe(pool.name), listed(sorted(pool.tenants)), _sum(pool, 'max'), _has(pool))
            yield Objection('pool %s: the limits of %s are %d cards together; %s' % told,
                            'limits of %d together, or a waiver where overbooking is agreed' % there, pool.path('tenants'), None, None, bool(pool.unseen))


def _too_much(pool):
    """(words, nearest, key) of every promise that is more than there is."""
    there = max(pool.total - pool.spare, 0)
    for name, tenant in sorted(pool.tenants.items()):
        if names.whole(tenant.get('max')) > there:
            yield '%s may have %d cards' % (safe(name), tenant['max']), 'max %d' % there, 'tenants'
    if _sum(pool, 'guaranteed') > there:
        yield '%d cards are guaranteed' % _sum(pool, 'guaranteed'), 'guarantees of %d together' % there, 'tenants'
    if pool.spare > pool.total:
        yield '%d cards are kept free' % pool.spare, 'spare %d' % pool.total, 'spare'


@rule('NR-100', 'cloud')
def promises_can_be_kept(cloud):
    """Neither one limit nor all guarantees can be more than there is."""
    for pool in cloud.pools:
        for words, nearest, key in _too_much(pool):
            yield Objection('pool %s: %s; %s' % (safe(pool.name), words, _has(pool)), nearest, pool.path(key), None, None, bool(pool.unseen))


@rule('NR-101', 'cloud')
def tenant_exists(cloud):
    """Asked where the projects of the cloud are known."""
    projects, ids = cloud.seen.get('projects'), cloud.seen.get('project_ids') or {}
    for pool in cloud.pools if isinstance(projects, list) else ():
        for name in sorted(pool.tenants):
            if name not in projects and name not in ids:
                yield Objection('pool %s: cloud %s has no project %s' % (safe(pool.name), safe(cloud.name), safe(name)),
                                did_you_mean(name, projects) or 'a project that is there', pool.path('tenants'))


@rule('NR-101', 'cloud')
def login_is_of_a_tenant(cloud):
    """A live proof is made by tenants that get cards."""
    proof = cloud.row.get('live_proof')
    for name in sorted(proof.get('logins') or ()) if isinstance(proof, dict) else ():
        if name not in cloud.tenants:
            yield Objection('no pool of cloud %s has a tenant %s, whose login is named' % (safe(cloud.name), safe(name)),
                            did_you_mean(name, cloud.tenants) or 'a tenant of a pool', cloud.path('live_proof.logins'))


@rule('NR-83', 'cloud')
def card_is_wiped_between_tenants(cloud):
    """Memory of a card outlives a server: only one-time use gives somebody the time to wipe it."""
    for pool in cloud.pools if cloud.series else ():
        if len(pool.tenants) > 1 and not cloud.once(pool):
            why = 'its cards are VFs' if 'type-VF' in pool.types else 'Nova of %s has no one-time use' % cloud.series.name
            yield Objection('pool %s has %d tenants (%s), and nothing wipes a card between them: %s' % (
                safe(pool.name), len(pool.tenants), listed(sorted(pool.tenants)), why),
                'a pool with cards or hosts of its own for each tenant, or a waiver for the residue', pool.path('tenants'))


@rule('NR-83', 'cloud')
def card_is_wiped_before_another_tenant(cloud):
    """A pool can change hands too."""
    for pool, name, card, before in cloud.residues() if cloud.series else ():
        yield Objection('the card at %s of %s was given to %s before, and goes to %s: nothing wipes it' % (
            card['address'], safe(name), listed(before), listed(sorted(pool.tenants))), 'the tenant that it had, or a waiver once somebody wiped it',
            pool.path('tenants'))


@rule('NR-107', 'cloud')
def somebody_gives_cards_back(cloud):
    """Of a cloud that no run acts on, or whose cards nobody shares, the plan asks nothing."""
    used = [pool for pool in cloud.pools if cloud.once(pool)] if cloud.series else []
    named, mine = cloud.row.get('releaser'), cloud.row.get('deployment', 'packages') != 'files'
    for pool in used if mine and not named else ():
        yield Objection('the cards of pool %s are used once, as %s share them, and cloud %s names nobody who wipes them and gives them back' % (
            safe(pool.name), listed(sorted(pool.tenants)), safe(cloud.name)), 'releaser, a host that gives no cards away', cloud.path('releaser'))
    before = cloud.record.get('releaser')
    if mine and isinstance(before, str) and named != before:
        yield Objection('by the record %s gives cards of cloud %s back, and would go on with its login of the cloud' % (safe(before), safe(cloud.name)),
                        '%s; or take its part away (pci_one_time_use_state: absent) and its row out of the record' % safe(before), cloud.path('releaser'))
    if named in cloud.hosts:
        yield Objection('%s gives cards away itself: who has a card in hand does not decide that it is clean' % safe(named),
                        'a controller, or a machine of the operators', cloud.path('releaser'))
