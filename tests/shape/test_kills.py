# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A cut at random begins where the machine was kept; what cannot be kept is made bare by its own role, as before."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import kill
import pytest
import victim


class Machine(victim.Machine):
    """One whose role is a sleep, and whose journal says one step after the other; what its tool is told is written down."""

    STEPS = ["begin", "trial", "trial", None, "booted"]

    def __init__(self, options):
        super().__init__(options)
        self.told, self.steps, self.answer = [], list(self.STEPS), "killed"
        # what its journal says after each removal
        self.later = []

    def command(self, name):
        self.told.append(name)
        if name == self.TAKE and self.later:
            self.steps = self.later.pop(0)
        return ["sleep", "2"]

    def tool(self, word, _name, *rest):
        self.told.append(" ".join([word, *rest[:1]]) if word in ("keep", "back") else word)
        if word == "back":
            self.steps = list(rest)
        if self.answer is None:
            raise subprocess.CalledProcessError(1, word)
        return self.answer

    def journal(self, _root):
        step = self.steps.pop(0) if self.steps else None
        return {"step": step} if step else None

    def picture(self):
        return ["as it was"]


@pytest.fixture
def harness(tmp_path, monkeypatch):
    monkeypatch.setitem(kill.HOSTS, "pci_passthrough", Machine)
    monkeypatch.setattr(Machine, "CHANCE", 0)
    options = {"role": "pci_passthrough", "host": "m", "reports": tmp_path, "inventory": "i", "random": 0, "steps": "trial", "how": None, "seed": 1}
    return lambda **more: kill.Harness(SimpleNamespace(**{**options, **more}))


def test_a_cut_at_random_begins_where_the_machine_was_kept(harness):
    run = harness(random=0.5)
    assert run.main() == 0
    kept = ["present", "keep begin", "keep trial", "keep booted", "keep leaving"]
    assert run.victim.told[: len(kept) + 2] == [*kept, "back trial", "present"]
    assert "absent" not in run.victim.told


def test_cuts_at_each_step_begin_bare_and_keep_nothing(harness):
    run = harness(how="controller")
    run.victim.steps = ["trial"]
    assert run.main() == 0
    assert run.victim.told == ["present", "absent", "present", "present"]


def test_a_run_that_got_over_its_cut_leaves_the_next_one_something_to_do(harness):
    run = harness(how="controller")
    run.victim.later = [[], ["trial"]]
    assert run.main() == 0
    assert run.victim.told == ["present", "absent", "present", "absent", "present", "present"]


def test_a_step_that_was_never_kept_is_come_to_by_a_run(harness):
    run = harness(random=0.5, steps="armed")
    run.victim.steps = ["begin"]
    run.main()
    assert run.victim.told[:4] == ["present", "keep begin", "keep leaving", "absent"]


def test_a_machine_that_boots_has_nothing_to_kill(harness):
    machine = harness().victim
    machine.answer = None
    assert machine.cut("host", SimpleNamespace(poll=lambda: 0)) is False
