# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes of a cluster, as `kubectl get nodes --output json` tells them."""

from __future__ import annotations


def _ready(node):
    return any(one.get('type') == 'Ready' and one.get('status') == 'True' for one in node['status'].get('conditions') or ())


def nodes(document):
    """{name: {address, pods, ready, version}}; address: the one inside; pods: its part of the network of pods; either is null where it has none."""
    found = {}
    for node in document['items']:
        inside = [one['address'] for one in node['status'].get('addresses') or () if one['type'] == 'InternalIP']
        found[node['metadata']['name']] = {'address': inside[0] if inside else None, 'pods': node['spec'].get('podCIDR'), 'ready': _ready(node),
                                           'version': node['status']['nodeInfo']['kubeletVersion']}
    return found
