# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A host for the program of the role container_runtime: a root folder, and a containerd that merges files as the real one does."""

from __future__ import annotations

import types
from pathlib import Path

import packed
import pytest
import tomllib
import yaml
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import containerd, toml

NAMES = ("ledger", "verbs", "containerd", "change", "cli")
VARS = yaml.safe_load((packed.ROOT / "roles/container_runtime/vars/main.yml").read_text())
STOCK = 'disabled_plugins = ["cri"]\n'


class Killed(BaseException):
    """Whoever ran the program is gone."""


def merged(one, other):
    return {key: merged(one[key], other[key]) if isinstance(one.get(key), dict) and isinstance(other.get(key), dict) else other.get(key, one.get(key))
            for key in {**one, **other}}  # fmt: skip


class Machine:
    """breaks, lame: whether the daemon does not start with the files that are there, or without the part that a kubelet asks; dies: whether the run is killed
    while it restarts it."""

    def __init__(self, modules, folder):
        self.modules, self.ground = modules, modules.ledger.Ground(modules.change.STATE, str(folder))
        self.ground.run, self.starts, self.breaks, self.lame, self.dies = self.run, 0, lambda: False, lambda: False, False
        self.unit = ["active", "enabled"]
        self.write("/proc/sys/kernel/random/boot_id", "one\n")
        self.write(containerd.ROOT, STOCK)

    def write(self, path, text):
        target = Path(self.ground.at(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def text(self, path):
        content = self.ground.read(path)
        return None if content is None else content.decode()

    def run(self, command, check=True, timeout=0, data=None):
        if command[1:2] == ["--config"]:
            return self.dump(Path(command[2]))
        if command[:3] == ["systemctl", "--quiet", "enable"]:
            self.unit[1] = "enabled"
        if command[:2] == ["systemctl", "restart"]:
            self.starts += 1
            self.unit[0] = "active"
            if self.dies:
                raise Killed
            return (1, "Job failed") if self.breaks() else (0, "")
        if command[:2] == ["systemctl", "show"]:
            return 0, "LoadState=loaded\nActiveState={}\nUnitFileState={}\n".format(*self.unit)
        if command[0] == "ctr":
            # a root file that switches that part off has none
            state = "error" if self.lame() else "ok" if self.text(containerd.ROOT) != STOCK else "skip"
            return (1, "no") if self.breaks() else (0, f"TYPE ID PLATFORMS STATUS\nio.containerd.cri.v1 images - ok\nio.containerd.grpc.v1 cri - {state}")
        return 0, "containerd: no such plugin" if command[0] == "journalctl" else ""

    @staticmethod
    def dump(path):
        found = tomllib.loads(path.read_text())
        for pattern in found.get("imports", []):
            for file in sorted(Path(pattern).parent.glob(Path(pattern).name)):
                found = merged(found, tomllib.loads(file.read_text()))
        return 0, toml.render(found)

    def request(self, more=None, state="present", **changed):
        files = containerd.files(4, "registry.k8s.io/pause:3.10.2", {"*": {"mirrors": ["http://mirror"]}}, more) if state == "present" else {}
        expected = containerd.expected(4, "registry.k8s.io/pause:3.10.2", more) if files else {}
        return {"plan": "p", "files": files, "expected": expected, "marker": VARS["__container_runtime_marker"], "answer": 1, "program": "containerd",
                "dumps": True, **{key: VARS["__container_runtime_request"][key] for key in ("root", "folder", "unit")}, **changed}  # fmt: skip

    def change(self, *words, **changed):
        return self.modules.change.Change(self.ground, self.request(*words, **changed))

    def look(self, *words, **changed):
        return self.modules.change.look(self.change(*words, **changed))

    def apply(self, *words, **changed):
        return self.modules.change.apply(self.change(*words, **changed), "me")


@pytest.fixture
def host(tmp_path, monkeypatch):
    modules = types.SimpleNamespace(**packed.program("container_runtime", "program.yml", NAMES))
    machine = Machine(modules, tmp_path)
    monkeypatch.setattr(modules.change, "PAUSE", 0)
    return machine
