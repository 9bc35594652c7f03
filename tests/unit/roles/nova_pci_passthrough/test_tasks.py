# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The role as Ansible runs it: its tasks and its program are real, its units and its Nova are files of the test."""

from __future__ import annotations

import grp
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import host_plan
from nova_machine import NOVA, ROLE, SYSTEM

# each plays the whole role by ansible-playbook
pytestmark = pytest.mark.long

COLLECTIONS = str(Path(host_plan.__file__).parents[5])
COLLECTION = ROLE.parents[1]
SYSTEMCTL = """\
#!{python}
import json, os, pathlib, sys
here = pathlib.Path(os.environ["HERE"])
state = json.loads((here / "units.json").read_text())
verb, unit = sys.argv[1], sys.argv[-1]
if verb == "show":
    print("".join("%s=%s\\n" % row for row in state.get(unit, {{"LoadState": "not-found"}}).items()))
if verb == "restart":
    with open(here / "log", "a") as log:
        log.write("restart " + unit + "\\n")
    state[unit]["MainPID"] = str(int(state[unit]["MainPID"]) + 1)
    spoilt = "spoilt" in (here / "root{nova}").read_text() if (here / "root{nova}").exists() else False
    state[unit]["ActiveState"] = "failed" if spoilt else "active"
    (here / "units.json").write_text(json.dumps(state))
"""
PYTHON = """\
#!{python}
import json, os, pathlib, sys
sys.path.insert(0, sys.argv[1])
import judge, options
here, answers = pathlib.Path(os.environ["HERE"]), []
refuses = here / "refuses"
for document in json.load(sys.stdin):
    found = {{"refusals": refuses.read_text().splitlines() if refuses.exists() and document["what"] == "all" else [], "values": {{}}}}
    for name, given in document["services"].items():
        rows = [row for path in judge.read_by(given) for row in options.places(open(path).read())]
        found["values"][name] = [row[1:] for row in rows if [row[1], row[2]] in given["keys"]]
    answers.append(found)
print(json.dumps(answers))
"""
PLAY = """\
- hosts: all
  gather_facts: false
  environment: {HERE: "{{ here }}", PATH: "{{ bin }}:{{ lookup('ansible.builtin.env', 'PATH') }}", NOVA_PCI_PASSTHROUGH_ROOT: "{{ here }}/root",
                TMPDIR: "{{ here }}/tmp"}
  roles: [nova_pci_passthrough]
"""
SETTINGS = {"nova-compute": {"libvirt": {"num_pcie_ports": "20"}}}
SPOILT = {"nova-compute": {"libvirt": {"num_pcie_ports": "spoilt"}}}
RUNS = {"nova-compute.service": {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled", "MainPID": "7"}}


class Site:
    def __init__(self, folder):
        self.folder, self.hosts = folder, {}
        (folder / "roles").mkdir()
        shutil.copytree(ROLE, folder / "roles/nova_pci_passthrough")
        shared = folder / "plugins/module_utils/_program"
        shared.parent.mkdir(parents=True)
        shutil.copytree(COLLECTION / "plugins/module_utils/_program", shared)
        for name, text in (("bin/systemctl", SYSTEMCTL), ("python", PYTHON)):
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.format(python=sys.executable, nova=NOVA))
            path.chmod(0o755)

    def add(self, host, units=None, **variables):
        here = self.folder / host
        (here / "root/etc/nova").mkdir(parents=True)
        (here / "tmp").mkdir()
        (here / "root/etc/nova/nova.conf").write_text("[DEFAULT]\n")
        (here / "units.json").write_text(json.dumps(RUNS if units is None else units))
        self.hosts[host] = {
            "here": str(here),
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "__nova_pci_passthrough_home": f"{here}/program",
            **variables,
        }
        return here

    def play(self, *arguments, release="13", **variables):
        """{host: (failed, changed, what was said)}."""
        group = grp.getgrgid(os.getgid()).gr_name
        given = {
            "bin": f"{self.folder}/bin",
            "nova_pci_passthrough_python": f"{self.folder}/python",
            "nova_pci_passthrough_settings": SETTINGS,
            "nova_pci_passthrough_settle": 0,
            "nova_pci_passthrough_answer_timeout": 5,
            "nova_pci_passthrough_owner": "me",
            "__nova_pci_passthrough_facts": {"ansible_facts": {"ansible_distribution": "Debian", "ansible_distribution_major_version": release}},
            "__nova_pci_passthrough_projects": {name: dict(row, group=group) for name, row in SYSTEM["__nova_pci_passthrough_projects"].items()},
            "__nova_pci_passthrough_state_dir": "{{ here }}/root/var/lib/ai-stack/nova_pci_passthrough",
            **variables,
        }
        (self.folder / "play.yml").write_text(PLAY)
        # the names of one host's own are not to be those of all
        (self.folder / "hosts.yml").write_text(json.dumps({"all": {"hosts": {host: {"here": row["here"]} for host, row in self.hosts.items()}}}))
        for host, row in self.hosts.items():
            folder = self.folder / "host_vars"
            folder.mkdir(exist_ok=True)
            (folder / f"{host}.yml").write_text(json.dumps(row))
        given["__nova_pci_passthrough_home"] = "{{ here }}/program"
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        environment.update(ANSIBLE_COLLECTIONS_PATH=COLLECTIONS, ANSIBLE_HOME=str(self.folder / ".ansible"), ANSIBLE_NOCOLOR="1", ANSIBLE_PIPELINING="1")
        command = [sys.executable, "-m", "ansible", "playbook", "-i", "hosts.yml", "play.yml", "-e", json.dumps(given), *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300, check=False)
        return {host: self._came(host, done.stdout + done.stderr) for host in self.hosts}

    def _came(self, host, out):
        recap = re.search(rf"^{host} +: ok=\d+ +changed=(\d+) +unreachable=0 +failed=(\d)", out, re.M)
        assert recap, out
        said = "\n".join(line for line in out.splitlines() if re.search(rf"\[{host}\]", line))
        return recap[2] != "0", int(recap[1]), said

    def text(self, host):
        path = self.folder / host / f"root{NOVA}"
        return path.read_text() if path.exists() else None

    def log(self, host):
        path = self.folder / host / "log"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_options_come_once_and_go_again(site):
    site.add("host")
    failed, changed, said = site.play()["host"]
    assert (failed, site.log("host")) == (False, ["restart nova-compute.service"]), said
    assert "num_pcie_ports = 20" in site.text("host")
    assert site.play()["host"][:2] == (False, 0)
    assert len(site.log("host")) == 1
    # with the role gone nothing of it is left
    failed, changed, said = site.play(nova_pci_passthrough_state="absent")["host"]
    assert (failed, site.text("host"), len(site.log("host"))) == (False, None, 2), said
    assert not (site.folder / "host/program").exists()
    assert not (site.folder / "host/root/var/lib/ai-stack/nova_pci_passthrough").exists()
    assert site.play(nova_pci_passthrough_state="absent")["host"][:2] == (False, 0)


def test_check_shows_what_would_change_and_leaves_the_host_as_it_was(site):
    for host in ("fit", "refused"):
        site.add(host)
    (site.folder / "refused/refuses").write_text("nova-compute: /etc/nova/nova.conf line 3: no\n")
    came = site.play("--check", "--diff")
    failed, changed, said = came["fit"]
    assert (failed, changed) == (False, 1), said
    assert came["refused"][0]
    assert "line 3: no" in came["refused"][2]
    assert [(host, site.text(host), site.log(host), (site.folder / host / "program").exists()) for host in came] == [(host, None, [], False) for host in came]
    assert not [path for host in came for path in (site.folder / host / "tmp").iterdir()]


CASES = {
    "refused-by-nova": ({}, {}, "nova-compute: no such card"),
    "does-not-run": ({"nova-compute.service": {**RUNS["nova-compute.service"], "ActiveState": "failed"}}, {}, "mend it first"),
    "has-none": ({}, {"units": {}}, "is on this host"),
}


def test_what_is_refused_is_said_and_nothing_is_touched(site):
    for host, units in (("refused-by-nova", None), ("does-not-run", CASES["does-not-run"][0]), ("has-none", {})):
        site.add(host, units)
    (site.folder / "refused-by-nova/refuses").write_text("nova-compute: no such card\n")
    for host, (failed, _changed, said) in site.play().items():
        assert failed
        assert CASES[host][2] in said
        assert "Nothing was changed." in said
        assert (site.text(host), site.log(host)) == (None, [])


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"nova_pci_passthrough_deployment": "kolla"}, "The deployment kolla is not acted on yet"),
        ({"nova_pci_passthrough_deployment": "openstack_ansible"}, "The deployment openstack_ansible is not acted on yet"),
        ({"nova_pci_passthrough_deployment": "files"}, "The deployment files is not acted on yet"),
        ({"release": "12"}, "The units of Debian 12 are not known to this role (it knows those of Debian 13)"),
        ({"nova_pci_passthrough_settings": {"nova-cell": {}}}, "name nova-cell; the services are nova-api, nova-compute"),
    ],
)
def test_what_this_version_does_not_act_on_is_refused_by_name(site, variables, message):
    here = site.add("host")
    failed, changed, said = site.play(**variables)["host"]
    assert (failed, changed, (here / "program").exists()) == (True, 0, False)
    assert message in said


def test_a_service_that_does_not_come_back_fails_the_run_and_has_its_files_of_before(site):
    site.add("host")
    site.play()
    failed, _changed, said = site.play(nova_pci_passthrough_settings=SPOILT)["host"]
    assert failed
    assert "nova-compute does not run: it ended at its start" in said
    assert "run with the files of before the change" in said
    assert "num_pcie_ports = 20" in site.text("host")


def test_restarts_of_others_are_named(site):
    site.add("host")
    failed, changed, said = site.play(nova_pci_passthrough_restart=False)["host"]
    assert (failed, site.log("host")) == (False, [])
    assert site.play("--skip-tags", "verify")["host"][0]
    assert site.play(nova_pci_passthrough_restart=False)["host"][:2] == (False, 0)
    assert site.play()["host"][0] is False
    assert site.log("host") == ["restart nova-compute.service"]


def test_the_tag_verify_proves_and_changes_nothing(site):
    site.add("host")
    failed, _changed, said = site.play("--tags", "verify")["host"]
    assert (failed, site.text("host")) == (True, None)
    assert "[libvirt] num_pcie_ports in" in said
    site.play()
    assert site.play("--tags", "verify")["host"][:2] == (False, 0)
