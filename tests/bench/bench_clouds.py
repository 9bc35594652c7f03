#!/usr/bin/env python3
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Print what a converged cloud costs: 100 flavors with access and limits for 50 projects, by our modules and by those of openstack.cloud one by one.

Figures, no test. Brings the lab's OpenStack up and takes it down again; as root. The modules run on its controller, which has the SDK. What one by one would
take is scaled up from a few of each kind, since it is hours; openstack.cloud has no module for limits, so theirs count on our side alone.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
INVENTORY = ROOT / "molecule" / "shared" / "openstack"
FLAVORS, PROJECTS, SAMPLE, ROUNDS = 100, 50, 10, 3
MADE = """\
import openstack
cloud = openstack.connect(cloud="main")
home = cloud.identity.find_domain("Default").id
for name in {projects!r}:
    cloud.identity.find_project(name, domain_id=home) or cloud.identity.create_project(name=name, domain_id=home)
"""
OURS = """\
- hosts: controllers
  gather_facts: false
  module_defaults:
    group/sovereign.ai_stack.cloud: {cloud: main, region: RegionOne}
  tasks:
    - sovereign.ai_stack.identity_limits: {registered: "{{ registered }}", projects: "{{ limits }}"}
    - sovereign.ai_stack.compute_flavors: {flavors: "{{ flavors }}"}
"""
STOCK = """\
- hosts: controllers
  gather_facts: false
  tasks:
    - openstack.cloud.compute_flavor:
        {cloud: main, name: "{{ item.name }}", vcpus: "{{ item.vcpus }}", ram: "{{ item.ram_mib }}", disk: "{{ item.disk_gib }}", is_public: false,
         extra_specs: "{{ item.extra_specs }}"}
      loop: "{{ flavors[:sample_flavors | int] }}"
      loop_control: {label: "{{ item.name }}"}
    - openstack.cloud.compute_flavor_access: {cloud: main, name: "{{ flavors[0].name }}", project: "{{ item }}"}
      loop: "{{ flavors[0].access[:sample_access | int] }}"
"""


def variables():
    projects = [f"bench-{number}" for number in range(PROJECTS)]
    names = {f"class:CUSTOM_BENCH_{number}": 1 for number in range(FLAVORS)}
    one = {"vcpus": 1, "ram_mib": 64, "disk_gib": 1, "extra_specs": {"hw:numa_nodes": "1"}, "access": projects}
    flavors = [dict(one, name=f"bench.{number}") for number in range(FLAVORS)]
    return {"projects": projects, "registered": names, "limits": dict.fromkeys(projects, names), "flavors": flavors}


def told(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def stock_collection(folder):
    """openstack.cloud out of the same bundle that our tools' collections come from."""
    bundle = (ROOT / "tools/bundle.txt").read_text(encoding="ascii").split()
    told([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, *bundle])
    told([sys.executable, ROOT / "tools/unpack_collections.py", next(folder.glob("*.whl")), folder, "openstack.cloud"])


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.environment = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=f"{os.environ['ANSIBLE_COLLECTIONS_PATH']}:{folder}")
        (folder / "variables.json").write_text(json.dumps(variables()), encoding="utf-8")
        (folder / "ours.yml").write_text(OURS, encoding="utf-8")
        (folder / "stock.yml").write_text(STOCK, encoding="utf-8")

    def seconds(self, name, *more, changes=False):
        start = time.monotonic()
        out = told(["ansible-playbook", "-i", INVENTORY, "-e", f"@{self.folder}/variables.json", *more, self.folder / name], env=self.environment)
        if not changes and "changed=0 " not in out:
            sys.exit(f"{name} was to change nothing:\n{out[-3000:]}")
        return time.monotonic() - start

    def sampled(self, flavors, access):
        return min(self.seconds("stock.yml", "-e", f"sample_flavors={flavors}", "-e", f"sample_access={access}") for _round in range(ROUNDS))

    def run(self):
        projects = MADE.format(projects=variables()["projects"])
        told(["ansible", "-i", INVENTORY, "controllers", "-m", "ansible.builtin.command", "-a", json.dumps({"argv": ["python3", "-c", projects]})])
        made = self.seconds("ours.yml", changes=True)
        ours = min(self.seconds("ours.yml") for _round in range(ROUNDS))
        none = self.sampled(0, 0)
        flavor, access = (self.sampled(SAMPLE, 0) - none) / SAMPLE, (self.sampled(0, SAMPLE) - none) / SAMPLE
        stock = FLAVORS * flavor + FLAVORS * PROJECTS * access
        print(f"{FLAVORS} flavors with access and limits for {PROJECTS} projects: made in {made:.0f} s, converged in {ours:.1f} s")
        print(f"openstack.cloud, converged: {flavor:.2f} s a flavor, {access:.2f} s an access: {stock:.0f} s")
        print(f"ours : one by one = {ours / stock:.4f} (goal: 0.05)", flush=True)


def main():
    lab = ["ansible-playbook", "-i", INVENTORY, "sovereign.ai_stack.lab"]
    with tempfile.TemporaryDirectory(prefix="ai-stack-bench-") as folder:
        stock_collection(pathlib.Path(folder))
        told(lab)
        try:
            Bench(pathlib.Path(folder)).run()
        finally:
            told([*lab, "-e", "lab_state=absent"])


if __name__ == "__main__":
    main()
