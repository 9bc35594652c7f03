# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A lab host seen from outside: its journal, its processes, and three ways to cut a change off."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

JOURNAL = "var/lib/ai-stack/gpu_driver/journal.json"
PICTURE = Path(__file__).resolve().parents[2] / "molecule/shared/picture.sh"
PODMAN = os.environ.get("PODMAN", "podman")
HOW = ("controller", "host", "container")


class Victim:
    def __init__(self, name):
        self.name = name

    def podman(self, *arguments, **options):
        return subprocess.run([PODMAN, *arguments], check=True, capture_output=True, text=True, timeout=300, **options).stdout

    def root(self):
        """The host's root as this machine sees it; it changes with each start."""
        return Path("/proc", self.podman("inspect", "--format", "{{.State.Pid}}", self.name).strip(), "root")

    def journal(self, root):
        """The open journal, None when nothing is under way or the host is down."""
        try:
            return json.loads((root / JOURNAL).read_text())
        except (OSError, ValueError):
            return None

    def picture(self):
        return self.podman("exec", "--interactive", self.name, "sh", input=PICTURE.read_text()).splitlines()

    def cut(self, how, run):
        """End the change: the controller's processes, what it started on the host, or the whole machine. Say whether there was something to end."""
        if how == "controller":
            os.killpg(run.pid, signal.SIGKILL)
        elif how == "host":
            # between two tasks nothing runs there: the cut is made where the next one has begun
            while not self.kill_what_ssh_started():
                if run.poll() is not None:
                    return False
                time.sleep(0.05)
        else:
            self.podman("kill", self.name)
            self.podman("start", self.name)
            self.wait_until_up()
        return True

    def kill_what_ssh_started(self):
        """Say whether there was something."""
        processes = self.started_by_ssh()
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return bool(processes)

    def started_by_ssh(self):
        """What runs below a login on the host, the package manager and the compiler too; never its services."""
        space = os.readlink(self.root().parent / "ns/pid")
        mine, parents = {}, {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(folder / "ns/pid") == space:
                    mine[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                    parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
        logins = {pid for pid, command in mine.items() if command.startswith(b"sshd: ") and b"@" in command}
        below = set(logins)
        while True:
            more = {pid for pid, parent in parents.items() if parent in below} - below
            if not more:
                return sorted(below - logins)
            below |= more

    def answers(self):
        where = self.podman("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", self.name).strip()
        try:
            with socket.create_connection((where, 22), timeout=5) as there:
                return there.recv(4) == b"SSH-"
        except OSError:
            return False

    def wait_until_up(self, seconds=120):
        """Until it is up and its ssh answers from outside: a host that started again may have another network card, which takes its neighbours a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done = subprocess.run([PODMAN, "exec", self.name, "systemctl", "is-system-running"], capture_output=True, text=True, check=False)
            if done.stdout.strip() in ("running", "degraded") and self.answers():
                return
            time.sleep(1)
        raise SystemExit(f"{self.name} was not up within {seconds} s after it was started again")
