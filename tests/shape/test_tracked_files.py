# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Tracked files name no place of the machine that they were written on, and every exception carries its why."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from house import ROOT, relative, tracked

TEXT_LIMIT = 1_000_000
PIP_INDEX = "import pip._internal.models.index as i; print(i.PyPI.url)"
# what hosts said when they were recorded
RECORDED = ("tests/unit/fixtures/",)


def texts():
    for path in tracked():
        if path.stat().st_size < TEXT_LIMIT and path.name != "LICENSE":
            try:
                yield relative(path), path.read_text()
            except UnicodeDecodeError:
                continue


def output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout
    except OSError:
        return ""


def registry_hosts() -> set:
    """Hosts that this machine's package managers ask: what they are stands in their own configuration only."""
    asked = [("go", "env", "GOPROXY"), ("npm", "config", "get", "registry"), (sys.executable, "-m", "pip", "config", "list"), (sys.executable, "-c", PIP_INDEX)]
    lists = [*Path("/etc/apt").glob("sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    text = "\n".join([*(output(*command) for command in asked), *(path.read_text() for path in lists)])
    found = re.findall(r"https?://[^\s,'\"|]+", text)
    hosts = {urlsplit(url).hostname or "" for url in found}
    hosts.add(output(sys.executable, "-c", "import pip._internal.models.index as i; print(i.PyPI.file_storage_domain)").strip())
    return {host for host in hosts if "." in host}


def test_no_file_names_a_package_registry():
    hosts = registry_hosts()
    assert not [f"{name}: {host}" for name, text in texts() if not name.startswith(RECORDED) for host in hosts if host in text]


@pytest.mark.parametrize(
    "pattern", [r"(?:^|[^A-Za-z0-9_.}])/(?:work|farm)/", r"/root/\.(?:cache|pyenv)", r"/home/(?!somebody/)\w+/"], ids=["work", "root", "home"]
)
def test_no_file_names_a_path_of_one_machine(pattern):
    expression = re.compile(pattern, re.MULTILINE)
    mine = relative(ROOT / "tests/shape/test_tracked_files.py")
    assert not [f"{name}: {found.group()}" for name, text in texts() if name != mine for found in expression.finditer(text)]


def test_every_lint_skip_carries_its_reason():
    bare = re.compile(r"#\s*noqa(?::?\s*[\w\[\]-]+(?:,\s*[\w\[\]-]+)*)?\s*$", re.MULTILINE)
    assert not [f"{name}: {found.group()}" for name, text in texts() if name.endswith((".py", ".yml")) for found in bare.finditer(text)]


def test_every_sanity_ignore_carries_its_reason():
    lines = [line for path in ROOT.glob("tests/sanity/ignore-*.txt") for line in path.read_text().splitlines() if line.strip()]
    assert not [line for line in lines if not re.search(r"#\s*\S+", line)]


def test_python_files_have_the_licence_header():
    empty = {relative(path) for path in tracked("*.py") if not path.read_text().strip()}
    assert not [name for name, text in texts() if name.endswith(".py") and name not in empty and "GPL-3.0-or-later" not in text[:600]]


def test_plugins_postpone_their_annotations():
    plugins = [path for path in tracked("plugins/*.py") if path.read_text().strip()]
    assert not [relative(path) for path in plugins if "from __future__ import annotations" not in path.read_text()]
