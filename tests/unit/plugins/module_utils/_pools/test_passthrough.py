# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a site with passthrough pools gets: the whole output of the smallest one, and what each widening adds."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import alone
from planner import named

from .conftest import NOVA, OTHER, SHAPE, decisions, resource, seen_cloud, server

HOST = "gpu-h100-1"
SERIES = ["zed", "2023.1", "2023.2", "2024.1", "2024.2", "2025.1", "2025.2", "2026.1", "2026.2"]
RISKS = [{"rule": rule, "scope": "cloud main", "reason": "lab", "approver": "board", "until": "2027-01-31"} for rule in ("NR-49", "NR-102")]


def settings(plan):
    return resource(plan, "nova_cloud", "main")["settings"]


def test_the_smallest_site_gets_everything(cloudy):
    plan = cloudy.plan()
    assert plan["conflicts"] == [] and plan["warnings"] == []
    assert plan["hosts"][HOST]["state"] == "planned"
    assert decisions(plan)["passthrough.bind"] == {
        address: {"vendor": "10de", "device": "2331", "group": group, "pool": "h100", "role": "card"}
        for address, group in (("0000:17:00.0", 23), ("0000:65:00.0", 101))
    }
    assert decisions(plan)["passthrough.keep_off"] == ["nouveau", "nvidia"] and decisions(plan)["passthrough.arguments"] == []
    alias = ['{"name": "h100", "resource_class": "CUSTOM_H100", "device_type": "type-PCI"}']
    spec = ['{"address": "%s", "vendor_id": "10de", "product_id": "2331", "resource_class": "CUSTOM_H100", "traits": "CUSTOM_GPU_H100"}' % address
            for address in ("0000:17:00.0", "0000:65:00.0")]  # fmt: skip
    filters = ("ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter,"
               "PciPassthroughFilter,NUMATopologyFilter,AggregateMultiTenancyIsolation")  # fmt: skip
    assert settings(plan) == {
        "nova-compute": {"pci": {"device_spec": {HOST: spec}, "alias": alias, "report_in_placement": "true"}, "DEFAULT": {"ram_allocation_ratio": "1.0"},
                         "filter_scheduler": {"pci_in_placement": "true"}},
        "nova-api": {"pci": {"alias": alias}, "filter_scheduler": {"pci_in_placement": "true"}},
        "nova-scheduler": {"filter_scheduler": {"pci_in_placement": "true", "enabled_filters": filters},
                           "scheduler": {"enable_isolated_aggregate_filtering": "true"}},
        "nova-conductor": {"filter_scheduler": {"pci_in_placement": "true"}},
    }  # fmt: skip
    (flavor,) = resource(plan, "flavor").values()
    assert flavor["access"] == ["research"] and flavor["flavor"] == {
        "name": "h100.1x.16c.192g.100d", "vcpus": 16, "ram_mib": 196608, "disk_gib": 100, "is_public": False,
        "extra_specs": {"pci_passthrough:alias": "h100:1", "trait:CUSTOM_AI_STACK_GPU": "required", "hw:numa_nodes": "1",
                        "hw:pci_numa_affinity_policy": "preferred"}}  # fmt: skip
    about = resource(plan, "nova_cloud", "main")
    assert about["providers"] == {HOST: {address: {"class": "CUSTOM_H100", "total": 1, "traits": ["CUSTOM_GPU_H100"]} for address in (
        "0000:17:00.0", "0000:65:00.0")}}  # fmt: skip
    assert about["tenancy.enforced"][1:] == ["research: no more than the 2 cards of pool h100"] and about["tenancy.not_enforced"]
    assert [change["resource"] for change in plan["resources"][0]["changes"] if change["irreversible"]] == ["report_in_placement on main"]


