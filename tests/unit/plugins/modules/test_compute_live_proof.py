# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A tenant's servers come, are told of, and go, whatever becomes of the try."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.modules import compute_live_proof


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(compute_live_proof.time, "sleep", lambda seconds: None)


@pytest.fixture
def two(cloud):
    """A flavor, and two cards on compute1."""
    cloud.flavors["f-1"] = {"id": "f-1", "name": "h100.1x"}
    for address in ("0000:17:00.0", "0000:2a:00.0"):
        cloud.card("compute1", address)
    return cloud


def tried(run, **options):
    return run("compute_live_proof", **{"login": "research", "flavor": "h100.1x", "image": "tiny", **options})


ONE = {"status": "ACTIVE", "host": "compute1", "cards": {"compute1_0000:17:00.0": {"CUSTOM_H100": 1}}, "fault": None}
OTHER = {**ONE, "cards": {"compute1_0000:2a:00.0": {"CUSTOM_H100": 1}}}


def test_one_too_many_is_refused_by_the_limit(run, two):
    two.most = 2
    result = tried(run, count=3)
    assert (result["seen"], result["servers"], result["changed"]) == (True, [ONE, OTHER], False)
    assert result["refused"]["status"] == 403 and "Quota exceeded" in result["refused"]["says"]
    assert not two.servers and not any(two.allocations.values())


def test_one_too_many_finds_no_host(run, two):
    result = tried(run, count=3)
    assert result["servers"][2] == {"status": "ERROR", "host": None, "cards": {}, "fault": "No valid host was found."} and result["refused"] is None
    assert not two.servers


def test_a_flavor_that_the_tenant_does_not_see_is_not_asked_for(run, two):
    result = tried(run, flavor="other")
    assert (result["seen"], result["servers"]) == (False, []) and not two.writes()


def test_what_an_earlier_try_left_goes_first_and_nothing_else_does(run, two):
    two.server("s-old", "compute1", card="compute1_0000:17:00.0")
    two.servers[-1]["name"] = "ai-stack-live-proof-0"
    two.server("s-his", "compute1", card="compute1_0000:2a:00.0")
    assert tried(run)["servers"] == [ONE]
    assert [one["id"] for one in two.servers] == ["s-his"]


def test_servers_go_when_the_try_ends_in_a_failure(run, two):
    two.broken["GET", "/allocations/"] = (500, {"error": {"message": "down"}})
    result = tried(run)
    assert result["failed"] and "down" in result["msg"] and not two.servers


def test_servers_that_do_not_go_are_named(run, two):
    two.stuck = True
    result = tried(run, wait=0)
    assert result["failed"] and result["msg"] == "Cloud main: servers did not go within 0 seconds: ai-stack-live-proof-0"


def test_an_image_that_is_not_there_is_said_and_nothing_is_booted(run, two):
    two.images = []
    assert "sees 0 images named tiny" in tried(run)["msg"] and not two.writes()


def test_check_mode_only_looks(run, two):
    result = tried(run, check=True)
    assert (result["seen"], result["servers"]) == (True, [])
