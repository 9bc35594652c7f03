# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Programs of a host get the time that they were given, and no more."""

from __future__ import annotations

import os
import subprocess
import time

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import run as module
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import in_child, run


def test_a_program_gives_code_and_both_outputs():
    answer = run(["sh", "-c", "echo out; echo err >&2; exit 7"], 10)
    assert (answer.code, answer.out, answer.err, answer.late) == (7, "out\n", "err\n", False)


def test_a_program_that_hangs_is_killed_with_all_that_it_started(tmp_path):
    note, started = tmp_path / "pid", time.monotonic()
    answer = run(["sh", "-c", "trap '' TERM; sleep 600 & echo $! > %s; sleep 600" % note], 1)
    assert (answer.code, answer.late, answer.err) == (None, True, "no answer in 1 s")
    assert time.monotonic() - started < 20
    for _each in range(100):
        if not alive(int(note.read_text())):
            return
        time.sleep(0.1)
    pytest.fail("what it had started lives on")


def alive(process):
    """A zombie that nobody reaped is dead enough."""
    try:
        with open("/proc/%d/stat" % process, encoding="ascii") as stream:
            return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_program_that_cannot_die_is_not_waited_for(monkeypatch):
    def never(self, timeout=None):
        raise subprocess.TimeoutExpired("x", timeout)

    monkeypatch.setattr(module.subprocess.Popen, "communicate", never)
    monkeypatch.setattr(module.subprocess.Popen, "wait", never)
    assert run(["true"], 1).late


def test_a_program_that_is_not_there_is_no_exception():
    answer = run(["/no/such/program"], 1)
    assert (answer.code, answer.late) == (None, False)
    assert "No such file" in answer.err


def test_a_preparation_that_is_not_allowed_is_no_exception():
    def refused():
        raise PermissionError("not root")

    assert run(["true"], 5, refused).code is None


def test_programs_speak_the_plain_language_and_get_roots_path(monkeypatch):
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("LC_MESSAGES", "de_DE.UTF-8")
    monkeypatch.setenv("PATH", "/home/somebody/bin")
    lines = run(["/usr/bin/env"], 10).out.splitlines()
    assert "LC_ALL=C" in lines
    assert "PATH=/usr/sbin:/usr/bin:/sbin:/bin" in lines
    assert not any(line.startswith(("LANG=", "LC_MESSAGES=")) for line in lines)


def test_bytes_that_are_no_text_are_replaced():
    assert run(["printf", "a\\377b"], 10).out == "a\ufffdb"


def test_a_read_in_a_child_gives_its_result():
    assert in_child(lambda: {"a": [1, None]}, 10) == {"a": [1, None]}


def test_a_read_in_a_child_that_never_ends_costs_seconds_only():
    started = time.monotonic()
    assert in_child(lambda: time.sleep(600), 1) is None
    assert time.monotonic() - started < 20


def test_a_read_in_a_child_that_fails_is_unknown(capfd):
    assert in_child(lambda: os.stat("/no/such/file"), 10) is None
