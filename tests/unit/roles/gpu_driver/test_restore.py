# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What was led back is read back, goes last what is needed longest, and never crosses a one-way door."""

from __future__ import annotations

import json

import pytest
from gpu_driver_machine import card

FILE, UNIT, IMAGE = "/etc/modprobe.d/ours.conf", "ours.service", "/boot/initrd.img-6"
WATCH = "ai-stack-gpu-driver-check.service"
WATCH_FILE = "/etc/systemd/system/" + WATCH
A = "0000:17:00.0"


def request(**values):
    touches = {"packages": ["driver"], "roots": ["driver"], "holds": ["driver"], "files": [FILE, WATCH_FILE], "units": [UNIT, WATCH]}
    return {"plan": "p1", "owner": "o", "kernel": "6", "driver": "2", "cards": [], "irreversible": False, "limit": 9, "may_reboot": False,
            "packages": {"driver": "2"}, "touches": touches, **values}


def change(machine):
    machine.packages["driver"] = "2"
    machine.held.add("driver")
    machine.enabled |= {UNIT, WATCH}
    for path in (FILE, WATCH_FILE, IMAGE):
        machine.write(path, "new\n")


@pytest.fixture
def changed(program):
    modules, machine = program
    machine.packages["driver"] = "1"
    machine.write(IMAGE, "old\n")
    modules.journal.begin(request())
    change(machine)
    return modules, machine


def test_the_unit_that_leads_the_host_back_is_not_stopped_by_it(changed):
    modules, machine = changed
    machine.runs_in = WATCH
    modules.restore.restore()
    assert modules.journal.status()["open"] is None
    assert machine.enabled == set() and machine.read(WATCH_FILE) is None
    assert machine.calls.index(["systemctl", "disable", "--now", UNIT]) < machine.calls.index(["systemctl", "disable", WATCH])


@pytest.mark.parametrize("cut", ["apt-get", "update-initramfs", "dpkg-query"])
def test_a_way_back_that_is_cut_off_is_followed_up_by_the_next_boot(changed, monkeypatch, cut):
    modules, machine = changed
    machine.write(IMAGE, "old\n") if cut != "update-initramfs" else None
    run, left = machine.run, [3]

    def cut_off(command, *arguments, **options):
        left[0] -= command[0] in (cut, "systemctl")
        if left[0] < 0:
            raise KeyboardInterrupt
        return run(command, *arguments, **options)

    monkeypatch.setattr(modules.host, "run", cut_off)
    with pytest.raises(KeyboardInterrupt):
        modules.restore.restore()
    assert modules.journal.OPEN and machine.read(modules.journal.OPEN) and WATCH in machine.enabled and machine.read(WATCH_FILE)


@pytest.mark.parametrize(
    ("stuck", "said"),
    [("driver", "package driver is 2 instead of 1"), (UNIT, "unit ours.service is True instead of False")],
)
def test_what_did_not_come_back_is_named_and_the_change_stays_open(changed, stuck, said):
    modules, machine = changed
    machine.stuck = {stuck}
    with pytest.raises(modules.host.Refused, match=said):
        modules.restore.restore()
    assert modules.journal.status()["open"]["owner"] == "o" and WATCH in machine.enabled
    machine.stuck = set()
    assert modules.restore.restore() == {"result": "restored"}


def test_a_file_that_somebody_locks_is_named(changed, monkeypatch):
    modules, machine = changed
    monkeypatch.setattr(modules.host, "put_back", lambda path, kept: None)
    with pytest.raises(modules.host.Refused, match="file " + FILE):
        modules.restore.restore()


def test_the_initramfs_comes_back_as_it_was(changed):
    modules, machine = changed
    modules.restore.restore()
    assert machine.read(IMAGE) == "old\n"


@pytest.mark.parametrize("purged", [False, True])
def test_a_removal_makes_an_initramfs_anew_and_none_of_a_kernel_that_is_gone(changed, purged):
    """The host may need by now what the image of the first day lacks."""
    import os

    modules, machine = changed
    modules.journal.commit()
    machine.write(IMAGE, "with the disk of today\n")
    if purged:
        os.unlink(machine.root + IMAGE)
    shown = {row["resource"]: row["after"] for row in modules.restore.differs()["differs"]}
    modules.restore.absent()
    assert machine.read(IMAGE) == (None if purged else "written anew\n")
    assert shown.get("initramfs:" + IMAGE) == (None if purged else "made anew")


def test_an_initramfs_that_was_not_there_is_made_anew_and_not_torn_away(program):
    modules, machine = program
    modules.journal.begin(request())
    change(machine)
    modules.restore.restore()
    assert machine.read(IMAGE) == "written anew\n"


def test_where_dracut_writes_it_the_initramfs_has_another_name(program, monkeypatch):
    modules, machine = program
    monkeypatch.setattr(modules.host, "which", lambda name: None if name == "update-initramfs" else name)
    machine.write("/boot/initramfs-6.img", "old\n")
    modules.journal.begin(request())
    machine.write("/boot/initramfs-6.img", "new\n")
    modules.restore.restore()
    assert machine.read("/boot/initramfs-6.img") == "old\n"


def test_a_mode_that_was_changed_comes_back_alone_too(program):
    modules, machine = program
    import os

    machine.write(FILE, "old\n")
    os.chmod(machine.root + FILE, 0o600)
    modules.journal.begin(request())
    os.chmod(machine.root + FILE, 0o644)
    modules.restore.restore()
    assert os.stat(machine.root + FILE).st_mode & 0o777 == 0o600


def test_a_second_restore_says_that_the_host_is_led_back_already(changed):
    modules, machine = changed
    modules.restore.restore()
    calls = len(machine.calls)
    assert modules.restore.restore() == {"result": "restored before"} and len(machine.calls) == calls


