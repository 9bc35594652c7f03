# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The command line: whose change it is, and what it answers."""

from __future__ import annotations

import io
import json

import pytest
from nova_machine import NOVA

SETTINGS = {"nova-compute": {"libvirt": {"num_pcie_ports": "20"}}}


@pytest.fixture
def cli(host, monkeypatch, capsys):
    machine = host()
    monkeypatch.setattr(machine.modules.cli, "GROUND", machine.ground)

    def run(*words, settings=SETTINGS):
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(machine.request(settings))))
        code = machine.modules.cli.main(list(words))
        out, error = capsys.readouterr()
        return code, json.loads(out) if out else None, error

    return machine, run


def test_a_change_by_its_owner(cli):
    machine, run = cli
    assert run("--owner", "me", "apply") == (0, {"awaits": [], "changed": True, "restarted": ["nova-compute"]}, "")
    assert run("status")[1]["last_change"]["owner"] == "me"
    assert run("look")[1]["differs"] == []
    assert "num_pcie_ports = 20" in machine.text(NOVA)


def test_a_fresh_change_of_another_is_left_alone(cli):
    machine, run = cli
    change = machine.change(SETTINGS)
    change.ledger.begin(
        {"plan": "p", "owner": "you", "touches": {"files": change.paths()}, "irreversible": False, "restarts": [], "request": {"doors": []}, "doors": []}
    )
    for verb in ("apply", "restore"):
        code, answer, error = run("--owner", "me", verb)
        assert (code, answer) == (1, None)
        assert error.startswith("you has been changing this host for 0 min (step begin)")
    assert run("look")[0] == 0
    assert run("--owner", "me", "--instead-of", "you", "apply")[1]["changed"]


@pytest.mark.parametrize("words", [(), ("nothing",), ("look", "more")])
def test_other_words_are_answered_with_the_usage(cli, words):
    code, answer, error = cli[1](*words)
    assert (code, answer) == (2, None)
    assert "Usage" in error


@pytest.mark.parametrize("settings", [[], {"nova-compute": 5}, {"nova-compute": {"pci": "x"}}])
def test_a_request_that_cannot_be_read_is_one_sentence(cli, settings):
    code, answer, error = cli[1]("apply", settings=settings)
    assert (code, answer) == (1, None)
    assert error.count("\n") == 1


def test_a_refusal_is_a_sentence(cli):
    machine, run = cli
    machine.refuses = lambda document: ["nova-compute: no"]
    assert run("look") == (1, None, "nova-compute: no\n")
