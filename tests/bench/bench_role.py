#!/usr/bin/env python3
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Print what the role gpu_driver costs on a lab host, as ratios within one run. Figures, no test: a clock decides nothing.

Usage: bench_role.py [HOST]    a Debian host of inventories/lab with NVIDIA cards, gpu-h100-1 when not given; as root

1. A converged host: the role, and the verb deploy, against a plain playbook that asserts the same state with stock modules. CPU is that of
   the whole machine, controller and host together, so nothing else should run.
2. A bare host whose module is known to build: the verb deploy against apt-get install of the same pinned set, which compiles it too.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
INVENTORY = ROOT / "inventories" / "lab"
ROUNDS = 3
FILES = ("/etc/modprobe.d/ai-stack-gpu-driver.conf", "/etc/apt/preferences.d/ai-stack-gpu-driver", "/etc/ai-stack/gpu-driver.json")
SOURCES = "/etc/apt/sources.list.d/ai-stack-distribution.sources"
# one task for each thing that the role promises, as a playbook without it would have them; of all facts the kernel is the one that it needs
PLAIN = """\
- hosts: all
  gather_facts: true
  gather_subset: ["!all", "!min", kernel]
  tasks:
    - ansible.builtin.apt: {name: "{{ packages }}", state: present, allow_change_held_packages: true}
    - ansible.builtin.dpkg_selections: {name: "{{ item }}", selection: hold}
      loop: "{{ holds }}"
    - ansible.builtin.copy: {dest: "{{ item.key }}", content: "{{ item.value }}", mode: "0644"}
      loop: "{{ files | dict2items }}"
    - ansible.builtin.systemd_service: {name: "{{ item }}", enabled: true}
      loop: [ai-stack-gpu-driver.service, ai-stack-gpu-driver-check.service]
    - ansible.builtin.command: modinfo --field version -k {{ ansible_facts.kernel }} nvidia-current
      register: module
      changed_when: false
    - ansible.builtin.command: cat /sys/module/nvidia/version
      register: loaded
      changed_when: false
    - ansible.builtin.command: nvidia-smi --query-gpu=driver_version,persistence_mode --format=csv,noheader
      register: cards
      changed_when: false
    - ansible.builtin.assert:
        that:
          - module.stdout == version
          - loaded.stdout == version
          - cards.stdout_lines | unique == [version ~ ', Enabled']
"""


ROLE = """\
- hosts: all
  gather_facts: false
  roles: [sovereign.ai_stack.gpu_driver]
"""


def busy():
    """Seconds that the CPUs of this machine have worked, but for what was asked to be nice."""
    user, _nice, system = map(int, pathlib.Path("/proc/stat").read_text(encoding="ascii").split()[1:4])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def measured(command, **options):
    """(seconds, CPU seconds of the machine, what it said, what it said beside that)"""
    start, cpu = time.monotonic(), busy()
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return time.monotonic() - start, busy() - cpu, done.stdout, done.stderr


class Bench:
    def __init__(self, host, folder):
        self.host, self.folder = host, folder

    def verb(self, name, *more):
        reports = [f"ai_stack_report_dir={self.folder}/reports", f"ai_stack_record={self.folder}/ai_stack.lock.yml"]
        extra = [word for one in reports for word in ("-e", one)]
        return measured(["ansible-playbook", "-i", INVENTORY, "--limit", self.host, *extra, f"sovereign.ai_stack.{name}", *more])

    def role(self):
        (self.folder / "role.yml").write_text(ROLE, encoding="utf-8")
        return self.playbook("role.yml")

    def playbook(self, name, *more):
        return measured(["ansible-playbook", "-i", INVENTORY, "--limit", self.host, *more, self.folder / name], cwd=self.folder)

    def on_host(self, *command):
        return measured(["podman", "exec", self.host, *command])

    def plain(self):
        """Write the playbook without the role, and the variables that it wants."""
        plan = json.loads((self.folder / "reports/plan.json").read_text(encoding="utf-8"))
        want = {row["subject"]: row["value"] for row in plan["hosts"][self.host]["decisions"]}
        self.packages = [f"{name}={version}" for name, version in sorted(want["driver.packages"].items())]
        variables = {
            "packages": self.packages,
            "holds": sorted({*want["driver.holds"], *want["kernel.hold"]}),
            "files": {name: self.on_host("cat", name)[2] for name in FILES},
            "version": want["driver.version"],
        }
        (self.folder / "plain.json").write_text(json.dumps(variables), encoding="utf-8")
        (self.folder / "plain.yml").write_text(PLAIN, encoding="utf-8")

    def bare(self):
        self.verb("remove")
        self.on_host("apt-get", "clean")

    def fresh(self):
        """Seconds of a deploy on a bare host; a plan there has tried the module, so that its key is known."""
        self.bare()
        self.verb("plan", "-e", "ai_stack_trial=true")
        seconds = self.verb("deploy")[0]
        self.plain()
        self.sources = self.on_host("cat", SOURCES)[2]
        return seconds

    def converged(self):
        self.plain()
        rounds = [(self.role(), self.verb("deploy"), self.playbook("plain.yml", "-e", f"@{self.folder}/plain.json")) for _round in range(ROUNDS)]
        role, verb, stock = (min(row[at][1] for row in rounds) for at in range(3))
        executions = len(re.findall(r"SSH: EXEC ssh [^\n]*python3", "".join(self.verb("deploy", "-vvv")[2:])))
        print(f"converged host: {executions} module executions (goal: 5)")
        print(f"converged host: role : stock modules = {role:.1f} s : {stock:.1f} s of a CPU = {role / stock:.2f} (goal: 0.2)")
        print(f"converged host: deploy, plan and proof too : stock modules = {verb:.1f} s : {stock:.1f} s = {verb / stock:.2f}", flush=True)

    def installed(self, packages):
        """Seconds of apt-get install of the pinned set on the same host, bare again."""
        self.bare()
        self.on_host("sh", "-c", f"printf %s '{self.sources}' >{SOURCES} && apt-get -qq update")
        apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes", "--no-install-recommends"]
        seconds = self.on_host(*apt, "install", *packages)[0]
        self.on_host(*apt, "purge", "--autoremove", *[one.partition("=")[0] for one in packages])
        # and the signing key that DKMS made for itself, which the tests look for
        self.on_host("rm", "-f", SOURCES, "/var/lib/dkms/mok.key", "/var/lib/dkms/mok.pub")
        return seconds


def main(host="gpu-h100-1"):
    measured(["ansible-playbook", "-i", INVENTORY, "sovereign.ai_stack.lab"])
    with tempfile.TemporaryDirectory(prefix="ai-stack-bench-") as folder:
        bench = Bench(host, pathlib.Path(folder))
        ours = bench.fresh()
        packages = bench.packages
        bench.converged()
        bare = bench.installed(packages)
        print(f"bare host, module known to build: deploy : apt-get install = {ours:.0f} s : {bare:.0f} s = {ours / bare:.2f} (goal: 1.3)")


if __name__ == "__main__":
    main(*sys.argv[1:2])
