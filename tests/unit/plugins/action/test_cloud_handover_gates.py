# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""All gates of a host are asked in one call, each script in a shell of its own; the call itself is made here, in place of a host."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import cloud_handover_gates

GATES = {
    "switch.nova-api": {"host": None, "service": "nova-api"},
    "switch.nova-scheduler": {"host": None, "service": "nova-scheduler"},
    "switch.nova-compute.gpu1": {"host": "gpu1", "service": "nova-compute"},
    "switch.nova-compute.gpu2": {"host": "gpu2", "service": "nova-compute"},
}
FINE = "#!/bin/sh\nset -eu\nexec cat <<'END_OF_PROGRAM'\nas planned\nEND_OF_PROGRAM\n"


@pytest.fixture
def ask(site, monkeypatch):
    def asked(answers, dark=None):
        """answers: {gate: text of its script}; dark: what Ansible says of a call that did not come."""
        (site.folder / "gates").mkdir(exist_ok=True)
        for name in GATES:
            (site.folder / f"gates/{name}.sh").write_text(answers.get(name, FINE))
        calls = []

        def call(self, name, arguments, task_vars):
            calls.append(name)
            done = subprocess.run(arguments["_raw_params"].split(), input=arguments["stdin"], capture_output=True, text=True)
            return dark or {"rc": done.returncode, "stdout": done.stdout.rstrip("\n"), "stderr": done.stderr}

        monkeypatch.setattr(cloud_handover_gates.ActionModule, "_execute_module", call)
        result = site.run(cloud_handover_gates, host="gpu1", folder=str(site.folder), gates=GATES, names=list(GATES))[0]
        assert calls == ["ansible.builtin.command"] and result["changed"] is False
        return result

    return asked


def test_a_host_on_which_every_gate_holds(ask):
    found = ask({})
    assert (found["acts"], found["differs"], found["refused"]) == (False, [], None)
    assert found["services"] == ["nova-api", "nova-compute", "nova-scheduler"]


def test_each_gate_has_its_own_word(ask):
    found = ask(
        {
            "switch.nova-api": "echo first\necho second\nexit 1\n",
            "switch.nova-scheduler": "echo 'nova-scheduler does not run here'\nexit 3\n",
            "switch.nova-compute.gpu1": "echo 'this release does not take it: x'\nexit 2\n",
            "switch.nova-compute.gpu2": "echo never; exit 1\n",
        }
    )
    assert found["differs"] == ["nova-api: first; second", "nova-compute: this release does not take it: x"]
    assert found["refused"] == "nova-compute: this release does not take it: x" and found["services"] == ["nova-api", "nova-compute"]


def test_what_a_container_engine_says_is_said(ask):
    found = ask({"switch.nova-api": "echo 'container is not running' >&2\nexit 125\n"})
    assert found["differs"] == ["nova-api: container is not running"]


def test_a_call_that_did_not_come_opens_no_gate(ask):
    found = ask({}, dark={"failed": True, "msg": "no\nshell"})
    assert found["acts"] and found["differs"] == ["nova-api: no shell", "nova-compute: no shell", "nova-scheduler: no shell"]


def test_a_host_of_which_nothing_is_asked_is_not_called(site, ask):
    found = site.run(cloud_handover_gates, host="gpu1", folder=str(site.folder), gates=GATES, names=["switch.nova-compute.gpu2"])[0]
    assert (found["acts"], found["services"]) == (False, [])
