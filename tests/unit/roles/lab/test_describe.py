# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A host's few words give the same machine each time, and a wrong word is refused by name."""

from __future__ import annotations

import pytest
from lab import describe

CARD = {"vendor": "10de", "device": "2331", "class": "030200", "nvml": {"name": "H100"}}
PARTS = {"H100": CARD, "switch": {"vendor": "10de", "device": "22a3", "class": "068000"}}


def machine(**host):
    return describe.machine("gpu1", {"suite": "bookworm", "cards": [], **host}, PARTS, "10.73.0.2")


def functions(*entries):
    return machine(cards=list(entries))["functions"]


def test_cards_stand_in_address_order_each_with_a_group_of_its_own():
    found = functions({"part": "H100", "at": ["ca:00.0", "17:00.0"]}, {"part": "switch", "at": ["05:00.0"]})
    assert [one["address"] for one in found] == ["0000:05:00.0", "0000:17:00.0", "0000:ca:00.0"]
    assert len({one["iommu_group"] for one in found}) == 3
    assert [one["numa_node"] for one in found] == [0, 0, 1]


def test_identity_of_a_card_belongs_to_its_place():
    first, second = functions({"part": "H100", "at": ["17:00.0", "65:00.0"]})
    assert first["nvml"] == functions({"part": "H100", "at": ["17:00.0"]})[0]["nvml"]
    assert first["nvml"]["serial"] != second["nvml"]["serial"]
    assert first["nvml"]["uuid"] != second["nvml"]["uuid"]


def test_a_card_has_the_virtual_functions_that_were_asked_for():
    plain, capable = functions({"part": "H100", "at": ["17:00.0"]}, {"part": "H100", "at": ["65:00.0"], "vfs": 16})
    assert "vfs" not in plain
    assert capable["vfs"] == 16


def test_a_swapped_card_has_the_serial_that_was_asked_for():
    first, second = functions({"part": "H100", "at": ["17:00.0", "65:00.0"], "serials": ["1650000000001"]})
    assert first["nvml"]["serial"] == "1650000000001"
    assert second["nvml"]["serial"] == describe.serial("gpu1", "0000:65:00.0")


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ({"colour": "red"}, "unknown lab_colour"),
        ({"cards": [{"part": "H900", "at": ["17:00.0"]}]}, "parts are H100, switch"),
        ({"cards": [{"part": "H100"}]}, "keys are"),
        ({"cards": [{"part": "H100", "at": ["17:00.0"], "dead": "often"}]}, "dead is one of bus, driver"),
        ({"secure_boot": {"on": True}}, "lab_secure_boot is"),
    ],
)
def test_wrong_words_are_refused_by_name(host, said):
    with pytest.raises(describe.Mistake, match=said):
        machine(**host)


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        ({"a": {"suite": "trixie"}}, "a: lab_address is missing"),
        ({"a": {"suite": "trixie", "address": "10.74.0.9"}}, "outside 10.73.0.0/24"),
        ({"a": {"suite": "trixie", "address": "10.73.0.9"}, "b": {"suite": "trixie", "address": "10.73.0.9"}}, "taken by a"),
        ({"a": {"suite": "trixie", "address": "10.73.0.2"}}, "taken by the repository"),
        ({"a": {"suite": "trixie", "address": "10.73.0.3"}}, "taken by the mirror"),
    ],
)
def test_every_host_has_an_address_of_its_own(hosts, said):
    with pytest.raises(describe.Mistake, match=said):
        describe.check_addresses({"subnet": "10.73.0.0/24", "repository": {"address": "10.73.0.2"}, "kubernetes": {"address": "10.73.0.3"}, "hosts": hosts})


@pytest.mark.parametrize(
    "settings",
    [{}, {"address": "10.73.0.3", "versions": []}, {"address": "10.73.0.3", "versions": ["1.37.2"], "accelerators": True, "kueue": True}],
)
def test_a_mirror_is_described_whole_or_not_at_all(settings):
    describe.check_mirror(settings)


@pytest.mark.parametrize(
    "settings",
    [{"address": "10.73.0.3"}, {"versions": [], "gpus": True}, {"versions": [], "accelerators": "some"}, {"versions": ["1.37.2"], "kueue": "yes"}],
)
def test_half_a_mirror_and_another_word_are_refused(settings):
    with pytest.raises(describe.Mistake, match="lab_kubernetes is"):
        describe.check_mirror({"address": "10.73.0.3", **settings})


def test_kueue_is_put_together_by_a_version_of_kubernetes():
    with pytest.raises(describe.Mistake, match="name one in versions"):
        describe.check_mirror({"address": "10.73.0.3", "versions": [], "kueue": True})


def hosts(**suites):
    return {name: {"suite": suite} for name, suite in suites.items()}


def test_a_cloud_is_its_controller_and_its_computes():
    assert describe.cloud(hosts(a="trixie")) is None
    found = describe.cloud(hosts(c="openstack-controller", b="openstack-compute", a="openstack-compute", other="trixie"))
    assert found == {"controller": "c", "computes": ["a", "b"]}


@pytest.mark.parametrize(
    ("suites", "said"),
    [
        ({"a": "openstack-controller"}, "not controller a"),
        ({"a": "openstack-compute"}, "not compute a"),
        ({"a": "openstack-controller", "b": "openstack-controller", "c": "openstack-compute"}, "not compute c, controller a b"),
    ],
)
def test_half_a_cloud_is_refused(suites, said):
    with pytest.raises(describe.Mistake, match=said):
        describe.cloud(hosts(**suites))
