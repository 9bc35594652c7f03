# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The journal that programs of roles share: files whole or not at all, one owner, and a way back."""

from __future__ import annotations

import os
import stat
import time

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._program import ledger as ledgers

REQUEST = {"plan": "p", "owner": "me", "irreversible": False, "touches": {"files": ["/etc/a", "/etc/b"]}}


@pytest.fixture
def ground(tmp_path):
    made = ledgers.Ground("/state", str(tmp_path))
    made.write("/proc/sys/kernel/random/boot_id", b"one\n")
    made.write("/etc/a", b"first\n", 0o640)
    return made


@pytest.fixture
def ledger(ground):
    return ledgers.Ledger(ground)


def test_a_change_can_be_led_back(ground, ledger):
    ledger.begin(REQUEST)
    ground.write("/etc/a", b"second\n", 0o600)
    ground.write("/etc/b", b"new\n")
    record = ledger.need_open()
    assert [row[:2] for row in ledger.differences(record)] == [("files", "/etc/a"), ("files", "/etc/b")]
    for path, was in record["before"]["files"].items():
        ground.put_back(path, was)
    assert ledger.differences(record) == []
    assert (ground.read("/etc/a"), ground.read("/etc/b")) == (b"first\n", None)
    assert stat.S_IMODE(os.stat(ground.at("/etc/a")).st_mode) == 0o640


def test_a_broken_run_is_gone_on_with_and_the_first_state_is_remembered(ground, ledger):
    ledger.begin(REQUEST)
    ledger.step("files")
    ground.write("/etc/a", b"half\n")
    ledger.begin(dict(REQUEST, touches={"files": ["/etc/c"]}))
    record = ledger.need_open()
    assert record["touches"] == {"files": ["/etc/a", "/etc/b", "/etc/c"]}
    assert [one["name"] for one in record["steps"]] == ["begin", "files", "begin"]
    ground.put_back("/etc/a", record["before"]["files"]["/etc/a"])
    assert ground.read("/etc/a") == b"first\n"


@pytest.mark.parametrize(("irreversible", "text"), [(False, b"first\n"), (True, b"second\n")])
def test_the_first_state_is_made_anew_behind_a_one_way_door(ground, ledger, irreversible, text):
    ledger.begin(dict(REQUEST, irreversible=irreversible))
    ground.write("/etc/a", b"second\n", 0o640)
    ledger.commit(renewed=("files",))
    ground.write("/etc/a", b"third\n")
    ground.put_back("/etc/a", ground.load(ledger.base)["before"]["files"]["/etc/a"])
    assert ground.read("/etc/a") == text
    assert ledger.status()["last_change"]["result"] == "committed"
    assert ledger.status()["open"] is None


def test_a_door_stays_one_when_the_run_goes_on(ledger):
    ledger.begin(dict(REQUEST, irreversible=True))
    ledger.begin(REQUEST)
    assert ledger.need_open()["irreversible"] is True


@pytest.mark.parametrize(
    ("owner", "gone", "boot", "age", "refused"),
    [
        ("me", "", "one", 0, False),
        ("you", "", "one", 0, True),
        ("you", "me", "one", 0, False),
        ("you", "", "two", 0, False),
        ("you", "", "one", 7300, False),
    ],
)
def test_a_fresh_change_belongs_to_its_owner(ground, ledger, monkeypatch, owner, gone, boot, age, refused):
    ledger.begin(REQUEST)
    ground.write("/proc/sys/kernel/random/boot_id", boot.encode())
    now = time.time()
    monkeypatch.setattr(ledgers.time, "time", lambda: now + age)
    if refused:
        with pytest.raises(ledgers.Refused, match="me has been changing this host for 0 min"):
            ledger.refuse_second_owner(owner, gone)
    else:
        ledger.refuse_second_owner(owner, gone)


def test_readers_of_other_kinds_are_asked_too(ground):
    ledger = ledgers.Ledger(ground, {"units": lambda name, keep: name + " enabled"})
    ledger.begin(dict(REQUEST, touches={"units": ["a.service"]}))
    assert ledger.need_open()["before"] == {"files": {}, "units": {"a.service": "a.service enabled"}}


def test_copies_that_no_record_names_go(ground, ledger):
    for text in (b"second\n", b"third\n"):
        ledger.begin(REQUEST)
        ground.write("/etc/a", text)
        ledger.commit()
    kept = {ground.known("/etc/a")["sha256"], ground.load(ledger.base)["before"]["files"]["/etc/a"]["sha256"]}
    assert set(os.listdir(ground.at("/state/store"))) == kept


@pytest.mark.parametrize("path", ["/state/journal.json", "/state/baseline.json"])
def test_a_damaged_record_is_named(ground, ledger, path):
    ground.write(path, b"{")
    with pytest.raises(ledgers.Refused, match=f"{path} is damaged"):
        ledger.begin(REQUEST)


def test_a_lost_copy_is_named(ground, ledger):
    ledger.begin(REQUEST)
    was = ledger.need_open()["before"]["files"]["/etc/a"]
    ground.write("/etc/a", b"second\n")
    ground.remove("/state/store/" + was["sha256"])
    with pytest.raises(ledgers.Refused, match="the kept copy of /etc/a is gone"):
        ground.put_back("/etc/a", was)


@pytest.mark.parametrize(
    ("command", "data", "answer"),
    [
        (["sh", "-c", "echo out; echo err >&2"], None, (0, "out\nerr\n")),
        (["sh", "-c", "cat; echo err >&2"], b"in", (0, "in")),
        (["sh", "-c", "echo out; echo err >&2; exit 3"], b"", (3, "out\nerr\n")),
    ],
)
def test_a_command_says_what_it_says(ground, command, data, answer):
    assert ground.run(command, check=False, data=data) == answer


@pytest.mark.parametrize(
    ("command", "timeout", "message"), [(["false"], 9, "'false' ended with 1"), (["sleep", "9"], 0.1, "no end of"), (["no-such-program"], 9, "cannot run")]
)
def test_a_command_that_fails_is_named(ground, command, timeout, message):
    with pytest.raises(ledgers.Refused, match=message):
        ground.run(command, timeout=timeout)


def test_one_at_a_time(ground):
    assert ground.lock(lambda value: value, 5) == 5
    assert stat.S_IMODE(os.stat(ground.at("/state")).st_mode) == 0o700
