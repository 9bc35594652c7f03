# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Intent, observations, tables and record in; one plan for the whole site out."""

from __future__ import annotations

from .._cluster import clusters as of_clusters
from .._pools import passthrough
from . import cards, decide, pools, steps
from .case import acting, plain, policy_of
from .index import Index
from .record import Record, renewed, seen_reporting
from .register import entry, of
from .trials import Builds
from .waivers import Waivers


class Host:
    """A host of the inventory with what was seen of it."""

    def __init__(self, name, groups, observation, index):
        self.name, self.groups, self.seen = name, groups, observation or {}
        self.known = bool(observation) and 'pci' in observation
        self.stale = bool(observation) and observation.get('reachable') is False
        self.cards = cards.of(self.seen, index) if self.known else []
        self.state, self.because, self.decisions, self.changes = 'unknown', '', [], []
        self.out = self.rebinds = self.reboots = self.drains = self.replaces = self.tries = False
        self.packages, self.source, self.policy, self.tenants = {}, None, None, None


class Site:
    """Everything that one call of resolve works on."""

    def __init__(self, intent, inventory, observations, tables, record, today, trials, settled, now=None):
        self.intent, self.today, self.settled, self.now = intent, str(today), settled, now
        self.index = tables if isinstance(tables, Index) else Index(tables)
        self.hosts = {name: Host(name, list(inventory[name] or ()), observations.get(name), self.index) for name in sorted(inventory)}
        self.record = Record(record)
        self.waivers = Waivers(self.index, intent.get('ai_stack_waivers'), self.today)
        self.builds = Builds(self.index, observations, trials)
        self.conflicts = self.waivers.conflicts(self.index)
        self.warnings, self.waived = self.waivers.warnings(self.index), []
        self.drivers, self.outcomes, self.fitting = {}, {}, set()
        decide.out_of_service(self)
        self.claims = pools.Claims(self.index, intent.get('ai_stack_pools') or [], self.hosts, self.record, intent.get('ai_stack_accept_cards') or ())

    def warn(self, message, host=None, path=None, nearest=None, rule=None):
        """Say something that stops nothing."""
        self.warnings.append({'rule': rule, 'host': host, 'path': path, 'message': message, 'nearest': nearest,
                              'source': self.index.source(rule) if rule else None})

    def say(self, waived, identity, objection, host=None):
        """A conflict, a warning, or waived by somebody; whether it stands in the way. waived: {rule: waiver} that hold there."""
        waiver = next((waived[name] for name in self.index.waivable_by(identity) if name in waived), None)
        if waiver:
            self.waived.append(dict(entry(self.index, identity, objection, host), approver=waiver['approver'], until=str(waiver['until'])))
        else:
            self.object(identity, objection, host)
        return not waiver and not objection.warns

    def object(self, identity, objection, host=None):
        (self.warnings if objection.warns else self.conflicts).append(entry(self.index, identity, objection, host))


def resolve(intent, inventory, observations, tables, record, today, trials=(), settled=False, clouds=None, now=None,
            clusters=None):
    """The plan without its inputs; see docs/data.md.

    inventory: {host: [groups]}; observations: {host: document}; today: ISO date; trials: trial documents;
    settled: True where no trial follows, so that what is unknown is refused; clouds: {name: what is known of it}; now: UTC time as ISO text,
    None: no window is open; clusters: {name: what is known of it}.
    """
    # what a run that was cut off did to a cloud, the cloud itself tells
    ours = {row['name'] for row in intent.get('ai_stack_clouds') or ()}
    record = seen_reporting(plain(record or {}), {name: seen for name, seen in (clouds or {}).items() if name in ours})
    site = Site(intent, inventory, observations, tables, record, today, trials, settled, now)
    for identity, function in of('pool', site.index.enforced):
        for objection in function(site.claims):
            site.object(identity, objection)
    for host in site.hosts.values():
        decide.host(site, host)
    made = passthrough.of_site(site, clouds)
    clustered = of_clusters.of_site(site, clusters)
    _refuse(site)
    return _plan(site, made, clustered)


def _refuse(site):
    """Nothing is half-planned: a host with a conflict of its own changes nothing."""
    for name in {row['host'] for row in site.conflicts} - {None}:
        host = site.hosts[name]
        if host.state != 'unknown' and not host.out:
            host.state, host.because, host.changes = 'refused', 'see the conflicts of this host', []
            host.decisions = [row for row in host.decisions if row['subject'] == 'driver.candidates']
        site.drivers.pop(name, None)


def _plan(site, clouds, clusters):
    # that of a host without cards in pools
    policy = acting(policy_of(site.intent, ())[0])
    return {'hosts': {name: _document(host, policy) for name, host in site.hosts.items()},
            'resources': passthrough.resources(clouds) + of_clusters.resources(clusters),
            'steps': of_clusters.steps(clusters, passthrough.steps(clouds, steps.of(site))), 'artefacts': steps.artefacts(site),
            'conflicts': site.conflicts, 'warnings': site.warnings, 'waived': site.waived,
            'record': renewed(site.record, site.intent.get('ai_stack_site'), site.hosts, site.drivers)}


_SHOWN = ('address', 'model', 'name', 'serial', 'uuid', 'pool', 'use', 'status')


def _document(host, policy):
    return {'state': host.state, 'because': host.because, 'cards': [{key: card[key] for key in _SHOWN} for card in host.cards],
            'decisions': host.decisions, 'changes': host.changes, 'policy': host.policy or policy, 'tenants': host.tenants}
