# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The part on a host: which cards it wipes, which it leaves alone, and what it says of them."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import socket
import threading
from types import SimpleNamespace

import pytest
from one_time_machine import ADDRESS, EXPECTED, OTHER

SYS = f"/sys/bus/pci/devices/{ADDRESS}"


def failing(answer):
    return {row["check"]: row["status"] for row in answer["checks"] if row["status"] != "pass"}


def test_a_card_is_reset_and_shown(host):
    answer = host.ask()
    assert answer["reset"] == {"method": "flr", "error": None}
    assert (host.resets, failing(answer), answer["scrub"]) == ([ADDRESS], {}, None)
    assert (answer["nonce"], answer["address"], answer["boot_id"]) == ("0" * 32, ADDRESS, "one")
    assert host.ground.read(SYS + "/reset")[:1] == b"1"


def test_the_same_nonce_wipes_once_and_another_one_again(host):
    assert host.ask() == host.ask()
    assert len(host.resets) == 1
    host.ask(nonce="1" * 32)
    assert len(host.resets) == 2


def test_old_answers_are_forgotten(host):
    host.modules.scrub._KEPT = 3
    for number in range(5):
        host.ask(nonce=f"{number:032x}")
        os.utime(host.ground.at(f"{host.modules.scrub.STATE}/{ADDRESS.replace(':', '_')}/{number:032x}.json"), (number, number))
    host.ask(nonce="4".zfill(32))
    assert len(host.resets) == 5
    host.ask(nonce="0" * 32)
    assert len(host.resets) == 6


def other_driver(host):
    host.link(SYS + "/driver", "../../../bus/pci/drivers/nvidia")


def no_driver(host):
    host.remove(SYS + "/driver")


def no_group(host):
    host.remove(SYS + "/iommu_group")


def other_card(host):
    host.write(SYS + "/device", "0x20b5\n")


def open_group(host):
    host.link("/proc/4711/fd/9", "/dev/vfio/0")


def open_device(host):
    host.write(SYS + "/vfio-dev/vfio3/dev", "x")
    host.link("/proc/4711/fd/9", "/dev/vfio/devices/vfio3")


def no_door(host):
    host.remove("/dev/vfio/0")


