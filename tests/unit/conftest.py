# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What unit tests share: the real tables, read once, and who plans with them."""

from __future__ import annotations

import copy

import pytest
from planner import Planner


@pytest.fixture(scope="session")
def tables():
    """The tables of plugins/compat as `_tables.load()` gives them. Read only: take `own_tables` to change a row."""
    from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _tables

    return _tables.load()


@pytest.fixture
def own_tables(tables):
    """A copy of the tables for one test."""
    return copy.deepcopy(tables)


@pytest.fixture
def planner(tables):
    return Planner(tables)
