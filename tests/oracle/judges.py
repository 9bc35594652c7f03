# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The judges: one process for each release answers all cases."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter

import judged_cases as cases
import judged_sites as sites
import oracle_env
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools.series import Series
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _tables

INDEX = Index(_tables.load())
ROWS = {row["release"]: row for row in oracle_env.releases() if "release" in row}
# asked in this run, by release
JUDGES = {}
CASES = {**cases.vectors(), **cases.own(), **cases.generated(), **cases.named(), **cases.starts()}
OPTIONS = [[row["where"], row["section"], row["name"]] for row in _tables.load()["nova_keys"]["rows"] if row["section"]]
OURS = ("functions", "expected")
MINUTES = 10


class Judge:
    """A release, what it said of each case, and our own core for the same series and release."""

    def __init__(self, row):
        self.row = row
        self.series = Series(INDEX, INDEX.series[row["series"]], row["release"], row["placement"])
        self.placement = bool(self.series.knows("option", "pci_in_placement"))
        self.cases = {name: self._fits(case) for name, case in CASES.items()}
        self.cases.update(sites.of_release(INDEX, row))
        self.counts = Counter(case["ask"] for case in self.cases.values())
        self.said = self._ask({**self.cases, "release": {"ask": "release", "options": OPTIONS}})

    def _fits(self, case):
        """An option that a series does not have cannot be on there."""
        return {**case, "placement": case["placement"] and self.placement} if "placement" in case else case

    def _ask(self, wanted):
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("OS_", "PYTHON"))}
        given = json.dumps([{**{key: value for key, value in case.items() if key not in OURS}, "id": name} for name, case in wanted.items()])
        # warnings of old libraries are of no interest
        command = [oracle_env.python_of(self.row), "-W", "ignore", cases.HERE / "judge.py"]
        done = subprocess.run(command, input=given, env=environment, text=True, capture_output=True, timeout=60 * MINUTES)
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert len(lines) == len(wanted), f"Nova {self.row['release']} answered {len(lines)} of {len(wanted)} cases:\n{done.stderr[-3000:]}"
        return {line["id"]: line for line in lines}


def of(release):
    """The judge of a release; raises oracle_env.Unproven where this machine cannot have it."""
    if release not in JUDGES:
        oracle_env.python_of(ROWS[release])
        JUDGES[release] = Judge(ROWS[release])
    return JUDGES[release]
