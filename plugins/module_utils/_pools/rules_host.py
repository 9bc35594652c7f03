# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps a host from giving its cards away."""

from __future__ import annotations

from .._compat.cards import address
from .._compat.register import Objection, rule
from .._compat.text import listed, safe
from . import names
from .pool import shapes_of
from .selection import VFIO

_METAL = 'none'
_DISPLAY = '0300'


@rule('NR-103', 'passthrough')
def host_is_of_one_cloud(donor):
    """One nova-compute, one cloud."""
    clouds = {str(pool.get('cloud')): at for at, pool in sorted(donor.pools.items())}
    if len(clouds) > 1:
        yield Objection('pools of this host are of clouds %s' % listed(sorted(clouds)), 'hosts of its own for each cloud',
                        'ai_stack_pools[%d].cloud' % max(clouds.values()))


@rule('NR-07', 'passthrough')
def nova_sees_the_domain(donor):
    """Intel VMD makes domains that Nova ignores."""
    for card in donor.cards:
        if len(card['address'].partition(':')[0]) > 4:
            yield Objection('the card at %s is in a PCI domain above ffff, which Nova ignores' % card['address'],
                            'the card outside of the domain that the firmware makes', donor.path(card))


@rule('NR-09', 'passthrough')
def card_has_no_functions_of_its_own(donor):
    """Entries go by address, and the address of a PF takes its VFs along."""
    for card in donor.cards:
        one = donor.by_address[card['address']]
        beside = [each for each in donor.cards if donor.by_address[each['address']]['physfn'] == card['address']]
        if one['sriov_numvfs'] or beside:
            yield Objection('the card at %s has %d VFs: Nova would take the card and its VFs' % (card['address'], one['sriov_numvfs'] or len(beside)),
                            'no VFs on cards that are given away whole', donor.path(card))


@rule('NR-10', 'passthrough')
def functions_of_one_card_are_of_one_pool(donor):
    """A pool is a class, and placement has one class for all VFs of a PF."""
    pools = {}
    for card in donor.cards:
        physical = donor.by_address[card['address']]['physfn']
        if physical and pools.setdefault(physical, card['pool']) != card['pool']:
            yield Objection('VFs of the card at %s are in pools %s and %s' % (safe(physical), safe(pools[physical]), safe(card['pool'])),
                            'one pool for all VFs of a card', donor.path(card))


@rule('NR-60', 'passthrough')
def iommu_is_on(donor):
    """Groups are the proof. Where an argument is still to come they are looked at after the boot."""
    path = donor.path(donor.cards[0])
    for card in donor.cards if donor.has_groups else ():
        if donor.by_address[card['address']]['iommu_group'] is None:
            yield Objection('the card at %s is in no IOMMU group, though others here are' % card['address'], 'a card that has a group', donor.path(card))
    if donor.has_groups:
        return
    if donor.needs('argument'):
        yield Objection('the IOMMU groups are not known before the boot with %s: what shares a group with a card is looked at then'
                        % listed(what for what, _dummy, _dummy in donor.needs('argument')), 'VT-d in the firmware, and one boot', path, None, None, True)
    elif donor.cpu is None:
        yield Objection('there are no IOMMU groups, and which vendor made the CPU is not known', 'an observation of this version, or the IOMMU switched on',
                        path)
    else:
        yield Objection('there are no IOMMU groups, though the kernel is told nothing against them', 'VT-d or AMD-Vi switched on in the firmware', path)


@rule('NR-62', 'passthrough')
def no_argument_in_vain(donor):
    """The kernel logs it as unknown; it does no harm."""
    for row in donor.index.vfio.get('useless', ()):
        if row['name'] in donor.arguments:
            yield Objection('the kernel is told %s, which it does not know' % row['name'], 'the command line without it', donor.path(donor.cards[0]),
                            row.get('source'), None, True)


@rule('NR-65', 'passthrough')
def group_is_pure(donor):
    """A neighbour with a driver makes the whole group unusable."""
    for place, card in sorted(donor.given.items()):
        bound = donor.bound()
        for one in donor.group(place) if card in donor.cards else ():
            if one['address'] not in bound and one['driver'] not in VFIO + (None,):
                shared = (place, one['iommu_group'], one['address'], safe(one['driver']))
                yield Objection('the card at %s shares IOMMU group %s with %s, which %s drives' % shared,
                                'the card in a slot whose group it has for itself', donor.path(card))


def _shared(donor):
    """(card, other card) of one group, each pair once."""
    for at, card in enumerate(donor.cards):
        places = {one['address'] for one in donor.group(card['address'])}
        for other in donor.host.cards:
            if other['address'] in places and other is not card and other not in donor.cards[:at]:
                yield card, other


@rule('NR-66', 'passthrough')
def group_has_one_guest(donor):
    """A group goes to one guest as a whole."""
    for card, other in _shared(donor):
        mine, theirs = (one['pool'] or 'no pool' for one in (card, other))
        shapes = shapes_of(donor.pools[card['pool_at']])
        if mine != theirs or any(shape['cards'] != len(donor.cards) for shape in shapes):
            yield Objection('the cards at %s (%s) and %s (%s) share IOMMU group %s, and could go to two guests' % (
                card['address'], safe(mine), other['address'], safe(theirs), donor.by_address[card['address']]['iommu_group']),
                'both in one pool whose servers get all cards of the host, or slots with groups of their own', donor.path(card))


@rule('NR-66', 'passthrough')
def groups_are_real(donor):
    """A patch that splits groups on paper isolates nothing."""
    for row in donor.index.vfio.get('refused', ()):
        if any(one.partition('=')[0] == row['name'] for one in donor.arguments):
            yield Objection('the kernel is told %s: the groups that it shows are not isolated' % row['name'], 'the command line without it',
                            donor.path(donor.cards[0]), row.get('source'))


@rule('NR-67', 'passthrough')
def card_is_idle(donor):
    """A card that a process of the host uses is taken from nobody."""
    gpus = (donor.seen.get('nvml') or {}).get('gpus') if isinstance(donor.seen.get('nvml'), dict) else None
    busy = {address(gpu.get('address')): names.whole(gpu.get('processes')) for gpu in gpus or () if isinstance(gpu.get('address'), str)}
    for card in donor.cards:
        if busy.get(card['address']):
            yield Objection('%d processes of the host use the card at %s' % (busy[card['address']], card['address']), 'an end of these processes first',
                            donor.path(card))


@rule('NR-68', 'passthrough')
def card_is_no_boot_display(donor):
    """The console would lose its card."""
    for card in donor.cards:
        one = donor.by_address[card['address']]
        if one['boot_vga']:
            yield Objection('the card at %s is the boot display' % card['address'], 'the card of the BMC as boot display, in the firmware', donor.path(card))
        elif one['boot_vga'] is None and (one['class'] or '').startswith(_DISPLAY):
            yield Objection('whether the card at %s is the boot display is not known' % card['address'], 'the card of the BMC as boot display',
                            donor.path(card), None, None, True)


@rule('NR-69', 'passthrough')
def host_is_a_machine(donor):
    """A guest that passes devices on needs a virtual IOMMU."""
    kind = donor.system.get('virtualization')
    if kind not in (None, _METAL):
        yield Objection('this host is virtual itself (%s): passthrough inside it is for tests only' % safe(kind), 'a host of metal',
                        donor.path(donor.cards[0]), None, None, True)
