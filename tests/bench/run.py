#!/usr/bin/env python3
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Run every bench of this folder (bench*.py), one after the other: `make bench`."""

from __future__ import annotations

import pathlib
import subprocess
import sys

failed = []
for path in sorted(pathlib.Path(__file__).parent.glob("bench*.py")):
    print(f"== {path.stem}", flush=True)
    if subprocess.run([sys.executable, str(path)], check=False).returncode:
        failed.append(path.name)
sys.exit(f"could not be measured: {', '.join(failed)}" if failed else 0)
