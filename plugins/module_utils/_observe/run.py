# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Programs of the host, with a time limit that holds even when a driver does not answer."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time

PATHS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
GRACE = 1.0


class Result:
    def __init__(self, code, out="", err="", late=False):
        self.code, self.out, self.err, self.late = code, out, err, late


def which(name):
    """The program where root finds it; what a user's PATH adds does not count."""
    found = (os.path.join(folder, name) for folder in PATHS)
    return next((path for path in found if os.access(path, os.X_OK)), None)


def _environment():
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    return dict(kept, PATH=":".join(PATHS), LC_ALL="C", DEBIAN_FRONTEND="noninteractive")


def kill_group(process):
    """SIGKILL to all that the program started. Not waited for long: in state D nothing dies before its driver answers."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        pass


def run(command, seconds, prepare=None, folder="/", environment=None):
    """Runs COMMAND (a list) for at most SECONDS; code is None when it was killed or could not start."""
    try:
        process = subprocess.Popen(  # pylint: disable=consider-using-with,subprocess-popen-preexec-fn,ansible-bad-function
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
            env=dict(_environment(), **(environment or {})),
            start_new_session=True, preexec_fn=prepare)
    except (OSError, subprocess.SubprocessError) as error:
        return Result(None, "", str(error))
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        kill_group(process)
        return Result(None, "", "no answer in %d s" % seconds, True)
    except BaseException:  # whoever ends us ends what we started
        kill_group(process)
        raise
    return Result(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


def as_nobody():
    """For readers that would write a cache if they could."""
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def in_child(function, seconds):
    """Result of FUNCTION (something JSON knows) from a process of its own, so that a read that never returns costs only SECONDS; None: no answer."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.setsid()
            with os.fdopen(writer, "wb") as stream:
                stream.write(json.dumps(function()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    data = _drain(reader, time.monotonic() + seconds)
    _reap(child)
    try:
        return json.loads(data.decode())
    except ValueError:
        return None


def _drain(reader, deadline):
    data = b""
    while time.monotonic() < deadline and select.select([reader], [], [], max(0, deadline - time.monotonic()))[0]:
        part = os.read(reader, 65536)
        if not part:
            break
        data += part
    os.close(reader)
    return data


def _reap(child):
    os.kill(child, signal.SIGKILL)
    for _each in range(10):
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.05)
