# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A tenant's servers come, are told of, and go, whatever becomes of the try."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.sovereign.ai_stack.plugins.modules import compute_live_proof


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Time passes where somebody waits."""
    now = []
    monkeypatch.setattr(compute_live_proof, "time", SimpleNamespace(sleep=now.append, monotonic=lambda: sum(now)))


@pytest.fixture
def two(cloud):
    """A flavor, and two cards on compute1."""
    cloud.flavors["f-1"] = {"id": "f-1", "name": "h100.1x"}
    for address in ("0000:17:00.0", "0000:2a:00.0"):
        cloud.card("compute1", address)
    return cloud


def tried(run, **options):
    return run("compute_live_proof", **{"login": "research", "flavor": "h100.1x", "image": "tiny", **options})


ONE = {"status": "ACTIVE", "project": "p-research", "host": "compute1", "cards": {"compute1_0000:17:00.0": {"CUSTOM_H100": 1}}, "fault": None}
OTHER = {**ONE, "cards": {"compute1_0000:2a:00.0": {"CUSTOM_H100": 1}}}


def test_one_too_many_is_refused_by_the_limit(run, two):
    two.most = 2
    result = tried(run, count=3)
    assert (result["seen"], result["servers"], result["changed"]) == (True, [ONE, OTHER], False)
    assert result["refused"]["status"] == 403 and "Quota exceeded" in result["refused"]["says"]
    assert not two.servers and not any(two.allocations.values())


def test_one_too_many_finds_no_host(run, two):
    result = tried(run, count=3)
    assert result["servers"][2] == {**ONE, "status": "ERROR", "host": None, "cards": {}, "fault": "No valid host was found."} and result["refused"] is None
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


def test_servers_that_do_not_go_are_named_beside_what_else_went_wrong(run, two):
    two.stuck = True
    two.broken["GET", "/allocations/"] = (500, {"error": {"message": "down"}})
    result = tried(run, wait=10)
    first, second = result["msg"].splitlines()
    assert result["failed"] and "down" in first and second == "Cloud main: ai-stack-live-proof-0 did not go within 10 seconds."


def test_a_removal_that_failed_is_asked_for_again(run, two):
    two.broken["DELETE", "/servers/"] = (502, {"badGateway": {"message": "busy"}})
    assert tried(run, count=2, wait=10)["servers"] == [ONE, OTHER] and two.servers == []


class Always(dict):
    """What is broken stays so."""

    def __delitem__(self, _key):
        pass


def test_a_server_whose_removal_is_refused_keeps_no_other_one(run, two, monkeypatch):
    numbers = iter(range(9))
    monkeypatch.setattr(two, "new", lambda kind: f"{kind}-{next(numbers)}")
    two.broken = Always({("DELETE", "/servers/s-0"): (409, {"conflictingRequest": {"message": "locked"}})})
    result = tried(run, count=2, wait=10)
    assert result["failed"] and "ai-stack-live-proof-0 did not go" in result["msg"] and "locked" in result["msg"]
    assert [one["name"] for one in two.servers] == ["ai-stack-live-proof-0"]


def test_nothing_is_booted_beside_servers_that_an_earlier_try_left(run, two):
    two.server("s-old", "compute1")
    two.servers[-1]["name"] = "ai-stack-live-proof-0"
    two.stuck = True
    assert "did not go" in tried(run, wait=10)["msg"] and ("POST", "/servers") not in two.writes()


def test_what_is_asked_for_is_what_was_said(run, two):
    tried(run, networks="n-1, n-2")
    (body,) = [body["server"] for _service, method, path, body in two.asked if (method, path) == ("POST", "/servers")]
    assert body == {"name": "ai-stack-live-proof-0", "flavorRef": "f-1", "imageRef": "i-tiny", "networks": [{"uuid": "n-1"}, {"uuid": "n-2"}]}


def test_a_server_that_takes_too_long_is_told_as_it_is(run, two):
    two.slow = True
    assert tried(run, count=2, wait=10)["servers"] == [{**ONE, "status": "BUILD"}]


def test_an_image_that_is_not_there_is_said_and_nothing_is_booted(run, two):
    two.images = []
    assert "sees 0 images named tiny" in tried(run)["msg"] and not two.writes()


def test_check_mode_only_looks(run, two):
    result = tried(run, check=True)
    assert (result["seen"], result["servers"]) == (True, [])
