# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Services are disabled for our reason, and only what we disabled is enabled again."""

from __future__ import annotations

import pytest

OURS, THEIRS = "ai-stack: bindings change", "broken fan"


def state(cloud):
    return [(one["status"], one["disabled_reason"]) for one in cloud.services]


def test_a_service_is_disabled_with_a_reason_and_enabled_again(settled, cloud):
    result = settled("compute_service_status", hosts=["compute1.example.org"], state="disabled", reason="bindings change")
    assert result["changes"] == ["compute service of compute1 is disabled"]
    assert state(cloud) == [("disabled", OURS), ("enabled", None)]
    assert result["services"] == [
        {"host": "compute1.example.org", "service_host": "compute1", "status": "disabled", "reason": OURS, "ours": True, "state": "up"}
    ]
    result = settled("compute_service_status", hosts=["compute1", "compute2"], state="enabled")
    assert (result["changes"], state(cloud)) == (["compute service of compute1 is enabled"], [("enabled", None)] * 2)


@pytest.mark.parametrize("wanted", ["disabled", "enabled"])
def test_what_an_admin_disabled_stays_so(run, cloud, wanted):
    cloud.services[0].update(status="disabled", disabled_reason=THEIRS)
    result = run("compute_service_status", hosts=["compute1"], state=wanted, reason="bindings change")
    assert (result["changed"], result["left_alone"], result["services"][0]["ours"]) == (False, ["compute1"], False)


def test_an_admin_who_disables_meanwhile_keeps_it(run, cloud):
    run("compute_service_status", hosts=["compute1"], state="disabled", reason="bindings change")
    cloud.services[0]["disabled_reason"] = THEIRS
    assert run("compute_service_status", hosts=["compute1"], state="enabled")["left_alone"] == ["compute1"]


def test_our_own_reason_of_an_earlier_run_is_no_change(run):
    run("compute_service_status", hosts=["compute1"], state="disabled", reason="bindings change")
    assert not run("compute_service_status", hosts=["compute1"], state="disabled", reason="something else")["changed"]


@pytest.mark.parametrize(
    ("options", "mistakes"),
    [
        ({"hosts": ["compute1"], "state": "disabled"}, ["a service that is disabled needs a reason"]),
        ({"hosts": ["x"], "state": "disabled", "reason": " "},
         ["host x has no compute service; one of: compute1, compute2", "a service that is disabled needs a reason"]),
        ({"hosts": ["compute1"], "state": "disabled", "reason": "x" * 250}, ["the reason is longer than the 245 characters that Nova keeps"]),
    ],
)  # fmt: skip
def test_mistakes(run, cloud, options, mistakes):
    assert run("compute_service_status", **options)["mistakes"] == mistakes
    assert not cloud.writes()


def test_a_host_that_is_no_compute_yet_can_be_left_out(run):
    result = run("compute_service_status", hosts=["new", "compute1"], state="disabled", reason="x", missing="ignore")
    assert (result["missing"], result["changes"]) == (["new"], ["compute service of compute1 is disabled"])
