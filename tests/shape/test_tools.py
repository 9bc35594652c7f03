# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The tools count what really ran, and find what there is instead of listing it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import threading

import pytest
import refusals
import scenarios
import stages
from house import ROOT


@pytest.mark.parametrize(
    ("code", "text", "passed", "failed", "skipped"),
    [
        (0, "clean\n", 1, 0, 0),
        (1, "broken\n", 0, 1, 0),
        (0, "12 passed, 1 skipped in 3.10s\n", 12, 0, 1),
        (1, "2 failed, 10 passed in 63.20s (0:01:03)\n", 10, 2, 0),
        (1, "3 passed, 1 error in 0.50s\n", 3, 1, 0),
        (0, "5 passed in 1.00s\nthen\n7 passed in 2.00s\n", 12, 0, 0),
        (1, "5 passed in 1.00s\nafter that the second tool broke\n", 5, 1, 0),
        (0, "4 skipped in 0.10s\n", 0, 0, 4),
        (5, "no tests ran in 0.01s\n", 0, 1, 0),
        (0, "  msg: All assertions passed\n  msg: All assertions passed\n", 2, 0, 0),
    ],
)
def test_a_stage_counts_its_tests_or_itself(code, text, passed, failed, skipped):
    assert stages.counted("name", 1.0, code, text)[2:5] == (passed, failed, skipped)


def test_what_failed_is_told_in_the_words_of_the_stage():
    text = "TASK [x]\nfatal: [a]: FAILED! => {" + "x" * 2000 + "end}\nE   assert 1 == 2\nFAILED tests/x.py::y\nok\n"
    first, *rest = stages.said(text)
    assert first.startswith("fatal: [a]") and first.endswith("end}") and len(first) < 1600
    assert rest == ["E   assert 1 == 2", "FAILED tests/x.py::y"] and stages.said("fine\n") == []


def test_every_target_of_make_is_in_its_help():
    makefile = (ROOT / "Makefile").read_text()
    targets = {name for line in re.findall(r"^([a-z][a-z -]*):", makefile, re.MULTILINE) for name in line.split()}
    said = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in said.splitlines()} == targets == set(re.search(r"^\.PHONY: (.*)", makefile, re.MULTILINE)[1].split())