def test_steps_go_hosts_first_and_access_last(cloudy):
    steps = cloudy.plan()["steps"]
    assert [step["n"] for step in steps] == list(range(1, len(steps) + 1))
    assert all(max(step["needs"], default=0) < step["n"] for step in steps)
    assert [step["wave"] for step in steps] == sorted(step["wave"] for step in steps)
    words = [step["what"] for step in steps]
    assert words.index("write the bindings and kernel arguments") < words.index("write device_spec, report the cards to placement, and heal allocations")
    assert words[-1] == "verify" and words[-2].endswith("give the tenants access")


def test_hosts_reboot_one_after_the_other(cloudy):
    hosts = []
    for name in ("a", "b"):
        hosts.append({**cloudy.host(), "host": name})
        for one in hosts[-1]["pci"]:
            one["iommu_group"] = None
    steps = {step["n"]: step for step in cloudy.plan(*hosts)["steps"]}
    first, second = (step for step in steps.values() if step["costs"] == "reboot")
    assert first["targets"] == ["a"] and second["targets"] == ["b"] and first["n"] in second["needs"]


@pytest.mark.parametrize("series", SERIES)
def test_no_option_is_written_that_a_series_lacks(cloudy, series):
    plan = cloudy.plan(series=series, cloud={"nova": NOVA.get(series)}, ai_stack_waivers=RISKS)
    assert plan["conflicts"] == []
    written = {(section, name) for sections in settings(plan).values() for section, options in sections.items() for name in options}
    major = int(next(row["nova"] for row in cloudy.tables["nova_series"]["rows"] if row["series"] == series))
    assert (("filter_scheduler", "pci_in_placement") in written) is (major >= 27)
    assert (("pci", "report_in_placement") in written) is (major >= 27)
    assert (("quota", "driver") in written) is (major >= 34)
    assert bool(resource(plan, "registered_limit")) is (major >= 34)
    (alias,) = settings(plan)["nova-api"]["pci"]["alias"]
    assert ("resource_class" in json.loads(alias)) is (major >= 27) and ("product_id" in json.loads(alias)) is (major < 27)
    steps = " ".join(step["what"] for step in plan["steps"])
    assert ("through placement" in steps) is (major >= 27) and ("unified limits" in steps) is (major >= 34)


def test_a_site_that_keeps_the_legacy_quota_is_told_what_is_not_held(cloudy):
    pool = cloudy.pool(tenants={"research": {"max": 1}})
    plan = cloudy.plan(pools=[pool], series="2026.2", cloud={"quota": "legacy"}, ai_stack_confirm=["report_in_placement on main"])
    assert plan["conflicts"] == [] and [row["rule"] for row in plan["warnings"]] == ["NR-51"]
    assert "quota" not in settings(plan)["nova-api"] and resource(plan, "project_limit") == {}


def tenants(cloudy, *hosts, **how):
    """What the roles of the one host get to know of who is on it."""
    return cloudy.plan(*hosts, now="2026-11-27T22:30:00Z", **how)["hosts"]["gpu-h100-1"]["tenants"]


def test_who_is_in_the_way_of_a_host_goes_with_it(cloudy):
    window = {"hosts": "gpus", "from": "2026-11-27T22:00Z", "until": "2026-11-27T23:00Z", "servers": "cold_migrate", "reason": "new cards", "approver": "b"}
    clouds = seen_cloud(server(cards=(OTHER,)), server("plain", "health", ()))
    assert tenants(cloudy, clouds=clouds, ai_stack_windows=[window]) == {
        "cloud": "main", "scope": "all", "how": "cold_migrate", "until": "2026-11-27T23:00Z", "reason": "new cards",
        "servers": [{"id": "a", "name": "name-of-a", "project": "research"}, {"id": "plain", "name": "name-of-plain", "project": "health"}],
    }  # fmt: skip
    bound = cloudy.host(driver__loaded={})
    for one in bound["pci"]:
        one.update(driver="vfio-pci", driver_override="vfio-pci")
    nobody = {"cloud": "main", "scope": "with_cards", "how": None, "until": None, "reason": None, "servers": []}
    assert tenants(cloudy, bound, clouds=clouds) == nobody
    # a card that nova-compute is told of no more concerns who holds it, and nobody else
    losing = tenants(cloudy, bound, clouds=clouds, pools=[cloudy.pool(select={"slots": ["1"]})], ai_stack_windows=[window])
    assert (losing["scope"], [one["id"] for one in losing["servers"]]) == ("with_cards", ["a"])
    assert cloudy.plan(cloudy.host(), pools=[])["hosts"]["gpu-h100-1"]["tenants"] is None


