# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""In which order the role acts, and what it does when a step fails: its real tasks, over a host that only writes down what it is told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from told import Told, wrong

# each plays tasks of the role by ansible-playbook
pytestmark = pytest.mark.long

ROLE = Path(__file__).resolve().parents[4] / "roles/gpu_driver"
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/observations"
# What would act on the machine that runs the test is told to a stand-in.
REPLACED = {
    "sovereign.ai_stack.accelerator_facts:": "told_facts:",
    "ansible.builtin.reboot:": "told_reboot:",
    "Prove what was decided by what is there\n  sovereign.ai_stack.host_proof:": "Prove\n  told_proof:",
    "ansible.builtin.systemd_service:": "told_systemd:",
    "    owner: root\n    group: root\n": "",
}
OPTIONS = {"facts": ("repositories", "simulate"),
           "proof": ("observation", "plan"), "reboot": ("reboot_timeout", "msg"), "systemd": ("name", "daemon_reload", "enabled", "state")}  # fmt: skip
PLAY = """\
- hosts: all
  gather_facts: false
  environment: {HERE: "{{ here }}", PATH: "{{ bin }}:{{ lookup('ansible.builtin.env', 'PATH') }}"}
  tasks:
    - name: Start
      ansible.builtin.set_fact:
        __gpu_driver_booted: false
        __gpu_driver_emptied: false
        __gpu_driver_drained: "{{ was_drained | default(false) }}"
        __gpu_driver_observation: "{{ lookup('ansible.builtin.file', here ~ '/observation.json') | from_json }}"
      tags: [always]
    - name: Act
      ansible.builtin.include_role: {name: gpu_driver, tasks_from: TASKS, apply: {tags: [always]}}
      tags: [always]
"""
WHOLE = """\
- hosts: all
  gather_facts: false
  environment: {HERE: "{{ here }}", PATH: "{{ bin }}:{{ lookup('ansible.builtin.env', 'PATH') }}"}
  roles: [gpu_driver]
  vars:
    ai_stack_waivers: [{rule: ACC-4a, scope: site, reason: x, approver: board, until: 2099-01-01}]
"""
OBSERVATION = {"nvml": {"status": "ok", "gpus": [{"address": "a", "processes": 0}]}, "driver": {"loaded": {"nvidia": {}}}, "journal": {"open": None}}


class Driver(Told):
    """The role gpu_driver."""

    role, replaced, options, observation = ROLE, REPLACED, OPTIONS, OBSERVATION

    def given(self, play):
        found = {"gpu_driver_reboot": "when_needed", "gpu_driver_drain": f"{self.folder}/hook", "__gpu_driver_program": "{{ here }}/program",
                 "__gpu_driver_run": {"options": ["--owner", "me"]}, "__gpu_driver_state_dir": "{{ here }}/state",
                 "__gpu_driver_unit_dir": "{{ here }}"}  # fmt: skip
        policy = {"reboot": "when_needed", "drain": f"{self.folder}/hook", "lock_timeout": 300}
        return found if play is WHOLE else {**found, "__gpu_driver_plan": {"decisions": {}, "policy": policy}}

    def play(self, tasks, *arguments, play=PLAY, **variables):
        return super().play(tasks, *arguments, play=play, **variables)


@pytest.fixture
def told(tmp_path):
    return Driver(tmp_path)


AWAY, SERVES = ["drained yes", "drain {}"], ["resume {}", "drained no"]
GONE, UP = ["step reboot", *AWAY], ["reboot", "step verify", "settle 60 ai-stack-gpu-driver.service", "facts", "proof"]
FINISH = {"__gpu_driver_acts": True, "__gpu_driver_under_way": True, "__gpu_driver_rebooted": True, "__gpu_driver_reboots": True,
          "gpu_driver_proof_timeout": 60}  # fmt: skip
UNPROVEN = {"proof": [1, "Not proven: 1 fail"]}
AS_BEFORE, OUT = "The host is what it was before the change.", "It stays drained."
# case: (answers, does it fail, what happens, what is said)
FINISHES = {
    "serves-after-the-proof": ({}, False, [*GONE, *UP, *SERVES, "commit"], []),
    "cannot-be-drained": ({"drain": [1, "a pod stays"]}, True, [*GONE, "restore", *SERVES], ["a pod stays", AS_BEFORE]),
    "serves-after-the-way-back": (UNPROVEN, True, [*GONE, *UP, "restore", "reboot", *SERVES], ["Not proven: 1 fail", AS_BEFORE]),
    "not-led-back": ({**UNPROVEN, "restore": [1, "driver is 2 not 1"]}, True, [*GONE, *UP, "restore"], ["not led back: driver is 2 not 1", OUT]),
    "lost-in-its-reboot": ({"reboot": [1, "timeout"]}, True, [*GONE, "reboot", "restore", "reboot"], ["did not come back from its reboot", OUT]),
    "proven-but-not-resumed": ({"resume": [1, "no such node"]}, True, [*GONE, *UP, "resume {}"], ["no such node"]),
    "emptied-by-a-run-that-was-cut-off": ({}, False, [*GONE, *UP, *SERVES, "commit"], []),
}


