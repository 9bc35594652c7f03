# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that gives cards away: its functions, their groups, and what is bound to vfio-pci."""

from __future__ import annotations

from .._compat import fabric, versions
from .._compat.register import of
from .functions import functions_of
from .selection import VFIO

USE = 'passthrough'
_BRIDGE = '06'
_KEPT = ('maintenance', 'quarantined')


class Donor:
    """One host with cards in passthrough pools; site: the Site of resolve, host: its Host."""

    def __init__(self, site, host):
        self.site, self.index, self.host, self.name, self.seen = site, site.index, host, host.name, host.seen
        self.functions = functions_of(host.seen)
        self.by_address = {one['address']: one for one in self.functions}
        self.cards = [card for card in host.cards if card['use'] == USE and card['status'] == 'ok']
        # what an operator took out of service stays away from the drivers of the host
        self.kept = [card for card in host.cards if card['status'] in _KEPT and self._recorded(card)]
        self.system = host.seen.get('system') if isinstance(host.seen.get('system'), dict) else {}
        self.kernel = host.seen.get('kernel') if isinstance(host.seen.get('kernel'), dict) else {}
        self.given = {card['address']: card for card in self.cards + self.kept}
        self.acts, self._bound = True, None
        self.switches = fabric.found(self.index, self.functions)

    def _recorded(self, card):
        pool = self.site.record.pool_of(self.name, card)
        return any(one['name'] == pool and one['use'] == USE for _dummy, one in self.site.claims.pools)

    @property
    def pools(self):
        """{place in ai_stack_pools: pool} of the cards."""
        return {card['pool_at']: self.site.claims.pools[card['pool_at']][1] for card in self.cards}

    def path(self, card, key='select'):
        return 'ai_stack_pools[%d].%s' % (card['pool_at'], key)

    @property
    def arguments(self):
        """What stands on the kernel's command line."""
        text = self.kernel.get('cmdline')
        return text.split() if isinstance(text, str) else []

    @property
    def cpu(self):
        """Vendor of the CPU as /proc/cpuinfo has it; None: not told."""
        return self.system.get('cpu_vendor') if isinstance(self.system.get('cpu_vendor'), str) else None

    @property
    def has_groups(self):
        return any(one['iommu_group'] is not None for one in self.functions)

    def group(self, address):
        """The functions of the group of a card, bridges left out; [] where the group is not known."""
        number = (self.by_address.get(address) or {}).get('iommu_group')
        same = [one for one in self.functions if one['iommu_group'] == number] if number is not None else []
        return [one for one in same if not (one['class'] or '').startswith(_BRIDGE) or (one['class'] or '').startswith('0680')]

    def companions(self, address):
        """The other functions of the board that a card is on, of its group or not known to be of another one."""
        mine = self.by_address.get(address) or {}
        slot = address.rpartition('.')[0]
        return [one for one in self.functions if one['address'] != address and one['address'].rpartition('.')[0] == slot
                and one['iommu_group'] in (None, mine.get('iommu_group')) and one['address'] not in self.given and not one['physfn']]

    def board_pool(self):
        """The one pool that has every card of a board with NVLink switches, None where it is not so."""
        whole = len({card['pool_at'] for card in self.cards}) == 1 and len(self.cards) == len([card for card in self.host.cards if card['row']])
        return next(iter(self.pools)) if self.switches and whole else None

    def switch_functions(self, at):
        """The NVLink switches that go along with the pool at a place, as functions of the host."""
        return [one for row, one in self.switches if row['detect'] == 'pci'] if self.board_pool() == at else []

    def bound(self):
        """{address: what is bound to vfio-pci, with the ids that it must have}."""
        if self._bound is None:
            self._bound = self._bindings()
        return self._bound

    def _bindings(self):
        found = {}
        for address, card in sorted(self.given.items()):
            found[address] = self._bind(self.by_address[address], card['pool'] if card in self.cards else None, 'card')
            for one in self.companions(address):
                found[one['address']] = self._bind(one, None, 'companion of %s' % address)
        for row, one in self.switches if self.board_pool() is not None else ():
            if row['detect'] != 'pci':
                continue
            found[one['address']] = self._bind(one, self.pools[self.board_pool()]['name'], 'switch')
        return found

    @staticmethod
    def _bind(one, pool, role):
        return {'vendor': one['vendor'], 'device': one['device'], 'group': one['iommu_group'], 'pool': pool, 'role': role}

    def needs(self, stage):
        """[(what, because, rule)] that the rules of a stage ask for, each once."""
        found = {}
        for identity, function in of(stage, self.index.enforced):
            for what, because in function(self):
                found.setdefault(what, (what, because, identity))
        return list(found.values())

    def keep_off(self):
        """Drivers of the host that no card here needs any more: [(module, vendor)]."""
        staying = {one['vendor'] for one in self.functions if (one['class'] or '')[:2] in ('03', '12') and one['address'] not in self.given}
        vendors = {card['vendor'] for card in self.given.values()} - staying
        return sorted(row['name'] for row in self.index.vfio.get('host_driver', ()) if row['vendor'] in vendors)

    def is_bound(self, address):
        return (self.by_address.get(address) or {}).get('driver') in VFIO

    @property
    def kernel_series(self):
        """major.minor of the kernel that boots next."""
        text = self.kernel.get('next_boot')
        return '.'.join(str(part) for part in versions.kernel(text)[:2]) if isinstance(text, str) else ''
