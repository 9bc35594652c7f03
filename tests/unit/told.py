# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A role's real tasks over hosts that only write down what they are told, and answer what a case says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from ansible_collections.sovereign.ai_stack.plugins.action import host_plan
from ansible_collections.sovereign.ai_stack.plugins.action.host_program import packed

COLLECTIONS = str(Path(host_plan.__file__).parents[5])
TELL = """\
import json, os, pathlib
def tell(words):
    folder = pathlib.Path(os.environ["HERE"])
    with open(folder / "log", "a") as log:
        log.write(words + "\\n")
    answers = json.loads((folder / "answers.json").read_text())
    if answers.get("lost") == words:
        (folder / "lost").touch()
    return answers.get(words, answers.get(words.split()[0], [0, ""]))
"""
PROGRAM = """\
import os, sys
sys.path.insert(0, {tell!r})
from tell import tell
words = sys.argv[1:]
if words[2:] == ["begin"]:
    open(os.environ["HERE"] + "/request.json", "w").write(sys.stdin.read())
assert words[:2] == ["--owner", "me"], words
code, text = tell(" ".join(words[2:]))
print(text, file=sys.stderr if code else sys.stdout)
sys.exit(code)
"""
COMMAND = """\
#!{python}
import sys
sys.path.insert(0, {tell!r})
from tell import tell
code, text = tell(" ".join({first!r} + sys.argv[1:]))
print(text, file=sys.stderr)
sys.exit(code)
"""
MODULE = """\
#!/usr/bin/python
import json, os, sys
sys.path.insert(0, {tell!r})
from ansible.module_utils.basic import AnsibleModule
from tell import tell
module = AnsibleModule({{name: {{"type": "raw"}} for name in {options!r}}})
if {kind!r} == "look":
    tell("facts")
    here = os.environ["HERE"]
    looks = open(here + "/log").read().split("\\n").count("facts")
    seen = here + "/after.json" if looks > 1 and os.path.exists(here + "/after.json") else here + "/observation.json"
    module.exit_json(observation=json.load(open(seen)))
if {kind!r} == "facts":
    tell("facts")
    seen = json.load(open(os.environ["HERE"] + "/observation.json"))
    module.exit_json(observation=dict(seen, after=True) if module.params["simulate"] == "never" else seen)
words = {{"proof": lambda given: "proof" if "after" in given["observation"] else "proof of what was before", "reboot": lambda given: "reboot",
         "systemd": lambda given: "enable " + given["name"], "wait": lambda given: "wait"}}[{kind!r}](module.params)
code, text = tell(words)
(module.fail_json if code else module.exit_json)(msg=text, rebooted=not code)
"""
# as "local", but the connection breaks once the host was told what the case calls "lost"
CONNECTION = """\
import os, re
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local
class Connection(Local):
    transport = "told"
    def exec_command(self, cmd, *rest, **more):
        done = super().exec_command(cmd, *rest, **more)
        lost = re.search(r"HERE=([^ ]+)", cmd)
        if lost and os.path.exists(lost.group(1) + "/lost"):
            os.rename(lost.group(1) + "/lost", lost.group(1) + "/was-lost")
            raise AnsibleConnectionFailure("lost")
        return done
"""


class Came(NamedTuple):
    """What came of one host: whether it failed, what it was told, what the operator read."""

    failed: bool
    log: list
    said: str


class Told:
    """A folder with the role and one host a case: all cases of a kind cost one ansible-playbook.

    role: its folder; replaced: text of its tasks that would act on the machine that runs the test, and what stands in for it;
    options: the options of those stand-ins by kind; observation: what every host shows unless a case says more.
    """

    role, replaced, options, observation = None, {}, {}, {}

    def __init__(self, folder):
        self.folder, self.hosts = folder, {}
        tell = str(folder / "tell")
        self.write("tell/tell.py", TELL)
        self.write("hook", COMMAND.format(python=sys.executable, tell=tell, first=[]))
        self.write("bin/apt-get", COMMAND.format(python=sys.executable, tell=tell, first=["apt-get"]))
        self.write("connection_plugins/told.py", CONNECTION)
        self.write("program/__main__.py", PROGRAM.format(tell=tell))
        for kind, options in self.options.items():
            self.write(f"library/told_{kind}.py", MODULE.format(kind=kind, options=options, tell=tell))
        self._role()

    def _role(self):
        shutil.copytree(self.role, self.folder / "roles" / self.role.name)
        for path in (self.folder / "roles" / self.role.name / "tasks").glob("*.yml"):
            text = re.sub(rf"src: \[{self.role.name}/.*\]", f"src: [{self.folder}/program/]", path.read_text())
            for old, new in self.replaced.items():
                text = text.replace(old, new)
            path.write_text(text)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def add(self, host, answers=None, observation=None, **variables):
        self.write(f"{host}/answers.json", json.dumps(answers or {}))
        self.write(f"{host}/observation.json", json.dumps({**self.observation, **(observation or {})}))
        (self.folder / host / "program").write_bytes(packed([self.folder / "program"]))
        here = {"here": str(self.folder / host), "ansible_connection": "told", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        self.hosts[host] = {**here, **variables}

    def given(self, play):
        """The variables of every host that a play needs beside those of a case."""
        return {}

    def play(self, tasks, *arguments, play, **variables):
        """{host: Came}."""
        self.write("play.yml", play.replace("TASKS", tasks))
        self.write("hosts.yml", json.dumps({"all": {"hosts": self.hosts}}))
        given = {"bin": f"{self.folder}/bin", **self.given(play), **variables}
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        environment.update(ANSIBLE_COLLECTIONS_PATH=COLLECTIONS, ANSIBLE_HOME=str(self.folder / ".ansible"), ANSIBLE_NOCOLOR="1", ANSIBLE_LIBRARY="library",
                           ANSIBLE_PIPELINING="1")  # fmt: skip
        command = [sys.executable, "-m", "ansible", "playbook", "-i", "hosts.yml", "play.yml", "-e", json.dumps(given), *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300, check=False)
        return {host: self._came(host, done.stdout + done.stderr) for host in self.hosts if "--limit" not in arguments or host in arguments}

    def _came(self, host, out):
        log, recap = self.folder / host / "log", re.search(rf"^{host} +: ok=.*unreachable=(\d) +failed=(\d)", out, re.M)
        assert recap, out
        said = "\n".join(line for line in out.splitlines() if re.search(rf"\[{host}( -> |\])", line))
        return Came(recap.groups() != ("0", "0"), log.read_text().splitlines() if log.exists() else [], said)


def wrong(came, failed, log, *said):
    """What is not as it should be, in words; nothing where all is well."""
    found = (came.failed, came.log, [text for text in said if text not in came.said])
    return [] if found == (failed, log, []) else [f"failed, log, not said: {found} instead of {(failed, log, [])}\n{came.said}"]
