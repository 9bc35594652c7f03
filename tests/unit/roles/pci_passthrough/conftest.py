# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
from __future__ import annotations

import json
import types

import pci_passthrough_machine as machines
import pytest

WANT = {"cards": {machines.CARD: {"vendor": "8086", "device": "10c9"}}, "arguments": ["intel_iommu=on", "iommu=pt"], "modules": ["vfio_pci"], "keep_off": []}


class Host:
    """The program's modules, and the machine below them."""

    def __init__(self, modules, machine):
        self.modules, self.machine = modules, machine

    def begin(self, want=None, **values):
        given = {"plan": "p1", "want": {**WANT, **(want or {})}, "ports": [22], "limit": 60, "may_reboot": True, **values}
        self.modules.journal.begin({"owner": "me", **given})

    def prepare(self, want=None, **values):
        self.begin(want, **values)
        self.modules.journal.prepare()

    def boots(self):
        """The next boot with its unit; gives back what the unit says."""
        self.machine.boot()
        return self.modules.boot.check()

    def commits(self, want=None):
        self.prepare(want)
        assert self.boots() == "the trial boot is proven"
        self.modules.journal.commit()

    def open(self):
        return json.loads(self.machine.read("/var/lib/ai-stack/pci_passthrough/journal.json") or "null")

    def last(self):
        return json.loads(self.machine.read("/var/lib/ai-stack/pci_passthrough/last-change.json") or "null")

    def refused(self, function, *arguments):
        with pytest.raises(self.modules.host.Refused) as found:
            function(*arguments)
        return str(found.value)


@pytest.fixture
def host(tmp_path, monkeypatch):
    modules = types.SimpleNamespace(**machines.program())
    machine = machines.Machine(str(tmp_path))
    machine.Refused, machine.asked = modules.host.Refused, False
    now = [0.0]
    monkeypatch.setattr(modules.host, "ROOT", str(tmp_path))
    monkeypatch.setattr(modules.host, "run", machine.run)
    monkeypatch.setattr(modules.boot.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(modules.boot.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    return Host(modules, machine)
