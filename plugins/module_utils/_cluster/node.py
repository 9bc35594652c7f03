# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that a cluster runs on, as it was seen."""

from __future__ import annotations

from . import numbers

CONTROL, WORKER = 'control_plane', 'worker'
SERVER, MEMBER = 'kube-apiserver', 'etcd'
# what a control plane tells of a node
CARDS = 'cards of %s:%s'


def _part(seen, name):
    return seen[name] if isinstance(seen.get(name), dict) else {}


def _rows(value):
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value):
    """A list of texts; None: it is none, and nobody knows."""
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else None


class Node:
    """One host of a cluster; what nobody saw, or what is not what it should be, is None or empty. cluster: the Cluster; host: the Host of resolve."""

    def __init__(self, cluster, host, part):
        self.cluster, self.index, self.host, self.name, self.part = cluster, cluster.index, host, host.name, part
        self.seen = host.seen if host.known else {}
        self.system, self.machine = _part(self.seen, 'system'), _part(self.seen, 'machine')
        self.containerd, self.kubernetes = _part(self.seen, 'containerd'), _part(self.seen, 'kubernetes')
        self.pods = _part(self.kubernetes, 'static_pods')
        self.swap, self.paths = _texts(self.machine.get('swap')), _texts(self.containerd.get('paths'))
        self.old_registry = _texts(self.containerd.get('old_registry')) or []
        self.cgroup = self.machine.get('cgroup') if self.machine.get('cgroup') in (1, 2) else None
        # what the API told this host of all nodes; None: it is no control plane, or nobody answered
        self.told = self.kubernetes.get('nodes') if isinstance(self.kubernetes.get('nodes'), dict) else None
        self.joined = self.kubernetes.get('joined') if isinstance(self.kubernetes.get('joined'), bool) else None
        self.drop_ins = [one for one in _rows(self.containerd.get('drop_ins'))
                         if isinstance(one.get('path'), str) and (one.get('version') is None or isinstance(one['version'], int))]
        # containerd's root file {version, imports, ours}; None: it has none
        root = self.containerd.get('root')
        self.root = root if isinstance(root, dict) and (root.get('version') is None or isinstance(root['version'], int)) else None

    @property
    def path(self):
        return self.cluster.path('control_plane' if self.part == CONTROL else 'nodes')

    @property
    def kubelet(self):
        """Version of the kubelet that is installed; None: none is, or nobody knows."""
        return numbers.plain(self.kubernetes.get('kubelet'))

    def installed(self, program):
        """Version of containerd or the kubelet that is there; kubeadm and kubectl come with the kubelet."""
        return numbers.plain(self.containerd.get('version')) if program == 'containerd' else self.kubelet

    def of_pod(self, name):
        """Version of a static pod that kubeadm left; None: there is none, or nobody knows."""
        return numbers.plain(self.pods.get(name))

    @property
    def unknown(self):
        """What the observation does not tell, and has to."""
        if not self.host.known:
            return []
        found = [name for name, value in (('machine.cgroup', self.cgroup), ('machine.swap', self.swap), ('containerd.paths', self.paths),
                                          ('kubernetes.joined', self.joined)) if value is None]
        if self.joined and self.part == CONTROL:
            found += ['kubernetes.static_pods.%s' % name for name in (SERVER, MEMBER) if self.of_pod(name) is None and name not in self.cluster.told(self.name)]
        return found

    @property
    def native(self):
        """Version that containerd itself writes; None: not told."""
        return self.containerd.get('native')

    def offers(self, program):
        """{upstream version: package version} of a program that the repositories of the host have, newest first."""
        found = {}
        for row in _rows(_part(self.kubernetes, 'offered').get(program)):
            if numbers.plain(row.get('version')):
                found.setdefault(numbers.plain(row['version']), row['version'])
        return found
