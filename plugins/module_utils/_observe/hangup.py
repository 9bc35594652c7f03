# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Whether anybody still waits for what a module does.

Nothing tells a module that its connection is gone: with pipelining it has no terminal that could hang up, its standard
input ended with its own text, and a connection that Ansible keeps open outlives the controller. What remains to be seen
is that nobody reads its output any more, or that a process between it and the connection has died.
"""

from __future__ import annotations

import os
import select
import signal

SERVERS = ("sshd", "dropbear")
OUTPUT = 1


def _stat(process):
    """(name, state, parent, session, start) as the kernel says; None: there is no such process, or it may not be seen."""
    try:
        with open("/proc/%d/stat" % process, encoding="utf-8", errors="replace") as stream:
            head, rest = stream.read().rsplit(")", 1)
    except OSError:
        return None
    words = rest.split()
    return head.split("(", 1)[1], words[0], int(words[1]), int(words[3]), words[19]


def _ancestors(process):
    found, each = [], _stat(process)
    while each and each[2] > 1 and len(found) < 64:
        number = each[2]
        each = _stat(number)
        if each:
            found.append((number, each))
    return found


def line(process):
    """[(process, start)] from PROCESS to its connection: up to the ssh server, else those of its own session.

    What stands above the server, or started the controller, may end without anybody hanging up.
    """
    found, own = _ancestors(process), _stat(process)
    servers = [place for place, (_number, each) in enumerate(found) if each[0].startswith(SERVERS)]
    if servers:
        found = found[:servers[0] + 1]
    else:
        found = [(number, each) for number, each in found if each[3] == own[3]]
    return [(number, each[4]) for number, each in found]


def _ended(process, start):
    each = _stat(process)
    return each is None or each[4] != start or each[1] in "ZX"


def _hung(descriptor):
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(what & (select.POLLERR | select.POLLHUP) for _descriptor, what in poll.poll(0))


def _unread(process):
    """sudo with a terminal of its own reads our output, and does not notice that nobody reads its own."""
    path = "/proc/%d/fd/%d" % (process, OUTPUT)
    try:
        if not os.readlink(path).startswith("pipe:"):
            return False
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False  # what may not be seen is not missed
    try:
        return _hung(descriptor)
    finally:
        os.close(descriptor)


class Connection:
    """What leads from the calling process to whoever waits for it. Where nobody could be seen at first, nobody is missed."""

    def __init__(self):
        self.line = line(os.getpid())
        self.readers = [number for number, _start in self.line if not _unread(number)]
        self.output = not _hung(OUTPUT)

    def lost(self):
        """To be asked in the process that made it or in its child."""
        return (self.output and _hung(OUTPUT)) or any(_ended(*each) for each in self.line) or any(_unread(each) for each in self.readers)


def _leave(number, _frame):
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # once is enough: what is removed now shall be removed
    raise SystemExit(128 + number)  # nobody is left to whom exit_json could speak


def leave_on_signals():
    """Lets SIGTERM and a terminal's SIGHUP unwind the program, so that its own programs end and its folders go; what its starter ignores stays so."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, _leave)
