# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Captured outputs, see ../../../fixtures/outputs/SOURCES.md."""

from __future__ import annotations

from pathlib import Path

import pytest

OUTPUTS = Path(__file__).parents[3] / "fixtures" / "outputs"


@pytest.fixture(scope="session")
def output():
    return lambda name: (OUTPUTS / name).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def binary():
    return lambda name: (OUTPUTS / name).read_bytes()
