# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Lets every test import `ansible_collections.sovereign.ai_stack` from this work tree."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TABLES = "ansible_collections.sovereign.ai_stack.plugins.plugin_utils._tables"


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("AI_STACK_CACHE") or Path(base, "sovereign.ai_stack"))


def import_from_work_tree() -> None:
    """A folder of links, one for each checkout: two checkouts on one machine must not test each other."""
    key = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    top = cache_folder() / "src" / key
    link = top / "ansible_collections" / "sovereign" / "ai_stack"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        try:
            link.symlink_to(ROOT, target_is_directory=True)
        except FileExistsError:  # another worker of pytest-xdist was first
            pass
    sys.path.insert(0, str(top))


def disable_rule(rule_id: str) -> None:
    """Make the tables' reader lose one row of the register: tools/disable_rules.py wants a red test then."""
    reader = importlib.import_module(TABLES)
    original = reader.load

    def load_without_rule(*args, **kwargs):
        tables = original(*args, **kwargs)
        rows = [row for row in tables["rules"]["rows"] if row["id"] != rule_id]
        return {**tables, "rules": {**tables["rules"], "rows": rows}}

    reader.load = load_without_rule


import_from_work_tree()


def pytest_configure(config):
    rule_id = os.environ.get("AI_STACK_DISABLED_RULE")
    if rule_id:
        disable_rule(rule_id)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
