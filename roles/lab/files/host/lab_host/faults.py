# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Things that go wrong on real sites, each a switch of the description that can be thrown while the host runs."""
from __future__ import annotations

import subprocess
from pathlib import Path

from . import mounts

# more exact than the default route, less exact than the lab's own network: ssh stays, the world is gone
WORLD = ("0.0.0.0/1", "128.0.0.0/1")
LOCK_UNIT = "lab-package-lock"
HOLD_LOCK = """
import fcntl, os, time
files = [open(name, "w") for name in ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock") if os.path.isdir("/var/lib/dpkg")]
for f in files:
    fcntl.lockf(f, fcntl.LOCK_EX)
time.sleep(86400)
"""


def apply(faults, repository):
    _world(not faults.get("world_unreachable"))
    _route(repository, not faults.get("repository_unreachable"))
    _full_disks(faults.get("disk_full", {}))


def _world(reachable):
    for network in WORLD:
        _route(network, reachable)


def _route(network, reachable):
    if not network:
        return
    if reachable:
        subprocess.run(["ip", "route", "del", "unreachable", network], capture_output=True, check=False)
    else:
        subprocess.run(["ip", "route", "replace", "unreachable", network], check=True)


def _full_disks(wanted):
    """{path: bytes}: a file system of its own over the folder, with its content and room for so many bytes more."""
    note = mounts.STATE / "full-disks"
    before = set(note.read_text().split()) if note.exists() else set()
    for path in sorted(before - set(wanted)):
        _empty(path)
    for path in sorted(set(wanted) - before):
        _fill(path, int(wanted[path]))
    note.write_text("\n".join(sorted(wanted)))


def _run(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def _below(path):
    """The folder that a mount hides: seen through a second mount of the root."""
    root = mounts.STATE / "root"
    root.mkdir(exist_ok=True)
    if not mounts.is_mount(root):
        _run("mount", "--bind", "/", root)
    return root / path.lstrip("/")


def _fill(path, free):
    Path(path).mkdir(parents=True, exist_ok=True)
    used = int(_run("du", "-s", "--block-size=4096", "--apparent-size", path).split()[0])
    files = sum(1 for _file in Path(path).rglob("*"))
    _run("mount", "-t", "tmpfs", "-o", "size=%d,mode=0755" % ((used + files) * 4096 + free), "full", path)
    _run("cp", "-a", "%s/." % _below(path), path)
    _run("mount", "-o", "remount,size=%d" % (int(_run("df", "--output=used", "--block-size=1", path).split()[-1]) + free), path)


def _empty(path):
    """What was written meanwhile stays."""
    below = _below(path)
    for entry in below.iterdir():
        _run("rm", "-rf", entry)
    _run("cp", "-a", "%s/." % path, below)
    mounts.uncover(path)


def package_lock(held):
    """Needs systemd, so it is the one switch that a start of the host does not throw."""
    active = subprocess.run(["systemctl", "is-active", "--quiet", LOCK_UNIT], check=False).returncode == 0
    if held and not active:
        subprocess.run(["systemd-run", "--quiet", "--collect", "--unit", LOCK_UNIT, "python3", "-c", HOLD_LOCK], check=True)
    elif active and not held:
        subprocess.run(["systemctl", "stop", LOCK_UNIT], check=True)
