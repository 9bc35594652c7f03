# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Runs an action plugin as Ansible would, in a folder of its own, with Ansible's own loader and templating."""

from __future__ import annotations

import json
import pathlib
from types import SimpleNamespace

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.template import Templar

try:
    from ansible.template import trust_as_template
except ImportError:

    def trust_as_template(value):
        return value


class HostVars(dict):
    """What Ansible gives as hostvars: raw variables of each host, and those of localhost although it is in no inventory."""

    def raw_get(self, host):
        return self[host]


class Display:
    """Collects what an action says."""

    def __init__(self):
        self.said = []

    def display(self, text, color=None):
        self.said.append(text)

    def warning(self, text):
        self.said.append(text)

    vvv = warning


class Site:
    """A small site: variables, hosts, what was registered for them; run() runs an action over it."""

    def __init__(self, folder, observations):
        self.folder, self.fixtures = folder, observations
        self.variables = {"ai_stack_site": "example", "ai_stack_pools": [{"name": "all", "hosts": "gpu", "use": "host"}]}
        self.groups = {"all": ["gpu1", "gpu2"], "gpu": ["gpu1", "gpu2"], "ungrouped": []}
        self.registered, self.limit, self.of_host, self.lost, self.seen_clouds, self.counting = {}, None, {}, set(), None, None
        (folder / "hosts.yml").write_text("all:\n")

    def document(self, name):
        """A recorded observation, of whichever host."""
        return {**json.loads((self.fixtures / f"{name}.json").read_text(encoding="utf-8")), "host": None}

    def answers(self, host, document):
        """The host was observed by the task before."""
        document = self.document(document) if isinstance(document, str) else document
        self.registered[host] = {"changed": False, "observation": {**document, "host": host}}

    def cloud(self, name="main", **more):
        """The observation of a cloud on whose hosts nobody is."""
        hosts = {host: {"service_host": host, "servers": [], "migrations": []} for host in self.groups["gpu"]}
        found = {"schema": "sovereign.ai_stack/cloud/1", "at": "2026-11-25T19:00:00Z", "cloud": name, "projects": ["research"], "hosts": hosts}
        return {**found, "providers": {}, "services": {}, "flavors": {}, "limits": None, **more}

    def cloud_answers(self, name="main", **more):
        """The cloud was observed by a task that goes through all of them."""
        result = {"item": {"name": name}, "changed": False, "observation": self.cloud(name, **more)}
        self.seen_clouds = {"changed": False, "results": [result]}

    def is_dark(self, host):
        self.registered[host] = {"unreachable": True, "msg": "no route"}

    def task_vars(self, host):
        hostvars = HostVars(
            {name: {**self.variables, **self.of_host.get(name, {}), "inventory_hostname": name} for name in self.groups["all"]}, localhost=dict(self.variables)
        )
        for name, result in self.registered.items():
            hostvars[name]["__ai_stack_observation"] = result
        found = {
            **self.variables,
            "inventory_hostname": host,
            "groups": self.groups,
            "hostvars": hostvars,
            "ansible_inventory_sources": [str(self.folder / "hosts.yml")],
            "inventory_dir": str(self.folder),
            "ansible_play_hosts_all": self.limit or self.groups["all"],
            "ansible_play_hosts": [name for name in self.limit or self.groups["all"] if name not in self.lost],
        }
        found.update({"__ai_stack_clouds_seen": self.seen_clouds} if self.seen_clouds else {})
        found.update({"__ai_stack_clouds_counting": self.counting} if self.counting else {})
        return {**found, "ansible_limit": ",".join(self.limit)} if self.limit else found

    def run(self, action, check=False, diff=False, host=None, **arguments):
        """The result of an action and what it said."""
        task = Task.load({"name": "x", "action": "ansible.builtin.debug"})
        task.args, task.check_mode, task.diff = arguments, check, diff
        variables = self.task_vars(host or (self.limit or self.groups["all"])[0])
        loader = DataLoader()
        loader.set_basedir(str(self.folder))
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir="/nonexistent"))
        module = action.ActionModule(task, connection, PlayContext(), loader, Templar(loader=loader, variables=variables), SimpleNamespace())
        module._display = Display()
        result = module.run(task_vars=variables)
        json.dumps(result)
        return result, "\n".join(module._display.said)

    def report(self, name):
        return json.loads((self.folder / "reports/example" / name).read_text(encoding="utf-8"))

    def files(self):
        """Every file below the folder, by its name and content."""
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file()}


@pytest.fixture
def site(tmp_path, root, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Site(pathlib.Path(tmp_path), root / "tests/unit/fixtures/observations")


@pytest.fixture
def template():
    """Marks text as a template that the operator wrote."""
    return trust_as_template
