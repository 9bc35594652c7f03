# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A build for which nobody waits any more ends, with all its processes and its folder. All of this on real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import hangup

PREFIX = "test-hangup-"
# A module that builds: its program starts another one, and neither is of its process group.
BUILD = """
    import sys
    sys.path[:] = %r
    from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.hangup import leave_on_signals
    from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import run
    from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import scratch as module
    from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.scratch import name_group, scratch
    module.GRACE = %d
    %s
    with scratch(%r, %r), scratch(%r, %r) as path:
        run(["sh", "-c", "sleep 600 & echo $$ $! > %s; wait"], 600, %s)
"""
# As sudo with a terminal of its own: it reads its command's output, and would notice a deaf reader at the next line only.
RELAY = """
    import subprocess, sys
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=%r)
    print("started", flush=True)
    child.stdout.read()
"""


@pytest.fixture
def build(tmp_path):
    """Starts a build behind the given words, with a pipe as its output; gives (process, ids of what runs, folder)."""
    place, note, started = tmp_path / "place", tmp_path / "note", []
    place.mkdir()

    def start(*front, manners="leave_on_signals()", grace=10, named=True, output=subprocess.PIPE):
        lines = (sys.path, grace, manners, "a-" + PREFIX, str(place), "b-" + PREFIX, str(place), note, "lambda: name_group(path)" if named else "None")
        # whoever runs the tests may have told them not to hear the terminal hang up (nohup)
        command = ["env", "--default-signal=HUP", sys.executable, "-c", textwrap.dedent(BUILD) % lines]
        started.append(subprocess.Popen([*front, *command], stdin=subprocess.DEVNULL, stdout=output, start_new_session=True))
        assert eventually(lambda: note.exists() and len(note.read_text().split()) == 2)
        programs = [int(each) for each in note.read_text().split()]
        return started[0], [hangup._stat(programs[0])[2], *programs], place

    yield start
    for each in started:
        each.kill()
        each.wait()


def eventually(condition):
    for _each in range(200):
        if condition():
            return True
        time.sleep(0.1)
    return False


def dead(process):
    each = hangup._stat(process)
    return each is None or each[1] == "Z"


def assert_all_gone(processes, place):
    assert eventually(lambda: all(dead(each) for each in processes)), "a process of the build lives on"
    assert eventually(lambda: list(place.iterdir()) == []), "its folder stays"


@pytest.mark.parametrize("named", [True, False], ids=["the compiler", "a download"])
def test_a_build_ends_when_nobody_reads_its_output(build, named):
    owner, processes, place = build(named=named)
    owner.stdout.close()
    assert_all_gone(processes, place)


@pytest.mark.parametrize("manners", ["pass", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"], ids=["cannot", "does not listen"])
def test_a_build_that_does_not_tidy_up_is_ended_by_its_guardians(build, manners):
    owner, processes, place = build(manners=manners, grace=1)
    owner.stdout.close()
    assert_all_gone(processes, place)


def test_a_build_ends_when_nobody_reads_what_stands_before_it(build):
    relay = textwrap.dedent(RELAY) % False
    first, processes, place = build(sys.executable, "-c", relay)
    assert first.stdout.readline() == b"started\n"
    assert not dead(processes[0])
    first.stdout.close()
    assert_all_gone(processes, place)


def test_a_build_ends_with_the_process_before_it(build, tmp_path):
    """As when an ssh server's session ends: the output may be a file."""
    with open(tmp_path / "output", "wb") as output:
        first, processes, place = build("sh", "-c", '"$@"; exit $?', "sh", output=output)
    assert hangup._stat(processes[0])[2] == first.pid
    first.kill()
    assert_all_gone(processes, place)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["asked to end", "the terminal hung up"])
def test_a_build_that_is_told_to_end_ends_its_downloads_too(build, number):
    _owner, processes, place = build(named=False)
    os.kill(processes[0], number)
    assert_all_gone(processes, place)


def test_a_build_goes_on_while_somebody_waits(build):
    owner, processes, place = build()
    time.sleep(3)
    assert owner.poll() is None
    assert not any(dead(each) for each in processes)
    assert len(list(place.iterdir())) == 2


def test_a_build_without_a_listener_from_the_start_is_nobodys_loss(tmp_path, build):
    """As under a service that closed the pipe long ago: what was never there cannot be lost."""
    reader, writer = os.pipe()
    os.close(reader)
    owner, _processes, _place = build(output=writer)
    os.close(writer)
    time.sleep(3)
    assert owner.poll() is None



@pytest.mark.parametrize(("processes", "expected"), [
    ({5: ("python3", "S", 4, 3, "1"), 4: ("sudo", "S", 3, 3, "1"), 3: ("sh", "S", 2, 3, "1"), 2: ("sshd", "S", 9, 9, "1"), 9: ("sshd", "S", 1, 9, "1")},
     [4, 3, 2]),
    ({5: ("python3", "S", 4, 5, "1"), 4: ("sudo", "S", 3, 3, "1"), 3: ("sh", "S", 2, 3, "1"), 2: ("sshd-session", "S", 1, 9, "1")}, [4, 3, 2]),
    ({5: ("python3", "S", 4, 3, "1"), 4: ("sh", "S", 3, 3, "1"), 3: ("ansible-playboo", "S", 2, 3, "1"), 2: ("ansible-playboo", "S", 6, 6, "1"),
      6: ("bash", "S", 1, 6, "1")}, [4, 3]),
    ({5: ("python3", "S", 1, 5, "1")}, []),
    ({}, []),
], ids=["behind ssh", "behind ssh and sudo's own terminal", "started on the controller itself", "detached", "hidden"])  # fmt: skip
def test_the_line_ends_at_the_connection(monkeypatch, processes, expected):
    monkeypatch.setattr(hangup, "_stat", processes.get)
    assert [number for number, _start in hangup.line(5)] == expected


def test_a_number_that_another_process_got_is_not_the_same_process():
    start = hangup._stat(os.getpid())[4]
    assert not hangup._ended(os.getpid(), start)
    assert hangup._ended(os.getpid(), "0")
