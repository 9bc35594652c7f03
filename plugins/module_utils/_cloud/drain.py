# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that are in the way of a host's change: stopped, moved or waited for, one look at a time; and started again.

A server that is stopped is locked with our reason first, so that its tenant does not start it in between and a later run knows it.
"""

from __future__ import annotations

from .outcome import Outcome
from .servers import in_words
from .services import MARK

# the microversion that knows the reason of a lock
LOCKS = '2.73'
_STILL = frozenset(('SHUTOFF', 'SUSPENDED', 'PAUSED', 'SHELVED', 'SHELVED_OFFLOADED'))
_LOST = frozenset(('ERROR', 'DELETED', 'SOFT_DELETED', 'UNKNOWN'))


def reason_of(host):
    return '%scards of %s change' % (MARK, host)


def is_ours(server):
    return bool(server.get('locked')) and str(server.get('locked_reason') or '').startswith(MARK)


class Drain:
    """What becomes of the servers of some hosts. how: refuse, stop, cold_migrate or wait; projects: of the cloud, for words."""

    def __init__(self, how, projects):
        self.how, self.projects, self.asked = how, projects, set()

    def look(self, servers, moving):
        """(outcome, what is still in the way, in words).

        servers: rows of /servers/detail that are on the hosts; moving: {id: (migration that is not over, row of the server)}.
        """
        outcome = Outcome()
        left = [one for one in servers if getattr(self, '_' + self.how)(outcome, one, one['id'] in moving)]
        there = {one['id'] for one in servers}
        for identity, (migration, one) in sorted(moving.items()):
            if identity not in there:
                self._confirm(outcome, migration, one)
                left.append(one)
        words = in_words(left, self.projects)
        if self.how == 'refuse' and left:
            outcome.mistakes.append('in the way are %s' % words)
        return outcome, words

    def _refuse(self, _outcome, one, moving):
        """What we stopped ourselves, and no run brought back, is in nobody's way."""
        return moving or not (is_ours(one) and one['status'] in _STILL)

    def _wait(self, _outcome, _one, _moving):
        return True

    def _stop(self, outcome, one, moving):
        """A server that somebody else stopped is left as it is, and started by nobody."""
        if moving or one.get('OS-EXT-STS:task_state'):
            return True
        if one['status'] in _STILL or one['status'] in _LOST:
            return False
        if not is_ours(one):
            self._act(outcome, one, {'lock': {'locked_reason': reason_of(one['OS-EXT-SRV-ATTR:host'])}}, '%s is locked')
        self._act(outcome, one, {'os-stop': None}, '%s is stopped')
        return True

    def _cold_migrate(self, outcome, one, moving):
        if not moving and not one.get('OS-EXT-STS:task_state'):
            if one['status'] in _LOST or one['id'] in self.asked:
                outcome.mistakes.append('%s does not move: no other host takes it, or it is in state %s' % (in_words([one], self.projects), one['status']))
            else:
                self.asked.add(one['id'])
                self._act(outcome, one, {'migrate': None}, '%s moves to another host')
        return True

    def _confirm(self, outcome, migration, one):
        """A move is over once somebody confirms it: the window says that servers move, so we do; a resize is its tenant's."""
        if self.how == 'cold_migrate' and migration['status'] == 'finished' and migration['type'] == 'migration':
            self._act(outcome, one, {'confirmResize': None}, 'the move of %s is confirmed')

    def _act(self, outcome, one, body, says):
        outcome.call('compute', 'POST', '/servers/%s/action' % one['id'], body, says % in_words([one], self.projects), version=LOCKS)


def resumed(servers, hosts, projects):
    """An outcome that starts what we stopped on hosts, and gives it back to its tenant."""
    outcome = Outcome()
    for one in servers:
        if is_ours(one) and one.get('OS-EXT-SRV-ATTR:host') in hosts:
            if one['status'] == 'SHUTOFF':
                outcome.call('compute', 'POST', '/servers/%s/action' % one['id'], {'os-start': None}, '%s is started' % in_words([one], projects))
            outcome.call('compute', 'POST', '/servers/%s/action' % one['id'], {'unlock': None}, '%s is unlocked' % in_words([one], projects))
            outcome.shows(one['id'], {'status': one['status'], 'locked': True}, {'status': 'ACTIVE', 'locked': False})
    return outcome
