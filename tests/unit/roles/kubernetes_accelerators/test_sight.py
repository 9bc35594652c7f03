# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a node says of the card that a container sees: over a host of files, where a file that says a number is a device of it."""

from __future__ import annotations

import errno
import importlib.util
import json
import subprocess

import pytest
import templated

A, B = "0000:17:00.0", "0000:65:00.0"
ID, PID = "c" * 64, 4711
# numbers of devices: two cards, what all share, and parts of the first and the second
CARDS, CONTROL, PARTS = {"nvidia0": "195:0", "nvidia1": "195:1"}, {"nvidiactl": "195:255"}, {"gpu0/gi1": 3, "gpu0/gi1/ci0": 4, "gpu0/gi2": 5, "gpu1/gi1/ci0": 6}
GPU, MIG = "nvidia.com/gpu", "nvidia.com/mig-1g.10gb"
OLD = ("4:cpu:/x\n5:devices:/host/pods/c\n0::/\n", "33 22 0:29 /host /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices\n")
NEW = ("0::/pods/c\n", "33 22 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")


class Node:
    """opens: what the kernel says of a number, from which reload on; the others can be opened where the container has them."""

    def __init__(self, module, folder):
        self.module, self.folder, self.named, self.closed, self.reloads, self.entered = module, folder, [f"k8s/gpu=UUID-{A}"], {}, 0, []
        for minor, address in enumerate((A, B)):
            self.write(f"proc/driver/nvidia/gpus/{address}/information", f"GPU UUID: \t UUID-{address}\nDevice Minor: \t {minor}\n")
        for name, number in {**CARDS, **CONTROL}.items():
            self.write(f"dev/{name}", number)
        self.write("proc/driver/nvidia-caps/mig-minors", "config 1\nmonitor 2\n" + "".join(f"{name}/access {minor}\n" for name, minor in PARTS.items()))
        for minor in (1, 2, *PARTS.values()):
            self.write(f"dev/nvidia-caps/nvidia-cap{minor}", f"237:{minor}")
        self.groups(*OLD)
        self.has("nvidia0", "nvidiactl", "null")

    def write(self, path, text):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def groups(self, mine, mounts):
        self.write(f"proc/{PID}/cgroup", mine)
        self.write("proc/self/mountinfo", "22 1 0:1 / / rw shared:1 - ext4 /dev/x rw\n" + mounts)

    def has(self, *names):
        """Devices of the container; NAME=NUMBER: under another name than the host's."""
        for path in (self.folder / f"proc/{PID}/root/dev").glob("**/nvidia*"):
            if path.is_file():
                path.unlink()
        for name in names:
            as_named, equals, number = name.partition("=")
            there = self.folder / "dev" / as_named
            self.write(f"proc/{PID}/root/dev/{as_named}", number or (there.read_text() if there.is_file() else "a file"))

    @staticmethod
    def number(path):
        try:
            with open(path, encoding="utf-8") as handle:
                text = handle.read()
        except OSError:
            return None
        return text if ":" in text else None

    def run(self, command):
        if command == ["systemctl", "daemon-reload"]:
            self.reloads += 1
            return ""
        assert command[0] == "crictl" and command[-1] == ID
        return json.dumps({"info": {"pid": PID, "config": {"CDI_devices": [{"name": one} for one in self.named]}}})

    def tried(self, procs, paths):
        self.entered.append(procs)
        mine = {self.number(path) for path in (self.folder / f"proc/{PID}/root/dev").glob("**/nvidia*")}
        closed = {number for number, since in self.closed.items() if since <= self.reloads}
        return {path: errno.EPERM if self.number(path) in closed or (self.number(path) not in mine and not self.closed.get("none")) else errno.ENXIO
                for path in paths}  # fmt: skip

    def asks(self, capsys, name=GPU, *allowed):
        self.module.main(ID, name, *(allowed or (A, B)))
        return json.loads(capsys.readouterr().out)


