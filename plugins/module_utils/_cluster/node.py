# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that a cluster runs on, as it was seen."""

from __future__ import annotations

from . import numbers

CONTROL, WORKER = 'control_plane', 'worker'


def _part(seen, name):
    return seen[name] if isinstance(seen.get(name), dict) else {}


class Node:
    """One host of a cluster; what nobody saw is None or empty. cluster: the Cluster; host: the Host of resolve."""

    def __init__(self, cluster, host, part):
        self.cluster, self.index, self.host, self.name, self.part = cluster, cluster.index, host, host.name, part
        self.seen = host.seen if host.known else {}
        self.system, self.machine = _part(self.seen, 'system'), _part(self.seen, 'machine')
        self.containerd, self.kubernetes = _part(self.seen, 'containerd'), _part(self.seen, 'kubernetes')

    @property
    def path(self):
        return self.cluster.path('control_plane' if self.part == CONTROL else 'nodes')

    @property
    def kubelet(self):
        """Version of the kubelet that is installed; None: none is, or nobody knows."""
        return numbers.plain(self.kubernetes.get('kubelet'))

    @property
    def pods(self):
        """{name: tag of its image} of the static pods that kubeadm left."""
        return _part(self.kubernetes, 'static_pods')

    def installed(self, program):
        """Version of containerd or the kubelet that is there; kubeadm and kubectl come with the kubelet."""
        return numbers.plain(self.containerd.get('version')) if program == 'containerd' else self.kubelet

    @property
    def joined(self):
        """Whether it is part of a cluster already."""
        return bool(self.kubernetes.get('joined'))

    @property
    def root(self):
        """containerd's root file {version, imports, ours}; None: it has none."""
        return self.containerd['root'] if isinstance(self.containerd.get('root'), dict) else None

    @property
    def native(self):
        """Version that containerd itself writes; None: not told."""
        return self.containerd.get('native')

    @property
    def drop_ins(self):
        """[{path, version, ours}] of what the root file takes in."""
        return [one for one in self.containerd.get('drop_ins') or () if isinstance(one, dict)]

    def offers(self, program):
        """{upstream version: package version} of a program that the repositories of the host have, newest first."""
        rows = (self.kubernetes.get('offered') or {}).get(program) or ()
        found = {}
        for row in rows:
            if numbers.plain(row.get('version')):
                found.setdefault(numbers.plain(row['version']), row['version'])
        return found
