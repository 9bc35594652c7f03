# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps a host from being a node: cgroups, swap, names that are not its own, and what others did to containerd."""

from __future__ import annotations

from .._compat.register import Objection, rule
from .._compat.text import listed, safe
from .._parse import containerd
from . import numbers
from .node import CONTROL, MEMBER, SERVER

_GROUP_V2 = 2


@rule('K8S-N16', 'node')
def node_was_seen(node):
    """A host that nobody saw may be a control plane that runs."""
    if not node.host.known:
        yield Objection('nothing is known of this host of cluster %s' % safe(node.cluster.name), 'an observation of it', node.path)


@rule('K8S-N17', 'node')
def observation_tells_enough(node):
    """What nobody knows passes for nothing."""
    if node.unknown:
        yield Objection('its observation does not tell, or not as it should: %s' % listed(node.unknown), 'an observation that this version makes', node.path)


@rule('K8S-N18', 'node')
def node_is_of_this_cluster(node):
    """A host that has joined something else is not taken from it."""
    parts = [name for name in (SERVER, MEMBER) if name in node.pods] if node.part != CONTROL else []
    if parts:
        yield Objection('it runs %s, and is no control plane of cluster %s' % (listed(parts), safe(node.cluster.name)),
                        'its group as control_plane, or kubeadm reset', node.path)
    elif node.joined and not node.cluster.running:
        yield Objection('it has joined a cluster, and no control plane of cluster %s runs' % safe(node.cluster.name),
                        'the control planes of that cluster, or kubeadm reset', node.path)


@rule('K8S-N1', 'node')
def cgroups_are_v2(node):
    """A kubelet of today does not start on cgroup v1 by itself, and one of tomorrow not at all."""
    row = node.cluster.row_of_minor or {}
    if node.cgroup not in (None, _GROUP_V2) and row.get('cgroup_v1') == 'refused':
        yield Objection('it has cgroup v%s, where the kubelet of %s does not start' % (node.cgroup, node.cluster.minor),
                        'systemd.unified_cgroup_hierarchy=1 on its kernel command line, or a waiver with an end', node.path)


@rule('K8S-N2', 'node')
def one_cgroup_driver(node):
    """Two managers of one tree lose containers under pressure."""
    if node.joined and node.containerd.get('systemd_cgroup') is False:
        yield Objection('containerd manages cgroups by itself here, and its kubelet leaves them to systemd', 'a run of the role container_runtime', node.path,
                        None, None, True)


@rule('K8S-N3', 'node')
def no_drop_in_is_newer_than_the_root_file(node):
    """Some patches of containerd stop when a drop-in has a higher version than the root file, and the node with them."""
    newer = containerd.newer(node.root, node.drop_ins) if node.root is not None else []
    if newer:
        version = numbers.plain(node.containerd.get('version')) or 'of unknown version'
        yield Objection('containerd %s has a root file of version %d here and drop-ins that are newer: %s' % (
            version, node.root['version'] or containerd.UNSAID, listed('%s (%d)' % (one['path'], one['version']) for one in newer)),
            'the root file in version %s, as `containerd config dump` prints it; drop-ins of others in that version or older' % (node.native or 'of its own'),
            node.path)


@rule('K8S-N5', 'node')
def one_containerd(node):
    """Whoever asks a second one gets the settings of another daemon."""
    if len(node.paths or ()) > 1:
        yield Objection('there are several programs called containerd: %s' % listed(node.paths), 'one, of the package that the site names', node.path)


@rule('K8S-N6', 'node')
def registries_stand_in_their_folder(node):
    """The old tables beside the folder of registries make containerd take a path of its own for pulls, or stop."""
    if node.old_registry:
        yield Objection('the settings of containerd have old tables of registries: %s' % listed(node.old_registry),
                        'config_path and a folder for each registry', node.path)


@rule('K8S-N12', 'node')
def swap_is_off(node):
    """A kubelet does not start beside swap that nobody told it of."""
    if node.swap:
        yield Objection('it swaps to %s' % listed(node.swap), 'swapoff, and no entry in /etc/fstab', node.path)


def _twins(node, key, value):
    return sorted(other.name for other in node.cluster.everyone if other.name != node.name and key(other) == value) if value else []


@rule('K8S-N14', 'node')
def machine_is_its_own(node):
    """Nodes that were cloned with their identity take each other's place."""
    for what, key in (('machine id', lambda one: one.system.get('machine_id')), ('product uuid', lambda one: one.machine.get('product_uuid'))):
        twins = _twins(node, key, key(node))
        if twins:
            yield Objection('its %s is that of %s too' % (what, listed(twins)), 'one of its own: systemd-machine-id-setup after /etc/machine-id was emptied'
                            if what == 'machine id' else 'hardware or a virtual machine with a uuid of its own', node.path)


@rule('K8S-N15', 'node')
def node_is_of_one_cluster(node):
    """A host has one kubelet."""
    for other in node.cluster.others:
        if node.name in other.names:
            yield Objection('it would be a node of cluster %s and of cluster %s' % (safe(node.cluster.name), safe(other.name)),
                            'hosts of its own for each cluster', node.path)
