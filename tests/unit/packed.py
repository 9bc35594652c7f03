# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The program of a role, as its tasks pack it, loaded from the work tree."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]


def packed_paths(role, tasks):
    """The files and folders that a role packs into its program. tasks: the file of tasks that says it."""
    folder = ROOT / "roles" / role
    (sources,) = [
        task["sovereign.ai_stack.host_program"]["src"]
        for task in yaml.safe_load((folder / "tasks" / tasks).read_text())
        if "sovereign.ai_stack.host_program" in task
    ]
    return [folder / "files" / path.replace("{{ role_path }}", str(folder)) for path in sources]


def program(role, tasks, names):
    """The program's modules, loaded anew, by name."""
    paths = [str(path if path.is_dir() else path.parent) for path in packed_paths(role, tasks)]
    sys.path[:0] = paths
    try:
        for name in names:
            sys.modules.pop(name, None)
        return {name: importlib.import_module(name) for name in names}
    finally:
        del sys.path[: len(paths)]
        for name in names:
            sys.modules.pop(name, None)
