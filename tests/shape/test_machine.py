# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The machine of the scenarios puts a card where it was told, and makes its disk once."""

from __future__ import annotations

import machine
import pytest


@pytest.mark.parametrize(
    ("slots", "lies"),
    [
        ({"1": "e1000e", "2": "none"}, {"virtio-net-pci": ["addr=3"], "e1000e": ["bus=s1"]}),
        ({"1": "network", "2": "e1000e"}, {"virtio-net-pci": ["bus=s1"], "e1000e": ["bus=s2"]}),
        ({"3": "pair"}, {"virtio-net-pci": ["addr=3"], "edu": ["bus=s3", "addr=0.0"], "virtio-rng-pci": ["bus=s3", "addr=0.1"]}),
    ],
    ids=["cards", "moved", "pair"],
)
def test_a_card_lies_in_its_slot_and_the_way_in_is_there_once(slots, lies):
    devices = [words.split(",") for words in machine.cards(slots)[1::2]]
    found = {kind: [word for word in words if word.startswith(("bus=", "addr="))] for kind, *words in devices if kind != "pcie-root-port"}
    assert found == lies
    assert ["id=s" + slot for slot in sorted(slots)] == [words[1] for words in devices if words[0] == "pcie-root-port"]


def test_a_disk_is_made_anew_when_what_makes_it_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "PLACE", tmp_path)
    script, made = tmp_path / "script", []

    def make(path):
        made.append(script.read_text())
        path.write_text("disk")

    for text in ("one", "one", "two"):
        script.write_text(text)
        machine.cached("disk", [script], make)
    assert made == ["one", "two"]
    assert len(list(tmp_path.glob("disk-*"))) == 1
    script.write_text("three")
    with pytest.raises(machine.Failed):
        machine.cached("disk", [script], lambda path: machine.run("false"))
    assert list(tmp_path.glob("disk-*")) == []
