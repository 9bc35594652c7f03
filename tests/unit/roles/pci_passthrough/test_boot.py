# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A boot that is tried proves itself or ends; whatever was cut off, the next boot finds it, and nobody has to come."""

from __future__ import annotations

import pytest
from pci_passthrough_machine import CARD, CONFIG, KERNEL, TWIN

IMAGE = "/boot/initrd.img-" + KERNEL


def test_nothing_under_way_is_nothing_to_prove(host):
    assert host.modules.boot.check() == "nothing is under way"


def test_a_proven_trial_is_noted_and_its_timer_stopped(host, monkeypatch):
    ended = []
    monkeypatch.setattr(host.modules.initramfs.os, "kill", lambda pid, signal: ended.append(pid))
    host.prepare()
    host.machine.boot()
    host.machine.write("/run/ai-stack-trial.pids", "101 102\n")
    assert host.modules.boot.check() == "the trial boot is proven"
    assert host.open()["step"] == "booted" and ended == [101, 102] and host.machine.read("/run/ai-stack-trial.pids") is None
    assert host.machine.asked is False and host.modules.boot.settle("60") == {"result": "proven", "reason": None}
    assert host.modules.boot.check() == "proven by this boot; the next run keeps it"


def no_iommu(host):
    host.machine.at(f"/sys/devices/pci0000:00/{CARD}/iommu_group").unlink()


def twin_taken(host):
    host.machine.bind(TWIN, "vfio-pci")


UNHEALTHY = {
    "no groups": (no_iommu, f"{CARD} is in no IOMMU group"),
    "not bound": (lambda host: host.machine.bind(CARD, "igb"), f"{CARD} is bound to igb"),
    "bound by nobody": (lambda host: host.machine.bind(CARD, None), f"{CARD} is bound to nothing"),
    "another card": (lambda host: host.machine.function(CARD, device="100e", driver="e1000", group=1), f"{CARD} is 8086:100e, not 8086:10c9"),
    "twin": (twin_taken, f"{TWIN} has vfio-pci instead of igb"),
    "no ssh": (lambda host: host.machine.listen(23), "nothing listens on port 22"),
    "no route": (lambda host: host.machine.write("/proc/net/route", "Iface\n"), "there is no default route"),
    "module": (lambda host: host.machine.unload("vfio_pci"), "the module vfio_pci is not loaded"),
    "neighbour": (lambda host: host.machine.function("0000:01:00.1", driver="virtio-pci", group=1), "which virtio-pci drives"),
}


@pytest.mark.parametrize("name", UNHEALTHY)
def test_a_trial_that_is_not_healthy_ends_and_the_old_entry_comes_back(host, name):
    spoil, reason = UNHEALTHY[name]
    before = host.machine.files()
    host.prepare()
    assert host.machine.boot() is True
    spoil(host)
    assert reason in host.modules.boot.check()
    assert host.machine.asked and reason in host.modules.boot.settle("60")["reason"]
    assert host.machine.boot() is False
    assert reason in host.modules.boot.check()
    assert host.machine.files() == before
    assert host.last()["result"] == "restored" and reason in host.last()["reason"]
    assert host.modules.boot.settle("60", "to-the-end") == {"result": "restored", "reason": host.last()["reason"]}


def test_what_comes_late_is_waited_for(host, monkeypatch):
    host.prepare()
    host.machine.boot()
    host.machine.listen()
    monkeypatch.setattr(host.modules.boot.time, "sleep", lambda seconds: host.machine.listen(22))
    assert host.modules.boot.check() == "the trial boot is proven"


@pytest.mark.parametrize(
    ("boots", "reason"),
    [(1, "ended before it was proven"), (0, "GRUB did not take the entry")],
)
def test_a_trial_that_nobody_saw_is_led_back_with_what_is_known(host, boots, reason):
    """A panic, a hang that the timer ended, or a power cut; or a console on which somebody chose another entry."""
    before = host.machine.files()
    host.prepare()
    if boots:
        assert host.machine.boot() is True
        host.machine.boot()
    else:
        environment = host.machine.read("/boot/grub/grubenv")
        host.machine.write("/boot/grub/grubenv", "#\n")
        host.machine.boot()
        host.machine.write("/boot/grub/grubenv", environment)
    assert reason in host.modules.boot.check()
    assert host.machine.files() == before and reason in host.last()["reason"]


def test_what_a_trial_lacked_is_known_even_where_its_timer_came_first(host, monkeypatch):
    host.prepare()
    host.machine.boot()
    host.machine.listen(23)

    def timer(seconds):
        raise TimeoutError

    monkeypatch.setattr(host.modules.boot.time, "sleep", timer)
    with pytest.raises(TimeoutError):
        host.modules.boot.check()
    host.boots()
    assert host.last()["reason"] == "it ended before it was proven (panic, hang or power); it lacked at last: nothing listens on port 22"


