# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the shape tests know of the house: its roles, its files, and how to walk a YAML document."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
ROLES = sorted(path for path in (ROOT / "roles").glob("*") if path.is_dir())


class Loader(yaml.SafeLoader):
    """Ansible's own tags (!vault, !unsafe) are values here."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def documents(path: Path):
    return list(yaml.load_all(path.read_text(), Loader))  # noqa: S506  a SafeLoader, see above


def document(path: Path):
    found = documents(path) if path.exists() else []
    return (found[0] if found else None) or {}


def tracked(*patterns: str) -> list[Path]:
    """Files that git knows or would add, so that a new file is looked at before it is committed."""
    out = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return sorted({ROOT / name for name in out.stdout.split("\0") if name and (ROOT / name).is_file()})


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def scalars(node, keys=()):
    """(keys on the way, text or number) of every scalar, of mapping keys too."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield (*keys, "<key>"), key
            yield from scalars(value, (*keys, key))
    elif isinstance(node, list):
        for value in node:
            yield from scalars(value, keys)
    elif node is not None:
        yield keys, node


def tasks(node):
    """Every task of a task file or playbook, blocks opened."""
    for item in node if isinstance(node, list) else []:
        if not isinstance(item, dict):
            continue
        nested = [key for key in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers") if key in item]
        for key in nested:
            yield from tasks(item[key])
        if not nested:
            yield item


def constants(path: Path):
    """(line, value) of the constants of a Python file that are not documentation."""
    tree = ast.parse(path.read_text())
    described = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            described.add(node.value)
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") in ("DOCUMENTATION", "EXAMPLES", "RETURN") for t in node.targets):
            described.update(n for n in ast.walk(node) if isinstance(n, ast.Constant))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in described and isinstance(node.value, (str, int, float)):
            yield node.lineno, node.value
