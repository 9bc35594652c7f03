# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host: who is out of service, which driver it gets, and what that changes on it."""

from __future__ import annotations

from . import driver, mig, state
from .cards import address
from .case import Case, acting, facts_of, key_of, policy_of
from .register import of
from .text import safe

_HERE = ('host', 'mig')


def out_of_service(site):
    """Mark hosts and cards that ai_stack_states takes out, before any pool claims them."""
    for at, row in enumerate(site.intent.get('ai_stack_states') or ()):
        host, path = site.hosts.get(row['host']), 'ai_stack_states[%d]' % at
        named = row.get('serial') is not None or row.get('address') is not None
        found = [card for card in host.cards if not named or _is(card, row)] if host else []
        for card in found:
            card['status'] = row['state']
        if host and not named:
            host.out, host.state, host.because = True, 'left_out', '%s: %s' % (row['state'], safe(row.get('reason') or ''))
        what = '%s %s' % (host.name, safe(row.get('serial') or row.get('address') or '')) if host else safe(row['host'])
        if not host or named and not found and host.known:
            site.warn('%s: nothing here is called %s' % (row['state'], what.strip()), host.name if host else None, path)
        else:
            site.warn('%s is left out (%s): %s' % (what.strip(), row['state'], safe(row.get('reason') or 'no reason given')), host.name, path)


def _is(card, row):
    return row.get('serial') is not None and card['serial'] == str(row['serial']) or row.get('address') is not None and \
        card['address'] == address(str(row['address']))


def host(site, one):
    """Decide a host: sets its state, decisions and changes, and tells the site what stands against it."""
    if one.out:
        return
    if not one.known or one.stale:
        _dark(one)
        if not one.known:
            return
    _look(site, one)
    mine = [card for card in one.cards if card['pool'] and card['status'] == 'ok' and card['use'] in _HERE]
    if mine:
        _driver(site, one, mine)
    elif not one.stale:
        one.state, one.because = _without(one)
    if one.stale:
        one.state = 'unknown'


def _dark(one):
    one.state = 'unknown'
    one.because = 'it did not answer; what is shown is of %s' % safe(one.seen.get('at')) if one.known else 'it did not answer and was never seen'


def _without(one):
    if not one.cards:
        return 'no_accelerator', 'it has no accelerator'
    if any(card['status'] == 'changed' for card in one.cards):
        return 'refused', 'a card is not the recorded one'
    if any(card['pool'] for card in one.cards):
        return 'left_out', 'none of its cards in pools is in service for a driver of the host'
    return 'not_ours', 'no pool takes a card of it'


def _look(site, one):
    """Say what is odd about the cards of a host."""
    loose = []
    for card in one.cards:
        if card['dead']:
            site.warn('the card at %s is left out: %s' % (card['address'], card['dead']), one.name, None, 'replace it, or name it in ai_stack_states', 'ACC-67')
        elif not card['pool'] and card['status'] == 'ok':
            card['status'] = 'unassigned'
            loose.append('%s %s' % (card['address'], card['model'] or card['name']))
    if loose:
        site.warn('%d cards are in no pool: %s' % (len(loose), ', '.join(loose)), one.name, 'ai_stack_pools', 'a pool that selects them')


def _driver(site, one, mine):
    chosen = [(at, site.claims.pools[at][1]) for at in sorted({card['pool_at'] for card in mine})]
    policy, places = policy_of(site.intent, chosen)
    one.policy = acting(policy)
    waived = site.waivers.for_host(one.name, one.groups, [pool['name'] for _dummy, pool in chosen])
    record = site.record.driver(one.name)
    rows = [card['row'] for card in mine if card['row']]
    beside = [card['row'] for card in one.cards if card['row'] and not card['pool'] and card['driver'] == card['row'].get('driver')
              and card['status'] not in ('dead', 'retired')]
    given = (facts_of(one.seen, mine, site.index), rows, beside, policy, places, waived, record)
    key = key_of(*given)
    if key not in site.outcomes:
        site.outcomes[key] = driver.decide(Case(site, *given))
    outcome = site.outcomes[key]
    for target, rows in ((site.conflicts, outcome.conflicts), (site.warnings, outcome.warnings), (site.waived, outcome.waived)):
        target.extend(dict(row, host=one.name) for row in rows)
    layout, refused = _layout(site, one, chosen, mine, outcome)
    if outcome.conflicts or refused:
        one.state, one.because = 'refused', 'see the conflicts of this host'
        one.decisions = list(outcome.decisions)
        return
    one.decisions = list(outcome.decisions) + layout
    _finish(site, one, mine, policy, places, outcome.candidate)


