# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The site lock: one run at a time changes a site.

The lock belongs to the ansible-playbook process and lives as long as it does: a lock whose process is gone on this controller is
stale and taken over. A lock of another controller cannot be judged from here and stays until somebody removes it.

The name of the run is also what a host writes into its journal: so it tells two runs of one site apart.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import pathlib
import re
import socket

from . import _site

NAME = "site.lock"


def process_of_run() -> dict:
    """The ansible-playbook process that this worker belongs to; the start time tells it from a later one of the same id."""
    pid = os.getppid()
    return {"controller": socket.gethostname(), "pid": pid, "started": _started(pid)}


def name_of_run(process=None) -> str:
    """USER@CONTROLLER#PROCESS.START: one word, for a host's journal."""
    mine = process or process_of_run()
    return f"{_owner()}@{mine['controller']}#{mine['pid']}.{mine['started']}"


def is_over(name) -> bool:
    """Whether the run of this name has certainly ended: it ran on this controller, and its process is gone."""
    found = re.fullmatch(r"\S+@(\S+)#([0-9]{1,10})\.([0-9]{1,20})", name) if isinstance(name, str) else None
    return bool(found) and found[1] == socket.gethostname() and not _alive({"pid": int(found[2]), "started": int(found[3])})


def _started(pid):
    """When a process started, in the kernel's ticks; None: there is no such process any more, or no /proc."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def _alive(holder) -> bool:
    if os.path.isdir("/proc/self"):
        return holder.get("started") is not None and _started(holder.get("pid")) == holder["started"]
    try:
        os.kill(int(holder["pid"]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, KeyError, TypeError, ValueError):
        return True
    return True


def take(root, what, now, process=None):
    """Take the lock of a report folder for this run; the message about a stale lock that was taken over, or None."""
    path = pathlib.Path(root, NAME)
    mine = {"owner": _owner(), "what": what, "since": now, **(process or process_of_run())}
    with _alone(path):
        holder = _holder(path)
        if holder is None:
            _create(path, mine)
            return None
        if _same_run(holder, mine):
            return None
        if holder.get("controller") != mine["controller"] or _alive(holder):
            raise _site.SiteError(_held(path, holder, now))
        _site.remove(path)
        _create(path, mine)
        return f"The lock of {_who(holder)} was stale: its process is gone."


@contextlib.contextmanager
def _alone(path):
    """To look at a lock and to take it are one step: else two runs that find the same stale lock both take it over."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        guard = os.open(path.parent / f".{NAME}.guard", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _site.SiteError(f"{path} cannot be made: {error.strerror}.") from None
    try:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield
    finally:
        os.close(guard)


def release(root, process=None) -> bool:
    """Give the lock back if this run holds it."""
    path = pathlib.Path(root, NAME)
    holder = _holder(path)
    if holder and _same_run(holder, process or process_of_run()):
        _site.remove(path)
        return True
    return False


def _create(path, mine):
    _site.write(path, [json.dumps(mine, sort_keys=True)])


def _holder(path):
    """Who holds the lock; None: nobody any more. A file that is no lock of ours is held by somebody unknown."""
    try:
        return _site.parse(path, _site.read(path))
    except _site.SiteError:
        return {} if os.path.lexists(path) else None


def _same_run(one, other) -> bool:
    return all(one.get(key) == other.get(key) for key in ("controller", "pid", "started"))


def _owner():
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _who(holder):
    return f"{holder.get('owner', 'somebody')} on {holder.get('controller', 'an unknown controller')} (process {holder.get('pid', 'unknown')})"


def _held(path, holder, now):
    since = holder.get("since", "an unknown time")
    return (
        f"The site is locked: {_who(holder)} runs {holder.get('what', 'something')} since {since}; it is {now} now. "
        f"When that run is certainly gone, remove the lock with: rm {path}"
    )
