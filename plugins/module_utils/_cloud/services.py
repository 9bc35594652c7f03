# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether compute services take new servers. A service that somebody else disabled is theirs: it stays so."""

from __future__ import annotations

from .naming import hosts_of
from .outcome import Outcome

MARK = 'ai-stack: '
_LIMIT = 255


def decide(hosts, state, reason, seen, ignore=False):
    """seen: rows of /os-services. ignore: hosts without a service are named in the result and are no mistake."""
    outcome, there = Outcome(), {one['host']: one for one in seen}
    found, mistakes = hosts_of(hosts, list(there), 'compute service')
    missing = [host for host in hosts if host not in found]
    outcome.mistakes += [] if ignore else mistakes
    text = MARK + (reason or '').strip()
    if state == 'disabled' and not (reason or '').strip():
        outcome.mistakes.append('a service that is disabled needs a reason')
    elif len(text) > _LIMIT:
        outcome.mistakes.append('the reason is longer than the %d characters that Nova keeps' % (_LIMIT - len(MARK)))
    rows = [_one(outcome, host, there[real], state, text) for host, real in found.items()]
    left = [row['host'] for row in rows if row['status'] == 'disabled' and not row['ours']]
    return outcome, {'services': rows, 'left_alone': left, 'missing': missing}


def _one(outcome, host, one, state, text):
    before = {'status': one['status'], 'reason': one.get('disabled_reason')}
    ours, after = _is_ours(before), before
    if state == 'disabled' and one['status'] == 'enabled':
        after = {'status': 'disabled', 'reason': text}
        outcome.call('compute', 'PUT', '/os-services/%s' % one['id'], {'status': 'disabled', 'disabled_reason': text},
                     'compute service of %s is disabled' % one['host'])
    elif state == 'enabled' and ours:
        after = {'status': 'enabled', 'reason': None}
        outcome.call('compute', 'PUT', '/os-services/%s' % one['id'], {'status': 'enabled'}, 'compute service of %s is enabled' % one['host'])
    outcome.shows(one['host'], before, after)
    return dict(after, host=host, service_host=one['host'], ours=_is_ours(after), state=one['state'])


def _is_ours(row):
    return row['status'] == 'disabled' and str(row['reason'] or '').startswith(MARK)