def test_a_host_that_is_out_of_service_is_not_acted_on_and_loses_nothing(cloudy):
    states = [{"host": HOST, "state": "maintenance", "reason": "fan"}]
    clouds = seen_cloud(server(), server("moving"), migrations=[{"server_id": "moving", "status": "running"}])
    assert cloudy.plan(clouds=clouds, cloud={"hosts": "gpus"}, ai_stack_states=states)["conflicts"] == []
    assert cloudy.plan(clouds=clouds, cloud={"hosts": "gpus"})["conflicts"] != []


def test_settings_that_are_not_written_yet_are_proven_by_a_boot_too(cloudy):
    bound = cloudy.host(driver__loaded={}, passthrough={"settings": None, "open": None, "last_change": None, "touched": False, "drained": False})
    for one in bound["pci"]:
        one.update(driver="vfio-pci", driver_override="vfio-pci")
    plan = cloudy.plan(bound, clouds=seen_cloud(server()))
    named(plan["conflicts"], "NR-105", "it boots")
    want = alone.settings(Index(cloudy.tables), decisions(cloudy.plan(bound)), bound, ["hugepagesz=1G", "hugepages=64"])
    assert decisions(cloudy.plan(bound))["passthrough.reboot"] is True
    bound["passthrough"]["settings"] = want
    bound["kernel"]["cmdline"] = " ".join(want["arguments"])
    plan = cloudy.plan(bound, clouds=seen_cloud(server()))
    assert (plan["conflicts"], plan["hosts"]["gpu-h100-1"]["state"], decisions(plan)["passthrough.reboot"]) == ([], "converged", False)


def test_a_host_with_somebody_in_the_way_changes_nothing_and_the_others_go_on(cloudy):
    other = cloudy.host("h100-bookworm", host="other")
    clouds = seen_cloud(server())
    clouds["main"]["hosts"]["other"] = {"servers": [], "migrations": []}
    plan = cloudy.plan(cloudy.host(), other, clouds=clouds)
    assert {row["host"] for row in plan["conflicts"]} == {"gpu-h100-1"}
    assert list(settings(plan)["nova-compute"]["pci"]["device_spec"]) == list(resource(plan, "nova_cloud", "main")["providers"]) == ["other"]
    assert plan["hosts"]["gpu-h100-1"]["changes"] == [] and plan["hosts"]["other"]["changes"]


def test_a_tenant_whose_time_is_over_gets_nothing(cloudy):
    pool = cloudy.pool(tenants={"research": {"max": 1, "until": "2026-11-24"}, "health": {"max": 1, "until": "2026-11-25"}})
    plan = cloudy.plan(pools=[pool], series="2026.2")
    assert [flavor["access"] for flavor in resource(plan, "flavor").values()] == [["health"]]
    assert list(resource(plan, "project_limit")) == ["main/health/class:CUSTOM_H100"]


def test_a_whole_board_takes_its_switches_along(cloudy):
    plan = cloudy.plan(cloudy.host("hgx-h100-bookworm"), pools=[cloudy.pool(shapes=[{**SHAPE, "cards": 8}])])
    assert plan["conflicts"] == []
    bound = decisions(plan, "gpu-hgx-1")["passthrough.bind"]
    assert sorted(one["role"] for one in bound.values()) == ["card"] * 8 + ["switch"] * 4
    lines = [json.loads(line) for line in settings(plan)["nova-compute"]["pci"]["device_spec"]["gpu-hgx-1"]]
    assert sorted(line["resource_class"] for line in lines) == ["CUSTOM_H100"] * 8 + ["CUSTOM_H100_NVSWITCH"] * 4
    (flavor,) = resource(plan, "flavor").values()
    assert flavor["flavor"]["extra_specs"]["pci_passthrough:alias"] == "h100:8,h100-nvswitch:4"
    assert flavor["flavor"]["extra_specs"]["hw:numa_nodes"] == "2"


