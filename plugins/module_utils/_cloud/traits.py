# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traits of hosts in Placement, and providers of cards that were left behind."""

from __future__ import annotations

import re

from .._compat.text import safe
from .outcome import Outcome
from .servers import in_words

_CUSTOM = re.compile('CUSTOM_[A-Z0-9_]{1,248}$')


def wrong(host_traits):
    """Sentences about names that are no traits of ours to give."""
    names = sorted({trait for traits in host_traits.values() for trait in traits})
    return ['trait %s does not begin with CUSTOM_, or has other characters than A to Z, 0 to 9 and _' % safe(name) for name in names if not _CUSTOM.match(name)]


def _wanted(host_traits, hosts):
    """{name of the host's provider: traits}"""
    return {hosts[host]: traits for host, traits in host_traits.items() if host in hosts}


def lacking(host_traits, hosts, tree, having):
    """{name: (provider, traits that it lacks)}; having: {trait: uuids of providers}."""
    return _which(host_traits, hosts, tree, lambda trait, uuid: uuid not in having.get(trait, ()))


def carrying(host_traits, hosts, tree, having):
    """{name: (provider, traits that it has)}"""
    return _which(host_traits, hosts, tree, lambda trait, uuid: uuid in having.get(trait, ()))


def _which(host_traits, hosts, tree, test):
    found = {}
    for name, traits in _wanted(host_traits, hosts).items():
        one = tree.hosts[name]
        which = sorted(trait for trait in set(traits) if test(trait, one['uuid']))
        if which:
            found[name] = (one, which)
    return found


def present(lacks, current, known):
    """lacks: as of lacking; current: {uuid: /resource_providers/UUID/traits}; known: traits that there are."""
    outcome = Outcome()
    for trait in sorted({trait for _one, traits in lacks.values() for trait in traits} - set(known)):
        outcome.call('placement', 'PUT', '/traits/%s' % trait)
    for name, (one, traits) in sorted(lacks.items()):
        before = current[one['uuid']]
        _put(outcome, name, one, before, sorted(set(before['traits']) | set(traits)), 'host %s gets the trait %s' % (name, ', '.join(traits)))
    return outcome


def _put(outcome, name, one, before, after, says):
    body = {'resource_provider_generation': before['resource_provider_generation'], 'traits': after}
    outcome.call('placement', 'PUT', '/resource_providers/%s/traits' % one['uuid'], body, says)
    outcome.shows('traits of host %s' % name, sorted(before['traits']), after)


def absent(has, current, having, left):
    """has: as of carrying; having: {trait: uuids}; left: cards of a view that go."""
    outcome = Outcome()
    for name, (one, traits) in sorted(has.items()):
        before = current[one['uuid']]
        _put(outcome, name, one, before, sorted(set(before['traits']) - set(traits)), 'host %s loses the trait %s' % (name, ', '.join(traits)))
    gone = {trait: {one['uuid'] for one, traits in has.values() if trait in traits} for trait in having}
    for trait in sorted(trait for trait, uuids in having.items() if not set(uuids) - gone[trait]):
        outcome.call('placement', 'DELETE', '/traits/%s' % trait, None, 'trait %s is removed' % trait)
    for card in left:
        where = 'card %s of host %s' % (card['address'], safe(card['host']))
        if card['servers']:
            outcome.mistakes.append('%s is in use by %s' % (where, in_words(card['servers'], None)))
        elif card['reserved']:
            # nova-compute may still have it, and would make it anew, for everybody
            outcome.mistakes.append('%s is kept for nobody: it waits to be wiped, or is out of service' % where)
        else:
            outcome.call('placement', 'DELETE', '/resource_providers/%s' % card['uuid'], None, '%s leaves placement' % where)
            outcome.shows(where, card['provider'], None)
    return outcome
