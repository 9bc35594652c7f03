# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which a cloud gets its cards. Each function yields (place in the order, what, targets, costs); a gate changes nothing."""

from __future__ import annotations

from .._compat.register import of, rule

_HOSTS, _PROVED, _SPEC, _REPORT, _GATE, _SWITCH, _FILTERS, _LIMITS, _ACCESS, _END = range(10)
_BOOT = 'reboot'


def _hosts(cloud):
    return sorted(name for name, one in cloud.donors.items() if one.acts)


def _site(cloud):
    return ['cloud %s' % cloud.name]


@rule('NR-67', 'gate')
def hosts_come_first(cloud):
    """A card is bound before Nova is told of it."""
    for name, donor in sorted(cloud.donors.items()):
        if donor.host.changes or donor.host.rebinds:
            yield _HOSTS, 'disable the compute service with a reason, and look for servers on its cards and migrations in progress', [name], None
            yield _HOSTS, 'write the bindings and kernel arguments', [name], None
            if donor.host.rebinds:
                yield _HOSTS, 'reboot into them, once', [name], _BOOT
            yield _PROVED, 'gate: groups and bindings are those of the plan', [name], None


@rule('NR-40', 'gate')
def order_of_placement(cloud):
    """What is turned around books a card twice, or hides it."""
    if not cloud.placement:
        yield _SPEC, 'write device_spec and alias for every compute and API service', _hosts(cloud) + _site(cloud), 'restart of nova-compute and nova-api'
    # with one_time_use nova-compute does not start unless it reports, and with an alias by class neither it nor nova-api unless placement is asked
    for name in _hosts(cloud) if cloud.placement else ():
        cost = 'one-way' if name not in cloud.reporting else 'restart of nova-compute'
        yield _REPORT, 'write device_spec, report the cards to placement, and heal allocations', [name], cost
    if cloud.placement:
        yield _SWITCH, 'write the aliases and ask for cards through placement, on all API, scheduler, conductor and compute services at once', \
            _hosts(cloud) + _site(cloud), 'restart of these services'
    yield _FILTERS, 'enable the filters, and shut the hosts for plain servers', _site(cloud), 'restart of nova-scheduler'


@rule('NR-41', 'gate')
def providers_equal_the_plan(cloud):
    """A host that is not in placement would be invisible for cards."""
    if cloud.placement:
        yield _GATE, 'gate: providers, totals and traits of each host equal the plan, and each server with cards has an allocation', _hosts(cloud), None


@rule('NR-50', 'gate')
def limits_come_before_access(cloud):
    """Nobody sees a flavor before what limits it is there."""
    if cloud.counts_cards:
        yield _LIMITS, 'give every default and every quota of a project an equal limit, and each class its own', _site(cloud), None
        yield _LIMITS, 'gate: limits before and after are equal, then count by unified limits', _site(cloud), 'one-way'


@rule('NR-29', 'gate')
def access_comes_last(cloud):
    """Access is what makes all the rest matter."""
    yield _ACCESS, 'make the flavors, private', _site(cloud), None
    yield _ACCESS, 'gate: limits are proven, then give the tenants access', _site(cloud), None
    yield _END, 'verify', _hosts(cloud) + _site(cloud), None


def steps(cloud, start, wave):
    """Steps in order from a number and a wave on; each needs the last one of each of its targets, hosts reboot one after the other, and from
    Nova on each step needs the one before it."""
    rows = [row for _dummy, function in of('gate', cloud.index.enforced) for row in function(cloud)]
    found, last = [], {}
    for at, (place, what, targets, costs) in enumerate(sorted(rows, key=lambda row: row[0])):
        needs = {last[one] for one in targets if one in last}
        if place > _PROVED and found:
            needs.add(found[-1]['n'])
        needs.update([last[_BOOT]] if costs == _BOOT and _BOOT in last else [])
        number = start + at
        last.update([(_BOOT, number)] if costs == _BOOT else [])
        last.update((one, number) for one in targets)
        found.append({'n': number, 'wave': wave + place, 'what': what, 'targets': targets, 'needs': sorted(needs), 'costs': costs})
    return found
