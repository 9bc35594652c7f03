# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Quotas as limits: defaults for all, and for a project only what it has otherwise."""

from __future__ import annotations


def test_quotas_become_limits_that_can_be_set(run, settled, cloud):
    cloud.projects.append({"id": "p-twin", "name": "health", "domain_id": "other"})
    cloud.quotas = {"p-research": {"instances": 100}, "p-health": {"cores": -1, "floating_ips": 99}, "p-admin": {"ram": 51200}}
    result = run("compute_quotas_info")
    assert result["registered"] == {"servers": 10, "class:VCPU": 20, "class:MEMORY_MB": 51200, "server_injected_files": 5, "server_groups": 10}
    assert result["projects"] == {"research": {"servers": 100}, "p-health": {"class:VCPU": -1}}
    assert (result["calls"], result["changed"]) == (6, False)
    assert len(settled("identity_limits", registered=result["registered"], projects=result["projects"])["changes"]) == 7


def test_quotas_of_files_are_asked_for_in_the_last_version_that_shows_them(run, cloud):
    run("compute_quotas_info")
    assert {version for (_service, _method, path, _body), version in zip(cloud.asked, cloud.versions) if "quota" in path} == {"2.56"}


def row(name, field, value, project=None):
    place = {"id": f"{name}-{project}", "service_id": "s-nova", "region_id": "RegionOne", "resource_name": name, field: value}
    return dict(place, project_id=project) if project else place


def test_what_has_no_equal_limit_is_named_and_after_that_nothing_is(run, cloud):
    cloud.quotas = {"p-research": {"instances": 100}, "p-health": {"cores": 4}}
    rows = [row("servers", "default_limit", 7), row("class:VCPU", "default_limit", 20)]
    cloud.registered = {one["id"]: one for one in rows}
    # of projects that had the default: what somebody prepared, and what equals it
    given = [("servers", 3, "p-admin"), ("class:VCPU", 20, "p-admin"), ("class:VCPU", 4, "p-health")]
    rows = [row(name, "resource_limit", value, project) for name, value, project in given]
    cloud.limits = {one["id"]: one for one in rows}
    before = run("compute_quotas_info", compared=True)
    assert before["unequal"]["registered"] == {"servers": 10, "class:MEMORY_MB": 51200, "server_injected_files": 5, "server_groups": 10}
    assert before["unequal"]["projects"] == {"admin": {"servers": 10}, "research": {"servers": 100}}
    assert len(run("identity_limits", **before["unequal"])["changes"]) == 6
    after = run("compute_quotas_info", compared=True)
    assert after["unequal"] == {"registered": {}, "projects": {}}
    assert (after["registered"], after["projects"]) == (before["registered"], before["projects"])


def test_what_a_limit_would_not_hold_is_said(run, cloud):
    cloud.quotas = {"default": {"server_groups": 0}}
    specs = {"a": {"hw:cpu_policy": "dedicated"}, "b": {"resources:PCPU": "4"}, "c": {"hw:cpu_policy": "shared"}}
    cloud.flavors = {name: {"id": name, "name": name, "extra_specs": each} for name, each in specs.items()}
    zero, pinned = run("compute_quotas_info", compared=True)["doubts"]
    assert zero.startswith("Nova says 0 for server_groups and Keystone has no limit of it")
    assert pinned.startswith("flavors a, b pin CPUs")
    cloud.registered = {name: row(name, "default_limit", 0) for name in ("server_groups", "class:PCPU")}
    assert run("compute_quotas_info", compared=True)["doubts"] == []
