# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Which hosts of a run the role counts on, and what it takes away on every host."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
import templated
import yaml

ROLE = templated.ROLES / "kubernetes_accelerators"
HOSTS = ("cp1", "w1", "w2", "w3")


@pytest.fixture
def role():
    """A value of the role in a run of three hosts of four: w1 was made ready, w2 was lost after that, w3 is not in the run."""
    found = {host: {"inventory_hostname": host} for host in HOSTS}
    for host in ("w1", "w2"):
        found[host]["__kubernetes_accelerators_ready"] = True
    run = {"hostvars": found, "ansible_play_batch": ["cp1", "w1", "w2"], "groups": {"ai_stack_lost": ["w2"]}, "kubernetes_accelerators_answer_timeout": 1,
           "__kubernetes_accelerators_decided": {"documents": [], "cards": dict.fromkeys(HOSTS[1:], {}), "first": "cp1", "by_operator": False,
                                               "plugin": {"namespace": "x"}}}  # fmt: skip

    of_role = templated.constants(ROLE.name)
    return lambda name, **changed: of_role(name, **{**run, **changed})


def test_a_plugin_is_for_hosts_that_this_run_made_ready(role):
    assert role("__kubernetes_accelerators_readied") == {"ready": ["w1"]}
    # before anything was done all that are in the run would be
    assert role("__kubernetes_accelerators_request")["ready"] == ["cp1", "w1"]
    assert role("__kubernetes_accelerators_request", groups={})["ready"] == ["cp1", "w1", "w2"]


@pytest.mark.parametrize(
    ("told", "answers", "first"),
    [(["cp2"], [], "cp2"), ([], [("cp1", None), ("cp2", 1), ("cp3", 0)], "cp3"), ([], [("cp1", 0), ("cp2", 0)], "cp1"), ([], [("cp1", None)], "cp1")],
    ids=str,
)  # fmt: skip
def test_a_control_plane_that_is_away_is_not_the_one_that_is_asked(role, told, answers, first):
    rows = [{"__kubernetes_accelerators_candidate": host, **({"unreachable": True} if code is None else {"rc": code})} for host, code in answers]
    found = role("__kubernetes_accelerators_askable", __kubernetes_accelerators_told=told, __kubernetes_accelerators_answered={"results": rows})
    assert found[0] == first
    (asks,) = [task for task in tasks("decide").values() if task.get("register") == "__kubernetes_accelerators_answered"]
    assert asks["ignore_unreachable"] and asks["run_once"] and asks["loop"].startswith("{{ [] if __kubernetes_accelerators_told else ")


def test_what_is_proven_waits_for_nobody_who_is_not_there(role):
    assert role("__kubernetes_accelerators_proves") == {"cards": {"w1": {}}}


@pytest.mark.parametrize(("host", "by_operator", "describes"), [("w1", False, True), ("w1", True, False), ("cp1", False, False)])
def test_cdi_is_left_to_an_operator(role, host, by_operator, describes):
    decided = {"documents": [], "cards": {"w1": {}}, "first": "cp1", "by_operator": by_operator, "plugin": {"namespace": "x"}}
    about = {"inventory_hostname": host, "__kubernetes_accelerators_decided": decided}
    assert role("__kubernetes_accelerators_describes", **about) is describes
    asked = role("__kubernetes_accelerators_request", **about)
    assert asked["by_operator"] is by_operator and asked["plugin"] == {"namespace": "x"}
    # whatever touches the runtime of the host asks
    found = [task for name in ("decide", "preflight") for task in tasks(name).values() if "_describes" in str(task.get("when"))]
    assert [next(key for key in task if key.startswith("ansible.builtin")) for task in found] == [
        f"ansible.builtin.{module}" for module in ("fail", "include_vars", "stat")]  # fmt: skip
    (block,) = tasks("act").values()
    (install,) = [task for task in block["block"] if "install.yml" in str(task)]
    assert "__kubernetes_accelerators_describes" in install["when"]


@pytest.mark.parametrize(("host", "by_operator", "left"), [("w1", True, True), ("w1", False, False), ("cp1", True, False)])
def test_a_description_of_ours_is_left_where_an_operator_brings_its_own(role, host, by_operator, left):
    decided = {"documents": [], "cards": {"w1": {}}, "first": "cp1", "by_operator": by_operator, "plugin": {"namespace": "x"}}
    assert role("__kubernetes_accelerators_left", inventory_hostname=host, __kubernetes_accelerators_decided=decided) is left
    (block,) = tasks("act").values()
    files = [str(task["ansible.builtin.include_tasks"]["file"]) for task in block["block"] if "ansible.builtin.include_tasks" in task]
    (leaves,) = [task for task in block["block"] if "hand_over.yml" in str(task)]
    # after the cluster was told, as a refusal leaves a host as it was; with --check too
    assert leaves["when"] == "__kubernetes_accelerators_left" and files.index("configure.yml") < files.index("hand_over.yml")


