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
