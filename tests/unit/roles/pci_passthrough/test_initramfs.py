# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The scripts of the initramfs, run by a shell: which cards are bound, and what ends a boot that nobody proves."""

from __future__ import annotations

import os
import select
import shutil
import subprocess

import pytest
from pci_passthrough_machine import CARD, TWIN

CARDS = {CARD: {"vendor": "8086", "device": "10c9"}}
SHELLS = [shell for shell in (["dash"], ["busybox", "sh"]) if shutil.which(shell[0])]


def run(host, text, shell, *arguments):
    path = host.machine.at("/script")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    tools = host.machine.at("/bin")
    tools.mkdir(exist_ok=True)
    (tools / "modprobe").write_text('#!/bin/sh\necho "$*" >>"$AI_STACK_SYS/modprobe"\n')
    (tools / "modprobe").chmod(0o755)
    environment = {"AI_STACK_SYS": str(host.machine.at("/sys")), "PATH": f"{tools}:/usr/sbin:/usr/bin:/sbin:/bin"}
    return subprocess.run([*shell, path, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=True)


def passes(seconds):
    """Real time: that of the program is the test's."""
    select.select([], [], [], seconds)


@pytest.fixture
def slots(host):
    """The folders that the kernel has beside the functions."""
    for driver in ("igb", "e1000", "vfio-pci"):
        host.machine.write(f"/sys/bus/pci/drivers/{driver}/unbind", "")
    host.machine.write("/sys/bus/pci/drivers_probe", "")
    return host


def told(host, address):
    return host.machine.read(f"/sys/devices/pci0000:00/{address}/driver_override").strip(), host.machine.read("/sys/bus/pci/drivers_probe").strip()


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_card_is_taken_from_its_driver_and_its_twin_is_not(slots, shell):
    said = run(slots, slots.modules.initramfs.binder(CARDS), shell)
    assert (said.stdout, said.stderr) == ("", "")
    assert told(slots, CARD) == ("vfio-pci", CARD) and told(slots, TWIN)[0] == "(null)"
    assert slots.machine.read("/sys/bus/pci/drivers/igb/unbind") == CARD + "\n" and slots.machine.read("/sys/modprobe") == "-q vfio-pci\n"


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("change", [{"vendor": "1af4"}, {"device": "100e"}], ids=str)
def test_another_card_at_the_address_keeps_its_driver(slots, shell, change):
    slots.machine.function(CARD, **{"driver": "e1000", **change})
    run(slots, slots.modules.initramfs.binder(CARDS), shell)
    assert told(slots, CARD) == ("(null)", "") and slots.machine.read("/sys/bus/pci/drivers/e1000/unbind") == ""


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_an_empty_slot_stops_no_other(slots, shell):
    slots.machine.at("/sys/bus/pci/devices/" + CARD).unlink()
    said = run(slots, slots.modules.initramfs.binder({**CARDS, TWIN: CARDS[CARD]}), shell)
    assert said.stderr == "" and told(slots, TWIN) == ("vfio-pci", TWIN)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_card_without_a_driver_and_one_that_is_bound_already_are_well(slots, shell):
    slots.machine.bind(CARD, None)
    slots.machine.bind(TWIN, "vfio-pci")
    slots.machine.link(f"/sys/bus/pci/drivers/vfio-pci/{TWIN}", "x")
    slots.machine.at("/sys/bus/pci/drivers/vfio-pci/x").mkdir()
    said = run(slots, slots.modules.initramfs.binder({**CARDS, TWIN: CARDS[CARD]}), shell)
    assert said.stderr == "" and told(slots, CARD) == ("vfio-pci", CARD)


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@pytest.mark.parametrize("text", ["HOOK_TEXT", "binder", "timer"])
def test_prerequisites_are_asked_without_anything_done(slots, shell, text):
    scripts = slots.modules.initramfs
    text = {"HOOK_TEXT": scripts.HOOK_TEXT, "binder": scripts.binder(CARDS), "timer": scripts.timer(1)}[text]
    assert run(slots, text, shell, "prereqs").stdout == "" and told(slots, CARD) == ("(null)", "")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_the_timer_outlives_the_initramfs_and_writes_to_what_it_opened(slots, shell):
    """As the initramfs hands over: its programs and the paths to /proc are gone, the processes and their files stay."""
    trigger, pids = slots.machine.at("/trigger"), slots.machine.at("/pids")
    trigger.write_text("")
    text = slots.modules.initramfs.timer(1).replace("/proc/sysrq-trigger", str(trigger)).replace("/run/ai-stack-trial.pids", str(pids))
    run(slots, text.replace("sleep 6", "sleep 2"), shell)
    moved = trigger.rename(trigger.with_name("moved"))
    assert len(pids.read_text().split()) == 2
    for _each in range(200):
        if moved.read_text() == "s\nb\n":
            break
        passes(0.1)
    assert moved.read_text() == "s\nb\n"


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_a_timer_that_was_stopped_reboots_nobody(slots, shell):
    trigger, pids = slots.machine.at("/trigger"), slots.machine.at("/run/ai-stack-trial.pids")
    trigger.write_text("")
    pids.parent.mkdir()
    text = slots.modules.initramfs.timer(1).replace("/proc/sysrq-trigger", str(trigger)).replace("/run/ai-stack-trial.pids", str(pids))
    run(slots, text, shell)
    started = [int(pid) for pid in pids.read_text().split()]
    slots.modules.initramfs.stop_timer()
    passes(1.5)
    assert trigger.read_text() == "" and not pids.exists()
    assert not [pid for pid in started if os.path.exists(f"/proc/{pid}") and "Z" not in open(f"/proc/{pid}/stat").read().split()[2]]