def test_a_companion_of_a_card_is_bound_and_given_to_nobody(cloudy):
    seen = cloudy.host()
    seen["pci"].append({**seen["pci"][0], "address": "0000:17:00.1", "class": "040300", "device": "22bd", "driver": "snd_hda_intel"})
    plan = cloudy.plan(seen)
    assert plan["conflicts"] == []
    assert decisions(plan)["passthrough.bind"]["0000:17:00.1"] == {
        "vendor": "10de", "device": "22bd", "group": 23, "pool": None, "role": "companion of 0000:17:00.0"}  # fmt: skip
    assert decisions(plan)["passthrough.reboot"] is True
    assert "0000:17:00.1" not in json.dumps(settings(plan))


def test_a_bridge_in_the_group_is_nobodys_business(cloudy):
    seen = cloudy.host()
    seen["pci"].append({**seen["pci"][0], "address": "0000:16:00.0", "class": "060400", "vendor": "8086", "device": "352a", "driver": "pcieport"})
    assert cloudy.plan(seen)["conflicts"] == []


def test_a_driver_that_another_card_needs_is_not_kept_off(cloudy):
    pools = [cloudy.pool(select={"slots": ["1"]}), {"name": "own", "hosts": "gpus", "use": "host", "select": {"slots": ["2"]}}]
    plan = cloudy.plan(cloudy.host("h100-bookworm-converged"), pools=pools, ai_stack_driver={"policy": "535"},
                       ai_stack_waivers=[{"rule": "ACC-4", "scope": "site", "reason": "x", "approver": "b", "until": "2099-01-01"},
                                         {"rule": "ACC-83", "scope": "site", "reason": "x", "approver": "b", "until": "2099-01-01"}])  # fmt: skip
    assert plan["conflicts"] == []
    assert decisions(plan)["passthrough.keep_off"] == [] and list(decisions(plan)["passthrough.bind"]) == ["0000:17:00.0"]
    assert decisions(plan)["driver.set"] and decisions(plan)["passthrough.reboot"] is True


def test_a_quarantined_card_stays_bound_and_is_reserved(cloudy):
    first = cloudy.plan(cloudy.host("h100-bookworm"))["record"]
    plan = cloudy.plan(record=first, ai_stack_states=[{"host": HOST, "address": "0000:65:00.0", "state": "quarantined", "reason": "Xid 79"}])
    assert plan["conflicts"] == []
    assert "0000:65:00.0" in decisions(plan)["passthrough.bind"]
    assert resource(plan, "nova_cloud", "main")["reserved"] == {HOST: {"0000:65:00.0": "quarantined"}}
    retired = cloudy.plan(record=first, ai_stack_states=[{"host": HOST, "address": "0000:65:00.0", "state": "retired", "reason": "sold"}])
    assert list(decisions(retired)["passthrough.bind"]) == ["0000:17:00.0"]


def test_a_pool_that_changes_hands_is_refused_where_nothing_wipes_its_cards(cloudy):
    record = cloudy.plan()["record"]
    assert [row["tenants"] for row in record["cards"]] == [["research"], ["research"]]
    plan = cloudy.plan(pools=[cloudy.pool(tenants={"health": {}})], record=record)
    assert {row["rule"] for row in plan["conflicts"]} == {"NR-83"} and "was given to research before, and goes to health" in plan["conflicts"][0]["message"]
    waiver = {"rule": "NR-83", "scope": "pool h100", "reason": "wiped by hand", "approver": "board", "until": "2026-12-01"}
    later = cloudy.plan(pools=[cloudy.pool(tenants={"health": {}})], record=record, ai_stack_waivers=[waiver])
    assert later["conflicts"] == [] and [row["tenants"] for row in later["record"]["cards"]] == [["health"], ["health"]]


