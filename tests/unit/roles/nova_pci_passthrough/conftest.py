# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
from __future__ import annotations

import types

import nova_machine
import pytest


@pytest.fixture
def modules():
    return types.SimpleNamespace(**nova_machine.program())


@pytest.fixture
def host(modules, tmp_path, monkeypatch):
    """A function that makes the host, with these services."""

    def made(*services):
        machine = nova_machine.Machine(modules, tmp_path, services or ("nova-compute",))

        def sleep(seconds):
            machine.clock += seconds

        monkeypatch.setattr(modules.units.time, "sleep", sleep)
        monkeypatch.setattr(modules.units.time, "monotonic", lambda: machine.clock)
        monkeypatch.setattr(modules.units, "answers", lambda url: f"{url} answers with 500" if url in machine.deaf else "")
        return machine

    return made
