# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Wherever power is cut, the boots after it end the change by themselves: the host is what it was, or what was proven, and can be changed again."""

from __future__ import annotations

import json

import pytest
from pci_passthrough_machine import CARD, KERNEL, TWIN

IMAGE = "/boot/initrd.img-" + KERNEL
OURS = ("ai-stack", "custom.cfg")


class Cut(BaseException):
    """The power is gone."""


class Power:
    """Cuts it at the so many-th thing that the program does to its host."""

    def __init__(self, host, monkeypatch):
        self.left, self.host = None, host
        for name in ("run", "write", "remove"):
            monkeypatch.setattr(host.modules.host, name, self.counted(getattr(host.modules.host, name)))

    def counted(self, function):
        def does(*arguments, **options):
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    self.left = None
                    raise Cut
            return function(*arguments, **options)
        return does

    def cut(self, at, function):
        """Whether FUNCTION was cut off before its end."""
        self.left = at
        try:
            function()
        except Cut:
            return True
        finally:
            self.left = None
        return False


@pytest.fixture
def power(host, monkeypatch):
    return Power(host, monkeypatch)


def whole(host):
    host.prepare()
    host.boots()
    host.modules.journal.commit()


def kept(host):
    return "intel_iommu=on" in host.machine.read("/boot/grub/grub.cfg")


def ended(host, before):
    """What is wrong with how the boots ended it."""
    for _each in range(4):
        host.machine.asked = False
        host.boots()
        if host.open() is None and not host.machine.asked:
            break
    host.machine.boot()
    after, card = host.machine.files(), host.machine.driver(CARD)
    if host.open() is not None or host.machine.environment() or {"/boot/grub/custom.cfg", "/boot/ai-stack-trial.img"} & set(after):
        return f"something is left of it: {host.open()} {sorted(after)}"
    if host.machine.driver(TWIN) != "igb":
        return "the twin lost its driver"
    if kept(host):
        return None if card == "vfio-pci" and host.last()["result"] == "committed" else f"kept, and not whole: {card} {host.last()}"
    ours = [path for path in after if any(word in path for word in OURS) and path != "/etc/systemd/system/ai-stack-pci-passthrough-check.service"]
    changed = [path for path in before if after.get(path) != before[path]]
    return None if card == "igb" and not ours and not changed else f"led back, and not whole: {card} {ours} {changed}"


def each_cut(host, power, act, start):
    """Cut ACT at every place; after each the boots end it, and a whole change comes through."""
    at, wrong, outcomes = 0, [], set()
    while at < 300:
        host.modules.journal.absent()
        host.machine.write(IMAGE, "image of before\n")
        host.machine.boot()
        before = host.machine.files()
        start()
        cut = power.cut(at, act)
        if not cut:
            break
        found = ended(host, before)
        outcomes.add(kept(host))
        wrong += [f"cut {at}: {found}"] if found else []
        at += 1
    assert not wrong, "\n".join(wrong)
    assert 5 < at < 300
    return outcomes


def test_a_change_that_is_cut_off_anywhere_is_ended_by_the_next_boots(host, power):
    assert each_cut(host, power, lambda: whole(host), lambda: None) == {True, False}
    assert kept(host)


def test_a_way_back_that_is_cut_off_anywhere_is_gone_to_its_end(host, power):
    def start():
        host.prepare()
        host.boots()

    assert each_cut(host, power, lambda: host.modules.journal.restore("no"), start) == {False}


@pytest.mark.parametrize("boots", [True, False], ids=["power", "kill"])
def test_a_removal_that_is_cut_off_anywhere_can_be_thought_better_of(host, power, boots):
    """What it left of our words in GRUB's configuration is ours still, and a card that is bound still is no proof that it stays so."""
    host.commits()
    host.machine.boot()
    given, at, wrong = host.machine.files(), 0, []
    while power.cut(at, host.modules.journal.absent):
        if boots:
            host.boots()
        if host.modules.journal.settings() != json.loads(given["/etc/ai-stack/pci-passthrough.json"]):
            host.commits()
        host.machine.boot()
        found = {path for path in {*given, *host.machine.files()} if given.get(path) != host.machine.files().get(path)}
        wrong += [f"cut {at}: {found}"] if found or host.machine.driver(CARD) != "vfio-pci" else []
        at += 1
    assert not wrong, "\n".join(wrong)
    assert at > 8


def test_a_removal_that_is_cut_off_anywhere_is_finished_by_the_next(host, power):
    at = 0
    while True:
        host.commits()
        cut = power.cut(at, host.modules.journal.absent)
        if not cut:
            break
        host.boots()
        host.modules.journal.absent()
        host.machine.boot()
        assert not kept(host) and "keep " not in host.machine.read(IMAGE) and host.machine.driver(CARD) == "igb", at
        assert host.modules.journal.absent() == {"changed": False, "reboot": False}
        at += 1
    assert at > 8