@pytest.mark.parametrize("step", ["begin", "trial"])
def test_a_preparation_that_was_cut_off_is_led_back(host, step):
    before = host.machine.files()
    host.begin()
    if step == "trial":
        host.modules.ledger.step("trial")
        host.machine.write("/boot/ai-stack-trial.img.new", "half")
        host.modules.journal.follow_up()
    assert host.boots() == "it was cut off before its boot"
    assert host.machine.files() == before and host.open() is None


def test_a_proven_boot_that_nobody_kept_is_not_kept_by_chance(host):
    host.prepare()
    host.boots()
    assert "before a run kept it" in host.boots()
    assert host.last()["result"] == "restored" and host.machine.read(IMAGE) == "image of before\n"


def test_it_waits_while_the_boot_is_still_to_come(host):
    host.prepare()
    assert host.modules.boot.check() == "it waits for a boot" and host.open()["step"] == "armed"
    assert host.modules.boot.settle("60")["result"] == "silent"


def test_a_keep_that_was_cut_off_goes_on_at_the_next_boot(host):
    """It was proven: what is left is to write it down, and one more boot where the words were not there yet."""
    host.prepare()
    host.boots()
    host.machine.fails["update-grub"] = (1, "power")
    host.refused(host.modules.journal.commit)
    host.machine.fails = {}
    assert host.boots() == "what was proven is kept"
    assert host.last()["result"] == "committed" and "intel_iommu=on" in host.machine.read("/boot/grub/grub.cfg")
    assert host.machine.asked is False and host.machine.driver(CARD) == "vfio-pci"


@pytest.mark.parametrize("may_reboot", [True, False])
def test_a_keep_that_was_cut_off_before_its_initramfs_boots_once_more_where_it_may(host, may_reboot):
    host.prepare(may_reboot=may_reboot)
    host.boots()
    host.machine.fails["update-initramfs"] = (1, "power")
    host.refused(host.modules.journal.commit)
    host.machine.fails = {}
    assert host.boots() == "what was proven is kept" and host.machine.asked is may_reboot
    host.machine.boot()
    assert host.machine.driver(CARD) == "vfio-pci"


def test_a_module_that_is_built_in_is_there(host):
    host.prepare({"modules": ["vfio-pci"]})
    host.machine.boot()
    host.machine.unload("vfio_pci")
    host.machine.write(f"/lib/modules/{KERNEL}/modules.builtin", "kernel/drivers/vfio/pci/vfio-pci.ko\n")
    assert host.modules.boot.check() == "the trial boot is proven"


def test_a_kernel_that_came_while_a_keep_was_cut_off_stays(host, monkeypatch):
    """GRUB's configuration and the initramfs of before know nothing of it, and what it got then has the binder in it."""
    fresh, make = "6.1.0-99-cloud-amd64", host.machine._update_grub
    host.prepare()
    host.boots()
    host.machine.fails["update-grub"] = (1, "power")
    host.refused(host.modules.journal.commit)
    host.machine.fails = {}

    def with_the_fresh_one(arguments):
        make(arguments)
        host.machine.write(CONFIG, host.machine.read(CONFIG).replace(KERNEL, fresh))
        return 0, ""

    monkeypatch.setattr(host.machine, "_update_grub", with_the_fresh_one)
    with_the_fresh_one([])
    assert f"could not be kept: {fresh} boots by now" in host.boots() + host.last()["reason"]
    assert fresh in host.machine.read(CONFIG) and "intel_iommu" not in host.machine.read(CONFIG)
    assert ["update-initramfs", "-u", "-k", "all"] in host.machine.calls and "keep " not in host.machine.read(IMAGE)


def test_a_keep_that_cannot_go_on_is_led_back(host):
    before = host.machine.files()
    host.prepare()
    host.boots()
    host.machine.fails["update-initramfs"] = (1, "no space left")
    host.refused(host.modules.journal.commit)
    host.boots()
    assert "could not be kept: " in host.last()["reason"] and host.machine.files() == before


def test_where_grub_could_not_write_the_entry_is_not_tried_again(host):
    host.prepare()
    environment = host.machine.read("/boot/grub/grubenv")
    host.machine.boot()
    host.machine.write("/boot/grub/grubenv", environment)
    assert host.modules.boot.check() == "the trial boot is proven" and host.machine.environment() == {}


def test_somebody_who_goes_on_is_let(host, monkeypatch):
    host.prepare()
    host.machine.boot()
    host.machine.boot()
    lock = host.modules.host.lock

    def late(function, *arguments):
        host.modules.host.save(host.modules.ledger.OPEN, dict(host.open(), at="later"))
        return lock(function, *arguments)

    monkeypatch.setattr(host.modules.host, "lock", late)
    host.modules.boot.check()
    assert host.open() is not None
