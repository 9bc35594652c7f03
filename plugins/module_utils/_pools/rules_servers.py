# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tenants first: whose servers are in the way of what a host gets, and whether somebody approved that they are."""

from __future__ import annotations

from .._compat.register import Objection, rule
from .._compat.text import listed, safe

ALL, WITH_CARDS = 'all', 'with_cards'
_MINUTE = len('YYYY-MM-DDTHH:MM')
_NEAR = 'a row of ai_stack_windows for this host that is open now, or these servers elsewhere'


class Watch:
    """A host of a cloud, what the plan does to it, and who is on it. planned: {ADDRESS: card} that the host reports once the plan is carried out;
    None: it stays as it is."""

    def __init__(self, site, cloud, host, planned):
        self.site, self.cloud, self.host, self.name = site, cloud, host, host.name
        self.reboots = bool(host.rebinds or host.reboots)
        self.asked = isinstance(cloud.seen.get('hosts'), dict)
        there = (cloud.seen.get('hosts') or {}).get(host.name) if self.asked else None
        self.told = there is not None or host.name in (cloud.seen.get('missing') or ())
        self.all, self.migrations = list((there or {}).get('servers') or ()), list((there or {}).get('migrations') or ())
        shown = (cloud.seen.get('providers') or {}).get(host.name) or {}
        # nova-compute does not start where a server holds a card that it is told of no more
        self.lost = {place: card for place, card in shown.items() if card.get('servers') and planned is not None and place not in planned}
        self.at, self.window = self._window()

    @property
    def scope(self):
        return ALL if self.reboots else WITH_CARDS

    @property
    def changes(self):
        return self.reboots or bool(self.lost)

    def _window(self):
        """(place, row) of the approved time that is now; (None, None): there is none."""
        now = (self.site.now or '')[:_MINUTE]
        for at, row in enumerate(self.site.intent.get('ai_stack_windows') or ()):
            if now and row['from'][:_MINUTE] <= now < row['until'][:_MINUTE] and self.name in self.site.claims.members(row):
                return at, row
        return None, None

    @property
    def servers(self):
        """Those that are in the way."""
        if not self.changes or self.reboots:
            return self.all if self.changes else []
        losing = {who for card in self.lost.values() for who in card['servers']}
        return [one for one in self.all if one['id'] in losing]

    @property
    def moving(self):
        return self.migrations if self.changes else []

    def why(self):
        return 'it boots' if self.reboots else 'it loses %s' % listed(sorted(self.lost))

    def document(self):
        """What the roles get: who is in the way, and what was approved."""
        row = self.window or {}
        return {'cloud': self.cloud.name, 'scope': self.scope, 'servers': [{key: one.get(key) for key in ('id', 'name', 'project')} for one in self.servers],
                'how': row.get('servers'), 'until': row.get('until'), 'reason': row.get('reason')}


def _by_tenant(servers):
    """Every server with its tenant: who reads it calls these people."""
    found = {}
    for one in servers:
        found.setdefault(safe(one.get('project') or 'nobody known'), []).append(safe(one.get('name') or one['id']))
    return '; '.join('of project %s: %s' % (project, ', '.join(names)) for project, names in sorted(found.items()))


@rule('NR-105', 'tenants')
def servers_are_in_an_approved_time(watch):
    """Nobody's server is stopped by surprise."""
    if watch.changes and watch.asked and not watch.told:
        yield Objection('%s, and who has servers on it is not known: cloud %s was asked of other hosts' % (watch.why(), safe(watch.cloud.name)),
                        'an observation of the cloud with this host', watch.cloud.path('hosts'), None, watch.name)
    if watch.servers and not watch.window:
        yield Objection('%s, and servers are in the way, %s' % (watch.why(), _by_tenant(watch.servers)), _NEAR, 'ai_stack_windows', None, watch.name)
    if watch.lost and watch.window and watch.window['servers'] == 'stop':
        yield Objection('the host loses %s, which servers hold that are stopped only: nova-compute would not start' % listed(sorted(watch.lost)),
                        'cold_migrate or wait', 'ai_stack_windows[%d].servers' % watch.at, None, watch.name)


@rule('NR-106', 'tenants')
def migrations_are_over(watch):
    """A migration holds on to both of its hosts, a resize until somebody confirms it."""
    if watch.moving and not watch.window:
        which = listed(sorted('server %s, %s' % (safe(one.get('server_id')), safe(one.get('status'))) for one in watch.moving))
        yield Objection('%s, and migrations are not over: %s' % (watch.why(), which), _NEAR, 'ai_stack_windows', None, watch.name)
