# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Wipe cards of this host for the releaser of one-time-use cards, which is on another machine.

Usage: pci_one_time_use serve < question.json | ask < question.json | look

serve   answers one question; run by systemd with a connection as its input and output
ask     hands the question to that socket and its answer back; what the releaser's login runs, without any right of its own
look    what the cards show that this host may wipe
"""

from __future__ import annotations

import json
import os
import socket
import sys

import ledger
import scrub

GROUND = ledger.Ground(scrub.STATE, os.environ.get("PCI_ONE_TIME_USE_ROOT", ""))
SOCKET = "/run/ai-stack-pci-one-time-use.sock"
_LARGEST = 65536


def serve():
    text = sys.stdin.buffer.readline(_LARGEST)
    try:
        request = json.loads(text.decode())
        if not isinstance(request, dict):
            raise ValueError("not an object")
    except ValueError as error:
        return {"refused": "the question cannot be read: %s" % error}
    return scrub.answer(GROUND, request)


def ask(path=SOCKET):
    """One line there, one line back."""
    question = sys.stdin.buffer.readline(_LARGEST)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(GROUND.at(path))
        connection.sendall(question)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as stream:
            return json.loads(stream.read().decode())


def look():
    settings = GROUND.load(scrub.SETTINGS) or {"cards": []}
    found = {address: scrub.answer(GROUND, {"verb": "look", "address": address}) for address in settings["cards"]}
    refused = [row["refused"] for row in found.values() if "refused" in row]
    if refused or not found:
        raise ledger.Refused("; ".join(refused) or "there is no card in %s" % scrub.SETTINGS)
    return found


def main(arguments):
    verbs = {("serve",): serve, ("ask",): ask, ("look",): look}
    if tuple(arguments) not in verbs:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        found = verbs[tuple(arguments)]()
    except (OSError, ValueError, ledger.Refused) as error:
        print("pci_one_time_use: %s" % error, file=sys.stderr)
        return 1
    print(json.dumps(found, sort_keys=True))
    return 0
