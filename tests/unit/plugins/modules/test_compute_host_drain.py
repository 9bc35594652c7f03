# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Servers go out of the way as the site allows it, and only what we stopped comes back."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.modules import compute_host_drain

NAME = "server name-of-{} of project {}"
ONE, TWO = NAME.format("a", "research"), NAME.format("b", "health")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(compute_host_drain.time, "sleep", lambda seconds: None)


@pytest.fixture
def there(cloud):
    """A server with a card and one without on compute1, one on compute2."""
    cloud.server("a", "compute1", wants="h100:1")
    cloud.server("b", "compute1", project="p-health")
    cloud.server("c", "compute2", wants="h100:1")
    return cloud


def drain(run, **options):
    return run("compute_host_drain", **{"hosts": ["compute1"], "state": "drained", **options})


def states(cloud):
    return {one["id"]: (one["status"], one["OS-EXT-SRV-ATTR:host"], one.get("locked", False)) for one in cloud.servers}


def test_whoever_is_in_the_way_is_named_with_his_project(run, there):
    result = drain(run)
    assert (result["failed"], result["msg"]) == (True, f"in the way are {ONE}, {TWO}")
    assert drain(run, scope="with_cards")["msg"] == f"in the way are {ONE}"
    assert not there.writes()


def test_nobody_is_in_the_way_of_a_host_without_servers(run, cloud):
    assert not drain(run, hosts=["compute1", "controller"])["changed"]


def test_stopped_servers_are_locked_and_come_back(run, there):
    result = drain(run, how="stop")
    assert result["changes"] == [f"{ONE} is locked", f"{ONE} is stopped", f"{TWO} is locked", f"{TWO} is stopped"]
    assert states(there) == {"a": ("SHUTOFF", "compute1", True), "b": ("SHUTOFF", "compute1", True), "c": ("ACTIVE", "compute2", False)}
    assert there.servers[0]["locked_reason"] == "ai-stack: cards of compute1 change" and "2.73" in there.versions
    assert not drain(run, how="stop")["changed"]
    result = run("compute_host_drain", hosts=["compute1"], state="resumed")
    assert result["changes"] == [f"{ONE} is started", f"{ONE} is unlocked", f"{TWO} is started", f"{TWO} is unlocked"]
    assert states(there)["a"] == ("ACTIVE", "compute1", False)
    assert not run("compute_host_drain", hosts=["compute1"], state="resumed")["changed"]


def test_what_others_stopped_or_locked_stays_so(run, there):
    there.servers[0]["status"] = "SHUTOFF"
    there.servers[1].update(status="SHUTOFF", locked=True, locked_reason="audit")
    assert not drain(run, how="stop")["changed"]
    assert not run("compute_host_drain", hosts=["compute1"], state="resumed")["changed"]


def test_servers_move_and_each_move_is_confirmed(run, there):
    result = drain(run, how="cold_migrate", scope="with_cards")
    assert result["changes"] == [f"{ONE} moves to another host", f"the move of {ONE} is confirmed"]
    assert states(there)["a"] == ("ACTIVE", "compute2", False) and states(there)["b"][1] == "compute1"


def test_a_run_that_was_cut_off_between_is_gone_on_with(run, there):
    there.full = True
    there.servers[0].update({"status": "VERIFY_RESIZE", "OS-EXT-SRV-ATTR:host": "compute2"})
    moving = {"id": 1, "uuid": "m", "instance_uuid": "a", "status": "finished", "source_compute": "compute1", "dest_compute": "compute2"}
    there.migrations.append(dict(moving, migration_type="migration"))
    assert drain(run, how="cold_migrate", scope="with_cards")["changes"] == [f"the move of {ONE} is confirmed"]


def test_a_resize_is_its_tenants_and_waited_for(run, there):
    moving = {"id": 1, "uuid": "m", "instance_uuid": "a", "status": "finished", "source_compute": "compute1", "dest_compute": "compute2"}
    there.servers[0].update({"status": "VERIFY_RESIZE", "OS-EXT-SRV-ATTR:host": "compute2"})
    there.migrations.append(dict(moving, migration_type="resize"))
    result = drain(run, how="cold_migrate", scope="with_cards", wait=0)
    assert (result["msg"], result["changes"]) == (f"after 0 seconds still in the way: {ONE}", [])


def test_a_server_that_no_other_host_takes_ends_it(run, there):
    there.full = True
    result = drain(run, how="cold_migrate", scope="with_cards")
    assert result["failed"] and f"{ONE} does not move: no other host takes it" in result["msg"]
    assert result["changes"] == [f"{ONE} moves to another host"]


def test_waiting_ends_with_the_last_server_or_with_the_time(run, there, monkeypatch):
    assert drain(run, how="wait", wait=0)["msg"] == f"after 0 seconds still in the way: {ONE}, {TWO}"
    monkeypatch.setattr(compute_host_drain.time, "sleep", lambda seconds: there.servers.clear())
    result = drain(run, how="wait")
    assert not result.get("failed") and (result["changed"], there.writes()) == (False, [])


def test_check_mode_says_the_first_step(run, there):
    assert drain(run, check=True, how="stop")["changes"][:2] == [f"{ONE} is locked", f"{ONE} is stopped"]
