# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Whether somebody in the segment has an address: the kernel looks for whom it is to hand a packet, by ARP or for IPv6 by neighbour discovery, which nobody who
has the address leaves unanswered, whatever he filters. It needs no program that a plain host lacks."""

from __future__ import annotations

import socket
import time

# one that was known before is asked again after 5 s (neigh/*/delay_first_probe_time)
SECONDS, PAUSE = 12, 0.5
# of the service that throws away what it gets
DISCARD = 9
OPEN = {"INCOMPLETE", "STALE", "DELAY", "PROBE"}


def knock(address):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.sendto(b"", (address, DISCARD))
        except OSError:
            # the list of neighbours tells
            pass


def answers(ground, address):
    """Whether somebody does; what stays open counts as nobody."""
    knock(address)
    for _attempt in range(int(SECONDS / PAUSE)):
        states = set(ground.run(["ip", "neighbour", "show", "to", address], check=False, timeout=60, data=b"")[1].split())
        if "REACHABLE" in states or not states & OPEN:
            return "REACHABLE" in states
        time.sleep(PAUSE)
    return False
