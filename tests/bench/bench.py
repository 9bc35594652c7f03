#!/usr/bin/env python3
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Print what planning a large site costs, as ratios within one run. Figures, no test: a clock decides nothing.

Usage: bench.py [LARGE [SMALL]]    hosts of the two sites, 10000 and 1000 when not given

The plan is the whole `ansible-playbook sovereign.ai_stack.plan -e ai_stack_observations=DIR`, pages included; what it is compared with
is a play without tasks over the same inventory. Both run alternately, and the best of the rounds counts.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import time

import make_site

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ROUNDS = 3
NOOP = "- hosts: \"{{ groups['all'] | first }}\"\n  gather_facts: false\n  tasks: []\n"


def measured(folder, *arguments):
    """{seconds, cpu, mib} of an ansible-playbook command; mib: of the largest of its processes."""
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "hosts.yml", *arguments]
    # the installed copy where `make` built one, else the work tree
    collections = os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(folder.parent))
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": collections, "ANSIBLE_HOME": str(folder / ".ansible")}
    start = time.monotonic()
    with open(folder / "log", "w", encoding="utf-8") as log:
        child = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        _pid, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{(folder / 'log').read_text(encoding='utf-8')[-3000:]}")
    return {"seconds": time.monotonic() - start, "cpu": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024}


def best(rows):
    """The least of each figure: noise only adds."""
    return {key: min(row[key] for row in rows) for key in rows[0]}


def site(top, count):
    """(figures of the play without tasks, figures of the plan) of a site."""
    folder = top / f"site{count}"
    make_site.main(folder, count)
    (folder / "noop.yml").write_text(NOOP, encoding="utf-8")
    rounds = [
        (measured(folder, "noop.yml"), measured(folder, "sovereign.ai_stack.plan", "-e", "ai_stack_observations=observations")) for _round in range(ROUNDS)
    ]
    return best([row[0] for row in rounds]), best([row[1] for row in rounds])


def main(large=10000, small=1000):
    with tempfile.TemporaryDirectory(prefix="ai-stack-bench-") as name:
        top = pathlib.Path(name)
        (top / "ansible_collections" / "sovereign").mkdir(parents=True)
        (top / "ansible_collections" / "sovereign" / "ai_stack").symlink_to(ROOT)
        few, many = site(top, small), site(top, large)
    print(f"{'':>8} {'reading the inventory':>34} {'planning the site':>34}")
    for count, (noop, plan) in ((small, few), (large, many)):
        cells = [f"{row['seconds']:.1f} s, {row['cpu']:.1f} s of a CPU, {row['mib']:.0f} MiB" for row in (noop, plan)]
        print(f"{count:>8} {cells[0]:>34} {cells[1]:>34}")
    beyond = {key: many[1][key] - many[0][key] for key in ("seconds", "cpu")}
    less = {key: few[1][key] - few[0][key] for key in ("seconds", "cpu")}
    print(f"{large} hosts beyond the reading of their inventory: {beyond['seconds']:.1f} s, {beyond['cpu']:.1f} s of a CPU (goal: 10 s)")
    print(f"{large} : {small} hosts, whole commands: {many[1]['seconds'] / few[1]['seconds']:.1f} (goal: 11); in CPU {many[1]['cpu'] / few[1]['cpu']:.1f}")
    print(f"{large} : {small} hosts, beyond the inventory: {beyond['seconds'] / less['seconds']:.1f}; in CPU {beyond['cpu'] / less['cpu']:.1f}")
    print(f"memory of the largest process: {many[1]['mib'] / 1024:.2f} GiB (goal: 1 GiB)")
    print(f"planning : reading the inventory = {many[1]['cpu'] / many[0]['cpu']:.1f} in CPU")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
