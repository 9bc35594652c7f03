# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cloud gets beside options: flavors, limits, aggregates, image properties, the inventories that placement must show."""

from __future__ import annotations

from .._compat.register import Objection, of, rule
from .._compat.text import safe
from . import flavor, names, once
from .cloud import SWITCHES, TRAIT
from .settings import before_placement_is_asked, dedicated, of_cloud

_LARGE = 1 << 36  # bytes of one BAR above which the firmware's own window is too small
_NEAR = 'preferred'
_TRIED = 8  # servers that a live proof boots at once


def _row(subject, value, because, identity=None, index=None):
    return {'subject': subject, 'value': value, 'because': because, 'rule': identity, 'source': index.source(identity) if index and identity else None}


def _object(kind, identity, *decisions, changes=()):
    return {'kind': kind, 'id': identity, 'decisions': list(decisions), 'changes': list(changes)}


def flavor_of(pool, shape, limit_trait=TRAIT):
    """The flavor of a shape: its name says what it is, so that another shape is another flavor."""
    asked = ['%s:%d' % (pool.name, shape['cards'])]
    if pool.board and shape['cards'] == pool.largest:
        asked.append('%s:%d' % (pool.name + SWITCHES, pool.board))
    specs = {flavor.ALIAS: ','.join(asked), 'trait:%s' % limit_trait: 'required', 'hw:numa_nodes': str(_nodes(pool, shape)),
             'hw:pci_numa_affinity_policy': pool.guest.get('numa') or _NEAR}
    for key, name in (('cpus', 'hw:cpu_policy'), ('pages', 'hw:mem_page_size')):
        if pool.guest.get(key):
            specs[name] = pool.guest[key]
    if pool.types == ['type-VF'] and shape['cards'] > 1:
        specs['group_policy'] = 'none'
    return {'name': '%s.%dx.%dc.%dg.%dd' % (pool.name, shape['cards'], shape['vcpus'], shape['ram_gib'], shape['disk_gib']), 'vcpus': shape['vcpus'],
            'ram_mib': shape['ram_gib'] * 1024, 'disk_gib': shape['disk_gib'], 'is_public': False, 'extra_specs': specs}


def _nodes(pool, shape):
    """NUMA nodes over which the cards of a server lie on the host that has them closest together; 1 where it cannot be shared out evenly."""
    best = None
    for name, cards in pool.cards.items():
        counts = {}
        for card in cards:
            node = pool.donors[name].by_address[card['address']]['numa_node']
            counts[node] = counts.get(node, 0) + 1
        need, nodes = shape['cards'], 0
        for count in sorted(counts.values(), reverse=True):
            if need > 0:
                need, nodes = need - count, nodes + 1
        if need <= 0 and None not in counts:
            best = min(best or nodes, nodes)
    return best if best and shape['vcpus'] % best == 0 and shape['ram_gib'] % best == 0 else 1


def flavors(cloud):
    """[(pool, place of the shape, flavor)], each flavor once."""
    seen, found = set(), []
    for pool in cloud.pools:
        for at, shape in enumerate(pool.shapes if pool.types else ()):
            made = flavor_of(pool, shape)
            if made['name'] not in seen:
                seen.add(made['name'])
                found.append((pool, at, made))
    return found


@rule('NR-70', 'image')
def machine_of_a_guest(cloud, pool):
    """Nova's own machine type for x86_64 is pc."""
    yield 'hw_machine_type', 'q35', 'PCI Express for the cards'
    yield 'hw_firmware_type', 'uefi', 'windows for large BARs'


@rule('NR-71', 'image')
def address_width_of_a_guest(cloud, pool):
    """OVMF sizes its 64-bit window by the width that the guest sees."""
    if pool.bars >= _LARGE and cloud.series.knows('image_property', 'hw_maxphysaddr_mode'):
        needs = ', '.join(cloud.index.nova[('image_property', 'hw_maxphysaddr_mode')]['needs'])
        yield 'hw_maxphysaddr_mode', 'passthrough', 'a BAR of %d GiB; needs %s on the hosts' % (pool.bars >> 30, needs)


@rule('NR-71', 'cloud')
def guests_see_wide_addresses(cloud):
    """Where images cannot ask for it the CPU model decides."""
    for pool in cloud.pools if cloud.series else ():
        if pool.bars >= _LARGE and not cloud.series.knows('image_property', 'hw_maxphysaddr_mode'):
            yield Objection('pool %s has cards with a BAR of %d GiB, and Nova of %s cannot give a guest the width of host addresses' % (
                safe(pool.name), pool.bars >> 30, cloud.series.name), 'CPU mode host-passthrough, tried with one server', pool.path('select'), None, None, True)


