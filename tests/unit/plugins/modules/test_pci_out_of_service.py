# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""One card out of service and back, by place or by serial, and nobody's server with it."""

from __future__ import annotations

import pytest

PLACE, OTHER = "0000:1B:00.0", "0000:3D:00.0"
KNOWN = [{"host": "compute1", "address": PLACE.lower(), "serial": "165", "pool": "h100"}, {"host": "compute1", "address": OTHER}, {"serial": "7"}]


@pytest.fixture(autouse=True)
def cards(cloud):
    cloud.card("compute1", PLACE)
    cloud.card("compute1", OTHER)


def reserved(cloud, address=PLACE):
    return cloud.inventories[f"compute1_{address}"]["CUSTOM_H100"]["reserved"]


@pytest.mark.parametrize("card", [{"host": "compute1.example.org", "address": PLACE.lower()}, {"serial": "165"}])
def test_a_card_goes_out_and_comes_back(settled, cloud, card):
    out = settled("pci_out_of_service", cards=[card], known=KNOWN, state="out")
    assert out["changes"] == [f"card {PLACE} of host {card.get('host', 'compute1')} goes out of service"]
    assert (reserved(cloud), reserved(cloud, OTHER)) == (1, 0)
    assert cloud.inventories[f"compute1_{PLACE}"]["CUSTOM_H100"]["max_unit"] == 1
    back = settled("pci_out_of_service", cards=[card], known=KNOWN, state="in")
    assert (len(back["changes"]), reserved(cloud)) == (1, 0)
    assert back["cards"] == [{
        "host": card.get("host", "compute1"), "address": PLACE, "serial": card.get("serial"), "provider": f"compute1_{PLACE}", "uuid": f"compute1_{PLACE}",
        "class": "CUSTOM_H100", "total": 1, "reserved": 0, "used": 0, "servers": []}]  # fmt: skip


def test_a_card_of_a_tenant_is_refused_or_left_to_that_server(settled, run, cloud):
    cloud.server("a", "compute1", "p-health", "h100:1", f"compute1_{PLACE}")
    result = run("pci_out_of_service", cards=[{"host": "compute1", "address": PLACE}], state="out")
    assert result["mistakes"] == [f"card {PLACE} of host compute1 is in use by server name-of-a of project health"]
    assert not cloud.writes()
    result = settled("pci_out_of_service", cards=[{"host": "compute1", "address": PLACE}], state="out", in_use="keep")
    assert (reserved(cloud), result["cards"][0]["used"], result["cards"][0]["servers"][0]["project"]) == (1, 1, "health")


def test_a_card_that_is_used_once_comes_back_by_its_worker(settled, run, cloud):
    cloud.traits[f"compute1_{PLACE}"].add("HW_PCI_ONE_TIME_USE")
    cloud.known_traits.add("HW_PCI_ONE_TIME_USE")
    settled("pci_out_of_service", cards=[{"host": "compute1", "address": PLACE}], state="out")
    result = run("pci_out_of_service", cards=[{"host": "compute1", "address": PLACE}], state="in")
    assert result["mistakes"] == [f"card {PLACE} of host compute1 is used once and comes back when it was wiped, by whoever wipes it"]
    settled("pci_out_of_service", cards=[{"host": "compute1", "address": PLACE}], state="in", one_time_use="return")


def test_a_write_meanwhile_is_looked_at_again(run, cloud):
    cloud.broken["PUT", "/inventories/"] = (409, {"errors": [{"detail": "generation conflict"}]})
    assert run("pci_out_of_service", cards=[{"host": "compute1", "address": PLACE}], state="out")["changed"]


@pytest.mark.parametrize(
    ("cards", "known", "mistakes"),
    [
        ([{}, {"host": "compute1"}], [], ["a card needs host and address, or its serial"] * 2),
        ([{"serial": "9"}], KNOWN, ["serial 9 is that of 0 known cards; name host and address"]),
        ([{"serial": "165"}], KNOWN + [dict(KNOWN[0], host="compute2")], ["serial 165 is that of 2 known cards; name host and address"]),
        ([{"host": "compute1", "address": PLACE, "serial": "9"}], KNOWN, [f"card {PLACE} of host compute1 has the serial 165 and not 9"]),
        ([{"host": "compute1", "address": "0000:ff:00.0"}, {"host": "x", "address": PLACE}], [],
         ["host x has no provider in placement; one of: compute1, compute2", "card 0000:FF:00.0 of host compute1 is not in placement"]),
    ],
)  # fmt: skip
def test_mistakes_come_at_once(run, cloud, cards, known, mistakes):
    assert run("pci_out_of_service", cards=cards, known=known, state="out")["mistakes"] == mistakes
    assert not cloud.writes()