def test_a_drained_host_serves_again_once_something_is_proven_and_not_before(told):
    """With the one tag that must not leave the proof out."""
    for host, (answers, *_rest) in FINISHES.items():
        told.add(host, answers, was_drained=host == "emptied-by-a-run-that-was-cut-off")
    came = told.play("finish", "--tags", "reboot", **FINISH)
    found = [line for host, (*_case, failed, log, said) in FINISHES.items() for line in wrong(came[host], failed, [at.format(host) for at in log], *said)]
    assert not found, "\n".join(found)
    assert [host for host in came if OUT in came[host].said] == [host for host in FINISHES if OUT in FINISHES[host][3]]


@pytest.mark.parametrize("reboot", ["when_needed", "never"])
def test_a_host_does_not_serve_with_a_module_that_has_lost_its_libraries(told, reboot):
    """An earlier run emptied it, booted the new driver and was cut off; the proof fails, and the way back needs a boot too."""
    told.add("booted", UNPROVEN, {"journal": {"open": {"step": "booted"}}}, was_drained=True)
    plan = {"decisions": {}, "policy": {"reboot": reboot, "drain": f"{told.folder}/hook", "lock_timeout": 300}}
    came = told.play("finish", **{**FINISH, "__gpu_driver_reboots": False, "__gpu_driver_rebooted": False}, __gpu_driver_loaded=True, __gpu_driver_plan=plan)
    back = ["reboot", "resume booted", "drained no"] if reboot == "when_needed" else []
    assert not wrong(came["booted"], True, [*UP[1:], "restore", *back], AS_BEFORE if back else "stays loaded until the next reboot")
    assert (OUT in came["booted"].said) is not bool(back)


def test_a_host_that_waits_for_its_reboot_does_not_serve_before(told):
    told.add("waits", {}, was_drained=True)
    came = told.play("finish", **{**FINISH, "__gpu_driver_rebooted": False})
    assert not wrong(came["waits"], False, ["step reboot"])


SITES = [
    {"name": "site", "type": "deb", "uris": ["http://mirror.example.org"], "signed_by": "{{ playbook_dir }}/site.asc", "login": "me", "password": "x"},
    {"name": "open", "type": "deb", "uris": ["http://mirror.example.org"], "signed_by": "/usr/share/keyrings/not-here.gpg"},
]
OF_SITES = ["/etc/apt/auth.conf.d/ai-stack-site.conf", "/etc/apt/keyrings/ai-stack-site.asc", "/etc/apt/sources.list.d/ai-stack-open.sources",
            "/etc/apt/sources.list.d/ai-stack-site.sources"]  # fmt: skip


def test_a_change_undoes_nothing_of_others_and_is_followed_up_from_its_beginning(told):
    told.write("site.asc", "a key")
    told.add("refused", {"begin": [1, "alice has been changing this host"]})
    for host in ("cut-off", "replaced"):
        told.add(host, {"step repositories": [1, "the disk is full"]})
    came = told.play("change", "-e", f"@{ROLE}/vars/Debian_12.yml", __gpu_driver_ships=False, gpu_driver_repositories=SITES,
                     __gpu_driver_request={"files": "{{ __gpu_driver_files }}"}, __gpu_driver_replaces="{{ inventory_hostname == 'replaced' }}")  # fmt: skip
    begun = ["begin", "enable ai-stack-gpu-driver-check.service", "step repositories", "restore"]
    assert not wrong(came["refused"], True, ["begin"], "alice has been changing this host")
    assert not wrong(came["cut-off"], True, begun, "the disk is full", AS_BEFORE)
    emptied = [*begun[:2], "drained yes", "drain replaced", *begun[2:], "resume replaced", "drained no"]
    assert not wrong(came["replaced"], True, emptied, "the disk is full", AS_BEFORE)
    assert "ExecStart=" in (told.folder / "cut-off/ai-stack-gpu-driver-check.service").read_text()
    files = json.loads((told.folder / "cut-off/request.json").read_text())["files"]
    assert sorted(name for name in files if re.search("ai-stack-(site|open)", name)) == OF_SITES


