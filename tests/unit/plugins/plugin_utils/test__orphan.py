# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A worker does not outlive a controller that was killed, nor does the connection that it opened."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time

import pytest

# The controller forks a worker as Ansible does, and the worker starts the program of its connection.
CONTROLLER = """
    import os, signal, subprocess, sys, time
    sys.path[:] = %r
    from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _orphan
    if os.fork() == 0:
        os.setsid()
        with _orphan.ended_with_controller():
            connection = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL)
            print(os.getpid(), connection.pid, flush=True)
            %s
        print("done", flush=True)
        time.sleep(600)
    time.sleep(600)
"""


def dead(process):
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as stream:
            return stream.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture
def controller():
    started = []

    def start(work):
        started.append(subprocess.Popen([sys.executable, "-c", textwrap.dedent(CONTROLLER) % (sys.path, work)], stdout=subprocess.PIPE, text=True))
        return started[0], [int(each) for each in started[0].stdout.readline().split()]

    yield start
    for each in started:
        each.kill()
        each.wait()


def test_a_worker_and_its_connection_end_with_the_controller(controller):
    process, numbers = controller("connection.wait()")
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not all(dead(each) for each in numbers):
        time.sleep(0.1)
    assert [dead(each) for each in numbers] == [True, True]


def test_a_worker_with_a_living_controller_is_left_alone(controller):
    process, numbers = controller("time.sleep(3)")
    assert process.stdout.readline() == "done\n"
    assert [dead(each) for each in numbers] == [False, False]
    for each in numbers:
        os.kill(each, 9)
