# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The register of the rules says the truth about code and tests."""

from __future__ import annotations

import subprocess
import sys

import pytest
from house import ROOT, document

ROWS = document(ROOT / "plugins/compat/rules.yml").get("rows", [])
ENFORCED = [row for row in ROWS if row["status"] == "enforced"]


def test_there_are_rules_to_look_at():
    assert ENFORCED


def test_rule_ids_are_unique():
    ids = [row["id"] for row in ROWS]
    assert not sorted({name for name in ids if ids.count(name) > 1})


def test_every_enforced_rule_names_a_test():
    assert not [row["id"] for row in ENFORCED if not row.get("test")]


def test_every_rule_that_is_not_enforced_says_why():
    assert not [row["id"] for row in ROWS if row["status"] != "enforced" and not row.get("why")]


@pytest.fixture(scope="module")
def collected():
    out = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:xdist", "tests/unit", "tests/shape"], cwd=ROOT, capture_output=True, text=True
    )
    nodes = {line for line in out.stdout.splitlines() if "::" in line}
    # a row may name one case of a table or the whole table
    return nodes | {node.split("[")[0] for node in nodes}


def test_every_named_test_exists(collected):
    assert not [f"{row['id']}: {row['test']}" for row in ROWS if row.get("test") and row["test"] not in collected]
