# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Devices of Dynamic Resource Allocation, as the API tells of them: what drivers have on nodes, and who holds it."""

from __future__ import annotations

API, GROUP = 'resource.k8s.io/v1', 'resource.k8s.io'
ADDRESS = '/apis/resource.k8s.io/v1'
SLICES, CLAIMS = ('get', '--raw', ADDRESS + '/resourceslices'), ('get', '--raw', ADDRESS + '/resourceclaims')
# all that the API has
GROUPS = ('get', '--raw', '/apis')
# drivers whose devices are cards; classes of ours, by what stands before the name of a pool, and those that the vendor's chart makes
DRIVERS = ('gpu.nvidia.com',)
CLASSES = 'ai-stack-'
VENDORS_CLASSES = ('gpu.nvidia.com', 'mig.nvidia.com', 'vfio.gpu.nvidia.com')


def served(groups):
    """Whether an API has claims, by the list of all that it has."""
    return any(one['groupVersion'] == API for group in groups['groups'] for one in group['versions'])


def cards(slices):
    """{node: {driver: how many devices it has there}}. Of a pool of a driver the newest generation counts, as for the scheduler."""
    newest, found = {}, {}
    rows = [one['spec'] for one in slices['items'] if one['spec'].get('nodeName') and one['spec']['driver'] in DRIVERS]
    for spec in rows:
        key = (spec['driver'], spec['pool']['name'])
        newest[key] = max(newest.get(key, 0), spec['pool']['generation'])
    for spec in rows:
        if spec['pool']['generation'] == newest[(spec['driver'], spec['pool']['name'])]:
            here = found.setdefault(spec['nodeName'], {})
            here[spec['driver']] = here.get(spec['driver'], 0) + len(spec.get('devices') or ())
    return {node: {driver: count for driver, count in sorted(one.items()) if count} for node, one in sorted(found.items())}


def held(claims, but=''):
    """{node: {driver: [namespace/pod]}} of pods that hold cards by claims; a pool of a driver has the name of its node. but: a namespace that is left out."""
    found = {}
    for claim in claims['items']:
        status, namespace = claim.get('status') or {}, claim['metadata']['namespace']
        results = ((status.get('allocation') or {}).get('devices') or {}).get('results') or ()
        pods = {'%s/%s' % (namespace, one['name']) for one in status.get('reservedFor') or () if one.get('resource') == 'pods'}
        for node, driver in {(one['pool'], one['driver']) for one in results if one['driver'] in DRIVERS} if namespace != but and pods else ():
            found.setdefault(node, {}).setdefault(driver, set()).update(pods)
    return {node: {driver: sorted(pods) for driver, pods in sorted(names.items())} for node, names in sorted(found.items())}


def both(named, claimed):
    """What is held by names and by claims in one: no name is that of a driver."""
    return {node: {**(named.get(node) or {}), **(claimed.get(node) or {})} for node in sorted({*named, *claimed})}


def holders(held_as):
    """{node: [namespace/pod]}, whatever they hold."""
    return {node: sorted({pod for pods in names.values() for pod in pods}) for node, names in held_as.items()}
