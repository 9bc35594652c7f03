# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The core is pure, and each room imports only what docs/data.md lets it."""

from __future__ import annotations

import ast
import sys

import pytest
from house import ROOT, relative

UTILS = ROOT / "plugins/module_utils"
# ambient answers come in as arguments: no file, clock, process, network, chance or environment
FORBIDDEN = {
    "_compat": {
        "os",
        "io",
        "time",
        "pathlib",
        "subprocess",
        "socket",
        "random",
        "secrets",
        "shutil",
        "tempfile",
        "glob",
        "platform",
        "urllib",
        "logging",
        "sys",
    },
    "_parse": {"os", "io", "time", "pathlib", "subprocess", "socket", "random", "shutil", "tempfile", "glob", "platform", "urllib", "sys"},
}
CALLS = {"open", "input", "print", "eval", "exec", "__import__"}
CLOCK = {"now", "today", "utcnow"}
FORBIDDEN["_pools"] = FORBIDDEN["_cloud"] = FORBIDDEN["_cluster"] = FORBIDDEN["_compat"]
# what asks a cloud, and the module around it; all else in their room decides
EDGES = {UTILS / "_cloud/session.py": {"openstack", "keystoneauth1"}, UTILS / "_cloud/work.py": set()}
FILES = [path for room in FORBIDDEN for path in sorted((UTILS / room).rglob("*.py")) if path not in EDGES]
each_file = pytest.mark.parametrize("path", FILES, ids=relative)


def imported(tree):
    """Top-level names of absolute imports; relative ones stay in the house."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


def own(name):
    return name.startswith("ansible_collections.sovereign.ai_stack.plugins.module_utils.")


def test_there_is_a_core_to_look_at():
    assert any("_compat" in path.parts for path in FILES)


@each_file
def test_pure_code_imports_the_standard_library_and_itself(path):
    names = set(imported(ast.parse(path.read_text())))
    foreign = {name for name in names if not own(name) and name.split(".")[0] not in sys.stdlib_module_names}
    assert not foreign


@each_file
def test_pure_code_imports_nothing_ambient(path):
    room = next(part for part in path.parts if part in FORBIDDEN)
    assert not {name for name in imported(ast.parse(path.read_text())) if name.split(".")[0] in FORBIDDEN[room]}


@each_file
def test_pure_code_asks_no_clock_and_opens_nothing(path):
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    ambient = [call.id for call in calls if isinstance(call, ast.Name) and call.id in CALLS]
    ambient += [call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCK]
    assert not ambient


@pytest.mark.parametrize("path", sorted(UTILS.rglob("*.py")), ids=relative)
def test_code_that_runs_on_hosts_needs_no_package(path):
    names = set(imported(ast.parse(path.read_text()))) - EDGES.get(path, set())
    assert not {name for name in names if not own(name) and not name.startswith("ansible.") and name.split(".")[0] not in sys.stdlib_module_names}


def test_only_the_tables_reader_names_the_folder_of_the_tables():
    """Roles and the core get decisions and tables as values."""
    readers = [path for path in (ROOT / "plugins").rglob("*.py") if "'compat'" in path.read_text() or '"compat"' in path.read_text()]
    assert [relative(path) for path in readers] == ["plugins/plugin_utils/_tables.py"]
