# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The site lock: one run at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _lock, _site

NOW, LATER = "2026-11-25T19:00:00Z", "2026-11-25T20:00:00Z"


@pytest.fixture
def other_run():
    """A process that lives as long as the test, as another ansible-playbook would."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield {**_lock.process_of_run(), "pid": child.pid, "started": _lock._started(child.pid)}
    child.communicate(b"\n")


def gone():
    """A process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    started = _lock._started(child.pid)
    child.wait()
    return {**_lock.process_of_run(), "pid": child.pid, "started": started or 1}


def test_the_second_run_is_told_who_holds_the_site_since_when_and_how_to_remove_the_lock(tmp_path, other_run):
    assert _lock.take(tmp_path, "deploy", NOW, other_run) is None
    with pytest.raises(_site.SiteError) as refused:
        _lock.take(tmp_path, "deploy", LATER)
    text = str(refused.value)
    assert f"process {other_run['pid']}" in text and f"runs deploy since {NOW}" in text and LATER in text and f"rm {tmp_path}/site.lock" in text


def test_the_same_run_takes_its_lock_twice(tmp_path):
    assert _lock.take(tmp_path, "deploy", NOW) is None
    assert _lock.take(tmp_path, "deploy", LATER) is None


def test_the_lock_of_a_run_that_ended_is_stale_and_taken_over(tmp_path):
    process = gone()
    _lock.take(tmp_path, "deploy", NOW, process)
    assert "stale: its process is gone" in _lock.take(tmp_path, "deploy", LATER)
    assert json.loads((tmp_path / "site.lock").read_text())["pid"] == os.getppid()


def test_another_process_under_the_same_id_does_not_keep_a_lock_alive(tmp_path, other_run):
    _lock.take(tmp_path, "deploy", NOW, {**other_run, "started": other_run["started"] - 1})
    assert "stale" in _lock.take(tmp_path, "deploy", LATER)


def test_the_lock_of_another_controller_is_not_judged_from_here(tmp_path):
    _lock.take(tmp_path, "deploy", NOW, {**gone(), "controller": "elsewhere"})
    with pytest.raises(_site.SiteError, match="on elsewhere"):
        _lock.take(tmp_path, "deploy", LATER)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', '{"pid": -1, "controller": 7}'])
def test_a_lock_that_cannot_be_read_is_held_by_somebody(tmp_path, content):
    (tmp_path / "site.lock").write_text(content)
    with pytest.raises(_site.SiteError, match="The site is locked"):
        _lock.take(tmp_path, "deploy", NOW)


def test_a_run_gives_back_its_own_lock_only(tmp_path, other_run):
    _lock.take(tmp_path, "deploy", NOW, other_run)
    assert _lock.release(tmp_path) is False and (tmp_path / "site.lock").exists()
    assert _lock.release(tmp_path, other_run) is True and not (tmp_path / "site.lock").exists()
    assert _lock.release(tmp_path) is False


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_runs_that_start_together_one_gets_the_lock(tmp_path, stale):
    if stale:
        _lock.take(tmp_path, "deploy", NOW, gone())
    script = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _lock, _site\n"
        "import os, sys\n"
        "process = {**_lock.process_of_run(), 'pid': os.getpid(), 'started': _lock._started(os.getpid())}\n"
        "try:\n    _lock.take(sys.argv[1], 'deploy', 'now', process); print('got it')\nexcept _site.SiteError:\n    print('refused')\n"
        "sys.stdout.flush(); input()\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for dummy in range(4)]
    said = [child.stdout.readline().strip() for child in children]
    for child in children:
        child.communicate("\n")
    assert sorted(said) == ["got it", "refused", "refused", "refused"]


def test_two_runs_of_one_controller_have_two_names(other_run):
    assert _lock.name_of_run() != _lock.name_of_run(other_run)
    assert _lock.name_of_run() == _lock.name_of_run() and " " not in _lock.name_of_run()


def test_a_run_is_over_once_its_process_is_gone_and_not_before(other_run):
    assert not _lock.is_over(_lock.name_of_run(other_run)) and not _lock.is_over(_lock.name_of_run())
    assert _lock.is_over(_lock.name_of_run(gone()))


def test_a_process_that_waits_for_its_burial_is_gone():
    child = subprocess.Popen([sys.executable, "-c", ""])
    process = {**_lock.process_of_run(), "pid": child.pid, "started": _lock._started(child.pid) or 1}
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert _lock.is_over(_lock.name_of_run(process))
    child.wait()


@pytest.mark.parametrize("name", [None, "", "site@controller", "root@elsewhere#1.1", "root@{}#one.1", "root@{}#1.None", 7, {"owner": "root"}])
def test_a_run_that_cannot_be_judged_from_here_is_not_over(name):
    here = _lock.process_of_run()["controller"]
    assert not _lock.is_over(name.format(here) if isinstance(name, str) else name)
