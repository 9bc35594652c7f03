# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
from __future__ import annotations

import types

import gpu_driver_machine as machines
import pytest


@pytest.fixture
def program(tmp_path, monkeypatch):
    """(the program's modules, the machine below them)."""
    modules = types.SimpleNamespace(**machines.program())
    machine = machines.Machine(str(tmp_path))
    machine.Refused = modules.host.Refused
    monkeypatch.setattr(modules.host, "ROOT", str(tmp_path))
    monkeypatch.setattr(modules.host, "run", machine.run)
    monkeypatch.setattr(modules.host, "which", lambda name: name)
    monkeypatch.setattr(modules.boot.time, "sleep", lambda seconds: None)
    return modules, machine