def card(processes):
    return {"nvml": {"status": "ok", "gpus": [{"address": "a", "processes": processes}]}}


def silent(status, **values):
    return {"nvml": {"status": status, "gpus": []}, **values}


PACKAGE, SAME = "package:driver", "Nothing was changed."
# case: (observation, answers, what differs, does it fail, what happens, what is said)
ABSENTS = {
    "drained-first": ({}, {}, PACKAGE, False, ["differs", *AWAY, "absent", "reboot", *SERVES], []),
    "cut-off-before": ({}, {}, None, False, ["differs", *AWAY, "absent", "reboot", *SERVES], []),
    "cannot-be-drained": ({}, {"drain": [1, "a pod stays"]}, PACKAGE, True, ["differs", *AWAY, *SERVES], ["a pod stays. " + SAME]),
    "broken": ({}, {"absent": [1, "dpkg is broken"]}, PACKAGE, True, ["differs", *AWAY, "absent"], ["dpkg is broken"]),
    "lost-its-program": ({}, {}, "file:/etc/x", False, ["differs", "absent"], []),
    "keeps-its-driver": ({}, {}, "file:/etc/x", False, ["differs", "absent"], []),
    "in-use": (card(2), {}, PACKAGE, True, [], ["a in use", SAME]),
    "in-use-by-nobody-knows-whom": (card(None), {}, PACKAGE, True, [], ["a in use, or silent", SAME]),
    "hung": (silent("hung"), {}, PACKAGE, True, [], ["whether the cards are in use (hung)", SAME]),
    "unseen": ({"nvml": None}, {}, PACKAGE, True, [], ["(unknown)", SAME]),
    "not-loaded": (silent("no_driver", driver={"loaded": {}}), {}, PACKAGE, False, ["differs", "absent"], []),
    "not-ours": (silent("hung"), {}, PACKAGE, False, [], []),
}


def test_a_driver_is_taken_away_from_an_empty_host_or_not_at_all(told):
    for host, (observation, answers, differs, *_rest) in ABSENTS.items():
        found = {"differs": [{"resource": differs, "before": "2", "after": None}] if differs else [], "taken_back": not differs}
        told.add(host, {"differs": [0, json.dumps(found)], **answers}, observation, was_drained=not differs)
        told.write(f"{host}/repositories/site/Packages", "")
        if host != "not-ours":
            told.write(f"{host}/state/baseline.json", "{}")
    (told.folder / "lost-its-program/program").unlink()
    came = told.play("absent", __gpu_driver_repositories_dir="{{ here }}/repositories")
    found = [line for host, (*_case, failed, log, said) in ABSENTS.items() for line in wrong(came[host], failed, [at.format(host) for at in log], *said)]
    assert not found, "\n".join(found)
    bare = [host for host in came if not [path for path in (told.folder / host).iterdir() if path.is_dir() or path.name == "program"]]
    assert bare == ["drained-first", "cut-off-before", "lost-its-program", "keeps-its-driver", "not-loaded"]


def test_whoever_else_is_at_work_on_a_host_is_waited_for_or_named(told):
    seen = {**json.loads((FIXTURES / "h100-bookworm.json").read_text()), "host": None}
    busy = {**seen, "packages": {**seen["packages"], "lock": "held by pid 7 (apt-get)"}}
    journal = {"open": {"plan": "p", "owner": "alice@elsewhere#1.1", "step": "packages", "at": "2026-11-25T19:00:00Z"}, "last_good": None}
    told.add("waits", {}, busy)
    told.add("locked", {"apt-get": [100, "E: Unable to acquire the lock"]}, busy)
    told.add("foreign", {"may-change": [1, "alice@elsewhere#1.1 has been changing this host for 3 min"]}, {**seen, "journal": journal})
    came = told.play("main", "--tags", "preflight", play=WHOLE, gpu_driver_lock_timeout=5, gpu_driver_owner="me")
    check = ["apt-get -q -o DPkg::Lock::Timeout=5 check"]
    assert not wrong(came["waits"], False, ["facts", *check])
    assert not wrong(came["locked"], True, ["facts", *check], "busy after 5 s (held by pid 7 (apt-get); E: Unable to acquire the lock). ")
    assert not wrong(came["foreign"], True, ["facts", "may-change"], "alice@elsewhere#1.1 has been changing this host for 3 min. Nothing was changed.")