def loaded():
    spec = importlib.util.spec_from_file_location("sight", templated.ROLES / "kubernetes_accelerators/files/sight.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def node(tmp_path, monkeypatch):
    module = loaded()
    made = Node(module, tmp_path)
    for name, value in {"ROOT": str(tmp_path), "PAUSE": 0, "number": made.number, "run": made.run, "tried": made.tried}.items():
        monkeypatch.setattr(module, name, value)
    return made


@pytest.mark.parametrize(("groups", "file"), [(OLD, "/sys/fs/cgroup/devices/pods/c/cgroup.procs"), (NEW, "/sys/fs/cgroup/pods/c/cgroup.procs")])
def test_a_card_is_seen_and_kept(node, capsys, groups, file):
    node.groups(*groups)
    assert node.asks(capsys) == {"card": A, "failed": []}
    # before and after units were read anew, in the group of the container
    assert node.reloads == 1 and node.entered == [str(node.folder) + file] * 2


def test_a_container_of_a_group_that_nobody_knows_is_no_proof(node, capsys):
    node.groups("0::/pods/c\n", "")
    assert "in which group of devices" in node.asks(capsys)["failed"][0]


@pytest.mark.parametrize(
    ("devices", "name", "allowed", "said"),
    [(["nvidiactl"], GPU, [A, B], "asked for one nvidia.com/gpu, and sees no card"),
     (["nvidia0", "nvidia1"], GPU, [A, B], f"sees cards {A}, {B}"),
     # whatever it is called there
     (["nvidia0", "innocent=195:1"], GPU, [A, B], f"sees cards {A}, {B}"),
     (["nvidia0"], GPU, [B], f"sees card {A}, which is none of its pool"),
     (["nvidia1"], GPU, [A, B], f"it was given k8s/gpu=UUID-{A}, and sees card {B}"),
     (["nvidia0", "nvidia-caps/nvidia-cap3"], GPU, [A, B], "asked for a whole card, and sees parts: gpu0/gi1/access"),
     (["nvidia0"], MIG, [A, B], f"asked for one part of card {A}, and sees none"),
     (["nvidia0", *(f"nvidia-caps/nvidia-cap{one}" for one in (3, 4, 5))], MIG, [A, B], "asked for one part"),
     (["nvidia0", *(f"nvidia-caps/nvidia-cap{one}" for one in (5, 4))], MIG, [A, B], "asked for one part"),
     (["nvidia0", *(f"nvidia-caps/nvidia-cap{one}" for one in (3, 6))], MIG, [A, B], "asked for one part")])  # fmt: skip
def test_what_it_should_not_see_is_said_and_units_are_left_alone(node, capsys, devices, name, allowed, said):
    node.has(*devices)
    found = node.asks(capsys, name, *allowed)
    assert said in "; ".join(found["failed"]) and node.reloads == 0


@pytest.mark.parametrize(("named", "failed"), [("0", []), ("1", [f"it was given k8s.gpu.nvidia.com/claim=uid-gpu-1, and sees card {A}, which is UUID-{A}"])])
def test_a_card_that_a_claim_was_given_is_seen_and_kept(node, capsys, named, failed):
    """CDI calls it by the claim and the number of the card."""
    node.named = [f"k8s.gpu.nvidia.com/claim=uid-gpu-{named}"]
    assert node.asks(capsys, "ai-stack-training") == {"card": A, "failed": failed}


def test_one_part_of_a_card_is_seen_and_kept(node, capsys):
    node.has("nvidia0", "nvidia-caps/nvidia-cap3", "nvidia-caps/nvidia-cap4")
    assert node.asks(capsys, MIG) == {"card": A, "failed": []}


def test_a_card_that_did_not_come_by_cdi_is_said(node, capsys):
    node.named = []
    assert "something else than CDI" in node.asks(capsys)["failed"][0]


@pytest.mark.parametrize(("since", "when"), [(0, "before"), (1, "after")])
def test_a_card_that_it_may_not_open_is_said(node, capsys, since, when):
    node.closed = {"195:0": since}
    assert node.asks(capsys)["failed"] == [f"{when} units were read anew it may not open /dev/nvidia0: Operation not permitted"]


def test_another_card_that_it_may_open_is_said(node, capsys):
    node.closed = {"none": 99}
    assert node.asks(capsys)["failed"] == ["before units were read anew it may open /dev/nvidia1, which is another card"]


LOST = subprocess.CalledProcessError(1, ["crictl"], stderr=b"no such container")


@pytest.mark.parametrize("error", [LOST, FileNotFoundError(2, "no crictl"), ValueError("x")])
def test_what_cannot_be_looked_at_is_a_sentence(node, capsys, monkeypatch, error):
    def fails(_command):
        raise error

    monkeypatch.setattr(node.module, "run", fails)
    found = node.asks(capsys)
    assert found["card"] is None and len(found["failed"]) == 1


def test_whoever_asks_stays_out_of_the_group(tmp_path):
    module, procs = loaded(), tmp_path / "cgroup.procs"
    (tmp_path / "file").write_text("")
    found = module.tried(str(procs), [str(tmp_path / "file"), str(tmp_path / "none"), str(tmp_path)])
    assert list(found.values()) == [0, errno.ENOENT, errno.EISDIR]
    assert procs.read_text() not in ("", str(module.os.getpid()))
    with pytest.raises(OSError, match="cannot enter"):
        module.tried(str(tmp_path / "no/cgroup.procs"), [])
