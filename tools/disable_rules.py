# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""disable_rules.py [ID...]: take each enforced rule out of the register and demand that its named test goes red.

A rule whose test stays green without it is guarded by nothing. Each run is a fork of this process: the imports are
paid once, and what a run changes dies with it.
"""

from __future__ import annotations

import importlib
import io
import multiprocessing
import os
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
REGISTER = ROOT / "plugins" / "compat" / "rules.yml"
WORKERS = 2


class Outcomes:
    """Counts what tests themselves did; an error in a fixture or an import is no red test."""

    def __init__(self):
        self.passed, self.failed, self.broken = 0, 0, []

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            self.passed += report.passed
            self.failed += report.failed
        elif report.failed:
            self.broken.append(report.nodeid)

    def pytest_collectreport(self, report):
        if report.failed:
            self.broken.append(report.nodeid)


def pay_once() -> None:
    """Load before the forks what each of them would load again: the packages, the core, and the tables (cached by their reader)."""
    sys.path.append(str(ROOT / "tests"))
    importlib.import_module("conftest")  # makes the collection importable
    for name in ("hypothesis", "jinja2", "jsonschema"):
        importlib.import_module(name)
    house = "ansible_collections.sovereign.ai_stack.plugins."
    importlib.import_module(house + "plugin_utils._tables").load()
    for room in ("_compat", "_pools", "_cluster"):
        for path in sorted((ROOT / "plugins/module_utils" / room).glob("[a-z]*.py")):
            importlib.import_module(house + f"module_utils.{room}.{path.stem}")


def run_tests(nodes: list, disabled: str) -> tuple:
    os.environ["AI_STACK_DISABLED_RULE"] = disabled
    outcomes, silent = Outcomes(), io.StringIO()
    with redirect_stdout(silent), redirect_stderr(silent):
        pytest.main(["-q", "-p", "no:xdist", "-p", "no:testinfra", *nodes], plugins=[outcomes])
    return outcomes.passed, outcomes.failed, outcomes.broken, silent.getvalue()


def judge(row: dict) -> str | None:
    """The complaint about one rule, or None when its test bites."""
    passed, failed, broken, text = run_tests([row["test"]], row["id"])
    if broken:
        return f"{row['id']}: {row['test']} breaks instead of failing:\n{text[-2000:]}"
    if not passed + failed:
        return f"{row['id']}: {row['test']} is not a test"
    return None if failed else f"{row['id']}: {row['test']} stays green without the rule"


def enforced(wanted: list) -> list:
    rows = yaml.safe_load(REGISTER.read_text())["rows"]
    return [row for row in rows if row["status"] == "enforced" and (not wanted or row["id"] in wanted)]


def main(*wanted: str) -> int:
    os.chdir(ROOT)
    start = time.monotonic()
    pay_once()
    rows = enforced(list(wanted))
    # one task for each child: a run leaves modules and environment behind
    with multiprocessing.get_context("fork").Pool(WORKERS, maxtasksperchild=1) as pool:
        green = pool.apply(run_tests, (sorted({row["test"] for row in rows}), ""))
        if green[1] or green[2]:
            print(green[3])
            print("the tests of the rules must be green before one is taken away", file=sys.stderr)
            return 1
        complaints = [complaint for complaint in pool.imap(judge, rows, chunksize=1) if complaint]
    print("\n".join(complaints))
    print(f"{len(complaints)} failed, {len(rows) - len(complaints)} passed in {time.monotonic() - start:.1f}s")
    return 1 if complaints or not rows else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