def test_mig_instances_that_the_change_destroyed_come_back(program):
    modules, machine = program
    machine.driver, machine.cards = "1", [card(A, mig="Enabled", pending="Enabled", devices=["1g.10gb"] * 2)]
    machine.write(modules.gpus.SETTINGS, json.dumps({"persistence": False, "mig": {A: {"1g.10gb": 2}}}))
    touches = dict(request()["touches"], files=[modules.gpus.SETTINGS])
    modules.journal.begin(request(touches=touches))
    machine.write(modules.gpus.SETTINGS, json.dumps({"persistence": False, "mig": {A: {"7g.80gb": 1}}}))
    modules.gpus.apply()
    assert machine.cards[0]["devices"] == ["7g.80gb"]
    modules.restore.restore()
    assert machine.cards[0]["devices"] == ["1g.10gb"] * 2


def rpm_host(modules, monkeypatch):
    monkeypatch.setattr(modules.packages, "manager", lambda: "dnf")


@pytest.mark.parametrize("before", [{"driver": "1"}, {}, {"driver": "1", "tool": "1"}])
def test_rpm_packages_come_back_by_whichever_verb_does_it(program, monkeypatch, before):
    modules, machine = program
    rpm_host(modules, monkeypatch)
    machine.packages = {"driver": "2"}
    assert modules.packages.bring_back(before, ["driver", "tool"], ["driver"], "/kept") == set()
    assert machine.packages == before


def test_rpm_packages_that_no_repository_has_are_named_with_what_dnf_says(program, monkeypatch):
    modules, machine = program
    rpm_host(modules, monkeypatch)
    machine.packages, machine.stuck = {"driver": "2"}, {"driver"}
    with pytest.raises(modules.host.Refused, match="did not bring back driver-1: .*Unable to find a match"):
        modules.packages.bring_back({"driver": "1"}, ["driver"], ["driver"], "/kept")


def test_a_newer_version_that_goes_back_is_nobody_who_needs_what_goes(program, monkeypatch):
    modules, machine = program
    rpm_host(modules, monkeypatch)
    machine.packages, machine.needed_by = {"driver": "2", "new": "2"}, {"new": {"driver=2"}}
    assert modules.packages.bring_back({"driver": "1"}, ["driver", "new"], ["driver", "new"], "/kept") == set()
    assert machine.packages == {"driver": "1"}


def test_an_rpm_that_is_needed_stops_the_way_back_before_anything_is_brought_back(program, monkeypatch):
    modules, machine = program
    rpm_host(modules, monkeypatch)
    machine.packages, machine.needed_by = {"driver": "2", "new": "2", "job": "1"}, {"new": {"driver=2", "job"}}
    with pytest.raises(modules.host.Refused, match="would also remove job, which"):
        modules.packages.bring_back({"driver": "1"}, ["driver", "new"], ["new"], "/kept")
    assert machine.packages == {"driver": "2", "new": "2", "job": "1"}


def test_nothing_is_removed_where_rpm_does_not_say_who_needs_it(program, monkeypatch):
    modules, machine = program
    rpm_host(modules, monkeypatch)
    machine.packages, machine.mute = {"driver": "2"}, True
    with pytest.raises(modules.host.Refused, match="rpm does not say who needs driver: .*cannot open Packages database"):
        modules.packages.bring_back({}, ["driver"], ["driver"], "/kept")
    assert machine.packages == {"driver": "2"}


def test_nothing_is_taken_back_across_a_one_way_door(program):
    modules, machine = program
    machine.packages["driver"] = "1"
    modules.journal.begin(request(irreversible=True))
    change(machine)
    with pytest.raises(modules.host.Refused, match="one-way"):
        modules.restore.absent()
    with pytest.raises(modules.host.Refused, match="one-way"):
        modules.restore.differs()
    assert machine.packages == {"driver": "2"} and machine.held == {"driver"}
    modules.journal.commit()
    assert modules.restore.absent() is True
    assert machine.packages == {"driver": "2"} and machine.read(IMAGE) == "written anew\n"
    assert (machine.held, machine.enabled, machine.read(FILE)) == (set(), set(), None)


def test_a_change_after_the_one_way_door_leads_back_to_the_door(program):
    modules, machine = program
    machine.packages["driver"] = "1"
    modules.journal.begin(request(irreversible=True))
    change(machine)
    modules.journal.commit()
    modules.journal.begin(request(plan="p2"))
    machine.packages["driver"] = "3"
    modules.journal.commit()
    modules.restore.absent()
    assert machine.packages == {"driver": "2"}


@pytest.mark.parametrize("manager", ["apt", "dnf"])
def test_what_absent_would_refuse_is_refused_when_it_is_asked(program, monkeypatch, manager):
    modules, machine = program
    monkeypatch.setattr(modules.packages, "manager", lambda: manager)
    modules.journal.begin(request())
    machine.packages.update(driver="2", job="1")
    machine.needed_by["driver"] = {"job"}
    modules.journal.commit()
    with pytest.raises(modules.host.Refused, match="job"):
        modules.restore.differs()


def test_the_digest_of_a_secret_file_is_not_shown(program):
    import os

    modules, machine = program
    modules.journal.begin(request())
    change(machine)
    os.chmod(machine.root + FILE, 0o600)
    os.chmod(machine.root + WATCH_FILE, 0o644)
    shown = {row["resource"]: row["before"] for row in modules.restore.differs()["differs"]}
    assert shown["file:" + FILE]["sha256"] == "not shown" and len(shown["file:" + WATCH_FILE]["sha256"]) == 64
