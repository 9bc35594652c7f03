# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A site of one cloud, one pool and one host, and every way to make it another one."""

from __future__ import annotations

import pytest
from planner import PLATFORM, Planner

# a release that has every fix of its series
NOVA = {"2025.1": "31.3.1", "2025.2": "32.2.1", "2026.1": "33.0.2", "2026.2": "34.0.0"}
DOORS = ["report_in_placement on main", "unified limits on main"]
CARD, OTHER = "0000:17:00.0", "0000:65:00.0"
SHAPE = {"cards": 1, "vcpus": 16, "ram_gib": 192, "disk_gib": 100}


class Cloudy(Planner):
    """Plans a site with passthrough pools."""

    def host(self, name="h100-bookworm", **changes):
        """A recorded observation of a machine with an Intel CPU; changes: path__of__keys -> value."""
        return self.recorded(name, **{"system__cpu_vendor": "GenuineIntel", **changes})

    @staticmethod
    def pool(name="h100", **more):
        return {"name": name, "hosts": "gpus", "use": "passthrough", "cloud": "main", "shapes": [SHAPE], "tenants": {"research": {}}, **more}

    @staticmethod
    def intent(*pools, series="2025.1", cloud=None, **more):
        row = {"name": "main", "region": "RegionOne", "series": series, "deployment": "packages", "nova": NOVA.get(series),
               "releaser": "controller", **(cloud or {})}  # fmt: skip
        return {"ai_stack_site": "test", "ai_stack_clouds": [row], "ai_stack_pools": list(pools), "ai_stack_waivers": [PLATFORM],
                "ai_stack_confirm": DOORS, **more}  # fmt: skip

    def plan(self, *hosts, pools=None, record=None, clouds=None, now=None, **intent):
        """The plan of hosts with observations; by default of one with two H100."""
        wanted = self.intent(*([self.pool()] if pools is None else pools), **intent)
        return super().plan(*(hosts or [self.host()]), intent=wanted, record=record, clouds=clouds, now=now)


def server(identity="a", project="research", cards=(CARD,), wants=None):
    """A server as the observation of a cloud has it."""
    return {"id": identity, "name": f"name-of-{identity}", "project": project, "status": "ACTIVE", "cards": list(cards),
            "wants_cards": wants or ({"h100": len(cards)} if cards else {})}  # fmt: skip


def seen_cloud(*servers, migrations=(), shown=None, host="gpu-h100-1", **more):
    """The observation of a cloud with one host; shown: its cards, by default those that its servers have."""
    held = {place: [one["id"] for one in servers if place in one["cards"]] for place in (CARD, OTHER)}
    cards = {place: {"class": "CUSTOM_H100", "total": 1, "reserved": 0, "used": len(who), "traits": ["CUSTOM_GPU_H100"], "servers": who}
             for place, who in held.items()}  # fmt: skip
    found = {"projects": ["research", "health"], "project_ids": {}, "missing": [], "services": {}, "providers": {host: cards if shown is None else shown}}
    return {"main": {**found, "hosts": {host: {"service_host": host, "servers": list(servers), "migrations": list(migrations)}}, **more}}


@pytest.fixture
def cloudy(tables):
    return Cloudy(tables)


def decisions(plan, host="gpu-h100-1"):
    return {row["subject"]: row["value"] for row in plan["hosts"][host]["decisions"]}


def resource(plan, kind, name=None):
    """The decisions of one resource by subject; every one of the kind, by id, where none is named."""
    found = {one["id"]: {row["subject"]: row["value"] for row in one["decisions"]} for one in plan["resources"] if one["kind"] == kind}
    return found if name is None else found[name]
