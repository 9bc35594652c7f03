# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What this machine must be before the lab touches it: one sentence for each thing that is missing."""
from __future__ import annotations

import os
import shutil
from pathlib import Path

from . import engine

# program: package of Debian that has it
PROGRAMS = {"podman": "podman", "runc": "runc", "mmdebstrap": "mmdebstrap", "ip": "iproute2", "ssh-keygen": "openssh-client", "gcc": "gcc",
            "iptables": "iptables"}
FREE_GIB = 8
INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
WANTED_INSTANCES = 1024


class Unfit(Exception):
    """Everything that is missing, in one message."""


def check(cache):
    wrong = [] if os.geteuid() == 0 else ["the lab needs root: run the playbook as root"]
    missing = sorted(package for program, package in PROGRAMS.items() if not shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"))
    if missing:
        wrong.append("these packages are missing: apt-get install --no-install-recommends netavark aardvark-dns " + " ".join(missing))
    place = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(place).free >> 30
    if free < FREE_GIB:
        wrong.append("%s has %d GiB free, the lab needs %d" % (place, free, FREE_GIB))
    if wrong:
        raise Unfit("; ".join(wrong))


def room_for_hosts():
    """A systemd host takes about five inotify instances, and a user has 128 of them: more than 25 hosts would not start."""
    if int(INSTANCES.read_text()) < WANTED_INSTANCES:
        engine.run("sysctl", "-q", "-w", "fs.inotify.max_user_instances=%d" % WANTED_INSTANCES, check=False)
