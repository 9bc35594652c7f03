# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Units, their command lines and their answers; the cards of a host."""

from __future__ import annotations

import http.server
import os
import threading

import pytest

ROW = {"unit": "nova-compute.service", "files": ["/etc/nova/nova.conf"], "named": True, "url": "", "log": "/log"}


@pytest.mark.parametrize(
    ("words", "named", "arguments"),
    [
        (["python3", "/usr/bin/nova-compute", "--config-file=/a", "--log-file=/l", "--config-dir=/d"], True, ["--config-file=/a", "--config-dir=/d"]),
        (["nova-compute", "--config-file", "/a", "--config-file"], True, ["--config-file=/a"]),
        (["uwsgi", "--ini", "/x"], False, []),
        (["nova-compute"], True, ["--config-file=/etc/nova/nova.conf"]),
        # as nova-conductor of 34.0.0 shows itself, with the room that its longer command line had
        (["nova-conductor: master process [/bin/nova-conductor --config-file=/a --config-dir /d]   ", "", ""], True, ["--config-file=/a", "--config-dir=/d"]),
    ],
)
def test_a_service_is_judged_with_the_arguments_that_it_runs_with(modules, tmp_path, words, named, arguments):
    ground = modules.ledger.Ground("/state", str(tmp_path))
    ground.write("/proc/5/cmdline", "\0".join(words).encode() + b"\0")
    assert modules.units.arguments(ground, "5", dict(ROW, named=named)) == arguments


@pytest.mark.parametrize("pid", [None, "", "0", "6"])
def test_one_that_does_not_run_is_judged_with_its_usual_files(modules, tmp_path, pid):
    assert modules.units.arguments(modules.ledger.Ground("/state", str(tmp_path)), pid, ROW) == ["--config-file=/etc/nova/nova.conf"]


@pytest.mark.parametrize(("code", "works"), [(200, True), (300, True), (401, True), (500, False), (503, False)])
def test_an_api_runs_when_its_application_answers(modules, code, works):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(code)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        assert modules.units.answers(url) == ("" if works else f"{url} answers with {code}")


def test_nobody_there_is_no_answer(modules):
    assert "does not answer" in modules.units.answers("http://127.0.0.1:1/")


def test_the_reason_is_the_last_error_since_the_start(modules, tmp_path):
    ground = modules.ledger.Ground("/state", str(tmp_path))
    ground.write("/log", b"1 ERROR nova OldError: before\n")
    since = modules.units.length(ground, ROW)
    assert modules.units.last_words(ground, ROW, since) == ""
    ground.write("/log", b"1 ERROR nova OldError: before\n2 INFO x\n2 ERROR nova Invalid: this\n2 ERROR nova   File x.py\n3 INFO y\n")
    assert modules.units.last_words(ground, ROW, since) == "2 ERROR nova Invalid: this"


def test_cards_are_listed_as_the_driver_of_nova_lists_them(modules, host):
    machine = host()
    for address in ("0000:17:00.4", "0000:3d:00.0"):
        machine.card(address)
        os.unlink(machine.ground.at(f"/sys/bus/pci/devices/{address}/sriov_totalvfs"))
    os.symlink("../0000:17:00.0", machine.ground.at("/sys/bus/pci/devices/0000:17:00.4/physfn"))
    rows = modules.devices.of_host(machine.ground)
    assert [(row["address"], row["dev_type"], row["parent_addr"]) for row in rows] == [
        ("0000:17:00.0", "type-PF", None),
        ("0000:17:00.4", "type-VF", "0000:17:00.0"),
        ("0000:3d:00.0", "type-PCI", None),
    ]
    assert {(row["vendor_id"], row["product_id"]) for row in rows} == {("10de", "2331")}


def test_a_host_without_a_bus_has_no_cards(modules, tmp_path):
    assert modules.devices.of_host(modules.ledger.Ground("/state", str(tmp_path))) == []
