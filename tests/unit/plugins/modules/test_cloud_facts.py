# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A cloud as one document, in as few requests as its services allow."""

from __future__ import annotations

from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _recorded

FIRST, SECOND = "0000:1B:00.0", "0000:3D:00.0"
WANTS = "h100:1"


def built(cloud):
    """Two computes, the first with two cards, one of them used."""
    cloud.card("compute1", FIRST)
    cloud.card("compute1", SECOND)
    cloud.server("a", "compute1", wants=WANTS, card=f"compute1_{FIRST}")
    cloud.server("old", "compute1", "p-health", WANTS)
    cloud.server("plain", "compute2", "p-health")
    cloud.services[1].update(status="disabled", disabled_reason="broken fan")
    cloud.migrations = [{"id": 9, "uuid": "m9", "instance_uuid": "plain", "status": "running", "migration_type": "live-migration",
                         "source_compute": "compute2", "dest_compute": "compute1"}]  # fmt: skip
    cloud.traits["compute1"].add("CUSTOM_AI_STACK_GPU")
    cloud.known_traits |= {"CUSTOM_AI_STACK_GPU", "CUSTOM_RACK_7"}
    sizes = {"vcpus": 1, "ram": 64, "disk": 1, "os-flavor-access:is_public": False}
    cloud.flavors = {"f1": {"id": "f1", "name": "h100.1x", "extra_specs": {"pci_passthrough:alias": WANTS}, **sizes}, "f2": {"id": "f2", "name": "m1", **sizes}}
    cloud.access = {"f1": ["p-research"], "f2": []}
    cloud.aggregates = {1: {"id": 1, "name": "ai-stack-gpu", "hosts": ["compute1"], "metadata": {"a": "b"}}}
    row = {"service_id": "s-nova", "region_id": "RegionOne"}
    cloud.registered = {"r1": {**row, "resource_name": "class:CUSTOM_H100", "default_limit": 0}, "r2": {**row, "resource_name": "servers", "default_limit": 9}}
    cloud.limits = {"l1": {**row, "resource_name": "class:CUSTOM_H100", "resource_limit": 2, "project_id": "p-research"}}


def test_all_that_a_plan_and_its_proof_want_to_know(run, cloud):
    built(cloud)
    result = run("cloud_facts", hosts=["compute1", "compute2", "controller"])
    seen = result["observation"]
    assert (result["changed"], cloud.writes(), seen["schema"], seen["cloud"]) == (False, [], "sovereign.ai_stack/cloud/1", "main")
    assert (seen["projects"], seen["missing"]) == (["admin", "health", "research"], ["controller"])
    assert seen["project_ids"] == {"p-research": "research", "p-health": "health", "p-admin": "admin"}
    assert seen["services"]["compute2"] == {"status": "disabled", "reason": "broken fan", "state": "up", "ours": False}
    first = seen["hosts"]["compute1"]
    assert [(one["id"], one["project"], one["wants_cards"], one["cards"]) for one in first["servers"]] == [
        ("a", "research", {"h100": 1}, [FIRST]), ("old", "health", {"h100": 1}, []),
    ]  # fmt: skip
    assert [one["id"] for one in first["migrations"]] == [one["id"] for one in seen["hosts"]["compute2"]["migrations"]] == [9]
    traits = ["COMPUTE_MANAGED_PCI_DEVICE", "CUSTOM_GPU_H100"]
    card = {"class": "CUSTOM_H100", "total": 1, "reserved": 0, "traits": traits}
    assert seen["providers"] == {
        "compute1": {FIRST: {**card, "used": 1, "servers": ["a"]}, SECOND: {**card, "used": 0, "servers": []}},
        "compute2": {},
    }
    assert seen["host_traits"] == {"compute1": ["CUSTOM_AI_STACK_GPU"], "compute2": []}
    assert [row["id"] for row in seen["without_allocation"]] == ["old"]
    flavor = {"vcpus": 1, "ram_mib": 64, "disk_gib": 1, "is_public": False, "extra_specs": {"pci_passthrough:alias": WANTS}, "access": ["research"]}
    assert seen["flavors"] == {"h100.1x": flavor}
    assert seen["aggregates"] == {"ai-stack-gpu": {"hosts": ["compute1"], "metadata": {"a": "b"}}}
    assert seen["limits"] == {"registered": {"class:CUSTOM_H100": 0}, "projects": {"research": {"class:CUSTOM_H100": 2}}}
    assert result["calls"] == len(cloud.asked) and len({(service, path) for service, _method, path, _body in cloud.asked}) == len(cloud.asked)
    assert _recorded.misfit(seen, _recorded.CLOUD, "cloud") is None


def test_a_service_that_a_run_of_ours_had_disabled_is_known(run, cloud):
    cloud.services[0].update(status="disabled", disabled_reason="ai-stack: boot")
    assert run("cloud_facts", hosts=["compute1"])["observation"]["services"]["compute1"]["ours"]


def test_limits_that_the_login_may_not_see_are_unknown_and_all_else_is_told(run, cloud):
    cloud.broken["GET", "/limits?"] = (403, {"error": {"message": "You are not authorized"}})
    seen = run("cloud_facts", hosts=["compute1"])["observation"]
    assert (seen["limits"], list(seen["hosts"])) == (None, ["compute1"])
    assert "You are not authorized" in seen["errors"][0]


def test_a_list_of_projects_that_is_cut_short_says_nothing_of_those_that_lack(run, cloud, monkeypatch):
    cloud.broken["GET", "/projects"] = (200, {"projects": cloud.projects[:1], "truncated": True})
    assert run("cloud_facts")["observation"]["projects"] is None


def test_a_cloud_that_does_not_answer_is_one_sentence(run, cloud):
    cloud.broken["GET", "/resource_providers"] = (503, {"errors": [{"detail": "no backend"}]})
    result = run("cloud_facts", hosts=["compute1"])
    assert result["failed"] and result["msg"] == "Cloud main: placement answers 503 to GET /resource_providers: no backend"
