# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""stages.py quick|test|long: run the checks, then the lab's scenarios; count; end with `N passed, N failed`.

A failed stage never hides a later one. What a stage printed is kept in AI_STACK_CACHE/logs and shown when it failed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import scenarios

QUICK = ["shellcheck", "yamllint", "ruff", "ansible-lint", "unit", "shape"]
TEST = [*QUICK, "rules-bite", "oracle", "docs-lint", "sanity", "galaxy-importer"]
# the quick checks have had their say in `make test`; here comes what is too slow for every change
LONG = ["unit-long", "oracle-long", "pages", "other-core"]
SHOWN_LINES = 60


# of what a stage printed, the lines that say what failed: of pytest, of Ansible, of everything else
SAID = re.compile(r"^(FAILED|ERROR) |^E   |fatal: \[|\[ERROR\]: ")
SAID_LINES, SAID_ENDS = 8, (300, 1200)


class Result(NamedTuple):
    name: str
    seconds: float
    passed: int
    failed: int
    skipped: int
    said: tuple = ()


def counted(name: str, seconds: float, code: int, text: str) -> Result:
    """Count tests where the stage says how many there were; otherwise the stage is one."""
    numbers = {}
    for line in text.splitlines():
        if re.search(r" in [0-9.]+s", line):  # pytest's closing line, once for each run of it
            for count, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", line):
                numbers[word.rstrip("s")] = numbers.get(word.rstrip("s"), 0) + int(count)
    asserted = text.count("All assertions passed")  # in a scenario's verify.yml
    if asserted:
        numbers["passed"] = numbers.get("passed", 0) + asserted
    failed = numbers.get("failed", 0) + numbers.get("error", 0)
    if code and not failed:
        failed = 1
    passed = numbers.get("passed", 0) or (0 if code or numbers else 1)
    return Result(name, seconds, passed, failed, numbers.get("skipped", 0))


def run(name: str, *arguments: str) -> Result:
    log = Path(os.environ["AI_STACK_CACHE"], "logs", name.replace(" ", "-") + ".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"....  {name}", flush=True)
    start = time.monotonic()
    with log.open("wb") as out:
        code = subprocess.call(["tools/check.sh", *(arguments or [name])], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    text = log.read_text(errors="replace")
    result = counted(name, time.monotonic() - start, code, text)
    if result.failed:
        result = result._replace(said=tuple(said(text)))
    why = [*text.splitlines()[-SHOWN_LINES:], f"(all of it: {log})"] if result.failed else []
    print("\n".join([*why, row(result)]), flush=True)  # in one piece: another check may be printing
    return result


def said(text: str) -> list:
    """What failed, in the words of the stage; long lines without their middle."""
    start, end = SAID_ENDS
    lines = [line for line in text.splitlines() if SAID.search(line)][:SAID_LINES]
    return [line if len(line) <= start + end else f"{line[:start]} ... {line[-end:]}" for line in lines]


def row(result: Result) -> str:
    verdict = "FAIL" if result.failed else "ok  "
    skipped = f", {result.skipped} skipped" if result.skipped else ""
    return f"{verdict}  {result.name:<62} {result.seconds:7.1f} s  {result.passed} passed, {result.failed} failed{skipped}"


def run_all(names: list, lab: list) -> list:
    """Scenarios on the lab's hosts one after another, beside them those that bring their own, beside them the checks and then the scenarios of clusters; or two
    checks at a time where no scenario runs: most use one core. What scenarios run on comes up meanwhile, the longest first; one waits for its own alone."""
    waits_for = {name: scenarios.stage_of(scenarios.ROOT, name) for name in lab}
    # a machine with a kernel of its own takes long to make
    order = sorted(lab, key=lambda name: waits_for[name] == "machine")
    shared, clusters = ([name for name in order if waits_for[name] == stage] for stage in (scenarios.HOSTS, "programs"))
    own = [name for name in order if name not in shared + clusters]
    with ThreadPoolExecutor(1 if lab else 2) as checks, ThreadPoolExecutor(2) as background, ThreadPoolExecutor(2) as beside:
        up = {stage: background.submit(run, stage) for stage in ("programs", scenarios.HOSTS, "machine") if stage in waits_for.values()}

        def one(name: str) -> Result:
            stage = up.get(waits_for[name])
            # without what it runs on a scenario would only wait for it
            return Result(f"scenario {name}", 0, 0, 1, 0) if stage and stage.result().failed else run(f"scenario {name}", "scenario", name)

        def lane(scenarios_of: list) -> list:
            return [one(name) for name in scenarios_of]

        results = checks.map(run, names)
        try:
            lanes = [beside.submit(lane, shared), beside.submit(lane, own), checks.submit(lane, clusters)]
            ran = [result for each in lanes for result in each.result()]
        finally:
            made = [stage.result() for stage in up.values()]
            down = [run("lab-down")] if lab else []
    return [*results, *made, *ran, *down]


def main(kind: str) -> int:
    names = {"quick": QUICK, "test": TEST, "long": LONG}[kind]
    lab = [] if kind == "quick" else scenarios.names(scenarios.ROOT, long=kind == "long")
    results = run_all(names, lab)
    print()
    print("\n".join(row(result) for result in results))
    failed = sum(result.failed for result in results)
    # a log that is cut off keeps its end
    for result in results:
        print("".join(f"{result.name}: {line}\n" for line in result.said), end="")
    print(f"{sum(result.passed for result in results)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