@pytest.fixture
def hand_over(tmp_path):
    """A function: how many things the real tasks change on a host of these files. reloaded: how often systemd was to read its files anew."""
    found = yaml.safe_load((ROLE / "tasks/hand_over.yml").read_text())
    for task in found:
        if task.pop("ansible.builtin.systemd_service", None) == {"daemon_reload": True}:
            task.update({"ansible.builtin.shell": f"echo >> {tmp_path}/reloaded", "changed_when": False})
        for module in ("ansible.builtin.copy", "ansible.builtin.file"):
            task.get(module, {}).pop("owner", None)
            task.get(module, {}).pop("group", None)
    names = {"__kubernetes_accelerators_drop_in": f"{tmp_path}/50-ai-stack.conf", "__kubernetes_accelerators_cdi": f"{tmp_path}/nvidia.yaml"}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "vars": names, "tasks": found}]))

    def run(*words):
        command = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", *words, f"{tmp_path}/play.yml"]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "ANSIBLE_NOCOLOR": "1"})
        assert done.returncode == 0, done.stdout
        return int(re.search(r"changed=(\d+)", done.stdout)[1])

    return run


def test_cards_are_described_by_one_alone(hand_over, tmp_path):
    ordered, described = tmp_path / "50-ai-stack.conf", tmp_path / "nvidia.yaml"
    described.write_text("not ours")
    # the site's own stays, on a host that this role never prepared
    assert hand_over() == 0 and described.exists() and not ordered.exists()
    ordered.write_text("[Unit]\nAfter=ai-stack-gpu-driver.service\n")
    assert hand_over("--check") == 2 and described.exists() and "After=" in ordered.read_text() and not (tmp_path / "reloaded").exists()
    assert hand_over() == 2 and not described.exists() and ordered.read_text().endswith("[Unit]\nConditionPathExists=!/\n")
    assert hand_over() == 0 and (tmp_path / "reloaded").read_text() == "\n"


def tasks(name):
    return {task["name"]: task for task in yaml.safe_load((ROLE / f"tasks/{name}.yml").read_text())}


def test_a_host_that_left_its_pool_is_cleaned_too():
    found = [task for task in tasks("absent").values() if "drop_in" in str(task.get("ansible.builtin.file"))]
    assert len(found) == 1 and not {"when", "run_once", "delegate_to"} & set(found[0])


def test_what_is_said_wrongly_keeps_nobody_from_taking_cards_away():
    refusals = {name: str(task["when"]) for name, task in tasks("decide").items() if "ansible.builtin.fail" in task and "skips" not in str(task["when"])}
    assert len(refusals) == 3
    (absent,) = [when for when in refusals.values() if "== 'absent'" in when]
    assert "not __kubernetes_accelerators_decided.first" in absent and all("_state == '" in when for when in refusals.values())


@pytest.mark.parametrize(("asked", "acts", "looks"), [("changes", True, True), ("changes", False, False), ("always", False, True), ("never", True, False)])
def test_a_canary_is_sent_where_something_changed_or_somebody_asks(role, asked, acts, looks):
    assert role("__kubernetes_accelerators_looks", kubernetes_accelerators_canary=asked, __kubernetes_accelerators_acts=acts) is looks


ID, SAW = "c" * 64, {"rc": 0, "stdout": '{"card": "0000:17:00.0", "failed": []}'}
HERE = {"status": "runs", "container": ID}
RUNS = {"rc": 0, "stdout": json.dumps({"nodes": {"w1": HERE, "w2": {"status": "skipped", "why": "held"}, "w3": HERE}})}


@pytest.mark.parametrize(
    ("host", "started", "sight", "found"),
    [("w3", RUNS, {"rc": 1, "stdout": "", "stderr": "no such container"}, {"status": "skipped", "card": None, "why": "somebody else needed the card"}),
     ("w1", RUNS, SAW, {"status": "seen", "card": "0000:17:00.0", "why": ""}),
     ("w1", RUNS, {"rc": 0, "stdout": '{"card": null, "failed": ["a", "b"]}'}, {"status": "failed", "card": None, "why": "a; b"}),
     ("w1", RUNS, {"rc": 1, "stdout": "", "stderr": "Traceback"}, {"status": "failed", "card": None, "why": "Traceback"}),
     ("w2", RUNS, {"skipped": True}, {"status": "skipped", "why": "held"}),
     ("w1", {"rc": 1, "stdout": "", "stderr": "no API"}, {"skipped": True}, {"status": "failed", "why": "no API"})])  # fmt: skip
def test_what_came_of_a_canary_is_said_of_its_node(role, host, started, sight, found):
    decided = {"canaries": {"w1": {"name": "nvidia.com/gpu", "at": ["0000:17:00.0"]}, "w2": {}, "w3": {}}}
    about = {"inventory_hostname": host, "__kubernetes_accelerators_started": started, "__kubernetes_accelerators_sight": sight,
             "__kubernetes_accelerators_stopped": {"stdout": '{"there": ["w1"]}'}, "__kubernetes_accelerators_decided": decided}  # fmt: skip
    assert role("__kubernetes_accelerators_outcome", **about) == found
    assert role("__kubernetes_accelerators_watched", **about) == {"canaries": {"w1": decided["canaries"]["w1"]}}
    if host == "w1" and started is RUNS:
        assert role("__kubernetes_accelerators_sight_of", **about) == [ID, "nvidia.com/gpu", "0000:17:00.0"]


def test_a_canary_goes_whatever_happened():
    (block,) = [task for task in tasks("canary").values() if "block" in task]
    assert any("'stop'" in str(task) for task in block["always"]) and "'start'" in str(block["block"])
