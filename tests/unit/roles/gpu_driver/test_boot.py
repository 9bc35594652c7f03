# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""After a boot the new driver proves itself, or the last good state comes back by itself."""

from __future__ import annotations

import json

import pytest
from gpu_driver_machine import card

A, B = "0000:17:00.0", "0000:65:00.0"


def begin(modules, step, **values):
    touches = {"packages": ["driver"], "roots": ["driver"], "holds": [], "files": [], "units": [], "initramfs": []}
    modules.journal.begin({"plan": "p1", "owner": "o", "kernel": "6", "driver": "2", "cards": [A, B], "irreversible": False, "limit": 60, "may_reboot": True,
                           "packages": {"driver": "2"},
                           "touches": touches, **values})  # fmt: skip
    modules.ledger.step(step)


@pytest.fixture
def clock(program, monkeypatch):
    """Time passes by sleeping alone."""
    modules, _machine = program
    now = [0.0]
    monkeypatch.setattr(modules.boot.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(modules.boot.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return now


def test_nothing_under_way_is_nothing_to_prove(program, clock):
    assert program[0].boot.check() == "nothing is under way"


def test_a_proven_boot_is_noted_and_kept(program, clock):
    modules, machine = program
    begin(modules, "reboot")
    machine.packages["driver"] = "2"
    machine.cards, machine.driver = [card(A), card(B)], "2"
    assert "answers for every card" in modules.boot.check()
    assert json.loads(modules.host.read(modules.journal.OPEN))["step"] == "booted"
    assert machine.packages == {"driver": "2"}


def test_a_proven_boot_is_not_judged_again_by_a_later_one(program, clock):
    """Whether a card died meanwhile or not: the driver was proven, and taking it away would take it from under its work."""
    modules, machine = program
    begin(modules, "reboot")
    machine.packages["driver"] = "2"
    machine.cards, machine.driver = [card(A), card(B)], "2"
    modules.boot.check()
    machine.cards = [card(A)]
    assert "proven by an earlier boot" in modules.boot.check()
    assert machine.packages == {"driver": "2"} and ["systemctl", "reboot"] not in machine.calls


def test_a_change_that_broke_off_in_its_proof_is_proven_by_the_next_boot(program, clock):
    modules, machine = program
    begin(modules, "verify")
    machine.packages["driver"] = "2"
    machine.cards, machine.driver = [card(A), card(B)], "2"
    assert "answers for every card" in modules.boot.check() and machine.packages == {"driver": "2"}


@pytest.mark.parametrize(
    ("cards", "driver", "case"),
    [([], None, "no driver"), ([A], "2", "a card is missing"), ([A, B], "1", "another version was loaded")],
)
def test_an_unproven_boot_leads_back(program, clock, cards, driver, case):
    modules, machine = program
    begin(modules, "reboot")
    machine.packages["driver"] = "2"
    machine.cards, machine.driver = [card(one) for one in cards], driver
    assert "last good state is back" in modules.boot.check(), case
    assert machine.packages == {}
    assert ["systemctl", "reboot"] in machine.calls


def test_a_host_that_may_not_reboot_is_led_back_without(program, clock):
    modules, machine = program
    begin(modules, "reboot", may_reboot=False)
    modules.boot.check()
    assert ["systemctl", "reboot"] not in machine.calls


def test_a_change_that_broke_off_before_its_reboot_is_led_back_too(program, clock):
    modules, machine = program
    begin(modules, "packages")
    machine.packages["driver"] = "2"
    assert "last good state is back" in modules.boot.check()
    assert machine.packages == {} and ["systemctl", "reboot"] not in machine.calls


def test_a_new_module_that_booted_before_its_change_was_done_does_not_stay_without_its_libraries(program, clock):
    modules, machine = program
    begin(modules, "holds")
    machine.packages["driver"] = "2"
    machine.write("/sys/module/nvidia/version", "2\n")
    assert "last good state is back" in modules.boot.check()
    assert machine.packages == {} and ["systemctl", "reboot"] in machine.calls


def test_somebody_who_goes_on_with_the_change_is_let(program, clock, monkeypatch):
    modules, machine = program
    begin(modules, "packages")
    machine.packages["driver"] = "2"
    journal = json.loads(modules.host.read(modules.journal.OPEN))

    def goes_on(seconds):
        modules.host.save(modules.journal.OPEN, dict(journal, at="later"))

    monkeypatch.setattr(modules.boot.time, "sleep", goes_on)
    assert modules.boot.check() == "somebody goes on with the change"
    assert machine.packages == {"driver": "2"}


def test_a_one_way_change_stays_even_unproven(program, clock):
    modules, machine = program
    begin(modules, "reboot", irreversible=True)
    machine.packages["driver"] = "2"
    assert "one-way" in modules.boot.check()
    assert machine.packages == {"driver": "2"}


def test_somebody_who_goes_on_in_the_last_moment_is_let_too(program, clock, monkeypatch):
    modules, machine = program
    begin(modules, "packages")
    machine.packages["driver"] = "2"
    lock = modules.host.lock

    def late(function, *arguments):
        journal = json.loads(modules.host.read(modules.journal.OPEN))
        modules.host.save(modules.journal.OPEN, dict(journal, at="later"))
        return lock(function, *arguments)

    monkeypatch.setattr(modules.host, "lock", late)
    assert modules.boot.check() == "somebody goes on with the change"
    assert machine.packages == {"driver": "2"}


FABRIC = "nvidia-fabricmanager.service"


@pytest.mark.parametrize(
    ("unit", "system", "fabric"),
    [("activating", "running", "Completed"), ("inactive", "starting", "Completed"), ("active", "running", "In Progress"), ("active", "running", "Not Started")],
    ids=str,
)
def test_the_proof_waits_for_what_starts_with_the_driver(program, clock, monkeypatch, unit, system, fabric):
    modules, machine = program
    machine.units, machine.system, machine.driver, machine.cards = {FABRIC: unit}, system, "2", [card(A, fabric=fabric)]

    def comes_up(seconds):
        clock[0] += seconds
        machine.units, machine.cards = {FABRIC: "active"}, [card(A, fabric="Completed")]

    monkeypatch.setattr(modules.boot.time, "sleep", comes_up)
    modules.boot.settle("60", FABRIC)
    assert clock[0] == modules.boot.PAUSE


def test_it_does_not_wait_for_ever(program, clock):
    modules, machine = program
    machine.units = {FABRIC: "activating"}
    modules.boot.settle("60", FABRIC)
    assert 60 <= clock[0] < 60 + modules.boot.PAUSE


@pytest.mark.parametrize(("unit", "name", "fabric"), [
    ("inactive", FABRIC, "Completed"), ("failed", FABRIC, "N/A"), ("active", "ai-stack-gpu-driver.service", "In Progress"),
], ids=str)  # fmt: skip
def test_it_does_not_wait_for_what_nobody_starts(program, clock, unit, name, fabric):
    modules, machine = program
    machine.units, machine.driver, machine.cards = {name: unit}, "2", [card(A, fabric=fabric)]
    modules.boot.settle("60", name)
    assert clock[0] == 0