JOINS = [("a", "a", False), ("a", "ab", True), ("ab", "ab", False), ("ab", "abc", False), ("ab", "a", True), ("a", "b", True), ("a", "", False)]


@pytest.mark.parametrize("before, now, refused", JOINS)
def test_what_one_tenant_had_is_wiped_before_another_gets_it(cloudy, before, now, refused):
    record = cloudy.plan(series="2026.1", pools=[cloudy.pool(tenants=dict.fromkeys(before, {}))])["record"]
    plan = cloudy.plan(series="2026.1", pools=[cloudy.pool(tenants=dict.fromkeys(now, {}))], record=record)
    assert {row["rule"] for row in plan["conflicts"]} == ({"NR-83"} if refused else set())


def test_limits_count_the_cards_of_a_host_that_is_dark_today(cloudy):
    both = [cloudy.host(), {**cloudy.host(), "host": "other"}]
    record = cloudy.plan(*both, series="2026.2")["record"]
    dark = {"schema": "sovereign.ai_stack/observation/1", "host": "other", "at": "2026-11-25T19:00:00Z", "reachable": False}
    plan = cloudy.plan(both[0], dark, series="2026.2", record=record)
    assert resource(plan, "project_limit")["main/research/class:CUSTOM_H100"]["limit"] == 4
    assert resource(plan, "aggregate", "main/ai-stack-gpu")["hosts"] == [HOST, "other"]
    out = cloudy.plan(*both, series="2026.2", record=record, ai_stack_states=[{"host": "other", "state": "maintenance", "reason": "fans"}])
    assert resource(out, "project_limit")["main/research/class:CUSTOM_H100"]["limit"] == 4
    gone = cloudy.plan(*both, series="2026.2", record=record, ai_stack_states=[{"host": "other", "state": "retired", "reason": "sold"}])
    assert resource(gone, "project_limit")["main/research/class:CUSTOM_H100"]["limit"] == 2


def test_a_cloud_whose_hosts_are_all_dark_keeps_its_alias_and_flavors(cloudy):
    record = cloudy.plan()["record"]
    dark = {"schema": "sovereign.ai_stack/observation/1", "host": HOST, "at": "2026-11-25T19:00:00Z", "reachable": False}
    plan = cloudy.plan(dark, record=record)
    assert plan["conflicts"] == [] and settings(plan)["nova-api"]["pci"]["alias"] == settings(cloudy.plan())["nova-api"]["pci"]["alias"]
    assert resource(plan, "flavor") == resource(cloudy.plan(), "flavor")


def test_a_cloud_whose_hosts_were_never_seen_has_nothing_to_plan(cloudy):
    dark = {"schema": "sovereign.ai_stack/observation/1", "host": HOST, "at": "2026-11-25T19:00:00Z", "reachable": False}
    plan = cloudy.plan(dark)
    assert plan["conflicts"] == [] and plan["resources"] == [] and plan["steps"] == []
    assert "NR-98" not in [row["rule"] for row in plan["warnings"]]


def test_a_card_without_a_group_among_others_with_one_is_refused(cloudy):
    seen = cloudy.host()
    seen["pci"][1]["iommu_group"] = None
    assert [(row["rule"], row["host"]) for row in cloudy.plan(seen)["conflicts"]] == [("NR-60", HOST)]


def test_a_host_that_is_refused_keeps_no_other_from_its_cards(cloudy):
    bad = {**copy.deepcopy(cloudy.host("h100-bookworm", kernel__cmdline="pcie_acs_override=downstream")), "host": "bad"}
    plan = cloudy.plan(cloudy.host(), bad)
    assert plan["hosts"]["bad"]["state"] == "refused" and plan["hosts"][HOST]["state"] == "planned"
    assert list(settings(plan)["nova-compute"]["pci"]["device_spec"]) == [HOST]
    assert not any("bad" in step["targets"] for step in plan["steps"])


