# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Passthrough pools of a site: hosts that give cards, clouds that get them; decisions, steps and every conflict."""

from __future__ import annotations

from .._compat import state
from .._compat.register import Objection, of
from .._compat.text import did_you_mean, safe
from . import alone, arguments, gates, lint, objects, rules_board, rules_cloud, rules_host, rules_servers, rules_tenants
from .cloud import Cloud
from .donor import USE, Donor
from .flavor import Flavor

RULES = (arguments, gates, lint, objects, rules_board, rules_cloud, rules_host, rules_servers, rules_tenants)


def of_site(site, clouds=None):
    """Decide all passthrough pools of a site; sets decisions and changes of its hosts, gives back its clouds.

    clouds: {name: what is known of it}, such as {projects: [names]}; a cloud that is not there is not known.
    """
    donors = {name: Donor(site, host) for name, host in site.hosts.items() if host.known and not host.out}
    donors = {name: one for name, one in donors.items() if one.cards or one.kept}
    made = list(_clouds(site, donors, clouds or {}))
    waived = {name: one.waived for one in made for name in one.donors}
    for name, one in sorted(donors.items()):
        _host(site, one, waived.get(name, {}))
    for one in made:
        _tenants(site, one)
    for one in made:
        _judge(site, one)
    return made


def _clouds(site, donors, seen):
    wanted, pools = {}, [(at, pool) for at, pool in site.claims.pools if pool['use'] == USE]
    for at, pool in pools:
        wanted.setdefault(pool.get('cloud'), []).append((at, pool))
    rows = {row['name']: (at, row) for at, row in enumerate(site.intent.get('ai_stack_clouds') or ())}
    for name in sorted(wanted, key=str):
        if name in rows:
            yield Cloud(site, *rows[name], wanted[name], donors, seen.get(name))
        elif 'NR-99' in site.index.enforced:
            for at, pool in wanted[name]:
                what = 'there is no cloud %s' % safe(name) if name is not None else 'it names no cloud'
                site.object('NR-99', Objection('pool %s is passed through, and %s' % (safe(pool['name']), what),
                                               did_you_mean(name or '', rows) or 'a cloud in ai_stack_clouds', 'ai_stack_pools[%d].cloud' % at))


def _host(site, donor, waived):
    mine = dict(waived, **site.waivers.for_host(donor.name, donor.host.groups, [pool['name'] for pool in donor.pools.values()]))
    found = [(identity, one) for identity, function in of('passthrough', site.index.enforced) for one in function(donor)] if donor.cards else []
    stopped = [identity for identity, one in found if site.say(mine, identity, one, donor.name)]
    donor.acts = not stopped and not donor.host.stale and donor.name not in {row['host'] for row in site.conflicts}
    if donor.acts:
        _decide(donor)


def _decide(donor):
    host, bound = donor.host, donor.bound()
    asked, modules = donor.needs('argument'), donor.needs('module')
    rows = [('passthrough.bind', bound, 'the cards of the pools, and what is on their boards', 'NR-65'),
            ('passthrough.arguments', [what for what, _dummy, _dummy in asked], '; '.join(why for _dummy, why, _dummy in asked) or 'the groups are there',
             asked[0][2] if asked else 'NR-60'),
            ('passthrough.modules', [what for what, _dummy, _dummy in modules], 'vfio-pci needs them', 'NR-64'),
            ('passthrough.pages', sorted({(pool.get('guest') or {}).get('pages') or 'small' for pool in donor.pools.values()} - {'small'}),
             'what the pools say of the memory of their guests', 'NR-73'),
            ('passthrough.keep_off', donor.keep_off(), 'no card that stays with this host needs them', 'NR-67')]
    for subject, value, because, identity in rows:
        host.decisions.append({'subject': subject, 'value': value, 'because': because, 'rule': identity, 'source': donor.index.source(identity)})
    _changes(donor)


