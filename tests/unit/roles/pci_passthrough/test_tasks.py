# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""In which order the role acts, and what it does when a step fails: its real tasks and plan, over hosts that only write down what they are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from passthrough_host import ADDRESS, WANT, bound, seen
from told import Told, wrong

# each plays the whole role by ansible-playbook
pytestmark = pytest.mark.long

ROLE = Path(__file__).resolve().parents[4] / "roles/pci_passthrough"
# What would act on the machine that runs the test is told to a stand-in.
REPLACED = {
    "sovereign.ai_stack.accelerator_facts:": "told_look:",
    "ansible.builtin.reboot:": "told_reboot:",
    "ansible.builtin.wait_for_connection:": "told_wait:",
}
OPTIONS = {"look": ("addresses", "simulate"), "reboot": ("reboot_timeout", "msg"), "wait": ("delay", "timeout")}
PLAY = """\
- hosts: all
  gather_facts: false
  environment: {HERE: "{{ here }}", PATH: "{{ bin }}:{{ lookup('ansible.builtin.env', 'PATH') }}"}
  roles: [pci_passthrough]
"""


class Passthrough(Told):
    """The role pci_passthrough."""

    role, replaced, options = ROLE, REPLACED, OPTIONS

    def given(self, play):
        return {"pci_passthrough_drain": f"{self.folder}/hook", "__pci_passthrough_program": "{{ here }}/program", "pci_passthrough_owner": "me",
                "__pci_passthrough_state_dir": "{{ here }}/state", "pci_passthrough_cards": {ADDRESS: {"vendor": "8086", "device": "10c9"}},
                "pci_passthrough_arguments": ["intel_iommu=on"]}  # fmt: skip


def says(**values):
    return [0, json.dumps(values)]


def passed(**values):
    return {"passthrough": {"settings": None, "open": None, "last_change": None, "touched": True, "drained": False, **values}}


def under_way(step, observation, boot="b", **values):
    """The same host with a change of ours that is open."""
    open_change = {"plan": "p", "owner": "me", "step": step, "at": "2026-11-25T19:00:00Z", "boot_id": boot, "want": WANT}
    trial = {"boot": {**observation["boot"], "trial": step == "booted"}}
    return {**observation, **passed(open=open_change, **values), **trial}


PROVEN = {"settle": says(result="proven", reason=None)}
FAILS = {"settle 780": says(result="failing", reason="nothing listens on port 22"), "restore": says(result="restored before", reboot=False),
         "settle 780 to-the-end": says(result="restored", reason="nothing listens on port 22")}  # fmt: skip
