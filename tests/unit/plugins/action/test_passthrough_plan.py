# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a host gives away: the verb's plan where one ran, else the variables of the role, by the same rules."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import passthrough_plan
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _lock, _site
from passthrough_host import ADDRESS, WANT, bound, seen

CARDS = {ADDRESS: {"vendor": "8086", "device": "10c9"}}


def mine(site, observation=None, **given):
    return site.run(passthrough_plan, host="gpu1", observation=observation or seen(), **{"cards": CARDS, "arguments": ["intel_iommu=on"], **given})[0]


def test_a_role_alone_gets_what_its_variables_say(site):
    found = mine(site)
    assert not found.get("failed"), found
    assert (found["planned_by"], found["conflicts"], found["policy"], found["want"]) == ("role", [], None, WANT)
    assert [row["resource"] for row in found["changes"]][:2] == [f"override:{ADDRESS}", "argument:intel_iommu=on"]
    assert mine(site, bound(settings=True))["changes"] == []


def test_what_rules_and_grub_refuse_is_one_answer(site):
    found = mine(site, seen(neighbour="virtio-pci", environment=False))
    said = "\n".join(found["messages"])
    assert "NR-65 on gpu1: pci_passthrough_cards[0000:01:00.0]: " in said and "there is no /boot/grub/grubenv" in said


def test_a_host_as_it_should_be_needs_no_boot_that_is_tried(site):
    found = bound(settings=True)
    found["boot"]["grub"]["environment"] = False
    assert mine(site, found)["conflicts"] == []


def test_pages_become_words_in_the_order_that_the_kernel_reads(site):
    words = mine(site, pages={"2M": 512, "1G": 4})["want"]["arguments"]
    assert words == ["intel_iommu=on", "hugepagesz=1G", "hugepages=4", "hugepagesz=2M", "hugepages=512"]


WRONG = {
    "cards": [{"1:0.0": CARDS[ADDRESS]}, {ADDRESS: {"vendor": 8086, "device": "10c9"}}, {ADDRESS: {"vendor": "8086"}}, {ADDRESS: "8086:10c9"}, ["x"]],
    "arguments": [["a b"], ['a"b'], ["$x"], "intel_iommu=on", [1]],
    "modules": [["vfio-pci; x"], "vfio"],
    "keep_off": [["nou veau"]],
    "pages": [{"1G": 0}, {"1G": "4"}, {"big": 4}, [1]],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values], ids=str)
def test_a_value_that_is_none_is_refused_by_its_name(site, name, value):
    found = mine(site, **{name: value})
    assert [row["path"] for row in found["conflicts"]] == ["pci_passthrough_" + name] and found["want"] is None, found


def test_no_cards_are_nothing_to_do_and_no_wish_to_take_them_back(site):
    found = mine(site, cards={})
    assert (found["want"], found["changes"], found["conflicts"]) == (None, [], [])
    assert "this host gives 0000:01:00.0 away" in mine(site, bound(settings=True), cards={})["messages"][0]


def planned(site, **values):
    slices = {"run": _lock.process_of_run(), "state": "planned", "because": "x", "cards": [], "decisions": {}, "changes": [], "policy": {"reboot": "never"},
              "tenants": {"how": "wait"}, "conflicts": [], "messages": [], "plan_sha256": "p", **values}  # fmt: skip
    reports = _site.Reports(_site.report_root(site.variables, str(site.folder)))
    _site.write(reports.slices / _site.file_of("gpu1"), _site.lines(slices))


DECIDED = {"passthrough.bind": {ADDRESS: {"vendor": "8086", "device": "10c9", "group": 1, "pool": "p", "role": "card"}},
           "passthrough.arguments": ["intel_iommu=on"], "passthrough.modules": ["vfio"], "passthrough.keep_off": ["nouveau"]}  # fmt: skip


def test_a_role_of_a_verb_gets_the_decisions_of_the_verbs_plan(site):
    planned(site, decisions=DECIDED)
    found = mine(site, cards={}, arguments=[])
    assert found["planned_by"] == "verb" and (found["policy"], found["tenants"]) == ({"reboot": "never"}, {"how": "wait"})
    assert found["want"] == {"cards": CARDS, "arguments": ["intel_iommu=on"], "modules": ["vfio"], "keep_off": ["nouveau"]}


def test_a_host_of_a_verb_that_gives_nothing_away_has_nothing_to_do(site):
    planned(site)
    found = mine(site)
    assert (found["want"], found["changes"], found["conflicts"]) == (None, [], [])


def test_a_verb_without_a_plan_of_this_host_acts_on_none(site):
    found = mine(site, planned=True)
    assert found["failed"] and "This run has no plan for gpu1" in found["msg"]


def test_a_waiver_of_the_site_holds_for_the_role_alone(site):
    display = seen()
    display["pci"][0]["boot_vga"] = True
    assert mine(site, display)["conflicts"]
    site.variables["ai_stack_waivers"] = [{"rule": "NR-68", "scope": "site", "reason": "x", "approver": "board", "until": "2099-01-01"}]
    assert mine(site, display)["conflicts"] == []
