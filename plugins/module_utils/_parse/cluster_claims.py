# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Devices of Dynamic Resource Allocation, as the API tells of them: what drivers have on nodes, and who holds it."""

from __future__ import annotations

API, GROUP = 'resource.k8s.io/v1', 'resource.k8s.io'
ADDRESS = '/apis/resource.k8s.io/v1'
SLICES, CLAIMS = ('get', '--raw', ADDRESS + '/resourceslices'), ('get', '--raw', ADDRESS + '/resourceclaims')
# drivers whose devices are cards; classes of ours, by what stands before the name of a pool, and those that the vendor's chart makes
DRIVERS = ('gpu.nvidia.com',)
CLASSES = 'ai-stack-'
VENDORS_CLASSES = ('gpu.nvidia.com', 'mig.nvidia.com', 'vfio.gpu.nvidia.com')


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


def holders(claims, but=''):
    """{node: [namespace/pod]} of pods that hold cards by claims; a pool of a driver has the name of its node. but: a namespace that is left out."""
    found = {}
    for claim in claims['items']:
        status, namespace = claim.get('status') or {}, claim['metadata']['namespace']
        results = ((status.get('allocation') or {}).get('devices') or {}).get('results') or ()
        pods = ['%s/%s' % (namespace, one['name']) for one in status.get('reservedFor') or () if one.get('resource') == 'pods']
        for node in {one['pool'] for one in results if one['driver'] in DRIVERS} if namespace != but else ():
            found.setdefault(node, set()).update(pods)
    return {node: sorted(pods) for node, pods in sorted(found.items()) if pods}


def both(*told):
    """Holders of several ways in one."""
    found = {}
    for one in told:
        for node, pods in one.items():
            found.setdefault(node, set()).update(pods)
    return {node: sorted(pods) for node, pods in sorted(found.items())}