@pytest.mark.parametrize(
    ("make", "why"),
    [(other_driver, "is bound to nvidia and not to vfio-pci"), (no_driver, "is bound to None"), (no_group, "is in no IOMMU group"),
     (other_card, "has the device id 20b5 and not 2331"), (open_group, "process 4711 has 0000:17:00.0 open"), (open_device, "process 4711"),
     (no_door, "/dev/vfio/0 cannot be opened")], ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_what_is_not_touched(host, make, why):
    make(host)
    answer = host.ask()
    assert why in answer["refused"]
    assert host.resets == []


def test_a_group_that_another_opens_between_is_not_touched(host, monkeypatch):
    """The kernel lets one open it."""
    real = os.open

    def busy(path, flags, *more):
        if "/dev/vfio/" in str(path):
            raise OSError(errno.EBUSY, "busy")
        return real(path, flags, *more)

    monkeypatch.setattr(host.modules.card.os, "open", busy)
    assert "somebody has the group" in host.ask()["refused"]
    assert host.resets == []


@pytest.mark.parametrize(
    ("question", "why"),
    [({"address": OTHER}, "not among those"), ({"address": "../../x"}, "not among those"), ({"address": None}, "not among those"),
     ({"nonce": "../x"}, "nonce of 32"), ({"nonce": None}, "nonce of 32"), ({"verb": "own"}, "the verbs are"), ({"expected": {}}, "and not None")],
)  # fmt: skip
def test_questions_that_are_refused(host, question, why):
    assert why in host.ask(**question)["refused"]
    assert host.resets == []


def test_the_method_is_the_first_that_is_allowed_and_the_order_stays(host):
    host.write(SYS + "/reset_method", "pm bus\n")
    tellings, told = [], host.modules.card.Card.tell
    host.modules.card.Card.tell = lambda card, name, text: (tellings.append((name, text)), told(card, name, text))
    assert host.ask()["reset"]["method"] == "bus"
    assert tellings == [("reset_method", "bus"), ("reset", "1"), ("reset_method", "pm bus")]


@pytest.mark.parametrize("text", ["pm\n", "\n"])
def test_without_an_allowed_method_the_reset_is_unknown(host, text):
    host.write(SYS + "/reset_method", text)
    assert failing(host.ask()) == {"reset": "unknown"}
    assert host.resets == []


def test_a_reset_that_the_kernel_refuses_fails(host):
    def tell(card, name, text):
        raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")

    host.modules.card.Card.tell = tell
    assert failing(host.ask()) == {"reset": "fail"}


def lost(host):
    """After the reset the card is no longer there."""
    for name in ("vendor", "device", "subsystem_vendor", "subsystem_device"):
        host.write(f"{SYS}/{name}", "0xffff\n")


def slower(host):
    host.write(SYS + "/current_link_speed", "8.0 GT/s PCIe\n")


def narrower(host):
    host.write(SYS + "/current_link_width", "0\n")


def rebound(host):
    other_driver(host)


@pytest.mark.parametrize(
    ("make", "rows"),
    [(lost, dict.fromkeys(("vendor", "device", "subsystem_vendor", "subsystem_device"), "fail")), (slower, {"link_speed": "fail"}),
     (narrower, {"link_width": "unknown"}), (rebound, {"driver": "fail"})], ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_what_a_card_shows_after_its_reset_counts(host, make, rows):
    told = host.modules.card.Card.tell

    def tell(card, name, text):
        told(card, name, text)
        if name == "reset":
            make(host)

    host.modules.card.Card.tell = tell
    assert failing(host.ask()) == rows


@pytest.mark.parametrize("door", [open_group, open_device])
def test_the_rom_of_a_card_that_a_guest_has_is_not_switched_on(host, door):
    host.write(SYS + "/rom", "bios")
    host.link(f"/proc/{os.getpid()}/fd/9", "/dev/vfio/0")
    assert host.ask(verb="look")["firmware"]["rom"]
    host.write(SYS + "/rom", "bios")
    door(host)
    assert host.ask(verb="look")["firmware"]["rom"] is None
    assert host.ground.text(SYS + "/rom") == "bios"


def test_firmware_is_that_which_was_noted(host):
    host.write(SYS + "/rom", "bios")
    host.write(SYS + "/vpd", "part")
    shown = {name: hashlib.sha256(text).hexdigest() for name, text in (("rom", b"0ios"), ("vpd", b"part"))}
    noted = {**EXPECTED, "firmware": host.ask(verb="look")["firmware"]}
    assert noted["firmware"]["vpd"] == shown["vpd"]
    assert failing(host.ask(expected=noted)) == {}
    assert failing(host.ask(expected=EXPECTED, nonce="1" * 32)) == {"firmware.rom": "unknown", "firmware.vpd": "unknown"}
    assert failing(host.ask(expected={**EXPECTED, "firmware": {}}, nonce="2" * 32)) == {"firmware.rom": "unknown", "firmware.vpd": "unknown"}
    host.write(SYS + "/vpd", "other")
    assert failing(host.ask(expected=noted, nonce="3" * 32)) == {"firmware.vpd": "fail"}


@pytest.mark.parametrize(
    ("status", "said", "noted", "rows"),
    [
        (0, "wiped", {}, {}),
        (0, '{"firmware": {"vbios": "96.00"}}', {"vbios": "96.00"}, {}),
        (0, '{"firmware": {"vbios": "97.00"}}', {"vbios": "96.00"}, {"firmware.vbios": "fail"}),
        (0, '{"firmware": {"vbios": "97.00"}}', {}, {"firmware.vbios": "unknown"}),
        (0, "[]", {"vbios": "96.00"}, {"firmware.vbios": "unknown"}),
        (3, "no", {}, {"scrub": "fail"}),
    ],
)
def test_the_operators_own_command(host, status, said, noted, rows):
    asked = []

    def run(command, check=True, timeout=0, data=None):
        asked.append((command, timeout, list(host.resets)))
        return status, said

    host.ground.run = run
    host.settings["scrub"] = ["/opt/wipe", "--all"]
    host.write(host.modules.scrub.SETTINGS, json.dumps(host.settings))
    answer = host.ask(expected={**EXPECTED, "firmware": {"rom": None, "vpd": None, **noted}})
    assert (asked, failing(answer)) == ([(["/opt/wipe", "--all", ADDRESS], 60, [])], rows)


def test_nothing_checked_is_not_passed(host):
    assert not host.modules.checks.passed([])


def test_a_command_that_does_not_end_fails(host):
    def run(command, check=True, timeout=0, data=None):
        raise host.modules.ledger.Refused("no end of it")

    host.ground.run = run
    host.settings["scrub"] = ["/opt/wipe"]
    host.write(host.modules.scrub.SETTINGS, json.dumps(host.settings))
    assert failing(host.ask()) == {"scrub": "fail"}


def test_killed_in_the_middle_it_wipes_once_more(host):
    host.modules.card.Card.look, real = lambda card: (_ for _ in ()).throw(KeyboardInterrupt()) if host.resets else real(card), host.modules.card.Card.look
    with pytest.raises(KeyboardInterrupt):
        host.ask()
    host.modules.card.Card.look = real
    assert failing(host.ask()) == {}
    assert len(host.resets) == 2


@pytest.fixture
def cli(host, monkeypatch, capsys):
    monkeypatch.setattr(host.modules.cli, "GROUND", host.ground)

    def run(*words, given="", **more):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(given.encode())))
        code = host.modules.cli.main(list(words))
        out, error = capsys.readouterr()
        return code, json.loads(out) if out else None, error

    return run


