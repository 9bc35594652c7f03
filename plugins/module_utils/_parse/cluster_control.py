# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Static pods of control planes that are ready, as `kubectl get pods --output json` tells of them; that of etcd asks its member whether it answers."""

from __future__ import annotations

PARTS = ('kube-apiserver', 'etcd')
ASKED = ('--namespace', 'kube-system', 'get', 'pods', '--selector', 'component in (%s)' % ','.join(PARTS), '--output', 'json')


def ready(document):
    """{part: [nodes on which it is ready]}"""
    found = {part: [] for part in PARTS}
    for pod in document['items']:
        well = any(one.get('type') == 'Ready' and one.get('status') == 'True' for one in pod['status'].get('conditions') or ())
        part = (pod['metadata'].get('labels') or {}).get('component')
        if well and part in found and pod['spec'].get('nodeName'):
            found[part].append(pod['spec']['nodeName'])
    return {part: sorted(names) for part, names in found.items()}
