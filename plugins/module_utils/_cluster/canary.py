# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pod on each node with cards that asks for one and is looked at from outside, so that its image has to have nothing (rule K8S-U4).

It is a tenant of its own, for which the policy makes no exception; it takes a card that is free, and nobody is put out for it: whoever needs the card more,
which is everybody, gets it.
"""

from __future__ import annotations

from .._parse.cluster_nodes import CANARY, POOL
from . import accelerators, claims
from .named import meta

# below everybody, and below what makes a cluster grow
PRIORITY = -1000000
# one that nobody takes away ends by itself
SECONDS = 600
NOBODY = 65535


def documents(pools):
    """Its namespace, how many cards it may hold there, and that it takes them from nobody. What is false is not said: the API keeps no such field."""
    if not pools:
        return []
    level = {'pod-security.kubernetes.io/%s' % mode: 'restricted' for mode in ('enforce', 'audit', 'warn')}
    most = {}
    for pool in pools.values():
        for name in pool['names']:
            most[name] = most.get(name, 0) + len(pool['hosts'])
    return [{'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': meta(CANARY, labels=dict(accelerators.rights(CANARY, pools), **level))},
            accelerators.quota(CANARY, most, CANARY),
            {'apiVersion': 'scheduling.k8s.io/v1', 'kind': 'PriorityClass', 'metadata': meta(CANARY), 'value': PRIORITY,
             'preemptionPolicy': 'Never', 'description': 'takes a free card for a moment, and from nobody'},
            *(claims.template(pool, CANARY) for dummy, pool in sorted(pools.items()) if pool.get('claims'))]


def canaries(pools, image):
    """{node: {name: by which it asks for a card, at: addresses of the cards that its pool has there, pod}}; image: any that does nothing until it is ended."""
    return {host: {'name': min(pool['names']), 'at': (pool.get('at') or {}).get(host) or [], 'pod': _pod(host, of_pool, min(pool['names']), image)}
            for of_pool, pool in sorted(pools.items()) if image for host in pool['hosts']}


def _asks(name):
    """(resources of a container, claims of its pod): by a name of a vendor, or by the template of a class."""
    if '/' in name:
        return {'limits': {name: 1}}, {}
    return {'claims': [{'name': 'card'}]}, {'resourceClaims': [{'name': 'card', 'resourceClaimTemplateName': name}]}


def _pod(host, of_pool, name, image):
    """The scheduler places it, as it knows which cards are free; by a name of a node a kubelet could be asked for one that somebody is just getting."""
    resources, claimed = _asks(name)
    here = {'matchFields': [{'key': 'metadata.name', 'operator': 'In', 'values': [host]}]}
    container = {'name': 'canary', 'image': image, 'imagePullPolicy': 'IfNotPresent', 'resources': resources,
                 'securityContext': {'allowPrivilegeEscalation': False, 'capabilities': {'drop': ['ALL']}}}
    pod = {'nodeSelector': {POOL: of_pool}, 'priorityClassName': CANARY, 'restartPolicy': 'Never', 'activeDeadlineSeconds': SECONDS,
           'terminationGracePeriodSeconds': 1, 'automountServiceAccountToken': False, 'enableServiceLinks': False, 'containers': [container],
           'affinity': {'nodeAffinity': {'requiredDuringSchedulingIgnoredDuringExecution': {'nodeSelectorTerms': [here]}}},
           # nodes with cards are often kept for who says so; one that is shut is left out before
           'tolerations': [{'operator': 'Exists', 'effect': 'NoSchedule'}],
           'securityContext': {'runAsNonRoot': True, 'runAsUser': NOBODY, 'runAsGroup': NOBODY, 'seccompProfile': {'type': 'RuntimeDefault'}}}
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': meta(host, CANARY), 'spec': dict(pod, **claimed)}
