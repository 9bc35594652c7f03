# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A node on its way to another version, by the tasks of the role: what is said of it, and whether it takes pods, wherever it fails."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
import templated

# each plays the tasks by ansible-playbook
pytestmark = pytest.mark.long

STEP = """
- ansible.builtin.set_fact:
    told: "{{ told + [__kubernetes_step.verb] }}"
    __kubernetes_stepped: {stdout: "{{ {'former': '1.36.4'} | to_json }}"}
- ansible.builtin.fail: {msg: "{{ __kubernetes_step.verb }} failed"}
  when: fails == __kubernetes_step.verb
"""
INSTALL = """
- ansible.builtin.set_fact:
    told: "{{ told + [__kubernetes_bring | join(' ') ~ '=' ~ __kubernetes_patch] }}"
- ansible.builtin.fail: {msg: apt failed}
  when: fails == told | last
"""
PLAY = """
- hosts: all
  gather_facts: false
  vars:
    told: []
    said: ""
    kubernetes_answer_timeout: 1
    __kubernetes_version: 1.37.2
    __kubernetes_patch: "{{ __kubernetes_version }}"
    __kubernetes_bring: [kubeadm, kubelet]
    __kubernetes_goes_back: false
    __kubernetes_request: {}
    __kubernetes_drain: {}
    __kubernetes_stuck: []
    __kubernetes_asks: [printf, "%s%.0s", "{{ {'open': open} | to_json }}"]
  tasks:
    - block:
        - ansible.builtin.include_tasks: move.yml
      rescue:
        - ansible.builtin.set_fact:
            said: "{{ ansible_failed_result.msg }}"
    - ansible.builtin.copy:
        content: "{{ {'told': told, 'said': said} | to_json }}"
        dest: "{{ playbook_dir }}/{{ inventory_hostname }}.json"
"""
BEGUN, MOVING = {"step": "begin"}, {"step": "upgrade"}
ALL = ["empty", "set_out", "kubeadm=1.37.2", "move", "kubeadm kubelet=1.37.2", "restart", "back", "arrived"]
AGAIN, BEGINS = "It takes pods as before; the next run goes on from here.", "It takes pods as before; the next run begins again."
NONE = "takes no pods; the next run goes on from here."
# what fails, the journal then, whether it is a control plane; what was done, what is said
CASES = {
    "well": ("", None, False, ALL, ""),
    "journal": ("set_out", None, False, [*ALL[:2], "back"], f"set_out failed\n{BEGINS}"),
    "package": ("kubeadm=1.37.2", BEGUN, False, [*ALL[:3], "back"], f"apt failed\n{AGAIN}"),
    "again": ("kubeadm=1.37.2", MOVING, False, ALL[:3], f"apt failed\nIt {NONE}"),
    "kubeadm": ("move", None, False, [*ALL[:4], "kubeadm=1.36.4", "back"], f"move failed\n{BEGINS}"),
    "midway": ("move", MOVING, False, ALL[:4], f"move failed\nIt {NONE}"),
    "kubelet": ("kubeadm kubelet=1.37.2", MOVING, False, ALL[:5], f"apt failed\nThe node kubelet {NONE}"),
    "restart": ("restart", MOVING, False, ALL[:6], f"restart failed\nThe node restart {NONE}"),
    "late": ("back", MOVING, False, ALL[:7], f"back failed\nThe node late {NONE}"),
    "control": ("kubeadm=1.37.2", BEGUN, True, ["set_out", "kubeadm=1.37.2"], "apt failed"),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """{case: what was done, and said}; all of them cost one ansible-playbook."""
    folder = tmp_path_factory.mktemp("move")
    for name in ("move", "move_kubeadm", "move_back"):
        shutil.copy(templated.ROLES / f"kubernetes/tasks/{name}.yml", folder)
    for name, text in (("step", STEP), ("install", INSTALL), ("play", PLAY)):
        (folder / f"{name}.yml").write_text(text)
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {name: {**here, "fails": fails, "open": journal, "__kubernetes_rules": rules}
             for name, (fails, journal, rules, *dummy) in CASES.items()}  # fmt: skip
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    env = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_FORKS": "2"}
    done = subprocess.run([sys.executable, "-m", "ansible", "playbook", "-i", "hosts.json", "play.yml"], cwd=folder, env=env, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_a_node_is_not_left_shut_without_a_word(outcomes, name):
    told, said = CASES[name][3:]
    assert outcomes[name] == {"told": told, "said": said}