def _layout(site, one, chosen, mine, outcome):
    """(decision rows, whether something was refused) about cards that are cut up, and cards that must not be."""
    pools, before = dict(chosen), len(site.conflicts)
    gpus = {address(gpu.get('address')): gpu for gpu in (one.seen.get('nvml') or {}).get('gpus') or ()}
    version, layout, alike = outcome.candidate.version if outcome.candidate else None, {}, {}
    adopted = bool(outcome.candidate and not outcome.candidate.set)
    for card in mine:
        if card['use'] == 'mig' and card['row']:
            wish = mig.Wish(site.index, card, card['pool_at'], pools[card['pool_at']].get('layout'), version, gpus.get(card['address']), adopted)
            alike.setdefault(wish.key, wish).places.append(card['address'])
            layout[card['address']] = dict(wish.layout or {})
    for wish in alike.values():
        _ask(site, one, wish)
    whole = [(card, gpus[card['address']]) for card in mine if card['use'] == 'host' and card['address'] in gpus]
    for identity, function in of('whole', site.index.enforced):
        for objection in function(whole):
            site.object(identity, objection, one.name)
    rows = [{'subject': 'mig.layout', 'value': layout, 'because': 'as the layout of the pool says', 'rule': 'ACC-55', 'source': None}] if layout else []
    return rows, len(site.conflicts) > before


def _ask(site, one, wish):
    """Ask the rules about a layout, once for all cards that are alike and well."""
    if wish.key in site.fitting:
        return
    objections = [(identity, objection) for identity, function in of('layout', site.index.enforced) for objection in function(wish)]
    for identity, objection in objections:
        site.object(identity, objection, one.name)
    if not objections:
        site.fitting.add(wish.key)


def _finish(site, one, mine, policy, places, candidate):
    """What a decided host needs beyond the shared decision: reboot, drain, changes, its entry in the record."""
    want, before = state.values(one.decisions), state.of(one.seen)
    loaded = before.get('loaded') or {}
    # amdgpu is loaded without its firmware too, and then drives nothing
    right = loaded.get('nvidia') == '%s %s' % (candidate.version, candidate.flavour) if candidate.version else \
        'amdgpu' in loaded and all(card['driver'] == 'amdgpu' for card in mine)
    needed = bool(candidate.set) and (not right or any(name in loaded for name in want['modules.blacklist']))
    one.reboots = needed and policy['reboot'] == 'when_needed'
    # programs that start in between would find a library of one version and a module of another: such a host is emptied first
    one.replaces = one.reboots and 'nvidia' in loaded and loaded['nvidia'].split()[0] != candidate.version
    one.drains, one.tries = bool(one.reboots and policy['drain']), 'driver.trial' in want
    one.packages, one.source = want['driver.packages'], want['driver.source']
    because = 'the decided module does not drive the cards yet' if needed else 'the decided module drives the cards'
    if needed and not one.reboots:
        because += '; ai_stack_driver.reboot says never'
        site.warn('the driver is not the decided one until this host reboots, and reboot is never', one.name, places.get('reboot', 'ai_stack_driver.reboot'),
                  'reboot: when_needed', 'ACC-15a')
    _say(one, want, 'reboot', one.reboots, because, 'ACC-15a')
    if one.drains:
        _say(one, want, 'drain', policy['drain'], 'the host is emptied before it reboots', None)
    _record(site, one, candidate, want)
    _changes(one, want, before)


def _say(one, want, subject, value, because, identity):
    want[subject] = value
    one.decisions.append({'subject': subject, 'value': value, 'because': because, 'rule': identity, 'source': None})


def _record(site, one, candidate, want):
    # what may still turn out not to build was not given to anybody
    if candidate.set and 'driver.trial' not in want:
        site.drivers[one.name] = {'set': candidate.set, 'version': candidate.version, 'package_version': candidate.package_version,
                                  'flavour': candidate.flavour, 'kernel': want.get('kernel.release'),
                                  'packages': candidate.kept}


def _changes(one, want, before):
    one_way = 'driver.drops' in want
    one.changes = [{'role': 'gpu_driver', 'resource': row['resource'], 'before': row['before'], 'after': row['after'], 'reboot': row['resource'] == 'loaded',
                    'drain': one.drains and row['resource'] == 'loaded', 'irreversible': one_way and row['resource'].startswith(('module:', 'loaded'))}
                   for row in state.difference(before, state.wanted(want, one.seen))]
    one.state = 'planned' if one.changes or one.reboots else 'converged'
    one.because = '%d changes' % len(one.changes) if one.changes else 'it waits for its reboot' if one.reboots else 'it is as it should be'
