# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Plan, providers, allocations and servers in one view."""

from __future__ import annotations

FIRST, SECOND = "0000:1B:00.0", "0000:3D:00.0"
CARD = {"class": "CUSTOM_H100", "total": 1, "traits": ["CUSTOM_GPU_H100"]}


def test_the_view_joins_all(run, cloud):
    cloud.card("compute1", FIRST)
    cloud.card("compute1", SECOND)
    cloud.card("compute2", FIRST, "CUSTOM_A100", traits=())
    cloud.server("a", "compute1", wants="h100:1", card=f"compute1_{FIRST}")
    cloud.server("old", "compute1", "p-health", "h100:1")
    cloud.allocations[f"compute1_{SECOND}"]["m"] = {"resources": {"CUSTOM_H100": 1}}
    result = run("pci_view_info", providers={"compute1": {FIRST.lower(): CARD}})
    first, second = result["cards"]
    assert first == {
        "host": "compute1", "address": FIRST, "provider": f"compute1_{FIRST}", "uuid": f"compute1_{FIRST}", "class": "CUSTOM_H100", "total": 1, "reserved": 0,
        "used": 1, "planned": CARD, "traits": ["COMPUTE_MANAGED_PCI_DEVICE", "CUSTOM_GPU_H100"],
        "servers": [{"id": "a", "name": "name-of-a", "status": "ACTIVE", "project_id": "p-research", "project": "research"}],
    }  # fmt: skip
    assert (second["planned"], second["servers"][0]["project"]) == (None, "unknown, it may be a migration")
    assert [(row["id"], row["project"], row["has_cards"]) for row in result["without_allocation"]] == [("old", "health", 0)]
    assert [row["what"] for row in result["differences"]] == ["unexpected", "no_allocation"]


def test_a_card_whose_other_class_is_taken_is_no_free_one(run, cloud):
    name = cloud.card("compute1", FIRST)
    cloud.inventories[name]["CUSTOM_ONE_MORE"] = {"total": 1, "reserved": 0}
    cloud.server("a", "compute1", card=name, klass="CUSTOM_ONE_MORE")
    assert [one["id"] for one in run("pci_view_info")["cards"][0]["servers"]] == ["a"]


def test_without_a_plan_every_host_with_cards_is_shown(run, cloud):
    cloud.card("compute2", FIRST)
    result = run("pci_view_info")
    assert ([card["host"] for card in result["cards"]], result["differences"]) == (["compute2"], [])
    assert run("pci_view_info", hosts=["compute1"])["cards"] == []
    assert run("pci_view_info", hosts=["compute5"])["differences"][0]["what"] == "no_provider"


def test_a_plan_of_another_shape_is_refused(run):
    assert run("pci_view_info", providers={"compute1": {"x": CARD}})["msg"] == "providers of host compute1: x is no PCI address"