def test_nothing_is_done_where_nothing_is_to_be_done(told):
    """A host that is as it should be is proven. A change that is open on one for which nothing is decided stays open: to close its journal would
    call a state good that nobody proved, and disarm the next boot."""
    right, bare = ({**json.loads((FIXTURES / f"h100-bookworm{name}.json").read_text()), "host": None} for name in ("-converged", ""))
    told.add("right", {}, right)
    told.add("wrong", {}, {**right, "nvml": {**right["nvml"], "driver_version": "1.2"}})
    for step in ("packages", "reboot"):
        journal = {"open": {"plan": "p", "owner": "me", "at": "2026-11-25T19:00:00Z", "step": step}, "last_good": None}
        out = [{"host": step, "state": "maintenance", "reason": "x", "since": "2026-11-20"}]
        told.add(step, {}, {**bare, "journal": journal}, ai_stack_states=out)
    came = told.play("main", play=WHOLE, gpu_driver_owner="me")
    assert not wrong(came["right"], False, ["facts"])
    assert not wrong(came["wrong"], True, ["facts"], "Not proven: ", "FAIL gpu_driver.nvml_answers")
    assert not wrong(came["packages"], False, ["facts"]) and not wrong(came["reboot"], False, ["facts"])


def test_a_host_that_a_run_emptied_before_it_was_cut_off_is_brought_back_by_the_next(told):
    right = {**json.loads((FIXTURES / "h100-bookworm-converged.json").read_text()), "host": None}
    journal = {"open": {"plan": "p", "owner": "me", "at": "2026-11-25T19:00:00Z", "step": "booted"}, "last_good": None, "drained": True}
    told.add("emptied", {}, {**right, "journal": journal})
    told.add("left", {}, {**right, "journal": {**journal, "open": None}})
    came = told.play("main", play=WHOLE, gpu_driver_owner="me")
    proven = ["facts", "step verify", "settle 900 ai-stack-gpu-driver.service", "facts", "proof"]
    assert not wrong(came["emptied"], False, [*proven, "resume emptied", "drained no", "commit"])
    assert not wrong(came["left"], False, ["facts", "resume left", "drained no"])


def test_parts_that_others_rely_on_are_not_left_out(told):
    told.add("bare", {}, {**json.loads((FIXTURES / "h100-bookworm.json").read_text()), "host": None})
    came = told.play("main", "--skip-tags", "reboot,unrelated", play=WHOLE, gpu_driver_owner="me")
    assert not wrong(came["bare"], True, ["facts"], "--skip-tags reboot would leave out what other steps rely on")


def test_nothing_goes_on_after_a_task_whose_connection_broke(told):
    """A verb ignores hosts out of reach; a task that was cut off in the middle is no such host."""
    told.add("changed", {"lost": "step repositories"})
    told.add("taken", {"lost": "absent", "differs": [0, json.dumps({"differs": [{"resource": PACKAGE, "before": "2", "after": None}], "taken_back": False})]})
    told.write("taken/state/baseline.json", "{}")
    play = PLAY.replace("gather_facts: false", "gather_facts: false\n  ignore_unreachable: true")
    came = told.play("change", "-e", f"@{ROLE}/vars/Debian_12.yml", "--limit", "changed", play=play, __gpu_driver_ships=False, __gpu_driver_request={},
                     gpu_driver_repositories=[], __gpu_driver_replaces=False)  # fmt: skip
    assert came["changed"].failed and came["changed"].log[-1] == "step repositories", came["changed"]
    came = told.play("absent", "--limit", "taken", play=play, __gpu_driver_repositories_dir="{{ here }}/repositories")
    assert not wrong(came["taken"], True, ["differs", "drained yes", "drain taken", "absent"], "The host was lost in the middle of it.")
    assert (told.folder / "taken/state/baseline.json").exists()


def test_a_host_whose_loaded_driver_is_replaced_is_changed_in_its_turn_and_no_other_again(told):
    told.add("changed-before", {})
    told.add("replaced", {"step repositories": [1, "the disk is full"]})
    came = told.play("turn", "-e", f"@{ROLE}/vars/Debian_12.yml", **FINISH, __gpu_driver_ships=False, __gpu_driver_request={}, gpu_driver_repositories=[],
                     __gpu_driver_replaces="{{ inventory_hostname == 'replaced' }}")  # fmt: skip
    assert not wrong(came["changed-before"], False, [at.format("changed-before") for at in [*GONE, *UP, *SERVES, "commit"]])
    assert came["replaced"].log[:5] == ["begin", "enable ai-stack-gpu-driver-check.service", "drained yes", "drain replaced", "step repositories"]
