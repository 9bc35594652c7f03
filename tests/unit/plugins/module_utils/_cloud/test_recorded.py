# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What is decided from documents of real services: Nova 31, Placement 13 and Keystone 27 of Debian 13, after our modules had been there."""

from __future__ import annotations

import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import aggregates, cards, flavors, limits, naming, quotas, servers, services, whole
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _recorded

CARD = "class:CUSTOM_H100"
FLAVORS = [
    {"name": "try.1x", "vcpus": 1, "ram_mib": 64, "disk_gib": 1, "is_public": False, "access": ["research"],
     "extra_specs": {"pci_passthrough:alias": "h100:1", "trait:CUSTOM_AI_STACK_TRY": "required"}},
]  # fmt: skip
AGGREGATES = [
    {"name": "try-gpu", "hosts": ["compute1", "compute2"], "metadata": {"trait:CUSTOM_AI_STACK_TRY": "required"}},
    {"name": "try-tenant", "hosts": ["compute1.example.org"], "filter_tenant_id": "research"},
]


@pytest.fixture(scope="module")
def told(root):
    found = json.loads((root / "tests/unit/fixtures/clouds/nova-31-placement-13-keystone-27.json").read_text())
    return lambda start, key: next(document[key] for name, document in found.items() if name.startswith(start))


@pytest.fixture(scope="module")
def projects(told):
    return naming.Projects(told("identity /projects", "projects"))


def test_what_is_there_needs_no_call(told, projects):
    there = told("compute /flavors/detail", "flavors")
    one = next(one["id"] for one in there if one["name"] == "try.1x")
    access = [row["tenant_id"] for row in told(f"compute /flavors/{one}/os-flavor-access", "flavor_access")]
    seen = {"aggregates": told("compute /os-aggregates", "aggregates"), "hosts": [row["host"] for row in told("compute /os-services", "services")]}
    for outcome, _result in (
        flavors.present(FLAVORS, {"flavors": there, "access": {one: access}}, projects),
        aggregates.present(AGGREGATES, seen, projects),
    ):
        assert (outcome.calls, outcome.mistakes, outcome.before) == ([], [], {})


class Recorded:
    """A session with the recorded cloud. What was asked in other words is answered by the same place; of compute2 nothing was recorded."""

    region = "RegionOne"

    def __init__(self, documents):
        self.documents = documents

    def get(self, service, path, **_more):
        name = f"{service} {path}"
        known = [one for one in self.documents if one == name] or [one for one in self.documents if one.partition("?")[0] == name.partition("?")[0]]
        return self.documents[known[0]] if known else {"flavor_access": [], "allocations": {}, "inventories": {}, "resource_provider_generation": 0}

    def listed(self, service, path, key, **_more):
        return [] if path.endswith("host=compute2") else self.get(service, path)[key]


def test_a_whole_cloud_is_one_document_of_its_schema(root):
    found = json.loads((root / "tests/unit/fixtures/clouds/nova-31-placement-13-keystone-27.json").read_text())
    seen = whole.observation(Recorded(found), "main", ["compute1.example.org", "compute2", "controller"], "2026-11-27T22:00:00Z")
    assert _recorded.check_cloud(json.loads(json.dumps(seen)), "it", "main") and seen["missing"] == ["controller"] and seen["errors"] == []
    there = seen["hosts"]["compute1.example.org"]["servers"]
    assert [(one["name"], one["project"], one["wants_cards"]) for one in there] == [(f"train-{at}", "research", {"h100": 1}) for at in (2, 1)]
    traits = {"total": 1, "class": "CUSTOM_H100"}
    assert any(traits.items() <= one.items() for one in seen["providers"]["compute1.example.org"].values())
    assert (seen["flavors"]["try.1x"]["vcpus"], seen["flavors"]["try.1x"]["access"]) == (1, ["research"])
    assert seen["limits"] == {"registered": {CARD: 0}, "projects": {"research": {CARD: 4}, "health": {CARD: 2}}}
    assert (seen["services"]["compute2"]["status"], seen["services"]["compute2"]["ours"]) == ("disabled", False)


@pytest.fixture(scope="module")
def place(told):
    found, mistakes = limits.place_of(told("identity /services", "services"), told("identity /endpoints", "endpoints"), "compute", "RegionOne")
    assert not mistakes
    return found


@pytest.mark.parametrize(("listed", "calls"), [("identity /limits", 0), ("identity /limits as the admin of a project", 1)])
def test_limits_of_others_are_seen_by_a_login_for_the_whole_system_alone(told, projects, place, listed, calls):
    seen = limits.Seen(place, told("identity /registered_limits", "registered_limits"), told(listed, "limits"))
    outcome, _result = limits.present({CARD: 0, "servers": 10}, {"research": {CARD: 4}, "health": {CARD: 2}}, seen, projects)
    assert (len(outcome.calls), outcome.mistakes) == (calls, [])


def test_a_service_that_an_admin_disabled_is_left_alone(told):
    outcome, result = services.decide(["compute2"], "enabled", None, told("compute /os-services", "services"))
    assert (outcome.calls, result["left_alone"], result["services"][0]["reason"]) == ([], ["compute2"], "broken fan")


def test_a_server_is_told_with_its_tenant_and_its_cards(told, projects):
    found = {one["name"]: servers.server_of(one, projects) for one in told("compute /servers/detail", "servers")}
    assert (found["train-2"]["project"], found["train-2"]["wants_cards"], found["train-2"]["host"]) == ("research", {"h100": 1}, "compute1")


def test_the_view_finds_the_server_that_lost_its_allocation(told, projects):
    tree = cards.Tree(told("placement /resource_providers", "resource_providers"))
    assert tree.with_cards() == ["compute1", "compute2"]
    rows = told("compute /servers/detail", "servers")
    mine = next(one["id"] for one in rows if one["name"] == "train-2")
    places = [place for place in tree.places({"compute1": "compute1"}) if place[1] in ("0000:17:00.0", "0000:BD:00.0")]
    uuids = [one["uuid"] for _host, _address, one in places]
    seen = {
        "inventories": {uuid: told(f"placement /resource_providers/{uuid}/inventories", "inventories") for uuid in uuids},
        "allocations": {uuid: told(f"placement /resource_providers/{uuid}/allocations", "allocations") for uuid in uuids},
        "traits": {"COMPUTE_MANAGED_PCI_DEVICE": {one["uuid"] for one in told("placement /resource_providers?required=COMPUTE", "resource_providers")}},
        "servers": rows,
        "held": {mine: told(f"placement /allocations/{mine}", "allocations")},
    }
    planned = {"compute1": {place[1]: {"class": "CUSTOM_H100", "total": 1, "traits": ["COMPUTE_MANAGED_PCI_DEVICE"]} for place in places}}
    view = cards.View(places, ["compute1"], planned, seen, projects)
    assert [row["message"] for row in cards.differences(view, {})] == ["server train-1 of project research asks for 1 cards and has 0 in placement"]


def test_quotas_become_limits(told):
    defaults = quotas.as_limits(told("compute /os-quota-class-sets/default", "quota_class_set"))
    assert sorted(defaults) == sorted(quotas.LIMITS.values())
    assert quotas.difference(quotas.as_limits(told("compute /os-quota-sets/", "quota_set")), defaults) == {}
