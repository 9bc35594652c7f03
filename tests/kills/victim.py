# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A host seen from outside: its journal, its processes, and three ways to cut a change off. One kind of host a role."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "molecule/shared"
PODMAN = os.environ.get("PODMAN", "podman")


class LabHost:
    """A host of the lab, for the role gpu_driver by its verbs."""

    # steps of what takes away, from a host that has it all; from a bare host, since a build belongs to them; from one whose holds, files and units went
    TAKEN = ()
    BARE = ("begin", "repositories", "packages", "module", "reboot")
    DRIFTED = ("holds", "files", "initramfs", "units", "verify")
    HOW = ("controller", "host", "container")
    GIVE, TAKE = "deploy", "remove"
    # whether it can be kept as it is; seconds into a step at which a cut at random comes at most
    KEEPS, CHANCE = False, 20
    # the same of a cut at a step
    LATEST = 2
    JOURNAL = "var/lib/ai-stack/gpu_driver/journal.json"
    PICTURE = "picture.sh"

    def __init__(self, options):
        self.name, self.options = options.host, options

    def command(self, name):
        report = self.options.reports
        return ["ansible-playbook", "-i", self.options.inventory, "--limit", self.name, "-e", f"ai_stack_report_dir={report}",
                "-e", f"ai_stack_record={report}/ai_stack.lock.yml", f"sovereign.ai_stack.{name}"]  # fmt: skip

    def back(self, _step):
        """A host of the lab cannot be kept as it is."""
        return False

    def drift(self):
        """Take away what does not need a build to come back."""
        script = "apt-mark unhold $(apt-mark showhold) >/dev/null; rm -f /etc/modprobe.d/ai-stack-gpu-driver.conf"
        self.podman("exec", self.name, "sh", "-c", script)
        self.podman("exec", self.name, "systemctl", "--quiet", "disable", "ai-stack-gpu-driver.service")

    def podman(self, *arguments, **options):
        return subprocess.run([PODMAN, *arguments], check=True, capture_output=True, text=True, timeout=300, **options).stdout

    def root(self):
        """The host's root as this machine sees it; it changes with each start."""
        return Path("/proc", self.podman("inspect", "--format", "{{.State.Pid}}", self.name).strip(), "root")

    def journal(self, root):
        """The open journal, None when nothing is under way or the host is down."""
        try:
            return json.loads((root / self.JOURNAL).read_text())
        except (OSError, ValueError):
            return None

    def picture(self):
        return self.podman("exec", "--interactive", self.name, "sh", input=Path(SHARED, self.PICTURE).read_text()).splitlines()

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
        # newer releases of OpenSSH have a program of its own for each login
        logins = {pid for pid, command in mine.items() if command.startswith((b"sshd: ", b"sshd-session: ")) and b"@" in command}
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


class CloudHost(LabHost):
    """A host of the lab's cloud, for the role nova_pci_passthrough alone, with what the last plan of the report folder says."""

    # from a host whose files went while its services run on
    TAKEN, BARE, DRIFTED = (), (), ("restart",)
    HOW = ("host", "controller")
    JOURNAL = "var/lib/ai-stack/nova_pci_passthrough/journal.json"
    PICTURE = "tenants/picture.sh"

    def command(self, _name):
        report = self.options.reports
        return ["ansible-playbook", "-i", self.options.inventory, "--limit", self.name, "-e", f"ai_stack_report_dir={report}",
                str(SHARED / "tenants/told.yml")]  # fmt: skip

    def drift(self):
        self.podman("exec", self.name, "sh", "-c", "rm /etc/*/*.conf.d/50-ai-stack-pci.conf")


class Node(LabHost):
    """A host of a cluster, for the role container_runtime alone."""

    # writing its files takes milliseconds, which nobody meets from outside
    TAKEN, BARE, DRIFTED = (), (), ("restart",)
    HOW = ("host", "controller", "container")
    JOURNAL = "var/lib/ai-stack/container_runtime/journal.json"
    PICTURE = "kubernetes/picture.sh"
    # a restart of containerd takes a second
    LATEST = 0.3

    def command(self, _name):
        return ["ansible-playbook", "-i", self.options.inventory, "--limit", self.name, str(SHARED / "kubernetes/runtime.yml")]

    def drift(self):
        self.podman("exec", self.name, "rm", "-f", "/etc/containerd/conf.d/50-ai-stack.toml")


class Member(Node):
    """The same for the role kubernetes, which comes after that one."""

    # writing its files takes milliseconds, which nobody meets from outside; making a cluster takes seconds, joining one a second
    TAKEN, BARE, DRIFTED = ("reset",), ("join",), ()
    JOURNAL = "var/lib/ai-stack/kubernetes/journal.json"
    PICTURE = "kubernetes/member.sh"
    GIVE, TAKE = "present", "absent"

    def command(self, name):
        return ["ansible-playbook", "-i", self.options.inventory, *self.more(name), str(SHARED / "kubernetes/cluster.yml")]

    def more(self, name):
        return ["-e", f"kubernetes_state={name}", *(["--limit", self.name] if name == self.TAKE else [])]


