# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps a host from any driver, whichever it is."""

from __future__ import annotations

import re

from . import fabric
from .cards import nearest_model
from .case import ROOM
from .register import Objection, rule
from .text import listed, safe

_CANDIDATE_KERNEL = re.compile(r'[-~.]rc[0-9]')
_GIB = float(1 << 30)
_UNPROVEN = 'decided only'


@rule('ACC-16b', 'host')
def kernel_is_a_release(case):
    """Release candidates of the kernel are not supported."""
    if _CANDIDATE_KERNEL.search(case.release or ''):
        yield Objection('%s, which boots next, is a release candidate' % safe(case.release), 'a released kernel', 'ai_stack_driver')


@rule('ACC-32', 'host')
def next_kernel_is_known(case):
    """The kernel that boots next decides; when it cannot be told nothing is installed."""
    if not case.release:
        yield Objection('which kernel boots next cannot be told: %s' % safe(case.kernel.get('next_boot_because') or 'no reason given'),
                        'one boot entry that is clearly the default', 'ai_stack_driver')


@rule('ACC-23', 'host')
def card_is_known(case):
    """A card whose id no table names gets no driver."""
    for card in case.strangers:
        yield Objection('the card at %s (%s:%s, %s) is in no table' % (card['address'], card['vendor'], card['device'], card['name']),
                        'the nearest known model is %s; a row for the card itself goes to ai_stack_extra_tables' % nearest_model(case.index, card),
                        'ai_stack_pools[%d].select' % card['pool_at'])


@rule('ACC-24', 'host')
def card_row_is_verified(case):
    """A card that only an unverified row names is decided with a warning."""
    for row in case.rows:
        if row.get('verified') is False:
            yield Objection('the row about %s is not verified' % row['name'], 'try one host first', 'ai_stack_pools', row.get('source'), None, True)


@rule('ACC-28', 'host')
def vendor_has_packages_here(case):
    """A vendor without a package set on this distribution gets no driver here."""
    if len(case.vendors) > 1:
        yield Objection('cards of %s are in pools of this host: this version installs the driver of one vendor' % ' and '.join(case.vendors),
                        'pools with the cards of one vendor', 'ai_stack_pools')
    if case.vendor and not any(one.vendor == case.vendor for one in case.offered):
        yield Objection('no package set for %s cards is known on %s' % (case.vendor, case.system_name),
                        'cards of another vendor, or a distribution that has packages for them', 'ai_stack_pools')


@rule('ACC-83', 'host')
def platform_is_proven(case):
    """Where no test of ours ever brought a driver up, a person says which host may try; a platform without a row is not proven either."""
    for row in {row['vendor']: row for row in case.rows}.values():
        if case.index.platforms.get(case.place + (row['vendor'],), _UNPROVEN) == _UNPROVEN:
            name = case.vendor_of(row)
            proven = ['%s %s' % key[:2] for key, level in sorted(case.index.platforms.items()) if key[2] == row['vendor'] and level != _UNPROVEN]
            yield Objection('%s cards on %s are decided only: the tables say what fits, but no test of this collection ever deployed and verified it there'
                            % (name, case.system_name),
                            'to try it, a waiver for one test host: {rule: ACC-83, scope: host NAME, reason: ..., approver: ..., until: DATE} in '
                            'ai_stack_waivers; proven for %s cards: %s' % (name, listed(proven) or 'none yet'), 'ai_stack_pools')


_BY_HAND = {'imex': 'nvidia-imex.service with the list of the nodes of its domain', 'modules': 'the kernel modules %s, loaded before the fabric manager',
            'programs': 'the programs %s, which the start of the fabric manager calls'}


@rule('ACC-85', 'host')
def fabric_is_brought_up_whole(case):
    """The fabric of some boards wants more than packages and a fabric manager, and no task of this version brings it."""
    for part, what in sorted(_BY_HAND.items()):
        need = case.needs.get(part)
        if need:
            what = what % listed(need.because) if '%s' in what else what
            yield Objection('the fabric of the cards here wants %s: this version does not set that up' % what,
                            'set it up on the host, then a waiver of ACC-85 for it', 'ai_stack_pools', need.source)


@rule('ACC-7d', 'host')
def fabric_manager_is_off_without_switch(case):
    """No role takes a service away that somebody else enabled."""
    if case.vendor == 'nvidia' and 'fabric_manager' not in case.needs and case.fabric_manager == 'enabled':
        yield Objection('%s is enabled, and this host has no switch: it would abort at every start' % fabric.UNIT,
                        'systemctl disable --now %s on the host' % fabric.UNIT, 'ai_stack_pools')


@rule('ACC-39', 'host')
def packages_are_whole(case):
    """Half-configured packages stop a run, unless our own journal says that we left them."""
    broken = case.packages.get('broken') or ()
    if broken and not case.journal_open:
        command = 'dnf check' if case.packages.get('manager') == 'dnf' else 'dpkg --configure -a'
        yield Objection('half-installed packages: %s' % listed(broken), 'run "%s" on the host and look at its messages' % command, 'ai_stack_driver')


@rule('ACC-40', 'host')
def package_manager_is_free(case):
    """A lock is waited for, as long as the operator said."""
    lock = case.packages.get('lock')
    if lock and lock != 'free':
        yield Objection('the package manager is locked: %s' % safe(lock), 'deploy waits %s s for it' % case.policy['lock_timeout'],
                        case.path('lock_timeout'), None, None, True)


@rule('ACC-41', 'host')
def repositories_answer(case):
    """A repository that offers a set must answer; others are named."""
    for repository in case.packages.get('repositories') or ():
        if repository.get('reachable') is False:
            names = [repository.get('name')] + list(repository.get('suites') or ())
            used = any(one.origin in names for one in case.offered if one.origin)
            yield Objection('repository %s does not answer: %s' % (safe(repository.get('name')), safe(repository.get('message'))),
                            'a mirror of it in ai_stack_repositories', 'ai_stack_repositories', None, None, not used)


@rule('ACC-42', 'host')
def disk_has_room(case):
    """Packages, build and initramfs need room."""
    for folder, room in sorted(ROOM.items()):
        free = case.disk.get(folder)
        if free is not None and free < room:
            yield Objection('%s has %.1f GiB free; %.1f are needed' % (folder, free / _GIB, room / _GIB), 'make room on %s' % folder, 'ai_stack_driver')


@rule('ACC-43', 'host')
def driver_has_one_owner(case):
    """A node has one installer of the driver."""
    if 'owners' in case.driver and case.driver['owners'] is None:
        yield Objection('whose driver is installed here could not be told', 'look at the errors of the observation', case.path('foreign'), None, None, True)
    for owner in case.foreign:
        if case.policy['foreign'] == 'refuse':
            yield Objection('somebody else has a hand in the driver here: %s (%s)' % (safe(owner.get('kind')), safe(owner.get('evidence'))),
                            'foreign: adopt (leave it as it is), or take it away with what installed it', case.path('foreign'))
