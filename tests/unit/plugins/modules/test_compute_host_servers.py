# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Who is on a host, by tenant, and what moves."""

from __future__ import annotations


def moving(number, status, source="compute1", destination="compute2"):
    row = {"id": number, "uuid": f"m{number}", "instance_uuid": "a0", "status": status, "migration_type": "resize"}
    return dict(row, source_compute=source, dest_compute=destination)


def test_servers_of_all_pages_come_with_tenant_and_cards(run, cloud):
    for number in range(5):
        cloud.server(f"a{number}", "compute1", "p-health" if number else "p-gone", "h100:2,nic:1")
    cloud.server("b", "compute2")
    result = run("compute_host_servers", hosts=["compute1.example.org"])
    found = result["hosts"]["compute1.example.org"]
    assert [one["id"] for one in found["servers"]] == ["a0", "a1", "a2", "a3", "a4"]
    assert found["servers"][1] == {
        "id": "a1", "name": "name-of-a1", "status": "ACTIVE", "project_id": "p-health", "project": "health", "flavor": "f", "host": "compute1",
        "wants_cards": {"h100": 2, "nic": 1},
    }  # fmt: skip
    assert (result["tenants"], result["calls"], result["changed"]) == ({"compute1.example.org": ["health", "p-gone"]}, 6, False)


def test_migrations_that_are_not_over_are_named(run, cloud):
    over = ("completed", "confirmed", "reverted", "error", "failed", "cancelled", "done")
    cloud.migrations = [moving(at, status) for at, status in enumerate(over)] + [moving(90, "finished"), moving(91, "running", "compute2", "compute1")]
    assert [one["id"] for one in run("compute_host_servers", hosts=["compute1"])["hosts"]["compute1"]["migrations"]] == [90, 91]


def test_a_host_without_a_service_is_refused_or_left_out(run):
    assert run("compute_host_servers", hosts=["x"])["msg"] == "host x has no compute service; one of: compute1, compute2"
    assert run("compute_host_servers", hosts=["x"], missing="ignore")["missing"] == ["x"]