def test_the_tools_go_where_the_operator_has_them(tmp_path):
    """A stamp that fits ends the script before it makes anything."""
    tools, python = ROOT / "tools", "/usr/bin/python3"
    files = ("install.sh", "requirements.txt", "constraints.txt", "bundle.txt", "unpack_collections.py")
    try:
        version = subprocess.run([python, "--version"], capture_output=True, check=True).stdout
        subprocess.run([python, "-c", "import sys, ssl, ensurepip; sys.exit(sys.version_info < (3, 11))"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no Python for the tools in /usr/bin")
    (tmp_path / "own").mkdir()
    stamp = hashlib.sha256(b"".join((tools / name).read_bytes() for name in files) + version).hexdigest()
    (tmp_path / "own/.stamp").write_text(f"{stamp}  -\n")
    own = {"AI_STACK_SKIP_SYSTEM": "1", "AI_STACK_CACHE": str(tmp_path / "cache"), "AI_STACK_VENV": str(tmp_path / "own")}
    done = subprocess.run(["timeout", "60", "sh", tools / "install.sh"], env={**os.environ, **own}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, (tmp_path / "cache").exists()) == (0, "", False), done.stderr


def test_scenarios_are_found_by_folder_and_not_by_list(tmp_path):
    for name in ("default", "one", "long_two", "shared"):
        (tmp_path / "molecule" / name).mkdir(parents=True)
        if name != "shared":
            (tmp_path / "molecule" / name / "molecule.yml").write_text("---\n")
    assert scenarios.names(tmp_path, long=False) == ["one"]
    assert scenarios.names(tmp_path, long=True) == ["long_two"]


def test_scenarios_do_not_run_without_hosts(monkeypatch):
    monkeypatch.setattr(stages, "run", lambda name, *arguments: stages.Result(name, 0, 0, int(name == "lab-up"), 0))
    assert [(result.name, result.failed) for result in stages.run_all(["unit"], ["one"])] == [("unit", 0), ("lab-up", 1), ("scenario one", 1), ("lab-down", 0)]


def test_only_scenarios_with_a_machine_of_their_own_wait_for_one(tmp_path, monkeypatch):
    machine = "---\nshared_state: false\nansible: {playbooks: {create: ../shared/machine/create.yml}}\n"
    cluster = "---\nshared_state: false\nansible: {executor: {args: {ansible_playbook: [--inventory=x/molecule/shared/kubernetes/site]}}}\n"
    for name, text in (("a_cluster", cluster), ("cloud", "---\nshared_state: false\n"), ("hosts", "scenario: {}\n"), ("kernel", machine)):
        (tmp_path / "molecule" / name).mkdir(parents=True)
        (tmp_path / "molecule" / name / "molecule.yml").write_text(text)
    monkeypatch.setattr(scenarios, "ROOT", tmp_path)
    monkeypatch.setattr(stages, "run", lambda name, *arguments: stages.Result(name, 0, 0, int(name == "machine"), 0))
    ran = [(result.name, result.failed) for result in stages.run_all([], ["a_cluster", "cloud", "hosts", "kernel"])]
    # what takes longest begins first, and who needs it comes last
    assert ran == [("programs", 0), ("lab-up", 0), ("machine", 1), ("scenario hosts", 0), ("scenario cloud", 0), ("scenario kernel", 1),
                   ("scenario a_cluster", 0), ("lab-down", 0)]  # fmt: skip


def test_scenarios_of_clusters_come_behind_the_checks_and_beside_the_others(tmp_path, monkeypatch):
    cluster = "---\nshared_state: false\nansible: {executor: {args: {ansible_playbook: [--inventory=x/molecule/shared/kubernetes/site]}}}\n"
    for name, text in (("a_cluster", cluster), ("cloud", "---\nshared_state: false\n")):
        (tmp_path / "molecule" / name).mkdir(parents=True)
        (tmp_path / "molecule" / name / "molecule.yml").write_text(text)
    monkeypatch.setattr(scenarios, "ROOT", tmp_path)
    begun = threading.Event()

    def run(name, *_arguments):
        if name == "scenario a_cluster":
            begun.set()
        # the other lane is still at work when the cluster's begins, which is not before the last check ends
        good = {"scenario cloud": lambda: begun.wait(10), "shape": lambda: not begun.wait(0.3)}.get(name, lambda: True)()
        return stages.Result(name, 0, int(good), int(not good), 0)

    monkeypatch.setattr(stages, "run", run)
    assert not [result.name for result in stages.run_all(["unit", "shape"], ["a_cluster", "cloud"]) if result.failed]


def test_scenarios_on_the_lab_do_not_wait_for_those_that_bring_their_own(tmp_path, monkeypatch):
    for name, text in (("cloud", "---\nshared_state: false\n"), ("hosts", "---\n"), ("more_hosts", "---\n")):
        (tmp_path / "molecule" / name).mkdir(parents=True)
        (tmp_path / "molecule" / name / "molecule.yml").write_text(text)
    monkeypatch.setattr(scenarios, "ROOT", tmp_path)
    begun = {"scenario cloud": threading.Event(), "scenario more_hosts": threading.Event()}
    # each of the two ends only when the other lane is at work
    waits_for = {"scenario hosts": "scenario cloud", "scenario cloud": "scenario more_hosts"}

    def run(name, *_arguments):
        begun.get(name, threading.Event()).set()
        together = name not in waits_for or begun[waits_for[name]].wait(10)
        return stages.Result(name, 0, int(together), int(not together), 0)

    monkeypatch.setattr(stages, "run", run)
    assert [result.name for result in stages.run_all([], ["cloud", "hosts", "more_hosts"]) if not result.failed] == [
        "lab-up", "scenario hosts", "scenario more_hosts", "scenario cloud", "lab-down",
    ]  # fmt: skip


@pytest.mark.parametrize(("hosts", "code"), [(["a", "b", "c"], 0), (["a", "a", "a"], 1), (["a", "b", None], 1)])
def test_the_demo_wants_refusals_of_three_hosts(tmp_path, hosts, code, capsys):
    plan = {"conflicts": [{"host": host, "rule": "ACC-1a", "message": "no", "nearest": None} for host in hosts]}
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    assert refusals.main(str(tmp_path / "plan.json")) == code
    assert capsys.readouterr().out.count("refused ") == 3


@pytest.mark.parametrize(
    ("script", "code", "where"),
    [
        ("sleep 0.5", 0, "none"),
        ("exit 3", 3, "none"),
        ("sleep 0.5; : PLANTED", 99, "'command line of sh'"),
        ("cat secret", 99, "'output of the command'"),
        ("cp secret report", 99, "'file report'"),
    ],
)
def test_a_planted_secret_is_found_wherever_it_comes_out(tmp_path, script, code, where):
    (tmp_path / "secret").write_text("PLANTED\n")
    (tmp_path / "report").write_text("nothing")
    command = [sys.executable, ROOT / "tests/secrets/watch.py", "secret", "--files", "report", "--", "sh", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, where in done.stdout) == (code, True)
