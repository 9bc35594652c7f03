# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the site want this driver: life cycle and security floors."""

from __future__ import annotations

from . import versions
from .register import Objection, rule
from .text import listed

_PRODUCTION = ('lts', 'production')


def ended(row, today):
    """True, False or None (unknown) for the end of a branch's support; a month counts to its last day."""
    if row.get('eol'):
        return str(row['eol']) < today[:len(str(row['eol']))]
    return row.get('ended')


def in_production(row, today):
    """Whether policy production would take a branch."""
    return row.get('type') in _PRODUCTION and ended(row, today) is False


def not_ended(row, today):
    """Whether a branch may be chosen by name without a word about its end."""
    return ended(row, today) is not True


def _instead(case, identity):
    good, cards = case.branches(), listed(sorted({row['name'] for row in case.rows}))
    otherwise = 'branch %s from another source' % ' or '.join(good) if good else 'no branch in support takes %s: other cards' % cards
    return case.offers(lambda one: one.branch in good, otherwise) + ', or a waiver of %s' % identity


def _asked(candidate, case):
    """The row of the branch where policy production has a say, {} for a branch that no table knows."""
    if case.policy['policy'] != 'production' or not candidate.version or candidate.vendor != 'nvidia':
        return None
    return case.branch(candidate) or {}


@rule('ACC-4a', 'candidate')
def branch_is_in_support(candidate, case):
    """Policy production takes no branch whose support has ended, or may have."""
    row = _asked(candidate, case)
    if row is None or ended(row, case.today) is False:
        return
    why = 'when its support ends is not known'
    if ended(row, case.today):
        why = 'its support ended %s' % (row['eol'] if row.get('eol') else 'by %s, when the vendor no longer listed it' % row.get('as_of'))
    yield Objection('branch %s is not in support: %s' % (candidate.branch, why), _instead(case, 'ACC-4a'), case.path('policy'), row.get('source'))


@rule('ACC-4b', 'candidate')
def branch_is_of_a_production_type(candidate, case):
    """Policy production takes long-term and production branches."""
    row = _asked(candidate, case)
    if row is None or row.get('type') in _PRODUCTION:
        return
    yield Objection('branch %s is of %s, not for production' % (candidate.branch, 'type %s' % row['type'] if row.get('type') else 'unknown type'),
                    _instead(case, 'ACC-4b'), case.path('policy'), row.get('source'))


@rule('ACC-25', 'candidate')
def version_is_above_the_security_floor(candidate, case):
    """Below the floor of its branch a release has known holes."""
    row = case.branch(candidate) or {}
    floor = row.get('security_floor')
    if floor and candidate.version and versions.driver(candidate.version) < versions.driver(floor):
        yield Objection('%s is below %s, the security floor of branch %s' % (candidate.name, floor, candidate.branch),
                        case.offers(lambda one: one.branch == candidate.branch and versions.driver(one.version) >= versions.driver(floor),
                                    case.with_branch('version %s or newer' % floor, candidate)), case.path('policy'), row.get('source'))
