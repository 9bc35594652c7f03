# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of Nova and Placement that a cloud gets, service by service. Each function yields Setting."""

from __future__ import annotations

from collections import namedtuple

from .._compat.register import of, rule
from .cloud import TRAIT
from .rules_cloud import MANY

# value: a text, a list of lines where the option may stand several times, or {host: lines}
Setting = namedtuple('Setting', 'where name value because')
# what a server gets beside its cards: volumes, network ports, and some to attach later
_BESIDE = 16
_PORTS = 28
_CAP = 1000


def _option(name, value, because, where='option'):
    return Setting(where, name, value, because)


@rule('NR-40', 'setting')
def cards_are_given_by_address(cloud):
    """One line a card, with the ids that must be at the address."""
    yield _option('device_spec', cloud.spec_lines(), 'the cards of the pools, by address')
    if cloud.placement:
        yield _option('pci_in_placement', 'true', 'placement keeps count of the cards; last, and everywhere at once')


@rule('NR-20', 'setting')
def one_alias_for_all_services(cloud):
    """Boot asks nova-api, a move asks nova-compute."""
    yield _option('alias', cloud.alias_lines(), 'one alias a pool')


@rule('NR-42', 'setting')
def reports_stay_on(cloud):
    """A host that reported once does so for ever."""
    if cloud.reports:
        yield _option('report_in_placement', 'true', 'the cards are in placement' if cloud.placement else 'hosts report already: it cannot be turned off')


@rule('NR-43', 'setting')
def filters_are_enabled(cloud):
    """An option of ours takes the place of Nova's own list."""
    wanted = [row['filter'] for row in cloud.index.filters if row['use'] in ('default', 'pci') and
              (row['until'] is None or int(row['until']) > int(cloud.series.row['nova']))]
    tenant = [row['filter'] for row in cloud.index.filters if row['use'] == 'tenant'] if dedicated(cloud) else []
    yield _option('enabled_filters', ','.join(wanted + tenant), "Nova's own filters, and those that passthrough needs")


@rule('NR-44', 'setting')
def candidates_are_capped(cloud):
    """What the release of Placement has against the many ways to combine equal cards."""
    if max([pool.largest for pool in cloud.pools], default=0) < MANY or not cloud.placement:
        return
    because = '%d or more equal cards on one host' % MANY
    if cloud.series.knows('placement_option', 'max_allocation_candidates'):
        yield _option('max_allocation_candidates', str(_CAP), because, 'placement_option')
        yield _option('allocation_candidates_generation_strategy', 'breadth-first', because, 'placement_option')
    if cloud.series.knows('placement_option', 'optimize_for_wide_provider_trees'):
        yield _option('optimize_for_wide_provider_trees', 'true', because, 'placement_option')


@rule('NR-45', 'setting')
def plain_servers_stay_away(cloud):
    """Their hosts carry a trait that a server must ask for."""
    yield _option('enable_isolated_aggregate_filtering', 'true', 'only servers that ask for %s get to hosts with cards' % TRAIT)


def dedicated(cloud):
    """{tenant: hosts} whose cards all belong to pools of that one tenant."""
    found = {}
    for name in cloud.hosts:
        tenants = {tuple(sorted(pool.tenants)) for pool in cloud.pools if name in pool.counts}
        one = next(iter(tenants)) if len(tenants) == 1 else ()
        if len(one) == 1:
            found.setdefault(one[0], []).append(name)
    return found


@rule('NR-54', 'setting')
def limits_are_counted(cloud):
    """The conductor checks a second time."""
    if cloud.counts_cards:
        yield _option('driver', 'nova.quota.UnifiedLimitsDriver', 'it counts the cards of a tenant')


@rule('NR-52', 'setting')
def unregistered_class_is_refused(cloud):
    """With the defaults of Nova a class that nobody registered is unlimited."""
    if cloud.counts_cards and cloud.series.knows('option', 'unified_limits_resource_list'):
        yield _option('unified_limits_resource_strategy', 'require', 'what is listed and not registered counts as 0')
        yield _option('unified_limits_resource_list', ','.join(['servers'] + ['class:%s' % one for one in sorted(cloud.classes())]),
                      'a class that is not registered would be unlimited')


@rule('NR-73', 'setting')
def memory_is_not_overcommitted(cloud):
    """VFIO pins all memory of a guest."""
    yield _option('ram_allocation_ratio', '1.0', 'all memory of a guest with cards is pinned')


@rule('NR-75', 'setting')
def ports_are_enough(cloud):
    """q35 has one port a device."""
    most = max([shape['cards'] + (pool.board if shape['cards'] == pool.largest else 0) for pool in cloud.pools for shape in pool.shapes], default=0)
    if most > 1:
        yield _option('num_pcie_ports', str(min(most + _BESIDE, _PORTS)), '%d cards, and room for volumes and ports' % most)


# from 31.3.1 and 32.0.0 on nova-api and nova-compute do not start with an alias by class where placement is not asked
_AT_ONCE = ('alias', 'pci_in_placement')


def before_placement_is_asked(options):
    """The options of step one of the order: what hosts report by, without what goes to all services at once."""
    found = {}
    for service, sections in options.items():
        for section, values in sections.items():
            kept = {name: value for name, value in values.items() if name not in _AT_ONCE}
            found.setdefault(service, {}).update({section: kept} if kept else {})
    return {service: sections for service, sections in found.items() if sections}


def of_cloud(cloud):
    """(settings by service, decision rows): {service: {section: {option: value}}}; an option that a release lacks is not written."""
    found, rows = {}, []
    for identity, function in of('setting', cloud.index.enforced):
        for one in function(cloud):
            row = cloud.index.nova[(one.where, one.name)]
            if cloud.series.knows(one.where, one.name) and one.value not in ([], {}):
                rows.append({'subject': 'option.%s.%s' % (row['section'], one.name), 'value': one.value, 'because': one.because, 'rule': identity,
                             'source': cloud.index.source(identity)})
                for service in row['services']:
                    found.setdefault(service, {}).setdefault(row['section'], {})[one.name] = one.value
    return found, rows
