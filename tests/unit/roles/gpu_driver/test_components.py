# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Components that drivers live in are added beside the host's own sources, for its own suites and mirrors only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import host_program

COLLECTIONS = str(Path(host_program.__file__).parents[5])
PLAY = "[{hosts: localhost, gather_facts: false, tasks: [{include_role: {name: sovereign.ai_stack.gpu_driver, tasks_from: program}}]}]"
KEY = "/usr/share/keyrings/debian-archive-keyring.gpg"
WANTED = ("main", "contrib", "non-free")
OWN = f"""Types: deb deb-src
URIs: http://mirror.example.org/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: {KEY}
"""
OTHERS = """Types: deb
URIs: https://packages.example.org/bookworm
Suites: bookworm
Components: main
Signed-By: /etc/apt/keyrings/vendor.gpg
"""


def drop_in(program, files):
    modules, machine = program
    for name, text in files.items():
        machine.write("/etc/apt/" + name, text)
    changed = modules.components.write("ours", "bookworm", *WANTED)["changed"]
    return changed, machine.read(modules.components.DROP_IN)


def test_missing_components_come_from_the_same_mirror(program):
    changed, text = drop_in(program, {"sources.list.d/debian.sources": OWN})
    assert changed and text.count("Components: contrib non-free") == 2
    assert "URIs: http://mirror.example.org/debian/\n" in text and f"Signed-By: {KEY}\n" in text and text.startswith("# ours\n")
    assert drop_in(program, {})[0] is False


@pytest.mark.parametrize(("login", "mode"), [("", 0o644), ("me:secret@", 0o600)])
def test_a_login_in_an_address_stays_with_root(program, login, mode):
    modules, _machine = program
    drop_in(program, {"sources.list.d/debian.sources": OWN.replace("http://", "http://" + login)})
    assert os.stat(modules.host.at(modules.components.DROP_IN)).st_mode & 0o777 == mode


@pytest.mark.parametrize(
    "line",
    ["deb http://mirror.example.org/debian bookworm main", "deb [arch=amd64 signed-by=%s] http://mirror.example.org/debian/ bookworm main # old form" % KEY],
)
def test_one_line_sources_are_read_too(program, line):
    _changed, text = drop_in(program, {"sources.list": line + "\n"})
    assert "Suites: bookworm\nComponents: contrib non-free\n" in text


@pytest.mark.parametrize(
    "files",
    [
        {"sources.list.d/debian.sources": OWN.replace("Components: main", "Components: main contrib non-free")},
        {"sources.list.d/other.sources": OTHERS},
        {"sources.list.d/off.sources": OWN + "Enabled: no\n"},
        {"sources.list.d/next.sources": OWN.replace("bookworm", "trixie")},
        {"sources.list.d/src.sources": OWN.replace("deb deb-src", "deb-src")},
        {"sources.list": "# deb http://mirror.example.org/debian bookworm main\n"},
    ],
)
def test_nothing_is_added_where_nothing_is_missing_or_it_is_not_ours(program, files):
    assert drop_in(program, files) == (False, None)


def test_a_component_that_another_file_brings_is_not_added_twice(program):
    more = OWN.replace("Components: main", "Components: non-free").replace("bookworm bookworm-updates", "bookworm")
    _changed, text = drop_in(program, {"sources.list.d/debian.sources": OWN, "sources.list.d/more.sources": more})
    assert "Suites: bookworm\nComponents: contrib\n" in text and "Suites: bookworm-updates\nComponents: contrib non-free\n" in text


def test_the_drop_in_goes_when_the_host_has_it_all_itself(program):
    drop_in(program, {"sources.list.d/debian.sources": OWN})
    full = {"sources.list.d/debian.sources": OWN.replace("Components: main", "Components: main contrib non-free")}
    assert drop_in(program, full) == (True, None)


def test_all_that_the_host_says_of_a_source_is_said_of_its_components(program):
    options = "Architectures: amd64\nBy-Hash: no\nCheck-Valid-Until: no\nSigned-By: %s\nTrusted: yes\n" % KEY
    line = "deb [arch=amd64 by-hash=no check-valid-until=no trusted=yes signed-by=%s] http://m/ bookworm main\n" % KEY
    _changed, text = drop_in(program, {"sources.list": line})
    assert text == "# ours\nTypes: deb\nURIs: http://m/\nSuites: bookworm\nComponents: contrib non-free\n" + options


def test_the_installed_role_brings_a_program_that_runs_without_a_library(tmp_path):
    (tmp_path / "play.yml").write_text(PLAY)
    environment = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=COLLECTIONS, ANSIBLE_HOME=str(tmp_path / ".ansible"), ANSIBLE_NOCOLOR="1")
    given = json.dumps({"__gpu_driver_program": str(tmp_path / "program"), "ansible_connection": "local", "ansible_python_interpreter": sys.executable})
    subprocess.run([sys.executable, "-m", "ansible", "playbook", "play.yml", "-e", given], cwd=tmp_path, env=environment, timeout=120, check=True)
    (tmp_path / "etc/apt").mkdir(parents=True)
    (tmp_path / "etc/apt/sources.list").write_text("deb [trusted=yes] http://mirror.example.org/debian bookworm main\n")
    command = [sys.executable, "-I", "-S", tmp_path / "program", "sources", "ours", "bookworm", "main", "contrib"]
    done = subprocess.run(command, env={"AI_STACK_HOST_ROOT": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, '{"changed": true}\n'), done
    assert "Components: contrib\nTrusted: yes\n" in (tmp_path / "etc/apt/sources.list.d/ai-stack-distribution.sources").read_text()
