# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program of ours on each node of a pool, with the rights that what hands out cards needs; source: Kubernetes' API, and the rules K8S-G9 and G11."""

from __future__ import annotations

from .._parse.cluster_nodes import NAMESPACE, POOL
from .named import meta

CDI, DRIVER, HOOK = '/var/run/cdi', '/driver-root', '/usr/bin/nvidia-cdi-hook'
# folders of a host: {volume: (path, kind, mount)}; each is mounted where it is, the host itself at a place of its own
HOST = {'cdi': (CDI, 'DirectoryOrCreate', {'mountPath': CDI}),
        'driver': ('/', 'Directory', {'mountPath': DRIVER, 'readOnly': True, 'mountPropagation': 'HostToContainer'})}


def named(name, pool):
    return '%s-%s' % (pool['plugin'], name)


def daemon_set(name, pool, variables, folders, account=None):
    """It is on the nodes of a pool, and on no other. variables: of the environment, as the API has them; folders: as HOST; account: by which it talks to the
    API; None: it does not."""
    mine, folders = {'app.kubernetes.io/name': pool['plugin'], POOL: name}, dict(HOST, **folders)
    # those of its own before those of every one
    order = sorted(folders, key=lambda each: (each in HOST, each))
    container = {'name': pool['plugin'], 'image': pool['image'], 'imagePullPolicy': 'IfNotPresent', 'command': [pool['plugin']], 'env': variables,
                 'securityContext': {'privileged': True}, 'volumeMounts': [dict({'name': each}, **folders[each][2]) for each in order]}
    pod = {'nodeSelector': {POOL: name}, 'priorityClassName': 'system-node-critical', 'automountServiceAccountToken': bool(account),
           'containers': [container], 'tolerations': [{'operator': 'Exists'}],
           'volumes': [{'name': each, 'hostPath': {'path': path, 'type': kind}} for each, (path, kind, dummy) in sorted(folders.items())]}
    return {'apiVersion': 'apps/v1', 'kind': 'DaemonSet', 'metadata': meta(named(name, pool), NAMESPACE, {POOL: name}),
            'spec': {'selector': {'matchLabels': mine}, 'updateStrategy': {'type': 'RollingUpdate', 'rollingUpdate': {'maxUnavailable': 1}},
                     'template': {'metadata': {'labels': mine}, 'spec': dict(pod, **({'serviceAccountName': account} if account else {}))}}}
