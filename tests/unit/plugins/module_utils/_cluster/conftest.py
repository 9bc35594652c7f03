# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A site of one cluster, one control plane and one worker, and every way to make it another one."""

from __future__ import annotations

import pytest
from planner import LIFE_CYCLE, PLATFORM, TODAY, Planner

PROGRAMS = ("kubeadm", "kubelet", "kubectl")
KUBERNETES = tuple(f"{one}-1.1" for one in ("1.37.2", "1.37.1", "1.36.4", "1.35.8", "1.34.11", "1.33.13"))
CONTAINERD = ("2.4.2-1", "2.4.0-1", "2.3.4-1", "2.2.7-1", "2.1.9-1", "1.7.34-1")


class Clustered(Planner):
    """Plans a site with clusters; hosts whose names begin with k8s-cp are control planes."""

    @staticmethod
    def host(name="k8s-w1", kubernetes=KUBERNETES, containerd=CONTAINERD, **changes):
        """What a fresh host tells; changes: path__of__keys -> value."""
        offered = {program: [{"version": one, "repository": "kubernetes"} for one in kubernetes] for program in PROGRAMS}
        offered["containerd"] = [{"version": one, "repository": "kubernetes"} for one in containerd]
        found = {
            "host": name, "at": f"{TODAY}T00:00:00Z", "reachable": True, "pci": [], "system": {"machine_id": f"id-of-{name}"},
            "machine": {"cgroup": 2, "swap": [], "product_uuid": f"uuid-of-{name}"},
            "containerd": {"version": None, "paths": [], "root": None, "native": None, "drop_ins": [], "old_registry": [], "systemd_cgroup": None},
            "kubernetes": {"kubelet": None, "joined": False, "static_pods": {}, "offered": offered},
        }  # fmt: skip
        for path, value in changes.items():
            place = found
            *folders, last = path.split("__")
            for folder in folders:
                place = place[folder]
            place[last] = value
        return found

    def with_cards(self, name="k8s-w1", recorded="h100-bookworm-converged", **changes):
        """A fresh host with two cards and their driver."""
        found = self.recorded(recorded)
        mine = self.host(name, **changes)
        return {**found, **{key: mine[key] for key in ("host", "machine", "containerd", "kubernetes")}, "system": {**found["system"], **mine["system"]}}

    @staticmethod
    def pool(name="training", **more):
        return {"name": name, "hosts": "workers", "use": "host", "cluster": "ai", **more}

    def given(self, *pools, nodes=None, **how):
        """A plan of a node with cards; nodes: {name: what the API told of it}."""
        told = {} if nodes is None else {"kubernetes__nodes": nodes}
        hosts = (self.host("k8s-cp1", **told), self.with_cards())
        return self.plan(*hosts, ai_stack_pools=list(pools), ai_stack_waivers=[PLATFORM, LIFE_CYCLE], **how)

    @staticmethod
    def cluster(name="ai", kubernetes="1.37", **more):
        return {"name": name, "kubernetes": kubernetes, "control_plane": "control", "nodes": "workers", "endpoint": "api.example.org:6443", **more}

    def plan(self, *hosts, clusters=None, seen=None, record=None, today=TODAY, **intent):
        hosts = hosts or (self.host("k8s-cp1"), self.host("k8s-w1"))
        wanted = {"ai_stack_site": "test", "ai_stack_clusters": [self.cluster()] if clusters is None else clusters, "ai_stack_pools": [],
                  "ai_stack_waivers": [PLATFORM], **intent}  # fmt: skip
        groups = {one["host"]: ["control" if one["host"].startswith("k8s-cp") else "workers"] for one in hosts}
        return self.planned({one["host"]: one for one in hosts}, groups, wanted, record, today, clusters=seen)


@pytest.fixture
def clustered(tables):
    return Clustered(tables)


def decided(plan, subject, name="ai"):
    """What is decided for a cluster."""
    (mine,) = [one for one in plan["resources"] if one["kind"] == "cluster" and one["id"] == name]
    return {row["subject"]: row for row in mine["decisions"]}[subject]
