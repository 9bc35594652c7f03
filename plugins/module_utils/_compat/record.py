# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was given and decided before, and what it becomes: the content of ai_stack.lock.yml."""

from __future__ import annotations

SCHEMA = 'sovereign.ai_stack/lock/1'
_KEPT = ('address', 'model', 'vendor', 'device', 'subsystem', 'serial', 'uuid', 'slot', 'pool')


class Record:
    """The record of a site, indexed by place."""

    def __init__(self, document):
        self.document = document or {}
        self.hosts = self.document.get('hosts') or {}
        self.cards = {(row['host'], row['address']): row for row in self.document.get('cards') or ()}

    def driver(self, host):
        return (self.hosts.get(host) or {}).get('driver')

    def pool_of(self, host, card):
        row = self.cards.get((host, card['address']))
        return row.get('pool') if row else None

    def changed(self, host, card):
        """The recorded identity that this card contradicts, or None: an identity that is not known contradicts nothing."""
        row = self.cards.get((host, card['address']))
        for key in ('serial', 'uuid'):
            if row and row.get(key) and card.get(key):
                return row if row[key] != card[key] else None
        return row if row and (row.get('vendor'), row.get('device')) != (card['vendor'], card['device']) else None


def _row(host, card, old):
    row = {'host': host}
    row.update((key, card[key]) for key in _KEPT)
    for key in ('serial', 'uuid', 'slot'):
        # What cannot be read now was read before: the driver may be down.
        if row[key] is None and old and (old.get('vendor'), old.get('device')) == (card['vendor'], card['device']):
            row[key] = old.get(key)
    # a card that a cloud gets: what Nova sees it as, and whose data it may hold
    row.update((key, card[key]) for key in ('type', 'tenants') if card.get(key))
    return row


def seen_reporting(document, clouds, counting=()):
    """The clouds of a record, with the hosts whose cards Placement shows, and the id of each compute; what reported once does so for ever.
    clouds: {name: observation}; counting: those whose quota driver counts by unified limits now."""
    found = {name: dict(row or {}) for name, row in (document.get('clouds') or {}).items()}
    for name, seen in sorted(clouds.items()):
        hosts = {host for host, cards in (seen.get('providers') or {}).items() if cards}
        before = {host for host in (found.get(name) or {}).get('report_in_placement') or () if isinstance(host, str)}
        if hosts - before:
            found.setdefault(name, {})['report_in_placement'] = sorted(hosts | before)
        ids = {host: row['compute_id'] for host, row in (seen.get('hosts') or {}).items() if hosts and row.get('compute_id')}
        if ids:
            # the first one stays: a compute that has another one is told to the operator
            found.setdefault(name, {})['compute_ids'] = dict(ids, **(found[name].get('compute_ids') or {}))
    for name in counting:
        found.setdefault(name, {})['unified_limits'] = True
    return dict(document, clouds=found) if found else document


def kept_out(document, name, planned, seen):
    """The record with the cards of a cloud that a run keeps from everybody: those that are planned to be, or were, and that Placement shows as reserved.
    planned: [{host, address}]; seen: the observation of the cloud."""
    clouds = dict(document.get('clouds') or {})
    row = dict(clouds.get(name) or {})
    places = {(one['host'], one['address']) for one in list(planned) + list(row.pop('out_of_service', None) or ())}
    shown = {(host, address): card for host, cards in (seen.get('providers') or {}).items() for address, card in cards.items()}
    out = [place for place in sorted(places) if (shown.get((place[0], place[1].upper())) or {}).get('reserved')]
    row.update({'out_of_service': [{'host': host, 'address': address} for host, address in out]} if out else {})
    clouds.update({name: row} if row or name in clouds else {})
    return dict(document, clouds=clouds) if clouds else document


def noted(document, name, cards):
    """The record with what cards of a cloud that are used once showed while nobody had them. cards: {host: {address: row}}; those of others stay."""
    clouds = dict(document.get('clouds') or {})
    row = dict(clouds.get(name) or {})
    rows = {(one['host'], one['address']): one for one in row.get('used_once') or () if isinstance(one, dict) and {'host', 'address'} <= set(one)}
    rows.update(((host, address), dict({'host': host, 'address': address}, **one)) for host, places in cards.items() for address, one in places.items())
    row.update({'used_once': [rows[place] for place in sorted(rows)]} if rows else {})
    clouds.update({name: row} if rows else {})
    return dict(document, clouds=clouds) if clouds else document


def given_back(document, name, releaser, notes):
    """The record with who gives the cards of a cloud back that are used once, None: nobody, and with what was noted of them."""
    clouds = dict(document.get('clouds') or {})
    row = {key: value for key, value in (clouds.get(name) or {}).items() if key not in ('releaser', 'used_once')}
    row.update({'releaser': releaser} if releaser else {})
    row.update({'used_once': list(notes)} if notes else {})
    clouds.update({name: row} if row or name in clouds else {})
    return dict(document, clouds=clouds) if clouds else document


def renewed(record, site, hosts, drivers):
    """The record after this plan. drivers: {host: driver entry}; hosts that were not seen keep theirs."""
    cards = dict(record.cards)
    for name, host in hosts.items():
        for card in host.cards if host.state in ('planned', 'converged') else ():
            place = (name, card['address'])
            if card['pool'] and card['status'] == 'ok':
                cards[place] = _row(name, card, record.cards.get(place))
    kept = {name: dict(record.hosts.get(name) or {}, **({'driver': drivers[name]} if name in drivers else {}))
            for name in sorted(set(record.hosts) | set(drivers))}
    made = {'schema': SCHEMA, 'site': site, 'hosts': kept, 'cards': [cards[place] for place in sorted(cards)]}
    # a plan does nothing to a cloud
    return dict(made, clouds=record.document['clouds']) if record.document.get('clouds') else made


def completed(record, cards):
    """The record with what a card tells only once its driver runs; what stands there stays. cards: {host: cards that are seen now}."""
    seen = {(host, card['address']): card for host, found in cards.items() for card in found if not record.changed(host, card)}
    rows = []
    for place, row in sorted(record.cards.items()):
        told = seen.get(place) or {}
        rows.append(dict(row, **{key: told[key] for key in ('serial', 'uuid', 'slot') if row.get(key) is None and told.get(key)}))
    return dict(record.document, cards=rows)