def _changes(donor):
    host, want = donor.host, state.values(donor.host.decisions)
    mine = state.difference(state.of(host.seen), state.passed_through(want, host.seen))
    host.changes = host.changes + [dict(row, role='pci_passthrough', reboot=True, drain=False, irreversible=False) for row in mine]
    # whatever differs of what it keeps, its role proves by a boot
    host.rebinds = bool(mine or _kept_differs(donor, want))
    host.decisions.append({'subject': 'passthrough.reboot', 'value': host.rebinds, 'rule': 'NR-67', 'source': donor.index.source('NR-67'),
                           'because': 'what it gives away is proven by a boot' if host.rebinds else 'it gives away what it is to give'})
    if host.state in ('left_out', 'planned', 'converged', 'not_ours'):
        host.state = 'planned' if host.changes or host.reboots or host.rebinds else 'converged'
        host.because = '%d changes' % len(host.changes) if host.changes else 'its settings change' if host.rebinds else 'it is as it should be'


def _kept_differs(donor, want):
    """Whether the settings of the host are others; pages are a variable of the role, and stay as they are here."""
    known = isinstance(donor.seen.get('passthrough'), dict)
    return known and bool(alone.changes(alone.settings(donor.index, want, donor.seen, alone.pages(donor.seen)), donor.seen))


def _tenants(site, cloud):
    """Who is on the hosts of a cloud; one with somebody in the way changes nothing, and the others go on."""
    planned = objects.providers(cloud) if cloud.series is not None else {}
    refused = {row['host'] for row in site.conflicts}
    for name in sorted(set(cloud.members) | set(cloud.donors)):
        host, donor = site.hosts[name], cloud.donors.get(name)
        # of a host that is not acted on nothing is taken
        acts = donor.acts if donor else host.known and not host.stale and not host.out and name not in refused
        watch = rules_servers.Watch(site, cloud, host, planned.get(name, {}) if acts and cloud.series is not None else None)
        host.tenants = watch.document()
        stopped = [identity for identity, function in of('tenants', site.index.enforced) for one in function(watch) if site.say({}, identity, one, name)]
        if donor and stopped:
            donor.acts = False


def _judge(site, cloud):
    """Every rule about a cloud, and about what would be written for it."""
    before = len(site.conflicts)
    for identity, function in of('cloud', site.index.enforced):
        for one in function(cloud):
            site.say(cloud.waived, identity, one)
    if cloud.series is not None:
        for pool, at, made in objects.flavors(cloud):
            known = {one.name: one.largest if one.total else None for one in cloud.pools}
            known.update({one.name + '-nvswitch': one.board for one in cloud.pools if one.board})
            kinds = {one.name: one.types[0] for one in cloud.pools if one.types}
            for identity, function in of('flavor', site.index.enforced):
                for one in function(Flavor(site.index, made, known, cloud.classes(), kinds, pool.path('shapes[%d].cards' % at))):
                    site.say(cloud.waived, identity, one)
        _lint(site, cloud)
    # a cloud of whose cards nothing was ever seen is not refused, and has nothing to plan
    cloud.refused = len(site.conflicts) > before or not cloud.hosts


def _lint(site, cloud):
    """Our own lines by the rules for anybody's."""
    found = [lint.alias(cloud.alias_lines(), cloud.series, cloud.placement)]
    for name, lines in cloud.spec_lines().items():
        donor = cloud.donors[name]
        for conflicts, warnings in (lint.device_spec(lines, cloud.series, cloud.reports),
                                    lint.selected(lines, cloud.series, cloud.reports, donor.seen, donor.board_pool() is not None)):
            found.append(([dict(row, host=name) for row in conflicts], [dict(row, host=name) for row in warnings]))
    for conflicts, warnings in found:
        site.conflicts += [dict(row, path='ai_stack_pools') for row in conflicts]
        site.warnings += [dict(row, path='ai_stack_pools') for row in warnings]


def resources(clouds):
    """What is not a host; nothing of a cloud that is refused."""
    return [one for cloud in clouds if not cloud.refused for one in objects.of_pools(cloud)]


def steps(clouds, before):
    """The steps of the clouds, after those that are there."""
    found = list(before)
    for cloud in clouds:
        wave = max((step['wave'] for step in found), default=0) + 1
        found += gates.steps(cloud, len(found) + 1, wave) if not cloud.refused else []
    return found
