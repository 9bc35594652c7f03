# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Cards that a host gives away by its own variables: the same rules object, and what is to be kept can be told from what is there."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import alone
from passthrough_host import ADDRESS, BESIDE, TWIN, WANT, bound, function, seen

CARD = {"vendor": "8086", "device": "10c9"}


@pytest.fixture
def decided(tables):
    def decide(observation, waived=(), **wanted):
        given = {"cards": {ADDRESS: CARD}, "arguments": ["intel_iommu=on"], "modules": [], "keep_off": [], **wanted}
        return alone.decided(Index(tables), "gpu1", observation, given, dict.fromkeys(waived, {}))

    return decide


def test_a_card_of_its_own_group_is_given_and_nothing_beside_it(decided):
    decisions, conflicts, warnings = decided(seen())
    assert (conflicts, warnings) == ([], [])
    assert list(decisions["passthrough.bind"]) == [ADDRESS] and decisions["passthrough.keep_off"] == []


def changed(**values):
    found = seen()
    found["pci"][0].update(values)
    return found


def no_groups(cpu):
    found = changed(iommu_group=None)
    found["pci"][1]["iommu_group"] = None
    found["system"]["cpu_vendor"] = cpu
    return found


REFUSED = {
    "neighbour": (seen(neighbour="virtio-pci"), {}, "NR-65", f"shares IOMMU group 1 with {BESIDE}, which virtio-pci drives"),
    "no function": (seen(), {"cards": {"0000:09:00.0": CARD}}, None, "there is no function at 0000:09:00.0"),
    "another card": (changed(device="100e"), {}, None, f"{ADDRESS} is 8086:100e, not 8086:10c9"),
    "no group of its own": (changed(iommu_group=None), {}, "NR-60", "is in no IOMMU group, though others here are"),
    "no groups": (no_groups("AuthenticAMD"), {"arguments": []}, "NR-60", "there are no IOMMU groups"),
    "boot display": (changed(boot_vga=True), {}, "NR-68", "is the boot display"),
    "virtual functions": (changed(sriov_numvfs=4), {}, "NR-09", "has 4 VFs"),
    "unknown argument": (seen(), {"arguments": ["amd_iommu=on"]}, "NR-62", "does not know the argument amd_iommu=on"),
    "groups on paper": (seen(), {"arguments": ["pcie_acs_override=downstream"]}, "NR-66", "not isolated"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_rule_refuses_is_refused_with_its_id(decided, name):
    observation, wanted, rule, words = REFUSED[name]
    rows = [row for row in decided(observation, **wanted)[1] if words in row["message"]]
    assert [row["rule"] for row in rows] == [rule]
    assert rows[0]["path"].startswith("pci_passthrough_") and rows[0]["host"] == "gpu1" and (rows[0]["nearest"] or rule is None)


def test_all_that_speaks_against_it_is_said_at_once(decided):
    found = seen(neighbour="virtio-pci")
    messages = [row["message"] for row in decided(found, cards={ADDRESS: CARD, TWIN: {"vendor": "8086", "device": "ffff"}})[1]]
    assert len(messages) == 2 and "shares IOMMU group" in " ".join(messages) and f"{TWIN} is 8086:10c9, not 8086:ffff" in messages


def test_a_waiver_holds_for_what_can_be_waived(decided):
    assert decided(changed(boot_vga=True), waived=["NR-68"])[1] == [] and decided(seen(neighbour="virtio-pci"), waived=["NR-65"])[1] != []


def test_both_functions_of_a_board_can_be_named(decided):
    found = seen(neighbour="snd_hda_intel")
    assert decided(found, cards={ADDRESS: CARD, BESIDE: {"vendor": "1af4", "device": "1005"}})[1] == []


def test_an_intel_host_without_groups_is_told_to_make_them(decided, tables):
    decisions, conflicts, warnings = decided(no_groups("GenuineIntel"), arguments=[])
    assert decisions["passthrough.arguments"] == ["intel_iommu=on"] and conflicts == [] and [row["rule"] for row in warnings] == ["NR-60"]
    # the groups that prove it are why the tables ask for it no more: it stays
    decisions = decided(bound(settings=True), arguments=[])[0]
    assert decisions["passthrough.arguments"] == []
    assert alone.settings(Index(tables), decisions, bound(settings=True))["arguments"] == ["intel_iommu=on"]


def test_drivers_of_accelerators_are_kept_off_as_the_tables_say_and_of_others_only_by_name(decided):
    gpu = function(ADDRESS, "nouveau", 1, vendor="10de", device="2331", **{"class": "030200"})
    found = {**seen(), "pci": [gpu]}
    names = decided(found, cards={ADDRESS: {"vendor": "10de", "device": "2331"}}, keep_off=["x"])[0]["passthrough.keep_off"]
    assert {"nouveau", "nvidia", "x"} == set(names)


BOOTS = {
    "no environment": ({"environment": False}, "there is no /boot/grub/grubenv"),
    "foreign entries": ({"custom": "foreign"}, "/boot/grub/custom.cfg is somebody else's"),
    "always the same": ({"takes_once": False}, "does not take an entry for one boot"),
    "no custom entries": ({"reads_custom": False}, "does not read custom.cfg"),
    "no entry": ({"entry": None}, "does not say which entry boots"),
    "somebody's next boot": ({"next_entry": "rescue"}, "next_entry is rescue"),
    "read only": ({"writable": False}, "GRUB cannot write its environment here"),
    "not told": ({"writable": None}, "is not known"),
}


@pytest.mark.parametrize("name", BOOTS)
def test_a_boot_that_cannot_be_tried_once_is_refused_unless_somebody_looks_on(name):
    values, words = BOOTS[name]
    said = [one.message for one in alone.boots_once(seen(**values), console=False)]
    assert len(said) == 1 and words in said[0]
    assert (list(alone.boots_once(seen(**values), console=True)) == []) is ("writable" in values)


@pytest.mark.parametrize("change", [
    ({"boot": None}, "no GRUB that can be seen"), ({"disk": {"/boot": 45 << 20}}, "/boot has 45 MB left, and a second initramfs needs 50"),
    ({"boot": {**seen()["boot"], "tools": ["update-grub"]}}, "this host has no grub-editenv, grub-reboot, lsinitramfs, mkinitramfs, update-initramfs"),
], ids=lambda change: change[1])  # fmt: skip
def test_what_the_trial_needs_is_looked_for(change):
    values, words = change
    assert words in " ".join(one.message for one in alone.boots_once({**seen(), **values}, console=True))


def test_a_host_that_can_try_is_not_refused():
    assert list(alone.boots_once(seen(), console=False)) == []


def resources(observation, **want):
    return [row["resource"] for row in alone.changes({**WANT, **want}, observation)]


def test_a_host_as_it_should_be_changes_nothing_and_any_other_what_differs():
    settings = f"file:{alone.SETTINGS}"
    assert resources(bound(settings=True)) == []
    assert resources(bound()) == [settings]
    assert resources(seen()) == [f"override:{ADDRESS}", "argument:intel_iommu=on", settings]
    assert resources(bound(settings=True), arguments=["intel_iommu=on", "iommu=pt"]) == ["argument:iommu=pt", settings]
    assert resources(bound(settings=True), keep_off=["nouveau"]) == [settings]
