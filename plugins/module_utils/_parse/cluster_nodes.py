# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes of a cluster, as `kubectl get nodes --output json` tells them."""

from __future__ import annotations


def _ready(node):
    return any(one.get('type') == 'Ready' and one.get('status') == 'True' for one in node['status'].get('conditions') or ())


# with one of these a node is ready, and pods are kept off it or sent away all the same
TROUBLES = ('DiskPressure', 'MemoryPressure', 'NetworkUnavailable', 'PIDPressure')


def _troubles(node):
    return sorted(one['type'] for one in node['status'].get('conditions') or () if one.get('type') in TROUBLES and one.get('status') == 'True')


def in_trouble(seen, names):
    """A sentence for each of these nodes that has troubles. seen: of nodes()"""
    return ['%s has %s, which keeps pods off it' % (name, ', '.join(seen[name]['troubles'])) for name in names if (seen.get(name) or {}).get('troubles')]


# names that this collection gives: of a node its pool and whether pods that share its cards are kept apart, of a namespace its tenant and each pool that its
# pods may use, of whatever it makes and takes away again; where device plugins are, and pods that only look
MAY_USE = 'pool.ai-stack/'
POOL, ISOLATION, TENANT, NAMESPACE = 'ai-stack/pool', 'ai-stack/isolation', 'ai-stack/tenant', 'ai-stack-accelerators'
CANARY = 'ai-stack-canary'
# of a namespace that a queue for cards is in, and how it is called there
QUEUE, QUEUED = 'ai-stack/queue', 'ai-stack-accelerators'
OURS = {'app.kubernetes.io/managed-by': 'sovereign.ai_stack'}
# and those that NVIDIA's GPU operator gives: of a node what its device plugin is told, and by which its device plugins are found
CONFIG, OPERATORS_PLUGIN = 'nvidia.com/device-plugin.config', 'app=nvidia-device-plugin-daemonset'


# names by which pods ask for cards begin so
VENDORS = ('nvidia.com/', 'amd.com/', 'gpu.intel.com/', 'habana.ai/')


def cards(counts):
    """{name: how many} of cards among what a node counts; names that a change of MIG left with none count nothing (rule K8S-G4)."""
    found = {name: int(count) for name, count in (counts or {}).items() if name.startswith(VENDORS)}
    return {name: count for name, count in sorted(found.items()) if count}


def whose(name):
    """The vendor of a name by which cards are counted: of what a device plugin hands out, nvidia.com/gpu, or of a driver, gpu.nvidia.com."""
    return '.'.join(name.partition('/')[0].split('.')[-2:])


def others(names, planned):
    """Of names by which pods hold or can have cards of a node those that are of its vendors, and not planned: in place of those come the planned ones."""
    ours = set(map(whose, planned))
    return sorted(name for name in names if whose(name) in ours and name not in planned)


def nodes(document, by_claims=()):
    """{name: {address, pods, ready, troubles, version, cards, pool}}; address: the one inside; pods: its part of the network of pods; troubles: conditions
    that keep pods off it; cards: {name: how many} that pods can have, null: nobody knows; pool: of its cards, by its label. Each other is null, or empty, where
    it has none. by_claims: {node: {driver: how many}} that pods can have by claims; None: nobody knows."""
    found = {}
    for node in document['items']:
        named, claimed = cards(node['status'].get('allocatable')), (by_claims or {}).get(node['metadata']['name'], {})
        inside = [one['address'] for one in node['status'].get('addresses') or () if one['type'] == 'InternalIP']
        found[node['metadata']['name']] = {'address': inside[0] if inside else None, 'pods': node['spec'].get('podCIDR'), 'ready': _ready(node),
                                           'troubles': _troubles(node), 'version': node['status']['nodeInfo']['kubeletVersion'],
                                           'cards': None if by_claims is None else dict(named, **claimed),
                                           'pool': (node['metadata'].get('labels') or {}).get(POOL)}
    return found