def test_a_host_that_is_as_decided_changes_nothing(cloudy):
    seen = cloudy.host()
    for one in seen["pci"]:
        one.update(driver="vfio-pci", driver_override="vfio-pci")
    plan = cloudy.plan(seen)
    assert plan["hosts"][HOST]["state"] == "converged" and plan["hosts"][HOST]["changes"] == []
    assert decisions(plan)["passthrough.reboot"] is False


def test_a_recorded_door_is_not_asked_for_again(cloudy):
    record = {"clouds": {"main": {"report_in_placement": [HOST], "unified_limits": True}}}
    plan = cloudy.plan(series="2026.2", ai_stack_confirm=[], record=record)
    assert plan["conflicts"] == [] and plan["resources"][0]["changes"] == []
    assert plan["record"]["clouds"] == record["clouds"]


def test_cards_of_two_pools_are_two_classes(cloudy):
    pools = [cloudy.pool("one", select={"slots": ["1"]}), cloudy.pool("two", select={"slots": ["2"]}, tenants={"health": {}})]
    plan = cloudy.plan(pools=pools)
    assert plan["conflicts"] == []
    assert {json.loads(line)["resource_class"] for line in settings(plan)["nova-api"]["pci"]["alias"]} == {"CUSTOM_ONE", "CUSTOM_TWO"}
    # the cards of the host are of two tenants: it is reserved for none
    assert list(resource(plan, "aggregate")) == ["main/ai-stack-gpu"]


def test_one_card_in_two_pools_is_refused(cloudy):
    plan = cloudy.plan(pools=[cloudy.pool("one"), cloudy.pool("two", select={"slots": ["2"]})])
    assert [row["rule"] for row in plan["conflicts"] if row["host"] == HOST] == ["ACC-66"]


def test_virtual_functions_count_on_the_provider_of_their_card(cloudy):
    seen = cloudy.host()
    for at, one in enumerate(seen["pci"]):
        one.update(physfn="0000:16:00.0", address="0000:16:00.%d" % (at + 4))
    plan = cloudy.plan(seen, pools=[cloudy.pool(shapes=[{**SHAPE, "cards": 2}])])
    assert plan["conflicts"] == []
    assert resource(plan, "nova_cloud", "main")["providers"] == {HOST: {"0000:16:00.0": {"class": "CUSTOM_H100", "total": 2, "traits": ["CUSTOM_GPU_H100"]}}}
    assert [flavor["flavor"]["extra_specs"]["group_policy"] for flavor in resource(plan, "flavor").values()] == ["none"]


def test_what_the_pool_says_of_its_guests_is_in_its_flavors(cloudy):
    plan = cloudy.plan(pools=[cloudy.pool(guest={"cpus": "dedicated", "pages": "large", "numa": "required"})])
    (flavor,) = resource(plan, "flavor").values()
    specs = flavor["flavor"]["extra_specs"]
    assert (specs["hw:cpu_policy"], specs["hw:mem_page_size"], specs["hw:pci_numa_affinity_policy"]) == ("dedicated", "large", "required")


def test_all_conflicts_come_at_once(cloudy):
    pool = cloudy.pool(shapes=[{**SHAPE, "cards": 9}], tenants={"a": {"max": 9}, "b": {}})
    plan = cloudy.plan(cloudy.host(kernel__cmdline="pcie_acs_override=downstream"), pools=[pool], cloud={"nova": "31.0.0-6+deb13u2"}, ai_stack_confirm=[])
    assert {"NR-26", "NR-49", "NR-66", "NR-83", "NR-98", "NR-100", "NR-102"} <= {row["rule"] for row in plan["conflicts"]}
    assert plan["resources"] == [] and plan["steps"] == []
