# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A site in a folder of its own, over which tests run playbooks as an operator does."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys

from ansible_collections.sovereign.ai_stack.plugins.action import plan

COLLECTIONS = str(pathlib.Path(plan.__file__).parents[5])
INTENT = """\
ai_stack_site: example
ai_stack_pools:
  - {name: all, hosts: gpu, use: host}
ai_stack_waivers:
  - {rule: ACC-4a, scope: site, reason: x, approver: board, until: 2099-01-01}
"""
# the ssh of a dark host is refused at once and never leaves the machine
DARK = "{ansible_connection: ssh, ansible_host: 127.0.0.1, ansible_port: 9}"
HERE = "{ansible_connection: local, ansible_python_interpreter: '{{ ansible_playbook_python }}'}"


class Site:
    """An inventory in a folder of its own, and the verbs over it."""

    def __init__(self, folder, fixtures):
        self.folder, self.fixtures = folder, fixtures
        (folder / "group_vars").mkdir()
        (folder / "group_vars/all.yml").write_text(INTENT)
        (folder / "recorded").mkdir()
        self.hosts(gpu1=DARK, gpu2=DARK)

    def hosts(self, **hosts):
        rows = "".join(f"    {name}: {variables}\n" for name, variables in hosts.items())
        (self.folder / "hosts.yml").write_text(f"gpu:\n  hosts:\n{rows}")

    def record(self, host, name):
        document = {**json.loads((self.fixtures / f"{name}.json").read_text(encoding="utf-8")), "host": host}
        (self.folder / "recorded" / f"{host}.json").write_text(json.dumps(document))

    def saw(self, host, name):
        """What an earlier run saw of a host."""
        folder = self.folder / "reports/example/observations"
        folder.mkdir(parents=True, exist_ok=True)
        self.record(host, name)
        shutil.copy(self.folder / "recorded" / f"{host}.json", folder)

    def play(self, playbook, *arguments):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        environment.update(ANSIBLE_COLLECTIONS_PATH=COLLECTIONS, ANSIBLE_HOME=str(self.folder / ".ansible"), ANSIBLE_NOCOLOR="1", ANSIBLE_LIBRARY="library")
        command = [sys.executable, "-m", "ansible", "playbook", "-i", "hosts.yml", playbook, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout + done.stderr

    def report(self, name):
        return json.loads((self.folder / "reports/example" / name).read_text(encoding="utf-8"))