def test_one_line_is_one_question(cli):
    question = json.dumps({"verb": "scrub", "nonce": "0" * 32, "address": ADDRESS, "expected": EXPECTED})
    assert cli("serve", given=question + "\n")[1]["reset"]["method"] == "flr"
    for text in ("", "[]", "{"):
        assert "cannot be read" in cli("serve", given=text)[1]["refused"]


def test_asked_it_hands_the_question_on(cli, host, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    host.modules.cli.GROUND.root = ""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind("s")
    server.listen(1)
    monkeypatch.setattr(host.modules.cli.ask, "__defaults__", ("s",))

    def once():
        connection, _address = server.accept()
        with connection, connection.makefile("rwb") as stream:
            stream.write(json.dumps({"heard": json.loads(stream.readline())}).encode() + b"\n")

    thread = threading.Thread(target=once)
    thread.start()
    assert cli("ask", given='{"verb": "look"}\n') == (0, {"heard": {"verb": "look"}}, "")
    thread.join()
    server.close()
    monkeypatch.setattr(host.modules.cli.ask, "__defaults__", ("nobody",))
    assert cli("ask", given="{}\n")[0] == 1


def test_look_shows_every_card_or_says_why_not(cli, host):
    assert cli("look")[1][ADDRESS]["link_width"] == 16
    host.settings["cards"].append(OTHER)
    host.write(host.modules.scrub.SETTINGS, json.dumps(host.settings))
    assert cli("look") == (1, None, f"pci_one_time_use: there is no card at {OTHER}\n")


@pytest.mark.parametrize("words", [(), ("nothing",), ("look", "more")])
def test_other_words_are_answered_with_the_usage(cli, words):
    code, _answer, error = cli(*words)
    assert code == 2 and "Usage" in error
