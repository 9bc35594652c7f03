# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A cloud's part of a plan, as the role and the modules take it."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _clouds
from planner import PLATFORM, Planner

HOST = "gpu-h100-1"
SHAPE = {"cards": 1, "vcpus": 16, "ram_gib": 192, "disk_gib": 100}
POOL = {"name": "h100", "hosts": "gpus", "use": "passthrough", "cloud": "main", "shapes": [SHAPE], "tenants": {"research": {"max": 1}}}
DOORS = ["report_in_placement on main", "unified limits on main"]


@pytest.fixture
def plan(tables):
    planner = Planner(tables)

    def made(**cloud):
        row = {"name": "main", "region": "RegionOne", "series": "2025.1", "deployment": "packages", "nova": "31.3.1", **cloud}
        intent = {"ai_stack_site": "test", "ai_stack_clouds": [row], "ai_stack_pools": [POOL], "ai_stack_waivers": [PLATFORM], "ai_stack_confirm": DOORS}
        host = planner.recorded("h100-bookworm", system__cpu_vendor="GenuineIntel")
        return planner.plan(host, intent=intent, record=None, clouds={"main": {"projects": ["research"]}})

    return made


def test_a_cloud_whose_limits_count_no_cards(plan):
    mine = _clouds.slice_of(plan(), "main")
    cards = mine["settings"]["nova-compute"]["pci"]["device_spec"][HOST]
    assert mine["computes"] == [HOST]
    assert len(cards) == len(mine["providers"][HOST]) == 2
    assert (mine["counts_cards"], mine["registered"], mine["projects"]) == (False, {}, {})
    gpu, tenant = mine["aggregates"]
    assert (gpu["name"], gpu["hosts"], "filter_tenant_id" in gpu) == ("ai-stack-gpu", [HOST], False)
    assert tenant == {"name": "ai-stack-tenant-research", "hosts": [HOST], "metadata": {}, "filter_tenant_id": "research"}
    assert list(mine["host_traits"]) == [HOST]
    assert gpu["metadata"] == {f"trait:{mine['host_traits'][HOST][0]}": "required"}
    (flavor,), (open_to,) = mine["flavors"], mine["access"]
    assert open_to == {**flavor, "access": ["research"]}
    assert "access" not in flavor
    assert (flavor["vcpus"], flavor["ram_mib"], flavor["is_public"]) == (16, 192 * 1024, False)


def test_cards_out_of_service_are_named_one_by_one():
    out = {"b": {"0000:2b:00.0": "quarantined", "0000:1b:00.0": "maintenance"}, "a": {"0000:3b:00.0": "quarantined"}}
    cloud = {"settings": {}, "providers": {}, "reserved": out}
    rows = [{"kind": "nova_cloud", "id": "main", "decisions": [{"subject": subject, "value": value} for subject, value in cloud.items()]}]
    assert [tuple(one.values()) for one in _clouds.slice_of({"resources": rows}, "main")["out_of_service"]] == [
        ("a", "0000:3b:00.0"), ("b", "0000:1b:00.0"), ("b", "0000:2b:00.0"),
    ]  # fmt: skip


def test_a_cloud_whose_limits_count_cards(plan):
    mine = _clouds.slice_of(plan(series="2026.2", nova="34.0.0"), "main")
    (name,) = mine["registered"]
    assert name.startswith("class:CUSTOM_")
    assert (mine["counts_cards"], mine["registered"][name], mine["projects"]) == (True, 0, {"research": {name: 1}})


@pytest.mark.parametrize(("name", "series"), [("other", "2025.1"), ("mai", "2025.1"), ("main", "2030.1")])
def test_a_cloud_that_has_no_part_in_the_plan_is_named(plan, name, series):
    with pytest.raises(_clouds.NotPlanned, match=f"nothing for the cloud {name}:"):
        _clouds.slice_of(plan(series=series), name)
