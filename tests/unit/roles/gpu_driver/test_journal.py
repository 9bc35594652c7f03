# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Wherever a change is cut off, the host knows what was there and finds the way back."""

from __future__ import annotations

import io
import json
import time

import pytest

UNIT, FILE, OTHER = "ours.service", "/etc/modprobe.d/ours.conf", "/etc/apt/preferences.d/ours"
managers = pytest.mark.parametrize("manager", ["apt", "dnf"])


def request(**values):
    touches = {"packages": ["driver", "tool"], "roots": ["driver"], "holds": ["driver", "kernel"], "files": [FILE, OTHER], "units": [UNIT], "initramfs": []}
    return {"plan": "p1", "owner": "site@controller", "kernel": "6", "driver": "2", "cards": [], "irreversible": False, "limit": 9, "may_reboot": False,
            "packages": {"driver": "2", "tool": "1"}, "touches": touches, **values}


def upgrade(machine):
    """A host with an older driver, and what a change makes of it, step by step."""
    machine.packages, machine.held, machine.enabled = {"driver": "1", "vim": "9"}, {"kernel"}, set()
    machine.write(FILE, "old\n")

    def packages():
        machine.packages.update(driver="2", tool="1")

    def holds():
        machine.held.add("driver")

    def files():
        machine.write(FILE, "new\n")
        machine.write(OTHER, "new\n")

    def units():
        machine.enabled.add(UNIT)

    return [packages, holds, files, units]


def everything(machine):
    return (*machine.state(), machine.read(FILE), machine.read(OTHER))


@pytest.mark.parametrize("cut_after", range(5))
def test_restore_leads_back_from_every_step(program, cut_after):
    modules, machine = program
    steps = upgrade(machine)
    before = everything(machine)
    modules.journal.begin(request())
    for step in steps[:cut_after]:
        step()
    modules.restore.restore()
    assert everything(machine) == before
    assert modules.journal.status()["open"] is None
    assert modules.journal.status()["last_change"]["result"] == "restored"


def test_a_second_begin_after_a_kill_keeps_what_was_there_first(program):
    modules, machine = program
    steps = upgrade(machine)
    before = everything(machine)
    modules.journal.begin(request())
    for step in steps:
        step()
    modules.journal.begin(request(plan="p2"))
    modules.restore.restore()
    assert everything(machine) == before


def test_half_done_packages_do_not_stop_the_way_back(program):
    modules, machine = program
    steps = upgrade(machine)
    before = everything(machine)
    modules.journal.begin(request())
    steps[0]()
    machine.status["driver"] = "half-configured"
    assert modules.journal.status()["half_done"] == ["driver"]
    modules.restore.restore()
    assert everything(machine) == before


def test_a_one_way_change_is_never_undone(program):
    modules, machine = program
    for step in upgrade(machine):
        modules.journal.begin(request(irreversible=True))
        step()
    after = everything(machine)
    with pytest.raises(modules.host.Refused, match="one-way"):
        modules.restore.restore()
    assert everything(machine) == after


def test_a_begin_after_a_one_way_begin_stays_one_way(program):
    modules, _machine = program
    modules.journal.begin(request(irreversible=True))
    modules.journal.begin(request())
    assert json.loads(modules.host.read(modules.journal.OPEN))["irreversible"] is True


MINE, OTHERS = ("--owner", "site@controller"), ("--owner", "other@controller")


def ask(modules, *words, request=None, monkeypatch=None):
    """Exit status of the program, as the role calls it."""
    if request:
        monkeypatch.setattr(modules.cli.sys, "stdin", io.StringIO(json.dumps(request)))
    return modules.cli.main(list(words))