def _images(cloud, pool):
    rows = []
    for identity, function in of('image', cloud.index.enforced):
        for name, value, because in function(cloud, pool):
            rows.append(_row(name, value, because, identity, cloud.index))
    return _object('image_properties', '%s/%s' % (cloud.name, pool.name), *rows)


def _most(pool, row):
    """Cards that a tenant may have at once."""
    return names.whole(row['max']) if row.get('max') is not None else pool.total


@rule('NR-50', 'limit')
def limits_of_classes(cloud):
    """Nothing for whoever was promised nothing; yields (kind, id, value, because)."""
    for name, pool in sorted(cloud.classes().items()) if cloud.counts_cards else ():
        yield 'registered_limit', 'class:%s' % name, 0, 'a tenant without a limit of its own gets none'
        for tenant, row in sorted(pool.tenants.items()):
            most = _most(pool, row)
            cards = name == pool.resource_class
            yield 'project_limit', '%s/class:%s' % (tenant, name), most if cards else pool.board * (most // (pool.largest or 1)), 'as the pool says'


def _limits(cloud):
    for identity, function in of('limit', cloud.index.enforced):
        for kind, name, value, because in function(cloud):
            yield _object(kind, '%s/%s' % (cloud.name, name), _row('limit', value, because, identity, cloud.index))


@rule('NR-45', 'aggregate')
def hosts_with_cards(cloud):
    """The trait goes to the provider of each host; yields (name, {subject: value}, because)."""
    yield 'ai-stack-gpu', {'hosts': cloud.hosts, 'metadata': {'trait:%s' % TRAIT: 'required'}, 'provider_trait': TRAIT}, 'plain servers stay away'


@rule('NR-46', 'aggregate')
def hosts_of_one_tenant(cloud):
    """filter_tenant_id keeps others away; limit_tenants_to_placement_aggregate would keep the tenant's plain servers there too, and is not used."""
    for tenant, hosts in sorted(dedicated(cloud).items()):
        yield 'ai-stack-tenant-%s' % tenant, {'hosts': hosts, 'filter_tenant_id': tenant}, 'all cards of these hosts are of pools of %s' % tenant


def _aggregates(cloud):
    for identity, function in of('aggregate', cloud.index.enforced):
        for name, values, because in function(cloud):
            yield _object('aggregate', '%s/%s' % (cloud.name, name), *[_row(key, value, because, identity, cloud.index) for key, value in values.items()])


def providers(cloud):
    """{host: {ADDRESS: {class, total, traits}}} that placement must show; VFs count on the provider of their PF."""
    found = {}
    for _pool, name, one, resource_class, trait in cloud.given() if cloud.reports else ():
        place = (one['physfn'] or one['address']).upper()
        there = found.setdefault(name, {}).setdefault(place, {'class': resource_class, 'total': 0, 'traits': [trait] if trait else []})
        there['total'] += 1
    return found


def _cloud(cloud):
    options, rows = of_cloud(cloud)
    reserved = {name: {card['address']: card['status'] for card in pool.kept[name]} for pool in cloud.pools for name in pool.donors if pool.kept[name]}
    rows = [_row('series', cloud.series.name, 'as ai_stack_clouds says', 'NR-99', cloud.index), _row('settings', options, 'what each service reads'),
            _row('deployment', cloud.row.get('deployment', 'packages'), 'as ai_stack_clouds says'),
            _row('hosts', cloud.members, 'they run its services', 'NR-103', cloud.index), _row('admin', cloud.row.get('admin'), 'it has clouds.yaml'),
            _row('region', cloud.row.get('region'), 'as ai_stack_clouds says')] + rows
    if cloud.row.get('handover'):
        rows.append(_row('handover', cloud.row['handover'], 'as ai_stack_clouds says'))
    if cloud.placement:
        rows += [_row('settings.reporting', before_placement_is_asked(options), 'until the gate has seen all providers', 'NR-40', cloud.index),
                 _row('reporting', sorted(cloud.reporting), 'hosts that report already, by the record', 'NR-42', cloud.index)]
    planned = providers(cloud)
    back = [{'host': host, 'address': place} for host, place in cloud.kept_out
            if place.upper() in planned.get(host, {}) and place not in reserved.get(host, {})]
    rows += [_row('providers', planned, 'what placement must show before pci_in_placement', 'NR-41', cloud.index),
             _row('reserved', reserved, 'out of service by ai_stack_states'),
             _row('back_in_service', back, 'kept from everybody by an earlier run, and in service again')]
    if cloud.compute_ids:
        rows.append(_row('compute_ids', cloud.compute_ids, 'the record keeps by which id Nova knows each compute', 'NR-108', cloud.index))
    if cloud.row.get('releaser'):
        rows.append(_row('releaser', cloud.row['releaser'], 'as ai_stack_clouds says'))
    if any(cloud.once(pool) for pool in cloud.pools):
        used_once = once.cards_of(cloud)
        out = [{'host': name, 'address': place, 'reason': why} for name, places in sorted(reserved.items()) for place, why in sorted(places.items())
               if place in used_once.get(name, {})]
        rows.append(_row('one_time_use', {'wanted': True, 'aliases': _aliases(cloud), 'out': out, 'cards': used_once},
                         'its tenants share them, and each use is wiped', 'NR-83', cloud.index))
    if cloud.row.get('live_proof'):
        rows.append(_row('live', list(_tries(cloud, cloud.row['live_proof'])), 'live_proof of ai_stack_clouds'))
    return rows + list(_tenancy(cloud))


def _aliases(cloud):
    """{alias: resource class}"""
    return {pool.name + (SWITCHES if name != pool.resource_class else ''): name for name, pool in cloud.classes().items()}


def _tries(cloud, proof):
    """What tenants with a login try of their flavors. most: servers of it that one may have at once, by his limit or by the cards that there are."""
    there = providers(cloud) if cloud.placement else {}
    # where cards are used once each server of a try would use its cards up
    for pool, at, made in [row for row in flavors(cloud) if cloud.placement and not cloud.once(row[0])]:
        free = sum(len(cards) for cards in pool.cards.values())
        places = {host: sorted(place.upper() for place, one in cards.items() if one['class'] == pool.resource_class) for host, cards in sorted(there.items())}
        for tenant, row in sorted(pool.tenants.items()):
            if tenant in proof['logins']:
                most = min(free, _most(pool, row) if cloud.counts_cards else free) // pool.shapes[at]['cards']
                yield {'flavor': made['name'], 'tenant': tenant, 'login': proof['logins'][tenant], 'image': proof['image'],
                       'networks': proof.get('networks', 'none'), 'class': pool.resource_class, 'cards': pool.shapes[at]['cards'],
                       # a try of more servers would empty a site of its free cards
                       'most': most, 'asked': most + 1 if most <= _TRIED else 1, 'places': {host: each for host, each in places.items() if each}}


def _tenancy(cloud):
    """In plain words what Nova holds, and what it does not."""
    held = ['who sees a flavor: the tenants on its access list']
    if cloud.counts_cards:
        held.append('how many cards a tenant uses at once: limits of its classes')
    else:
        held += ['%s: no more than the %d cards of pool %s' % (', '.join(sorted(pool.tenants)), pool.total, pool.name) for pool in cloud.pools if pool.tenants]
    yield _row('tenancy.enforced', held, 'what Nova of %s holds' % cloud.series.name, 'NR-51', cloud.index)
    loose = [] if cloud.counts_cards else ['a number of cards of one tenant within a pool: no limit counts cards here']
    loose += ['residue in the memory of a card of pool %s' % pool.name for pool in cloud.pools if len(pool.tenants) > 1 and not cloud.once(pool)]
    yield _row('tenancy.not_enforced', loose, 'what Nova of %s does not hold' % cloud.series.name, 'NR-51', cloud.index)


def of_pools(cloud):
    """The resources of a cloud: [{kind, id, decisions, changes}]."""
    doors = [{'role': 'nova_pci_passthrough', 'resource': name, 'before': None, 'after': True, 'reboot': False, 'drain': False, 'irreversible': True}
             for name, _dummy in cloud.doors()]
    found = [_object('nova_cloud', cloud.name, *_cloud(cloud), changes=doors)]
    found += list(_aggregates(cloud)) + list(_limits(cloud))
    for pool, _dummy, made in flavors(cloud):
        found.append(_object('flavor', '%s/%s' % (cloud.name, made['name']), _row('flavor', made, 'a shape of pool %s' % pool.name, 'NR-29', cloud.index),
                             _row('access', sorted(pool.tenants), 'the tenants of the pool; granted last', 'NR-29', cloud.index)))
    return found + [_images(cloud, pool) for pool in cloud.pools if pool.types]