class Control(Member):
    """The same of a control plane, which goes with all that is stored in it, its nodes first."""

    TAKEN, BARE = ("reset",), ("init",)

    def more(self, name):
        return ["-e", f"kubernetes_state={name}", "-e", "kubernetes_destroy=ai"]


class Cards(Node):
    """A control plane for the role kubernetes_accelerators alone. It keeps no journal: each object is whole or not there, so its program is watched for."""

    DRIFTED = ("apply",)
    PROGRAM = "pgrep --full 'ai-stack-kubernetes-accelerator[s] apply'"
    PICTURE = "kubernetes/told.sh"
    # it tells a cluster everything within seconds
    LATEST, CHANCE = 1, 8

    def command(self, _name):
        return ["ansible-playbook", "-i", self.options.inventory, str(SHARED / "kubernetes/cards.yml")]

    def journal(self, _root):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.podman("exec", self.name, "sh", "-c", self.PROGRAM)
            return {"step": "apply"}
        return None

    def drift(self):
        ours = "daemonsets,resourcequotas,validatingadmissionpolicies,validatingadmissionpolicybindings"
        script = f"kubectl delete {ours} --all-namespaces --selector app.kubernetes.io/managed-by=sovereign.ai_stack; kubectl label nodes --all ai-stack/pool-"
        self.podman("exec", "--env", "KUBECONFIG=/etc/kubernetes/admin.conf", self.name, "sh", "-euc", script)


class Machine:
    """The machine with a kernel of its own, for the role pci_passthrough alone; it is seen by ssh, which takes it a second or two."""

    TAKEN = ("leaving",)
    BARE = ("begin", "trial", "armed", "booted", "commit")
    DRIFTED = ()
    HOW = ("controller", "host", "power")
    GIVE, TAKE = "present", "absent"
    # from each step on a run has a minute or two to go, the boot in the middle
    KEEPS, CHANCE, LATEST = True, 90, 2
    # a removal has a file of its own, without steps
    JOURNAL = "cd /var/lib/ai-stack/pci_passthrough; cat journal.json || cat leaving"
    # what logins started, this one left out
    KILL = """for one in $(cat /sys/fs/cgroup/system.slice/ssh.service/cgroup.procs); do
        [ "$one" = $$ ] || [ "$(cat /proc/$one/comm)" = sshd ] || { kill -9 "$one" && echo killed; }
    done 2>/dev/null; true"""

    def __init__(self, options):
        self.name, self.options = options.host, options
        self.kept = set()

    def keep(self, step):
        """Keep it as it is where it comes to a step."""
        if step not in self.kept:
            self.tool("keep", self.name, step)
            self.kept.add(step)

    def back(self, step):
        """Make it what it was when it was kept; whoever changed it is gone. Say whether it was kept."""
        if step in self.kept:
            self.tool("back", self.name, step)
        return step in self.kept

    def command(self, name):
        return ["ansible-playbook", "-i", self.options.inventory, "-e", f"pci_passthrough_state={name}", str(SHARED / "machine/given.yml")]

    def tool(self, *words):
        return subprocess.run([str(SHARED / "machine/machine.py"), *words], check=True, capture_output=True, text=True, timeout=1800).stdout

    def root(self):
        return None

    def journal(self, _root):
        try:
            return {"step": "leaving", **json.loads(self.tool("ssh", self.name, self.JOURNAL))}
        except (subprocess.CalledProcessError, ValueError):
            return None

    def picture(self):
        """Whether the boot that still runs was tried first is no difference, and neither are the times in what the host remembers."""
        seen = self.tool("ssh", self.name, Path(SHARED, "machine/picture.sh").read_text())
        return [re.sub(r" (modules_load|panic|ai_stack.trial)=\S+|[0-9a-f]{64} (?= /var/lib/ai-stack/)", "", line) for line in seen.splitlines()]

    def wait_until_up(self):
        self.tool("wait", self.name)

    def cut(self, how, run):
        """As for a host of the lab."""
        if how == "controller":
            os.killpg(run.pid, signal.SIGKILL)
        elif how == "host":
            while not self.kill_what_ssh_started():
                if run.poll() is not None:
                    return False
        else:
            for word in ("cut", "on", "wait"):
                self.tool(word, self.name)
        return True

    def kill_what_ssh_started(self):
        """Say whether there was something; a machine that boots has nothing."""
        with contextlib.suppress(subprocess.CalledProcessError):
            return bool(self.tool("ssh", self.name, self.KILL))
        return False


HOSTS = {"gpu_driver": LabHost, "nova_pci_passthrough": CloudHost, "pci_passthrough": Machine, "container_runtime": Node, "kubernetes": Member,
         "kubernetes_control": Control, "kubernetes_accelerators": Cards}
