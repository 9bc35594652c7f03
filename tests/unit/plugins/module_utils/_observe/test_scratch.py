# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A scratch folder is gone afterwards, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import scratch as module
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.scratch import remove_stale, scratch

PREFIX = "test-scratch-"
OWNER = """
    import subprocess, sys
    sys.path[:] = %r
    from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.scratch import name_group, scratch
    with scratch(%r, %r) as path:
        worker = subprocess.Popen(["sleep", "600"], start_new_session=True, preexec_fn=lambda: name_group(path))
        print(path, worker.pid, flush=True)
        worker.wait()
"""


def gone(condition):
    for _each in range(200):
        if condition():
            return True
        time.sleep(0.1)
    return False


def dead(process):
    try:
        return Path("/proc/%d/stat" % process).read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_it_is_private_and_gone_afterwards(tmp_path):
    with scratch(PREFIX, str(tmp_path)) as path:
        assert os.stat(path).st_mode & 0o777 == 0o700
        (Path(path) / "x").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_it_is_gone_after_an_exception(tmp_path):
    with pytest.raises(ValueError, match="x"), scratch(PREFIX, str(tmp_path)):
        raise ValueError("x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "terminated"])
def test_it_and_its_workers_are_gone_when_the_owner_is_killed(tmp_path, number):
    program = textwrap.dedent(OWNER) % (sys.path, PREFIX, str(tmp_path))
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    path, worker = owner.stdout.readline().split()
    assert os.path.isdir(path)
    owner.send_signal(number)
    owner.wait()
    assert gone(lambda: not os.path.exists(path))
    assert gone(lambda: dead(int(worker)))


def test_what_a_dead_owner_left_is_removed_by_the_next_and_a_living_ones_stays(tmp_path):
    left = tmp_path / (PREFIX + "left")
    left.mkdir()
    (left / module.LOCK).write_text("")
    other = tmp_path / "something-else"
    other.mkdir()
    with scratch(PREFIX, str(tmp_path)) as path:
        assert remove_stale(PREFIX, str(tmp_path)) == []
        assert not left.exists()
        assert os.path.isdir(path)
    assert [each.name for each in tmp_path.iterdir()] == ["something-else"]


def test_a_link_of_somebody_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / module.LOCK).write_text("")
    (tmp_path / (PREFIX + "link")).symlink_to(victim)
    assert remove_stale(PREFIX, str(tmp_path)) == []
    assert victim.exists()
