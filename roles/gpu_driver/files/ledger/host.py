# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The host below the program: commands, files written whole, where things are kept.

Every path is taken below ROOT, so that the tests can give the program a host of their own. The module place is the program's own: it says
where it keeps what it remembers.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import os
import shutil
import subprocess

from place import STATE

ROOT = os.environ.get("AI_STACK_HOST_ROOT", "")


class Refused(Exception):
    """Something that an operator has to know; printed without a traceback."""


def lock(function, *arguments):
    """Call the function as the only one of its kind on this host; the kernel lifts the lock when the process dies."""
    os.makedirs(at(STATE), mode=0o700, exist_ok=True)
    handle = os.open(at(STATE + "/lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return function(*arguments)
    finally:
        os.close(handle)


def at(path):
    return ROOT + path


def run(command, check=True, timeout=3600, environment=None):
    """Return (exit status, output) of a command; both streams together, no shell."""
    env = dict(os.environ, LC_ALL="C", DEBIAN_FRONTEND="noninteractive", **(environment or {}))
    try:
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise Refused("no end of '%s' within %d s" % (" ".join(command)[:200], timeout))
    except OSError as error:
        raise Refused("cannot run %s: %s" % (command[0], error.strerror))
    text = done.stdout.decode("utf-8", "replace")
    if check and done.returncode:
        raise Refused("'%s' ended with %d: %s" % (" ".join(command)[:200], done.returncode, tail(text)))
    return done.returncode, text


def tail(text, lines=6):
    return " | ".join(line.strip()[:200] for line in text.strip().splitlines()[-lines:])


def read(path):
    """Return the file's bytes, None when there is none."""
    try:
        with open(at(path), "rb") as handle:
            return handle.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def text(path):
    content = read(path)
    return None if content is None else content.decode("utf-8", "replace").strip()


def load(path):
    content = read(path)
    if content is None:
        return None
    try:
        return json.loads(content.decode("utf-8"))
    except ValueError:
        raise Refused("%s is damaged; move it away to go on without what it remembers" % path)


def write(path, content, mode=0o600):
    """Write the whole file or nothing, and have it on the disk before going on."""
    target = at(path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    beside = "%s.ai-stack-%d" % (target, os.getpid())
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.chmod(beside, mode)
    os.rename(beside, target)
    sync_folder(os.path.dirname(target))


def sweep(pattern):
    """Remove what a write that was cut off left beside these files; for whoever has the lock."""
    for left in glob.glob(glob.escape(ROOT) + pattern + ".ai-stack-[0-9]*"):
        os.unlink(left)


def save(path, document):
    write(path, (json.dumps(document, indent=1, sort_keys=True) + "\n").encode("utf-8"))


def sync_folder(folder):
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path):
    try:
        os.unlink(at(path))
    except FileNotFoundError:
        pass


def known(path):
    """Return {sha256, mode} of the file, None when there is no such file."""
    content = read(path)
    return None if content is None else {"sha256": hashlib.sha256(content).hexdigest(), "mode": os.stat(at(path)).st_mode & 0o7777}


def keep(path):
    """The same, with a copy of the file in the store."""
    found = known(path)
    stored = found and "%s/store/%s" % (STATE, found["sha256"])
    if found and not os.path.exists(at(stored)):
        write(stored, read(path))
    return found


def put_back(path, kept):
    """Make the file what keep() saw."""
    if kept is None:
        remove(path)
        return
    if known(path) == kept:
        return
    write(path, copy_of(path, kept), kept["mode"])


def copy_of(path, kept):
    """Return the bytes that keep() saw."""
    content = read("%s/store/%s" % (STATE, kept["sha256"]))
    if content is None:
        raise Refused("the kept copy of %s is gone from %s/store" % (path, STATE))
    return content


def free_store(used):
    """Drop kept copies that no record names any more."""
    folder = at(STATE + "/store")
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if name not in used:
            os.unlink(os.path.join(folder, name))


def which(program):
    return shutil.which(program)


def boot_id():
    return text("/proc/sys/kernel/random/boot_id")
