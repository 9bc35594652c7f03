# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A virt driver of Nova without guests: the stock fake one, but its PCI devices are those that /sys of this host shows.

nova-compute asks for them at its start and then every update_resources_interval. What libvirt says of a device stands in nova/virt/libvirt/host.py."""
from __future__ import annotations

import json
from pathlib import Path

from nova import objects
from nova.compute import power_state
from nova.virt import fake, node

DEVICES = Path("/sys/bus/pci/devices")


def _text(path):
    return path.read_text().strip() if path.exists() else ""


def _kind(place):
    if (place / "physfn").exists():
        return "type-VF"
    return "type-PF" if int(_text(place / "sriov_totalvfs") or 0) else "type-PCI"


def device(place):
    """One function as Nova's tracker wants it; PLACE is its folder."""
    vendor, product = (_text(place / name).removeprefix("0x") for name in ("vendor", "device"))
    numa, kind = int(_text(place / "numa_node") or -1), _kind(place)
    return {"address": place.name, "vendor_id": vendor, "product_id": product, "dev_type": kind, "numa_node": numa if numa >= 0 else None,
            "label": "label_%s_%s" % (vendor, product), "status": "available",
            "parent_addr": (place / "physfn").resolve().name if kind == "type-VF" else None}


def cells(nodes, cpus, memory):
    """The NUMA nodes that the cards of the host are on, each with its share; nova-scheduler gives no server with a NUMA node to a host without one."""
    share = cpus // len(nodes)
    for at, one in enumerate(nodes):
        mine = set(range(at * share, (at + 1) * share))
        yield objects.NUMACell(
            id=one, socket=one, cpuset=mine, pcpuset=set(), siblings=[{cpu} for cpu in sorted(mine)], pinned_cpus=set(), cpu_usage=0, memory_usage=0,
            memory=memory // len(nodes), mempages=[objects.NUMAPagesTopology(size_kb=4, total=memory // len(nodes) * 256, used=0)],
            network_metadata=objects.NetworkMetadata(physnets=set(), tunneled=False))


class LabDriver(fake.FakeDriver):
    """Big enough for every shape of a test."""

    vcpus, memory_mb, local_gb = 448, 2048 * 1024, 60000

    def get_nodenames_by_uuid(self, refresh=False):
        """The stock driver keeps no identity of its node: nova-compute would refuse its second start."""
        return {node.get_local_node_uuid(): self.get_available_nodes()[0]}

    def power_on(self, context, instance, *rest, **more):
        """A hypervisor has its guests after a reboot too; the stock driver has those of its process."""
        self.instances.setdefault(instance.uuid, fake.FakeInstance(instance.name, power_state.SHUTDOWN, instance.uuid))
        super().power_on(context, instance, *rest, **more)

    def get_available_resource(self, nodename):
        found = super().get_available_resource(nodename)
        devices = [device(place) for place in sorted(DEVICES.iterdir())]
        nodes = sorted({one["numa_node"] for one in devices} - {None}) or [0]
        topology = objects.NUMATopology(cells=list(cells(nodes, self.vcpus, self.memory_mb)))
        found.update(uuid=node.get_local_node_uuid(), pci_passthrough_devices=json.dumps(devices), numa_topology=topology._to_json())
        return found
