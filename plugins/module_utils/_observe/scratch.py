# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A folder that is gone afterwards, whatever happens: a killed run's folder is removed by the next one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shutil
import signal
import tempfile

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.hangup import Connection

PLACE = "/var/tmp"
LOCK = ".lock"
GROUP = ".group"
LOOK = 1.0  # seconds between two looks at the connection
GRACE = 10.0  # seconds for the owner to tidy up by itself


def _is_stale(path):
    """Nobody holds the lock of a folder whose owner died."""
    state = os.lstat(path)
    if state.st_uid != os.geteuid() or os.path.islink(path):
        return False
    try:
        with open(os.path.join(path, LOCK), "r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        return False  # made this moment, its lock comes next
    except OSError:
        return False


def remove_stale(prefix, place=PLACE):
    """Removes what earlier runs of the same kind left; says what it removed."""
    removed = []
    for name in sorted(os.listdir(place)):
        path = os.path.join(place, name)
        if name.startswith(prefix) and os.path.isdir(path) and _is_stale(path):
            shutil.rmtree(path, ignore_errors=True)
            removed.append(path)
    return removed


def name_group(path):
    """Called in a process that leads a group of its own: the folder's guardian ends that group with the folder."""
    with open(os.path.join(path, GROUP), "w", encoding="ascii") as stream:
        stream.write(str(os.getpid()))


def _end_group(path):
    try:
        with open(os.path.join(path, GROUP), encoding="ascii") as stream:
            os.killpg(int(stream.read()), signal.SIGKILL)
    except (OSError, ValueError):
        pass


def _send(process, number):
    try:
        os.kill(process, number)
    except ProcessLookupError:
        pass  # another folder's guardian was faster


def _watch(reader, owner, connection):
    """Returns when the owner has ended; one whose connection is gone is asked to, then made to."""
    while not select.select([reader], [], [], LOOK)[0]:
        if connection.lost():
            _send(owner, signal.SIGTERM)
            if not select.select([reader], [], [], GRACE)[0]:
                _send(owner, signal.SIGKILL)
            return


def _guard(path):
    """A process that outlives a killed owner just long enough to end its compilers and remove its folder.

    It also ends an owner for which nobody waits any more. Gives the descriptor that stays open as long as the owner lives.
    """
    reader, writer = os.pipe()
    owner, connection = os.getpid(), Connection()
    if os.fork():
        os.close(reader)
        return writer
    try:
        os.setsid()
        os.close(writer)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        _watch(reader, owner, connection)
        for descriptor in (0, 1, 2):
            os.close(descriptor)  # whoever reads the owner's output need not wait for what follows
        if os.path.isdir(path):
            _end_group(path)
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os._exit(0)


@contextlib.contextmanager
def scratch(prefix, place=PLACE):
    """A new folder of mode 0700 below PLACE, locked while in use."""
    remove_stale(prefix, place)
    path = tempfile.mkdtemp(prefix=prefix, dir=place)
    guardian = _guard(path)
    try:
        with open(os.path.join(path, LOCK), "w+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(guardian)
