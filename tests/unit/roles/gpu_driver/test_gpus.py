# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Persistence and MIG geometry come back at boot, by address, and every change is read back."""

from __future__ import annotations

import json

import pytest
from gpu_driver_machine import card

A, B = "0000:17:00.0", "0000:65:00.0"
SEVEN = {"1g.10gb": 7}


def settle(program, mig=None, persistence=False):
    modules, machine = program
    machine.write(modules.gpus.SETTINGS, json.dumps({"persistence": persistence, "mig": mig or {}}))
    return modules.gpus.apply()


@pytest.fixture
def two(program):
    machine = program[1]
    machine.driver, machine.cards = "2", [card(A), card(B)]
    return machine


def test_a_layout_is_made_once_and_then_left_alone(program, two):
    assert settle(program, {A: SEVEN}) == ["mig:" + A]
    assert two.cards[0]["devices"] == ["1g.10gb"] * 7 and two.cards[1]["mig"] == "Disabled"
    assert settle(program, {A: SEVEN}) == []


def test_large_instances_are_made_first(program, two):
    settle(program, {A: {"1g.10gb": 2, "3g.40gb": 1, "2g.20gb": 1}})
    assert two.cards[0]["devices"] == ["3g.40gb", "2g.20gb", "1g.10gb", "1g.10gb"]


def test_what_a_reboot_lost_comes_back(program, two):
    settle(program, {A: SEVEN})
    two.cards[0].update(mig="Disabled", pending="Disabled", devices=[])
    assert settle(program, {A: SEVEN}) == ["mig:" + A]


def test_an_empty_layout_turns_mig_off(program, two):
    settle(program, {A: SEVEN})
    assert settle(program, {A: {}}) == ["mig:" + A]
    assert two.cards[0]["mig"] == "Disabled" and two.cards[0]["devices"] == []


def test_cards_of_others_keep_their_layout(program, two):
    two.cards[1].update(mig="Enabled", pending="Enabled", devices=["7g.80gb"])
    settle(program, {A: SEVEN})
    assert two.cards[1]["devices"] == ["7g.80gb"]


def test_a_card_in_use_is_left_as_it_is(program, two):
    settle(program, {A: SEVEN})
    two.in_use[A] = [4242]
    with pytest.raises(program[0].host.Refused, match="4242"):
        settle(program, {A: {"7g.80gb": 1}})
    assert two.cards[0]["devices"] == ["1g.10gb"] * 7


def test_a_card_of_which_nobody_knows_whether_it_is_in_use_is_left_as_it_is(program, two):
    settle(program, {A: SEVEN})
    two.mute = True
    with pytest.raises(program[0].host.Refused, match="does not say whether 0000:17:00.0 is in use"):
        settle(program, {A: {"7g.80gb": 1}})
    assert two.cards[0]["devices"] == ["1g.10gb"] * 7


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda machine: machine.cards[0].update(needs_reset=True), "reset or the host rebooted"),
        (lambda machine: setattr(machine, "mig_room", 3), "3 x 1g.10gb instead of 7 x 1g.10gb"),
        (lambda machine: setattr(machine, "driver", None), "communicate with the NVIDIA driver"),
    ],
)
def test_an_exit_code_of_zero_is_not_believed(program, two, break_it, said):
    break_it(two)
    with pytest.raises(program[0].host.Refused, match=said):
        settle(program, {A: SEVEN})


def test_a_slot_without_a_card_is_named(program, two):
    with pytest.raises(program[0].host.Refused, match="no card at 0000:ca:00.0"):
        settle(program, {"0000:ca:00.0": SEVEN})


def test_persistence_is_set_where_nobody_else_did(program, two):
    assert settle(program, persistence=True) == ["persistence"]
    assert [one["persistence"] for one in two.cards] == ["Enabled", "Enabled"]
    assert settle(program, persistence=True) == []


def test_persistence_that_is_not_wanted_is_switched_off(program, two):
    two.cards[1]["persistence"] = "Enabled"
    assert settle(program, persistence=False) == ["persistence"]
    assert [one["persistence"] for one in two.cards] == ["Disabled", "Disabled"]
    assert settle(program, persistence=False) == []


def test_without_settings_nothing_is_touched(program, two):
    assert program[0].gpus.apply() == [] and two.calls == []


def test_cards_of_a_vendor_without_such_settings_need_none(program, two, monkeypatch):
    monkeypatch.setattr(program[0].host, "which", lambda name: None)
    assert settle(program, persistence=True) == [] and two.calls == []
