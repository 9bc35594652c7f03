# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""One case for each enforced rule about Nova: it must go red when the rule's row leaves the register.

A case is a function under the id of its rule. It gets the planner of a cloudy site.
"""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import lint
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools.series import Series
from planner import Cases, named, refused

from .conftest import CARD, OTHER, SHAPE, decisions, resource, seen_cloud, server

case = Cases()


def warned(plan, identity, words):
    assert named(plan["warnings"], identity, words)
    assert plan["conflicts"] == []


def series(cloudy, name="2025.1"):
    index = Index(cloudy.tables)
    return Series(index, index.series[name])


def spec(cloudy, identity, text, words, name="2025.1", report=True):
    named(lint.device_spec([text], series(cloudy, name), report)[0], identity, words)


def alias(cloudy, identity, *texts, words, placement=True):
    named(lint.alias(texts, series(cloudy), placement)[0], identity, words)


def flavor(cloudy, identity, words, **changes):
    specs = {"pci_passthrough:alias": "h100:1", "hw:numa_nodes": "1", "hw:pci_numa_affinity_policy": "preferred"}
    good = {"name": "g", "is_public": False, "extra_specs": specs}
    index, kinds = Index(cloudy.tables), {"h100": "type-VF"}
    assert lint.flavor(index, good, {"h100": 2}, ["CUSTOM_H100"], kinds) == ([], [])
    bad = {**good, **changes, "extra_specs": {key: value for key, value in {**good["extra_specs"], **changes.get("extra_specs", {})}.items() if value}}
    named(lint.flavor(index, bad, {"h100": 2}, ["CUSTOM_H100"], kinds)[0], identity, words)


def selection(cloudy, identity, words, seen, *texts, **how):
    named(lint.selected(texts, series(cloudy, "2026.1"), True, seen, **how)[0], identity, words)


def function(seen, at=0, **changes):
    """The host with one function changed."""
    seen["pci"][at].update(changes)
    return seen


def beside(seen, at=0, **changes):
    """The host with one more function, in the group of another."""
    seen["pci"].append({**seen["pci"][at], "address": "0000:17:00.1", "class": "040300", "device": "22bd", **changes})
    return seen


def option(plan, name):
    (found,) = [row for row in plan["resources"][0]["decisions"] if row["subject"].endswith("." + name)]
    return found["value"], found["rule"]


# Device selection


@case("NR-01")
def single_quotes_are_no_json(cloudy):
    spec(cloudy, "NR-01", "{'vendor_id': '10de'}", "no JSON")


@case("NR-02")
def entry_without_a_narrowing_key_takes_everything(cloudy):
    spec(cloudy, "NR-02", '{"resource_class": "CUSTOM_A"}', "selects every PCI device")


@case("NR-03")
def key_of_a_later_series_is_unknown(cloudy):
    spec(cloudy, "NR-03", '{"address": "0000:17:00.0", "one_time_use": "true"}', "does not know the key one_time_use")


@case("NR-04")
def number_as_id_is_refused(cloudy):
    spec(cloudy, "NR-04", '{"vendor_id": "10de", "product_id": 2330}', "product_id cannot be 2330")


@case("NR-05")
def prefix_is_refused(cloudy):
    spec(cloudy, "NR-05", '{"vendor_id": "0x10de", "product_id": "2330"}', "four small hex digits")


@case("NR-06")
def open_expression_is_refused(cloudy):
    spec(cloudy, "NR-06", '{"address": {"bus": "1"}}', "has no end")


@case("NR-07")
def slot_above_1f_is_refused(cloudy):
    spec(cloudy, "NR-07", '{"address": "0000:1a:20.0"}', "out of bounds")


@case("NR-08")
def entry_that_selects_nothing_is_refused(cloudy):
    selection(cloudy, "NR-08", "selects no device", cloudy.host(), '{"address": "0000:99:00.0"}')


@case("NR-09")
def pf_with_vfs_is_refused(cloudy):
    plan = cloudy.plan(function(cloudy.host(), sriov_totalvfs=16, sriov_numvfs=4), pools=[cloudy.pool(select={"slots": ["1"]})])
    refused(plan, "NR-09", "has 4 VFs", "ai_stack_pools[0].select")
    vf = beside(function(cloudy.host(), sriov_totalvfs=16), address="0000:17:00.4", physfn=CARD)
    selection(cloudy, "NR-09", "both selected", vf, '{"address": "0000:17:00.0"}')


@case("NR-10")
def vfs_of_one_card_are_not_split(cloudy):
    seen = beside(function(cloudy.host(), physfn="0000:16:00.0"), **{"class": "030200"}, device="2331", physfn="0000:16:00.0", slot="9")
    pools = [cloudy.pool("one", select={"slots": ["1"]}), cloudy.pool("two", select={"slots": ["9"]})]
    refused(cloudy.plan(seen, pools=pools), "NR-10", "are in pools one and two", "ai_stack_pools[1].select")
    lines = ['{"address": "0000:17:00.0", "resource_class": "CUSTOM_A"}', '{"address": "0000:17:00.1", "resource_class": "CUSTOM_B"}']
    selection(cloudy, "NR-10", "different classes", seen, *lines)


@case("NR-11")
def devname_is_refused(cloudy):
    spec(cloudy, "NR-11", '{"devname": "eth0"}', "uses devname")


@case("NR-12")
def device_for_ports_is_refused(cloudy):
    spec(cloudy, "NR-12", '{"address": "0000:17:00.0", "physical_network": null}', "never be in placement")
    spec(cloudy, "NR-12", '{"address": "0000:17:00.0", "remote_managed": "true"}', "would be a port")


@case("NR-13")
def one_time_use_without_reports_is_refused(cloudy):
    spec(cloudy, "NR-13", '{"address": "0000:17:00.0", "one_time_use": "true"}', "without report_in_placement", "2026.1", False)


@case("NR-14")
def unmanaged_device_of_a_host_driver_is_refused(cloudy):
    selection(cloudy, "NR-14", "bound to nvidia", cloudy.host("h100-bookworm-converged"), '{"address": "0000:17:00.0", "managed": "no"}')


@case("NR-15")
def space_in_traits_is_refused(cloudy):
    spec(cloudy, "NR-15", '{"address": "0000:17:00.0", "traits": "A, B"}', 'the trait " B" becomes another one')
    alias(cloudy, "NR-15", '{"name": "g", "resource_class": "CUSTOM_G", "device_type": "type-PF", "traits": null}', words="traits cannot be None")


@case("NR-16")
def two_pools_of_one_class_are_refused(cloudy):
    pools = [cloudy.pool("h100-a", select={"slots": ["1"]}), cloudy.pool("h100_a", select={"slots": ["2"]})]
    refused(cloudy.plan(pools=pools), "NR-16", "both become the class CUSTOM_H100_A", "ai_stack_pools[1].name")
    spec(cloudy, "NR-16", '{"address": "0000:17:00.0", "resource_class": "h100-80g"}', "CUSTOM_H100_80G")


# Aliases and flavors


@case("NR-20")
def alias_is_the_same_for_api_and_compute(cloudy):
    settings = resource(cloudy.plan(), "nova_cloud", "main")["settings"]
    assert settings["nova-api"]["pci"]["alias"] == settings["nova-compute"]["pci"]["alias"] != []
    lines = settings["nova-api"]["pci"]["alias"]
    services = {"nova-api": lines, "nova-compute on gpu1": lines, "nova-compute on gpu2": []}
    assert lint.alias_everywhere(Index(cloudy.tables), {**services, "nova-compute on gpu2": list(lines)}) == ([], [])
    row = named(lint.alias_everywhere(Index(cloudy.tables), services)[0], "NR-20", "nova-compute on gpu2 has not the aliases of the others: without")
    assert row["path"] == "nova.conf [pci] alias"


@case("NR-21")
def unknown_key_of_an_alias_is_refused(cloudy):
    alias(cloudy, "NR-21", '{"name": "g", "resource_class": "CUSTOM_A", "device_type": "type-PF", "foo": "1"}', words="does not know the key foo")


@case("NR-22")
def cards_of_two_types_are_refused(cloudy):
    alias(cloudy, "NR-22", '{"name": "g", "resource_class": "CUSTOM_A"}', words="no device_type")
    plan = cloudy.plan(function(cloudy.host(), sriov_totalvfs=16))
    refused(plan, "NR-22", "types type-PCI, type-PF", "ai_stack_pools[0].select")


@case("NR-23")
def two_lines_of_a_name_are_refused_with_placement(cloudy):
    lines = ['{"name": "g", "vendor_id": "10de", "product_id": "%s", "device_type": "type-PF"}' % device for device in ("2330", "2331")]
    alias(cloudy, "NR-23", *lines, words="one line")
    alias(cloudy, "NR-23", lines[0], lines[1].replace('"g"', '" g "'), words="one line")


@case("NR-24")
def pools_of_one_product_are_refused_without_placement(cloudy):
    pools = [cloudy.pool("one", select={"slots": ["1"]}, tenants={}), cloudy.pool("two", select={"slots": ["2"]}, tenants={})]
    refused(cloudy.plan(pools=pools, series="zed"), "NR-24", "cannot tell apart", "ai_stack_pools[1].select")
    alias(cloudy, "NR-24", '{"name": "g", "vendor_id": "10de", "device_type": "type-PF"}', words="not both ids", placement=False)


@case("NR-25")
def boolean_for_live_migration_is_refused(cloudy):
    alias(cloudy, "NR-25", '{"name": "g", "resource_class": "CUSTOM_A", "device_type": "type-PF", "live_migratable": true}', words="cannot be True")


@case("NR-26")
def flavor_larger_than_the_largest_host_is_refused(cloudy):
    plan = cloudy.plan(pools=[cloudy.pool(shapes=[SHAPE, {**SHAPE, "cards": 3}])])
    refused(plan, "NR-26", "asks for 3 cards of h100; the largest host has 2", "ai_stack_pools[0].shapes[1].cards")
    flavor(cloudy, "NR-26", "which is not configured", extra_specs={"pci_passthrough:alias": "a100:1"})
    flavor(cloudy, "NR-26", "asks for 3 cards", extra_specs={"pci_passthrough:alias": "h100:2,h100:1"})
    flavor(cloudy, "NR-26", "asks for no number of cards", extra_specs={"pci_passthrough:alias": "h100:0,h100:1"})


@case("NR-27")
def class_by_resources_is_refused(cloudy):
    flavor(cloudy, "NR-27", "no device would be attached", extra_specs={"resources:CUSTOM_H100": "1"})


@case("NR-28")
def several_vfs_without_group_policy_are_refused(cloudy):
    flavor(cloudy, "NR-28", "without group_policy", extra_specs={"pci_passthrough:alias": "h100:2"})


@case("NR-29")
def public_flavor_is_refused(cloudy):
    flavor(cloudy, "NR-29", "is public", is_public=True)


@case("NR-30")
def flavor_without_numa_is_refused(cloudy):
    flavor(cloudy, "NR-30", "without hw:numa_nodes", extra_specs={"hw:numa_nodes": None})


@case("NR-31")
def address_width_on_a_flavor_is_refused(cloudy):
    flavor(cloudy, "NR-31", "hw:maxphysaddr_mode", extra_specs={"hw:maxphysaddr_mode": "passthrough"})


@case("NR-74")
def locked_memory_without_pages_is_refused(cloudy):
    flavor(cloudy, "NR-74", "without hw:mem_page_size", extra_specs={"hw:locked_memory": "true"})


EXTRA = [("group_policy", "both"), ("hw:numa_nodes", "0"), ("hw:numa_nodes", "3"), ("hw:cpu_policy", "mixed"), ("hw:mem_page_size", "huge"),
         ("hw:locked_memory", "maybe"), ("trait:ai_stack", "required"), ("trait:CUSTOM_X", "wanted"), ("resources:CUSTOM_X", "x"),
         ("hw:pci_numa_afinity_policy", "preferred")]  # fmt: skip


@case("NR-104")
def extra_spec_that_the_api_refuses_is_refused(cloudy):
    for key, value in EXTRA:
        flavor(cloudy, "NR-104", "3 NUMA nodes" if value == "3" else key, vcpus=16, ram_mib=8192, extra_specs={key: value})


# Placement and scheduler


def place(plan, words):
    """Where a step stands in the order."""
    found = [step["n"] for step in plan["steps"] if words in step["what"]]
    assert found, words
    return found


@case("NR-40")
def placement_is_asked_last_and_at_once(cloudy):
    plan = cloudy.plan()
    report, switch = place(plan, "write device_spec, report the cards"), place(plan, "write the aliases and ask for cards through placement")
    assert report < switch and len(switch) == 1 and "gpu-h100-1" in plan["steps"][switch[0] - 1]["targets"]
    before, after = (resource(plan, "nova_cloud", "main")[name] for name in ("settings.reporting", "settings"))
    assert set(before) == {"nova-compute", "nova-scheduler"} and sorted(before["nova-compute"]["pci"]) == ["device_spec", "report_in_placement"]
    assert "filter_scheduler" not in before["nova-compute"] and after["nova-compute"]["filter_scheduler"] == {"pci_in_placement": "true"}


@case("NR-41")
def gate_stands_before_placement_is_asked(cloudy):
    plan = cloudy.plan()
    (gate,) = place(plan, "gate: providers")
    (switch,) = [step for step in plan["steps"] if "ask for cards through placement" in step["what"]]
    assert gate in switch["needs"]


@case("NR-42")
def reports_of_a_host_stay_on_in_a_series_that_needs_none(cloudy):
    record = {"clouds": {"main": {"report_in_placement": ["gpu-h100-1"]}}}
    plan = cloudy.plan(series="zed", pools=[cloudy.pool(tenants={})], record=record)
    assert plan["conflicts"] == [] and option(plan, "report_in_placement") == ("true", "NR-42")


@case("NR-43")
def filters_of_passthrough_stand_beside_novas_own(cloudy):
    value, rule = option(cloudy.plan(), "enabled_filters")
    assert rule == "NR-43" and {"ComputeFilter", "PciPassthroughFilter", "NUMATopologyFilter"} <= set(value.split(","))
    assert "AvailabilityZoneFilter" not in value


@case("NR-44")
def eight_of_eight_equal_cards_are_said_to_take_long(cloudy):
    plan = cloudy.plan(cloudy.host("hgx-h100-bookworm"), pools=[cloudy.pool(shapes=[{**SHAPE, "cards": 8}])])
    warned(plan, "NR-44", "to give 8 of 8 equal cards takes 51 s with Placement 13.0.0")
    assert option(plan, "allocation_candidates_generation_strategy") == ("breadth-first", "NR-44")


@case("NR-45")
def hosts_are_shut_for_plain_servers(cloudy):
    plan = cloudy.plan()
    assert option(plan, "enable_isolated_aggregate_filtering") == ("true", "NR-45")
    assert resource(plan, "aggregate", "main/ai-stack-gpu")["metadata"] == {"trait:CUSTOM_AI_STACK_GPU": "required"}


@case("NR-46")
def hosts_of_one_tenant_are_reserved(cloudy):
    plan = cloudy.plan()
    assert resource(plan, "aggregate", "main/ai-stack-tenant-research") == {"hosts": ["gpu-h100-1"], "filter_tenant_id": "research"}
    assert "AggregateMultiTenancyIsolation" in option(plan, "enabled_filters")[0]


@case("NR-48")
def vfs_need_the_fix(cloudy):
    seen = function(function(cloudy.host(), physfn="0000:16:00.0"), 1, physfn="0000:64:00.0")
    refused(cloudy.plan(seen, cloud={"nova": "31.0.0-6+deb13u2"}), "NR-48", "does not have the fix", "ai_stack_clouds[0].nova")
    assert "NR-48" not in [row["rule"] for row in cloudy.plan(seen)["conflicts"]]


@case("NR-49")
def trixie_lacks_the_guard(cloudy):
    refused(cloudy.plan(cloud={"nova": "31.0.0-6+deb13u2"}), "NR-49", "does not have the guard", "ai_stack_clouds[0].nova")
    refused(cloudy.plan(cloud={"nova": None}), "NR-49", "is not known to have the guard", "ai_stack_clouds[0].nova")


@case("NR-102")
def nova_below_its_floor_is_refused(cloudy):
    refused(cloudy.plan(cloud={"nova": "31.3.0"}), "NR-102", "it is 31.3.1 or newer", "ai_stack_clouds[0].nova")


# Tenants


@case("NR-50")
def classes_have_limits_where_they_count(cloudy):
    plan = cloudy.plan(series="2026.2", pools=[cloudy.pool(tenants={"research": {"max": 1}})])
    assert resource(plan, "registered_limit") == {"main/class:CUSTOM_H100": {"limit": 0}}
    assert resource(plan, "project_limit") == {"main/research/class:CUSTOM_H100": {"limit": 1}}


@case("NR-51")
def limit_that_nobody_holds_is_said(cloudy):
    warned(cloudy.plan(pools=[cloudy.pool(tenants={"research": {"max": 1}})]), "NR-51", 'does not hold "at most 1 cards for research"')


@case("NR-52")
def class_is_required_to_be_registered(cloudy):
    plan = cloudy.plan(series="2026.2")
    assert option(plan, "unified_limits_resource_list") == ("servers,class:CUSTOM_H100", "NR-52")


@case("NR-54")
def api_and_conductor_count_alike(cloudy):
    settings = resource(cloudy.plan(series="2026.2"), "nova_cloud", "main")["settings"]
    assert settings["nova-api"]["quota"] == settings["nova-conductor"]["quota"] and settings["nova-api"]["quota"]["driver"].endswith("UnifiedLimitsDriver")


@case("NR-55")
def overbooking_wants_a_waiver(cloudy):
    pool = cloudy.pool(tenants={"research": {"max": 2}, "health": {"max": 1}})
    plan = refused(cloudy.plan(pools=[pool], series="2026.2"), "NR-55", "are 3 cards together; it has 2", "ai_stack_pools[0].tenants")
    assert plan["resources"] == [] and plan["steps"] == []
    waiver = {"rule": "NR-55", "scope": "pool h100", "reason": "contract", "approver": "board", "until": "2027-01-31"}
    plan = cloudy.plan(pools=[pool], series="2026.2", ai_stack_waivers=[waiver])
    assert plan["conflicts"] == [] and [row["approver"] for row in plan["waived"]] == ["board"]


@case("NR-83")
def several_tenants_want_one_time_use(cloudy):
    pool = cloudy.pool(tenants={"research": {}, "health": {}})
    refused(cloudy.plan(pools=[pool]), "NR-83", "nothing wipes a card between them: Nova of 2025.1 has no one-time use", "ai_stack_pools[0].tenants")
    plan = cloudy.plan(pools=[pool], series="2026.1")
    assert plan["conflicts"] == [] and all('"one_time_use": "true"' in line for line in option(plan, "device_spec")[0]["gpu-h100-1"])


@case("NR-107")
def cards_that_are_used_once_want_a_releaser(cloudy):
    pool = cloudy.pool(tenants={"research": {}, "health": {}})
    refused(cloudy.plan(pools=[pool], series="2026.1", cloud={"releaser": None}), "NR-107", "names nobody who wipes them", "ai_stack_clouds[0].releaser")
    refused(cloudy.plan(pools=[pool], series="2026.1", cloud={"releaser": "gpu-h100-1"}), "NR-107", "gives cards away itself", "ai_stack_clouds[0].releaser")
    record = {"schema": "sovereign.ai_stack/lock/1", "site": "test", "hosts": {}, "cards": [], "clouds": {"main": {"releaser": "old"}}}
    for row in ({"releaser": None}, {}):
        refused(cloudy.plan(series="2026.1", cloud=row, record=record), "NR-107", "by the record old gives cards", "ai_stack_clouds[0].releaser")
    # one tenant shares with nobody, and on what files go to no run acts
    assert cloudy.plan(series="2026.1", cloud={"releaser": None})["conflicts"] == []
    assert cloudy.plan(pools=[pool], series="2026.1", cloud={"releaser": None, "deployment": "files"})["conflicts"] == []


@case("NR-108")
def compute_that_was_registered_anew_is_told(cloudy):
    record = {"schema": "sovereign.ai_stack/lock/1", "site": "test", "hosts": {}, "cards": [], "clouds": {"main": {"compute_ids": {"gpu-h100-1": "old"}}}}
    seen = seen_cloud()
    plan = cloudy.plan(record=record, clouds=seen)
    assert plan["conflicts"] == [] and resource(plan, "nova_cloud", "main")["compute_ids"] == {"gpu-h100-1": "old"}
    seen["main"]["hosts"]["gpu-h100-1"]["compute_id"] = "new"
    refused(cloudy.plan(record=record, clouds=seen), "NR-108", "by the id new, and the record has old", "ai_stack_clouds[0].hosts")


@case("NR-98")
def one_way_door_wants_its_name(cloudy):
    plan = cloudy.plan(series="2026.2", ai_stack_confirm=[])
    refused(plan, "NR-98", "report_in_placement on main cannot be taken back", "ai_stack_confirm")
    refused(plan, "NR-98", "unified limits on main cannot be taken back", "ai_stack_confirm")


@case("NR-99")
def series_that_no_table_knows_is_refused(cloudy):
    refused(cloudy.plan(series="2027.1"), "NR-99", "which no table knows", "ai_stack_clouds[0].series")
    refused(cloudy.plan(cloud={"nova": "26.2.2-1~deb12u5"}), "NR-99", "its hosts have Nova 26.2.2", "ai_stack_clouds[0].series")
    refused(cloudy.plan(pools=[cloudy.pool(cloud="mian")]), "NR-99", "there is no cloud mian", "ai_stack_pools[0].cloud")


@case("NR-100")
def limit_above_what_exists_is_refused(cloudy):
    refused(cloudy.plan(pools=[cloudy.pool(tenants={"research": {"max": 3}})]), "NR-100", "may have 3 cards; it has 2", "ai_stack_pools[0].tenants")
    refused(cloudy.plan(pools=[cloudy.pool(tenants={"a": {"guaranteed": 2}}, spare=1)]), "NR-100", "2 cards are guaranteed", "ai_stack_pools[0].tenants")


@case("NR-101")
def tenant_that_does_not_exist_is_refused(cloudy):
    plan = cloudy.plan(clouds={"main": {"projects": ["reseach", "admin"]}})
    refused(plan, "NR-101", "has no project research", "ai_stack_pools[0].tenants")
    assert cloudy.plan(clouds={"main": {"projects": ["admin"], "project_ids": {"research": "another name"}}})["conflicts"] == []
    proof = {"image": "tiny", "logins": {"research": "a", "reserch": "b"}}
    refused(cloudy.plan(cloud={"live_proof": proof}), "NR-101", "has a tenant reserch", "ai_stack_clouds[0].live_proof.logins")


# Hosts


@case("NR-60")
def iommu_off_in_firmware_is_refused(cloudy):
    seen = function(function(cloudy.host(system__cpu_vendor="AuthenticAMD"), iommu_group=None), 1, iommu_group=None)
    refused(cloudy.plan(seen), "NR-60", "there are no IOMMU groups", "ai_stack_pools[0].select")


def without_groups(cloudy, **changes):
    return function(function(cloudy.host(**changes), iommu_group=None), 1, iommu_group=None)


@case("NR-61")
def intel_host_without_groups_gets_the_argument(cloudy):
    plan = cloudy.plan(without_groups(cloudy))
    assert decisions(plan)["passthrough.arguments"] == ["intel_iommu=on"] and decisions(plan)["passthrough.reboot"] is True
    assert "argument:intel_iommu=on" in [row["resource"] for row in plan["hosts"]["gpu-h100-1"]["changes"]]
    assert place(plan, "reboot into them, once")


@case("NR-62")
def argument_that_the_kernel_does_not_know_is_said(cloudy):
    warned(cloudy.plan(cloudy.host(kernel__cmdline="ro amd_iommu=on quiet")), "NR-62", "amd_iommu=on, which it does not know")


@case("NR-64")
def modules_fit_the_kernel(cloudy):
    assert decisions(cloudy.plan())["passthrough.modules"] == ["vfio", "vfio_pci", "vfio_iommu_type1", "vfio_virqfd"]
    plan = cloudy.plan(cloudy.host("h100-trixie"), cloud={"nova": "31.3.1"})
    assert decisions(plan, "gpu-h100-2")["passthrough.modules"] == ["vfio", "vfio_pci", "vfio_iommu_type1"]


@case("NR-65")
def neighbour_with_a_driver_is_refused(cloudy):
    seen = beside(cloudy.host(), address="0000:18:00.0", **{"class": "020000"}, driver="ixgbe", vendor="8086", device="1521")
    plan = refused(cloudy.plan(seen), "NR-65", "shares IOMMU group 23 with 0000:18:00.0, which ixgbe drives", "ai_stack_pools[0].select")
    assert plan["hosts"]["gpu-h100-1"]["state"] == "refused" and plan["hosts"]["gpu-h100-1"]["changes"] == []


@case("NR-66")
def group_of_two_pools_is_refused(cloudy):
    seen = function(cloudy.host(), 1, iommu_group=23)
    pools = [cloudy.pool("one", select={"slots": ["1"]}), cloudy.pool("two", select={"slots": ["2"]}, tenants={"health": {}})]
    refused(cloudy.plan(seen, pools=pools), "NR-66", "could go to two guests", "ai_stack_pools[0].select")
    refused(cloudy.plan(cloudy.host(kernel__cmdline="pcie_acs_override=downstream")), "NR-66", "not isolated", "ai_stack_pools[0].select")


@case("NR-67")
def card_in_use_is_refused(cloudy):
    seen = cloudy.host("h100-bookworm-converged", nvml__gpus__0__processes=3)
    refused(cloudy.plan(seen), "NR-67", "3 processes of the host use the card", "ai_stack_pools[0].select")


@case("NR-68")
def boot_display_is_refused(cloudy):
    refused(cloudy.plan(function(cloudy.host(), boot_vga=True)), "NR-68", "is the boot display", "ai_stack_pools[0].select")


@case("NR-69")
def virtual_host_is_said(cloudy):
    warned(cloudy.plan(cloudy.host(system__virtualization="kvm")), "NR-69", "for tests only")


@case("NR-70")
def images_are_q35_with_uefi(cloudy):
    found = resource(cloudy.plan(), "image_properties", "main/h100")
    assert (found["hw_machine_type"], found["hw_firmware_type"]) == ("q35", "uefi")


@case("NR-71")
def large_bars_widen_the_guest(cloudy):
    assert resource(cloudy.plan(), "image_properties", "main/h100")["hw_maxphysaddr_mode"] == "passthrough"
    plan = cloudy.plan(series="2023.1", pools=[cloudy.pool(tenants={})])
    assert "hw_maxphysaddr_mode" not in resource(plan, "image_properties", "main/h100")
    warned(plan, "NR-71", "a BAR of 128 GiB, and Nova of 2023.1 cannot give")


@case("NR-73")
def memory_is_not_promised_twice(cloudy):
    assert option(cloudy.plan(), "ram_allocation_ratio") == ("1.0", "NR-73")


@case("NR-75")
def ports_leave_room_beside_the_cards(cloudy):
    assert option(cloudy.plan(pools=[cloudy.pool(shapes=[{**SHAPE, "cards": 2}])]), "num_pcie_ports") == ("18", "NR-75")


@case("NR-103")
def host_of_two_clouds_is_refused(cloudy):
    pools = [cloudy.pool("one", select={"slots": ["1"]}), cloudy.pool("two", select={"slots": ["2"]}, cloud="other")]
    clouds = [{"name": name, "series": "2025.1", "nova": "31.3.1"} for name in ("main", "other")]
    doors = ["report_in_placement on main", "report_in_placement on other"]
    refused(cloudy.plan(pools=pools, ai_stack_clouds=clouds, ai_stack_confirm=doors), "NR-103", "are of clouds main, other", "ai_stack_pools[1].cloud")
    clouds = [{**clouds[0], "hosts": "gpus"}, {"name": "other", "hosts": "gpu-h100-1"}]
    plan = cloudy.plan(ai_stack_clouds=clouds)
    refused(plan, "NR-103", "gpu-h100-1 would run services of cloud other and of cloud main", "ai_stack_clouds[0].hosts")
    plan = cloudy.plan(cloud={"hosts": "another-host"})
    refused(plan, "NR-103", "gives cards to cloud main and is not among its hosts, another-host", "ai_stack_clouds[0].hosts")
    assert named(plan["conflicts"], "NR-103")["host"] == "gpu-h100-1"
    assert cloudy.plan(cloud={"hosts": "gpus"})["conflicts"] == []


# Tenants first

NOW = "2026-11-27T22:30:00Z"
WINDOW = {"hosts": "gpus", "from": "2026-11-27T22:00Z", "until": "2026-11-27T23:00Z", "servers": "wait", "reason": "new cards", "approver": "board"}


def bound(cloudy):
    """The host with both cards bound: nothing of it is to change."""
    found = cloudy.host(driver__loaded={})
    for one in found["pci"]:
        one.update(driver="vfio-pci", driver_override="vfio-pci")
    return found


@case("NR-105")
def server_in_the_way_is_refused_and_named_by_its_tenant(cloudy):
    clouds = seen_cloud(server(), server("b", "health", ()))
    plan = cloudy.plan(clouds=clouds, now=NOW)
    refused(plan, "NR-105", "it boots, and servers are in the way, of project health: name-of-b; of project research: name-of-a", "ai_stack_windows")
    assert named(plan["conflicts"], "NR-105")["host"] == "gpu-h100-1" and plan["hosts"]["gpu-h100-1"]["changes"] == []
    assert cloudy.plan(clouds=clouds, now=NOW, ai_stack_windows=[WINDOW])["conflicts"] == []
    # nobody else's time, and no time that is over
    for window in ({**WINDOW, "hosts": "others"}, {**WINDOW, "until": "2026-11-27T22:30Z"}, {**WINDOW, "from": "2026-11-27T22:31Z"}):
        refused(cloudy.plan(clouds=clouds, now=NOW, ai_stack_windows=[window]), "NR-105", "servers are in the way", "ai_stack_windows")
    refused(cloudy.plan(clouds={"main": {**clouds["main"], "hosts": {}}}), "NR-105", "who has servers on it is not known", "ai_stack_clouds[0].hosts")
    # a host of which nothing changes is left alone, and a card that goes is enough by itself
    assert cloudy.plan(bound(cloudy), clouds=clouds)["conflicts"] == []
    one = [cloudy.pool(select={"slots": ["1"]})]
    losing = seen_cloud(server(cards=(OTHER,)))
    refused(cloudy.plan(bound(cloudy), pools=one, clouds=losing), "NR-105", f"it loses {OTHER}, and servers are in the way", "ai_stack_windows")
    how = {"pools": one, "clouds": losing, "now": NOW}
    assert cloudy.plan(bound(cloudy), ai_stack_windows=[WINDOW], **how)["conflicts"] == []
    plan = cloudy.plan(bound(cloudy), ai_stack_windows=[{**WINDOW, "servers": "stop"}], **how)
    refused(plan, "NR-105", "nova-compute would not start", "ai_stack_windows[0].servers", "cold_migrate or wait")


@case("NR-106")
def migration_in_progress_is_refused(cloudy):
    clouds = seen_cloud(migrations=[{"server_id": "a", "status": "running"}])
    refused(cloudy.plan(clouds=clouds, now=NOW), "NR-106", "migrations are not over: server a, running", "ai_stack_windows")
    assert cloudy.plan(clouds=clouds, now=NOW, ai_stack_windows=[WINDOW])["conflicts"] == []
    assert cloudy.plan(bound(cloudy), clouds=clouds)["conflicts"] == []


# Boards


@case("NR-90")
def half_a_board_is_refused(cloudy):
    plan = cloudy.plan(cloudy.host("hgx-h100-bookworm"), pools=[cloudy.pool(select={"count": 4}, shapes=[])])
    refused(plan, "NR-90", "joined by NVLink switches", "ai_stack_pools[0].select")


@case("NR-91")
def two_cards_of_a_board_are_refused(cloudy):
    plan = cloudy.plan(cloudy.host("hgx-h100-bookworm"), pools=[cloudy.pool(shapes=[{**SHAPE, "cards": 2}])])
    assert refused(plan, "NR-91", "needs a partition", "ai_stack_pools[0].shapes[0].cards")
    assert named(plan["conflicts"], "NR-91")["nearest"] == "8 cards"


@case("NR-93")
def sizes_mixed_on_a_board_are_refused(cloudy):
    pool = cloudy.pool(shapes=[{**SHAPE, "cards": 8}, SHAPE])
    refused(cloudy.plan(cloudy.host("b200-trixie"), pools=[pool]), "NR-93", "1, 8 cards of one NVSwitch board", "ai_stack_pools[0].shapes")


@case("NR-96")
def switch_in_a_class_of_cards_is_refused(cloudy):
    selection(cloudy, "NR-96", "selects the NVLink switch", cloudy.host("hgx-h100-bookworm"), '{"vendor_id": "10de"}')


@pytest.mark.parametrize("identity", sorted(case))
def test_rule(identity, cloudy):
    case[identity](cloudy)


def test_every_enforced_rule_has_a_case(tables):
    enforced = {row["id"] for row in tables["rules"]["rows"] if row["status"] == "enforced" and "_pools" in (row["test"] or "")}
    assert enforced == set(case)
