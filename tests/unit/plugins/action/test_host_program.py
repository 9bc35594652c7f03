# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A role's program comes to a host in one file, which runs, and comes anew only when it is another one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.sovereign.ai_stack.plugins.action import host_program

COLLECTIONS = str(Path(host_program.__file__).parents[5])
MAIN = "import sys\nimport ground\nprint(ground.WORD, *sys.argv[1:])\n"


def sources(folder, word="one"):
    (folder / "program/__pycache__").mkdir(parents=True, exist_ok=True)
    (folder / "program/__main__.py").write_text(MAIN)
    (folder / "program/__pycache__/x.py").write_text("no part of it")
    (folder / "ground.py").write_text(f"WORD = {word!r}\n")
    return [str(folder / "program"), str(folder / "ground.py")]


def bring(folder, *options):
    """What the module returns for HERE/command."""
    given = {"src": [str(folder / "program"), str(folder / "ground.py")], "dest": str(folder / "command")}
    environment = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=COLLECTIONS, ANSIBLE_HOME=str(folder / ".ansible"), ANSIBLE_LOAD_CALLBACK_PLUGINS="1",
                       ANSIBLE_STDOUT_CALLBACK="ansible.builtin.oneline", ANSIBLE_NOCOLOR="1")  # fmt: skip
    command = [sys.executable, "-m", "ansible", "adhoc", "localhost", "-c", "local", "-m", "sovereign.ai_stack.host_program", "-a", json.dumps(given), *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout.partition("=> ")[2])


def test_the_archive_runs_and_is_the_same_for_the_same_sources(tmp_path):
    first = host_program.packed(sources(tmp_path))
    os.utime(tmp_path / "ground.py", (0, 0))
    assert host_program.packed(sources(tmp_path)) == first != host_program.packed(sources(tmp_path, "two"))
    assert MAIN.encode() in first  # as it is: what a zlib makes of it differs from one to the next
    (tmp_path / "command").write_bytes(first)
    done = subprocess.run([sys.executable, tmp_path / "command", "status"], capture_output=True, text=True, check=True)
    assert done.stdout == "one status\n"


def test_two_files_of_one_name_are_refused(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/ground.py").write_text("")
    with pytest.raises(AnsibleActionFail, match="two files of one name: .*ground.py, .*other/ground.py"):
        host_program.packed([*sources(tmp_path), str(tmp_path / "other")])


def test_it_is_brought_where_it_differs_and_only_then(tmp_path):
    sources(tmp_path)
    asked = bring(tmp_path, "--check")
    assert asked["changed"] and not (tmp_path / "command").exists()
    brought = bring(tmp_path)
    assert brought["changed"] and (tmp_path / "command").stat().st_mode & 0o777 == 0o755
    assert not bring(tmp_path)["changed"] and not bring(tmp_path, "--check")["changed"]
    sources(tmp_path, "two")
    assert bring(tmp_path)["changed"]