def aged(modules, seconds):
    """The open journal, as if its last step were that old."""
    journal = json.loads(modules.host.read(modules.journal.OPEN))
    journal["at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - seconds))
    modules.host.save(modules.journal.OPEN, journal)


@pytest.mark.parametrize(
    ("asks", "boot", "seconds", "refused"),
    [
        (OTHERS, "boot-1", 0, True),
        ((), "boot-1", 0, True),
        ((*OTHERS, "--instead-of", "somebody@controller"), "boot-1", 0, True),
        (OTHERS, "boot-1", 7000, True),
        ((*OTHERS, "--instead-of", "site@controller"), "boot-1", 0, False),
        (MINE, "boot-1", 0, False),
        (OTHERS, "boot-2", 0, False),
        (OTHERS, "boot-1", 7400, False),
    ],
)
@pytest.mark.parametrize("verb", ["begin", "step packages", "repair", "restore", "absent", "commit", "may-change", "no-autoinstall"])
def test_another_owners_fresh_change_is_left_alone(program, capsys, monkeypatch, verb, asks, boot, seconds, refused):
    modules, machine = program
    steps = upgrade(machine)
    modules.journal.begin(request())
    aged(modules, seconds)
    steps[0]()
    machine.status["driver"] = "half-configured"
    machine.write("/proc/sys/kernel/random/boot_id", boot)
    before, journal = everything(machine), machine.read(modules.journal.OPEN)
    code = ask(modules, *asks, *verb.split(), request=request() if verb == "begin" else None, monkeypatch=monkeypatch)
    assert code == (1 if refused else 0), capsys.readouterr().err
    if refused:
        assert (everything(machine), machine.read(modules.journal.OPEN), machine.status) == (before, journal, {"driver": "half-configured"})
        said = capsys.readouterr().err
        assert "site@controller has been changing this host for" in said and "--owner site@controller" in said


def test_a_run_that_takes_over_is_the_owner_from_then_on(program, monkeypatch):
    modules, _machine = program
    modules.journal.begin(request())
    assert ask(modules, *OTHERS, "--instead-of", "site@controller", "begin", request=request(), monkeypatch=monkeypatch) == 0
    assert modules.journal.status()["open"]["owner"] == "other@controller"
    assert ask(modules, *MINE, "step", "packages") == 1 and ask(modules, *OTHERS, "step", "packages") == 0


@pytest.mark.parametrize("verb", ["status", "settings"])
def test_looking_and_bringing_settings_back_need_no_owner(program, verb):
    modules, _machine = program
    modules.journal.begin(request())
    assert ask(modules, *OTHERS, verb) == 0


@pytest.fixture
def summer(monkeypatch):
    monkeypatch.setenv("TZ", "CET-1CEST,M1.1.0,M12.5.0")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_change_ages_by_the_clock_of_the_world_whatever_the_host_calls_summer(program, summer):
    modules, _machine = program
    modules.journal.begin(request())
    aged(modules, modules.ledger.STALE - 60)
    assert ask(modules, *OTHERS, "may-change") == 1
    aged(modules, modules.ledger.STALE + 60)
    assert ask(modules, *OTHERS, "may-change") == 0


def test_commit_makes_the_present_state_the_last_good_one(program):
    modules, machine = program
    modules.journal.begin(request())
    for step in upgrade(machine):
        step()
    modules.ledger.step("verify")
    modules.journal.commit()
    status = modules.journal.status()
    assert status["open"] is None and status["last_good"]["driver"] == "2"
    good = json.loads(modules.host.read(modules.journal.GOOD))["state"]
    assert good["packages"] == {"driver": "2", "tool": "1"} and good["holds"] == {"driver": True, "kernel": True}


def test_commit_keeps_the_package_files_of_the_driver(program):
    modules, machine = program
    machine.packages = {"driver": "1:2"}
    machine.write("/var/cache/apt/archives/driver_1%3a2_amd64.deb", "package")
    machine.write(modules.journal.KEPT + "/driver_1_amd64.deb", "an older one")
    modules.journal.begin(request())
    modules.journal.commit()
    assert machine.read(modules.journal.KEPT + "/driver_1%3a2_amd64.deb") == "package"
    assert machine.read(modules.journal.KEPT + "/driver_1_amd64.deb") is None


def test_absent_leads_back_over_several_changes(program):
    modules, machine = program
    steps = upgrade(machine)
    before = everything(machine)
    modules.journal.begin(request())
    for step in steps:
        step()
    modules.journal.commit()
    modules.journal.begin(request(plan="p2"))
    machine.packages["driver"] = "3"
    machine.write(FILE, "newer\n")
    modules.journal.commit()
    for again in (False, True):
        assert modules.restore.differs()["taken_back"] is again
        assert modules.restore.absent() is True
        assert everything(machine) == before


POLICY = "/usr/sbin/policy-rc.d"


@pytest.mark.parametrize("own", [None, "an operator's\n", "#!/bin/sh\nexit 101\n"])
@pytest.mark.parametrize("then", ["begin", "restore", "absent"])
def test_what_a_killed_apt_task_left_behind_goes_and_an_operators_own_stays(program, own, then):
    modules, machine = program
    machine.write(POLICY, own) if own else None
    modules.journal.begin(request())
    machine.write(POLICY, "#!/bin/sh\nexit 101\n")
    {"begin": lambda: modules.journal.begin(request()), "restore": modules.restore.restore, "absent": modules.restore.absent}[then]()
    assert machine.read(POLICY) == own


def test_the_packages_that_a_change_replaces_are_fetched_before_it_begins(program):
    modules, machine = program
    machine.packages = {"driver": "1:1", "tool": "1", "vim": "9"}
    modules.journal.begin(request())
    assert machine.read(modules.journal.KEPT + "/driver_1%3a1_amd64.deb") == "driver=1:1"
    assert [call[-1] for call in machine.calls if call[0] == "env"] == ["driver=1:1"]
    machine.packages["driver"] = "2"
    modules.journal.commit()
    assert machine.read(modules.journal.KEPT + "/driver_1%3a1_amd64.deb"), "what absent leads back to is kept as long as it may be asked"


def test_a_package_file_in_the_cache_of_apt_is_kept_at_once(program):
    """apt cleans its cache of what no repository has."""
    modules, machine = program
    machine.packages, machine.gone = {"driver": "1"}, {"driver=1"}
    machine.write("/var/cache/apt/archives/driver_1_amd64.deb", "package")
    modules.journal.begin(request())
    assert machine.read(modules.journal.KEPT + "/driver_1_amd64.deb") == "package"


def test_what_was_there_first_is_asked_anew_after_a_removal(program):
    """Also where the removal was cut off before it forgot everything: what the operator did since is his."""
    modules, machine = program
    upgrade(machine)
    modules.journal.begin(request())
    modules.restore.absent()
    machine.packages["driver"] = "1.5"
    modules.journal.begin(request())
    machine.packages["driver"] = "2"
    modules.journal.commit()
    assert modules.restore.differs()["taken_back"] is False
    modules.restore.absent()
    assert machine.packages["driver"] == "1.5"


@pytest.mark.parametrize("one_way", [False, True])
def test_a_change_without_a_way_back_is_not_begun_unless_it_has_none(program, one_way):
    modules, machine = program
    machine.packages, machine.gone = {"driver": "1"}, {"driver=1"}
    if one_way:
        modules.journal.begin(request(irreversible=True))
        return
    with pytest.raises(modules.host.Refused, match="no repository has driver 1 any more"):
        modules.journal.begin(request())
    assert machine.read(modules.journal.OPEN) is None and machine.read(modules.journal.BASE) is None
    machine.write(modules.journal.KEPT + "/driver_1_amd64.deb", "put there by the operator")
    modules.journal.begin(request())


def test_a_host_remembers_that_it_was_emptied_until_it_serves_again(program):
    modules, machine = program
    assert ask(modules, "drained", "yes") == 0 and machine.read(modules.ledger.DRAINED)
    assert ask(modules, "drained", "no") == 0 and machine.read(modules.ledger.DRAINED) is None


@managers
def test_what_others_installed_later_stays_with_all_that_it_needs(program, monkeypatch, manager):
    modules, machine = program
    monkeypatch.setattr(modules.packages, "manager", lambda: manager)
    machine.packages = {"vim": "9"}
    modules.journal.begin(request())
    machine.packages.update(driver="2", tool="1", compiler="12")
    machine.needed_by["tool"] = {"compiler"}
    modules.restore.restore()
    assert machine.packages == {"vim": "9", "tool": "1", "compiler": "12"}


@managers
def test_a_driver_that_others_came_to_need_is_not_torn_out(program, monkeypatch, manager):
    modules, machine = program
    monkeypatch.setattr(modules.packages, "manager", lambda: manager)
    modules.journal.begin(request())
    machine.packages.update(driver="2", job="1", queue="1")
    machine.needed_by.update(driver={"job"}, job={"queue"})
    with pytest.raises(modules.host.Refused, match="would also remove job, queue, which came later: remove these first"):
        modules.restore.restore()
    assert machine.packages == {"driver": "2", "job": "1", "queue": "1"}


def test_a_damaged_journal_is_said_and_not_guessed(program):
    modules, machine = program
    machine.write(modules.journal.OPEN, "{ half")
    with pytest.raises(modules.host.Refused, match="journal.json is damaged"):
        modules.journal.status()


def test_copies_that_nothing_names_any_more_are_dropped(program):
    modules, machine = program
    upgrade(machine)
    modules.journal.begin(request())
    machine.write(FILE, "new\n")
    modules.journal.commit()
    modules.journal.begin(request(plan="p2"))
    machine.write(FILE, "newer\n")
    modules.journal.commit()
    kept = {json.loads(modules.host.read(path))[key]["files"][FILE]["sha256"]
            for path, key in ((modules.journal.BASE, "before"), (modules.journal.GOOD, "state"))}  # fmt: skip
    import os

    assert set(os.listdir(modules.host.at(modules.host.STATE + "/store"))) == kept


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_comes_back_with_its_mode(program, mode):
    import os

    modules, machine = program
    machine.write(FILE, "old\n")
    os.chmod(machine.root + FILE, mode)
    modules.journal.begin(request())
    machine.write(FILE, "new\n")
    os.chmod(machine.root + FILE, 0o640)
    modules.restore.restore()
    assert machine.read(FILE) == "old\n" and os.stat(machine.root + FILE).st_mode & 0o777 == mode


def test_what_the_program_remembers_is_readable_by_root_alone(program):
    import os

    modules, machine = program
    machine.write(OTHER, "machine mirror login me password secret\n")
    modules.host.lock(modules.journal.begin, request())
    for folder, _folders, files in os.walk(machine.root + modules.host.STATE):
        assert not [name for name in files if os.stat(os.path.join(folder, name)).st_mode & 0o077]
