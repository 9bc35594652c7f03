# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""refusals.py PLAN.JSON: print the conflicts of a plan; fail when the demo's plan refused fewer than three hosts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

LEAST = 3


def main(path: str) -> int:
    conflicts = json.loads(Path(path).read_text())["conflicts"]
    for conflict in conflicts:
        nearest = f" Nearest allowed: {conflict['nearest']}" if conflict.get("nearest") else ""
        print(f"refused  {conflict['host'] or 'site':<16} {conflict['rule']:<9} {conflict['message']}{nearest}")
    hosts = {conflict["host"] for conflict in conflicts if conflict["host"]}
    if len(hosts) < LEAST:
        print(f"{len(hosts)} hosts were refused, the lab has at least {LEAST} that must be", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
