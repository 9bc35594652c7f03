# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the role refuses before it touches anything, and that its settings are those that the programs read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import text
from one_time_machine import ADDRESS, EXPECTED, ROLE

# each plays the role by ansible-playbook
pytestmark = pytest.mark.long

# not by an action plugin: with one loaded, modules that other tests run in this process no longer return their warnings
COLLECTIONS = str(Path(text.__file__).parents[6])
PLAY = """\
- hosts: compute1
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: pci_one_time_use, tasks_from: preflight, public: true}
    - ansible.builtin.copy:
        content: >-
          {{ {'settings': __pci_one_time_use_settings, 'asks': __pci_one_time_use_asks[pci_one_time_use_part],
              'leaves': __pci_one_time_use_leaves[pci_one_time_use_part]} | to_json }}
        dest: "{{ playbook_dir }}/found.json"
        mode: "0600"
    - ansible.builtin.template: {src: "{{ playbook_dir }}/roles/pci_one_time_use/templates/{{ item }}.j2", dest: "{{ playbook_dir }}/{{ item }}", mode: "0600"}
      loop: "{{ __pci_one_time_use_units[pci_one_time_use_part] }}"
"""
HOST = {
    "pci_one_time_use_part": "host",
    "pci_one_time_use_cards": {"compute1": {ADDRESS.upper(): EXPECTED}},
    "pci_one_time_use_login_public_key": "ssh-ed25519 AAAA releaser",
}
RELEASER = {
    "pci_one_time_use_part": "releaser",
    "pci_one_time_use_cards": {"compute1": {ADDRESS: EXPECTED}},
    "pci_one_time_use_computes": {"compute1": "192.0.2.11"},
    "pci_one_time_use_cloud": "main",
    # it is asked for the SDK, and has everything
    "pci_one_time_use_python": "/bin/true",
}


@pytest.fixture
def play(tmp_path):
    shutil.copytree(ROLE, tmp_path / "roles/pci_one_time_use")
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"compute1": {"ansible_connection": "local"}}}}))
    for name in ("login", "signing", "clouds.yaml"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)

    def run(base, **variables):
        files = {f"pci_one_time_use_{name}": str(tmp_path / file) for name, file in
                 (("login_key_file", "login"), ("signing_key_file", "signing"), ("clouds_file", "clouds.yaml"))}  # fmt: skip
        given = {"ansible_python_interpreter": sys.executable, **files, **base, **variables}
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        environment.update(ANSIBLE_COLLECTIONS_PATH=COLLECTIONS, ANSIBLE_HOME=str(tmp_path / ".ansible"), ANSIBLE_NOCOLOR="1", ANSIBLE_PIPELINING="1")
        command = [sys.executable, "-m", "ansible", "playbook", "-i", "hosts.yml", "play.yml", "-e", json.dumps(given)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False)
        found = tmp_path / "found.json"
        return done.stdout + done.stderr, json.loads(found.read_text()) if found.exists() else None

    return run


MISTAKES = [
    (HOST, {"pci_one_time_use_cards": {}}, "names no card of compute1"),
    (HOST, {"pci_one_time_use_login_public_key": ""}, "is to be one line"),
    (HOST, {"pci_one_time_use_login_public_key": 'command="x" ssh-ed25519 AAAA'}, "is to be one line"),
    (HOST, {"pci_one_time_use_login_public_key": "ssh-ed25519 AAAA me\nssh-ed25519 AAAA you"}, "is to be one line"),
    (RELEASER, {"pci_one_time_use_computes": {}}, "names no compute"),
    (RELEASER, {"pci_one_time_use_cloud": ""}, "names no cloud"),
    (RELEASER, {"pci_one_time_use_signing_key_file": ""}, "names no key that signs"),
    (RELEASER, {"pci_one_time_use_host_keys": {"compute9": "ssh-ed25519 AAAA"}}, "names no address of compute9"),
    (RELEASER, {"pci_one_time_use_host_keys": {"compute1": "ssh-ed25519 AAAA\n192.0.2.12 ssh-ed25519 EVIL"}}, "is to have one line for each compute"),
    (RELEASER, {"pci_one_time_use_python": "/bin/false"}, "/bin/false has no openstacksdk"),
    (RELEASER, {"pci_one_time_use_clouds_file": "/nowhere/clouds.yaml"}, "/nowhere/clouds.yaml is to be there"),
    (RELEASER, {"pci_one_time_use_cards": {"compute9": {}}}, "names no address of compute9"),
]


@pytest.mark.parametrize(("base", "changed", "why"), MISTAKES, ids=[f"{row[0]['pci_one_time_use_part']}-{number}" for number, row in enumerate(MISTAKES)])
def test_what_is_refused(play, base, changed, why):
    said, found = play(base, **changed)
    assert found is None
    assert why in " ".join(said.split()), said


def test_a_key_that_others_can_read_is_refused(play, tmp_path):
    (tmp_path / "signing").chmod(0o644)
    said, found = play(RELEASER)
    assert found is None
    assert "a file of root that nobody else may read" in " ".join(said.split())


@pytest.mark.skipif(os.getuid() != 0, reason="the files of the releaser are root's")
def test_a_key_that_is_not_there_is_refused_by_nobody_and_host_keys_are_looked_at_where_they_were_given(play, tmp_path):
    said, found = play(RELEASER, pci_one_time_use_signing_key_file=str(tmp_path / "new"))
    assert found, said
    assert "UserKnownHostsFile=/etc/ssh/ssh_known_hosts" in found["settings"]["ask"]
    _said, found = play(RELEASER, pci_one_time_use_host_keys={"compute1": "ssh-ed25519 AAAA"})
    assert "UserKnownHostsFile=/etc/ai-stack/pci-one-time-use-known-hosts" in found["settings"]["ask"]


@pytest.mark.skipif(os.getuid() != 0, reason="the files of the releaser are root's")
def test_the_settings_of_the_releaser_are_those_that_its_program_reads(play, site, tmp_path):
    said, found = play(RELEASER)
    assert found, said
    assert set(found["settings"]) - {"managed_by"} == set(site().settings)
    assert found["settings"]["region"] is None
    assert found["settings"]["ask"][-1] == "ai-stack-wiper@ADDRESS"
    assert isinstance(found["settings"]["settle"], int)
    assert "OnUnitInactiveSec=60\n" in (tmp_path / "ai-stack-pci-one-time-use-releaser.timer").read_text()
    assert "/bin/true /usr/local/sbin/ai-stack-pci-one-time-use-releaser run" in (tmp_path / "ai-stack-pci-one-time-use-releaser.service").read_text()


def test_the_settings_of_a_host_are_those_that_its_program_reads(play, host, tmp_path):
    said, found = play(HOST)
    assert found, said
    assert set(found["settings"]) - {"managed_by"} == set(host.settings)
    assert found["settings"]["cards"] == [ADDRESS]
    assert "SocketUser=ai-stack-wiper\n" in (tmp_path / "ai-stack-pci-one-time-use.socket").read_text()
    assert host.modules.cli.SOCKET in (tmp_path / "ai-stack-pci-one-time-use.socket").read_text()


@pytest.mark.parametrize("base", [HOST, RELEASER], ids=["host", "releaser"])
def test_evidence_and_memory_stay(play, base):
    """What is taken back is by name; the memory of the releaser is not in it."""
    _said, found = play(base)
    assert not [path for path in found["leaves"] if path.startswith("/var/lib/ai-stack/pci_one_time_use_releaser")]
    assert [path for path in found["leaves"] if path.startswith("/etc/ai-stack/")]