BACK, UNDONE = {"restore": says(result="restored", reboot=True)}, {"restore": says(result="restored", reboot=False)}
AWAY, SERVES = ["drained yes", "drain {}"], ["resume {}", "drained no"]
START, BOOT = ["facts", "begin", "prepare"], ["reboot", "settle 780"]
KEEP = ["facts", "commit"]
OLD = "The host runs its old entry again, and nothing of the change is left."
UNTOUCHED = "It was not booted for this change, of which nothing is left."
TAKES = says(differs=[{"resource": "file:/x", "before": "there", "after": None}], reboot=True, used=[])
GONE = {"differs": TAKES, "absent": says(changed=True, reboot=True)}
ABSENT, NEVER = {"pci_passthrough_state": "absent"}, {"pci_passthrough_reboot": "never"}
# case: (answers, before, after, variables, does it fail, what happens, what is said)
CASES = {
    "given": (PROVEN, seen(), bound(), {}, False, [*START, *AWAY, *BOOT, *KEEP, *SERVES], []),
    "right": ({}, bound(settings=True), None, {}, False, ["facts"], []),
    "shared": ({}, seen(neighbour="virtio-pci"), None, {}, True, ["facts"], ["NR-65", "which virtio-pci drives", "Nothing was changed."]),
    "elsewhere": ({}, {**seen(), "system": {**seen()["system"], "distribution": "nixos"}}, None, {}, True, ["facts"], ["nixos 12 is not among the systems"]),
    "uplink": ({"begin": [1, "it is ens3"]}, seen(), None, {}, True, ["facts", "begin"], ["it is ens3. Nothing was changed."]),
    "unprepared": ({"prepare": [1, "the disk is full"], **UNDONE}, seen(), None, {}, True, [*START, "restore {}"], ["the disk is full", UNTOUCHED]),
    "by-hand": ({}, seen(), None, NEVER, False, START, []),
    "waits": ({}, under_way("armed", seen()), None, NEVER, False, ["facts", "may-change"], []),
    "armed": (PROVEN, under_way("armed", seen()), bound(), {}, False, ["facts", "may-change", *AWAY, *BOOT, *KEEP, *SERVES], []),
    "booted": ({}, under_way("booted", bound()), bound(), NEVER, False, ["facts", "may-change", *KEEP], []),
    "kept-half": ({}, under_way("commit", bound()), bound(), NEVER, False, ["facts", "may-change", *KEEP], []),
    "booted-again": (PROVEN, under_way("armed", seen(), "old"), bound(), {}, False, ["facts", "may-change", *START[1:], *AWAY, *BOOT, *KEEP, *SERVES], []),
    "others": ({"may-change": [1, "alice has been changing this host"]}, under_way("armed", seen()), None, {}, True, ["facts", "may-change"],
               ["alice has been changing this host. Nothing was changed."]),
    "cannot-be-drained": ({"drain": [1, "a server stays"], **UNDONE}, seen(), None, {}, True, [*START, *AWAY, "restore {}", *SERVES],
                          ["a server stays", UNTOUCHED]),
    "unhealthy": (FAILS, seen(), None, {}, True, [*START, *AWAY, *BOOT, "wait", "settle 780 to-the-end", "restore {}", *SERVES],
                  ["The trial boot was not proven: nothing listens on port 22", OLD]),
    "unbound": ({**PROVEN, **BACK}, seen(), seen(), {}, True, [*START, *AWAY, *BOOT, "facts", "restore {}", "reboot", *SERVES],
                [f"Not proven: override:{ADDRESS}", OLD]),
    "not-led-back": ({**PROVEN, "restore": [1, "no copy"]}, seen(), seen(), {}, True, [*START, *AWAY, *BOOT, "facts", "restore {}"],
                     ["The host was not led back: no copy", "It stays drained."]),
    "emptied": ({}, {**bound(settings=True), **passed(settings=bound(settings=True)["passthrough"]["settings"], drained=True)}, None, {}, False,
                ["facts", *SERVES], []),
    "taken": (GONE, bound(settings=True), None, ABSENT, False, ["facts", "differs", *AWAY, "absent", "reboot", *SERVES], []),
    "taken-later": (GONE, bound(settings=True), None, {**ABSENT, **NEVER}, False, ["facts", "differs", "absent"], []),
    "in-use": ({"differs": says(differs=[], reboot=True, used=["a is used by process 7"])}, bound(settings=True), None, ABSENT, True, ["facts", "differs"],
               ["a is used by process 7: stop what runs there", "Nothing was changed."]),
    "never-given": ({}, {**seen(), "passthrough": None}, None, ABSENT, False, ["facts"], []),
}  # fmt: skip


@pytest.fixture(scope="module")
def came(tmp_path_factory):
    """All cases cost one ansible-playbook."""
    told = Passthrough(tmp_path_factory.mktemp("told"))
    for host, (answers, before, after, variables, *_rest) in CASES.items():
        told.add(host, answers, before, **{"pci_passthrough_reboot": "when_needed", **variables})
        told.write(f"{host}/state/baseline.json", "{}")
        if after is not None:
            told.write(f"{host}/after.json", json.dumps(after))
    found = told.play("", play=PLAY)
    return {host: (one, sorted(path.name for path in (told.folder / host).iterdir())) for host, one in found.items()}


@pytest.mark.parametrize("host", CASES)
def test_the_role_acts_in_order_and_says_how_the_host_is(came, host):
    *_case, failed, log, said = CASES[host]
    one = came[host][0]
    # the reason that is handed on to the host is looked at in what the operator reads
    heard = one._replace(log=["restore " + host if line.startswith("restore ") else line for line in one.log])
    assert not wrong(heard, failed, [at.format(host) for at in log], *said)


def test_what_the_host_remembers_goes_with_the_cards_and_not_before(came):
    assert [host for host in CASES if "state" not in came[host][1]] == ["taken", "taken-later"]
