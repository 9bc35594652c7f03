# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cloud of the site with the pools that it gets: what is one for all of them."""

from __future__ import annotations

import json

from . import names
from .pool import Pool
from .series import Series

SWITCHES = '-nvswitch'
TRAIT = names.normalised('AI_STACK_GPU')
UNIFIED = 'unified'


class Cloud:
    """A row of ai_stack_clouds; pools: (place, pool) pairs of it; seen: what is known of the cloud itself, {projects: [names]}."""

    def __init__(self, site, at, row, pools, donors, seen):
        self.site, self.index, self.at, self.row, self.name, self.seen = site, site.index, at, row, str(row['name']), seen or {}
        self.pools = [Pool(site, place, pool, [donors[name] for name in site.claims.members(pool) if name in donors]) for place, pool in pools]
        self.donors = {name: donors[name] for pool in self.pools for name in pool.donors}
        self.record = (site.record.document.get('clouds') or {}).get(self.name) or {}
        self.installed = self._installed()
        series = self.index.series.get(str(row.get('series')))
        self.series = Series(self.index, series, self.installed or row.get('nova'), row.get('placement')) if series else None
        # hosts that run its services, computes and controllers; none where the site does not say
        self.members = sorted(site.claims.members(row)) if row.get('hosts') else []
        self.confirmed = frozenset(site.intent.get('ai_stack_confirm') or ())
        self.waived = site.waivers.for_cloud(self.name, [pool.name for pool in self.pools])

    def _installed(self):
        """The version of Nova that its hosts tell; None: none does, or they differ."""
        told = [one.seen.get('openstack') for one in self.donors.values()]
        found = {each['nova'] for each in told if isinstance(each, dict) and isinstance(each.get('nova'), str)}
        return next(iter(found)) if len(found) == 1 else None

    def path(self, key):
        return 'ai_stack_clouds[%d].%s' % (self.at, key)

    @property
    def placement(self):
        """Whether cards are asked for through placement."""
        return bool(self.series.knows('option', 'pci_in_placement'))

    @property
    def reports(self):
        """Whether hosts report cards: where placement is asked, and wherever they did before."""
        return self.placement or bool(self.reporting)

    @property
    def reporting(self):
        """Hosts that report already, by the record."""
        return [name for name in self.record.get('report_in_placement') or () if isinstance(name, str)]

    @property
    def compute_ids(self):
        """{host: id by which Nova knows the compute}, as the record keeps them: without its id a compute that is installed anew does not start."""
        known = self.record.get('compute_ids') if self.series.knows('behaviour', 'a compute has an id of its own') else None
        return {name: known[name] for name in sorted(self.donors) if isinstance(known.get(name), str)} if isinstance(known, dict) else {}

    @property
    def kept_out(self):
        """[(host, address)] of the cards that a run has kept from everybody, by the record."""
        return [(one['host'], one['address']) for one in self.record.get('out_of_service') or () if isinstance(one, dict)]

    @property
    def counts_cards(self):
        """Whether limits of a tenant count cards: Nova of the series can, and the site does not keep the legacy quota."""
        return bool(self.placement and self.row.get('quota', UNIFIED) == UNIFIED
                    and self.series.knows('behaviour', 'unified limits count pci_passthrough:alias'))

    @property
    def hosts(self):
        """Every host that has cards of a pool, seen today or not."""
        return sorted({name for pool in self.pools for name in pool.counts})

    @property
    def tenants(self):
        return sorted({name for pool in self.pools for name in pool.tenants})

    def doors(self):
        """[(name, because)] of what cannot be undone and is still to come."""
        if self.placement and set(self.donors) - set(self.reporting):
            yield 'report_in_placement on %s' % self.name, 'once the cards of a host are in placement, nova-compute refuses to start without it'
        if self.counts_cards and not self.record.get('unified_limits'):
            yield 'unified limits on %s' % self.name, 'the quota driver counts for every tenant, with cards or without'

    def residues(self):
        """(pool, host, card, tenants) of cards that others had before, and that nothing has wiped since.

        What several had was wiped between them, or somebody waived it; what one had was not.
        """
        for pool in self.pools:
            now = set(pool.tenants)
            for name, card in [(name, card) for name, cards in sorted(pool.cards.items()) for card in cards]:
                told = (self.site.record.cards.get((name, card['address'])) or {}).get('tenants')
                before = {one for one in told if isinstance(one, str)} if isinstance(told, list) else set()
                if len(before) == 1 and now - before or len(before) > 1 and len(now) == 1:
                    yield pool, name, card, sorted(before)

    def classes(self):
        """{resource class: pool} of cards and switches."""
        found = {}
        for pool in self.pools:
            found[pool.resource_class] = pool
            if pool.board:
                found[pool.resource_class + '_NVSWITCH'] = pool
        return found if self.placement else {}

    def once(self, pool):
        """Whether the cards of a pool are used once, and released by whoever wiped them."""
        return len(pool.tenants) > 1 and self.reports and bool(self.series.knows('device_spec', 'one_time_use')) and 'type-VF' not in pool.types

    def alias_lines(self):
        """The lines of [pci] alias."""
        lines = []
        for pool in self.pools:
            if not pool.types:
                continue
            lines += self._alias(pool.name, pool.resource_class, pool.types[0], pool.products)
            if pool.board:
                lines += self._alias(pool.name + SWITCHES, pool.resource_class + '_NVSWITCH', 'type-PCI', _switches(pool))
        return lines

    def _alias(self, name, resource_class, kind, products):
        if self.placement:
            return [_json(name=name, resource_class=resource_class, device_type=kind)]
        return [_json(name=name, vendor_id=vendor, product_id=device, device_type=kind) for vendor, device in products]

    def given(self):
        """(pool, host, function, resource class, trait) of each card and switch, on hosts for which something is decided."""
        for pool in self.pools:
            for name, donor in [(name, donor) for name, donor in sorted(pool.donors.items()) if donor.acts]:
                for card in sorted(pool.cards[name] + pool.kept[name], key=lambda one: one['address']):
                    yield pool, name, donor.by_address[card['address']], pool.resource_class, pool.trait
                for each in donor.switch_functions(pool.at):
                    yield pool, name, each, pool.resource_class + '_NVSWITCH', None

    def spec_lines(self):
        """{host: lines of [pci] device_spec}, one line a card, by address and with the ids that must be there."""
        found = {name: [] for name, one in sorted(self.donors.items()) if one.acts}
        for pool, name, one, resource_class, trait in self.given():
            found[name].append(self._spec(one, resource_class, trait, self.once(pool)))
        return found

    def _spec(self, one, resource_class, trait, once):
        tags = {'resource_class': resource_class} if self.reports else {}
        if trait and self.reports:
            tags['traits'] = trait
        if once:
            tags['one_time_use'] = 'true'
        return _json(address=one['address'], vendor_id=one['vendor'], product_id=one['device'], **tags)


def _switches(pool):
    return sorted({(one['vendor'], one['device']) for donor in pool.donors.values() for row, one in donor.switches if row['detect'] == 'pci'})


def _json(**values):
    return json.dumps(values)
