# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a node has of a driver beyond other hosts, in the files and numbers that NVIDIA's container toolkit looks for."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import stat

import pytest
from lab import parts
from lab_host import mounts, node, silicon

LOADER = importlib.machinery.SourceFileLoader("node_runc", str(parts.FILES / "host/node_runc.py"))
runc = importlib.util.module_from_spec(importlib.util.spec_from_loader("node_runc", LOADER))
LOADER.exec_module(runc)

CARDS = [{"address": "0000:17:00.0"}, {"address": "0000:65:00.0"}]
LISTED = "Character devices:\n  1 mem\n\nBlock devices:\n  7 loop\n"


@pytest.fixture
def host(tmp_path, monkeypatch):
    for name in ("dev", "lib", "here", "proc/nvidia"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "here/libcuda.so").write_text("library")
    made = {}
    monkeypatch.setattr(node, "MARK", tmp_path / "mark")
    monkeypatch.setattr(node, "DEV", tmp_path / "dev")
    monkeypatch.setattr(node, "RUNC", tmp_path / "runc")
    monkeypatch.setattr(node, "FIRMWARE", tmp_path / "firmware")
    monkeypatch.setattr(silicon, "LIBRARIES", tmp_path / "lib")
    monkeypatch.setattr(silicon, "HERE", tmp_path / "here")
    monkeypatch.setattr(mounts, "uncover", lambda path: made.pop(path, None))
    monkeypatch.setattr(mounts, "text", made.__setitem__)
    monkeypatch.setattr(os, "mknod", lambda path, mode, device: made.__setitem__(path.name, (stat.S_ISCHR(mode), device)) or path.touch())
    (tmp_path / "mark").touch()
    return tmp_path, made


def test_a_node_has_device_nodes_of_its_cards_and_of_the_driver(host):
    place, made = host
    node.show(place / "proc", CARDS)
    assert [made["nvidia%d" % n] for n in (0, 1)] == [(True, os.makedev(195, 0)), (True, os.makedev(195, 1))]
    assert made["nvidiactl"] == (True, os.makedev(195, 255))
    assert "nvidia2" not in made
    assert "195 nvidia\n" in made["/proc/devices"] and "511 nvidia-uvm\n" in made["/proc/devices"]


def test_every_capability_that_is_listed_has_a_file_and_a_node(host):
    place, made = host
    node.show(place / "proc", CARDS)
    listed = dict(line.split() for line in (place / "proc/nvidia-caps/mig-minors").read_text().splitlines())
    assert (listed["config"], listed["monitor"]) == ("1", "2")
    assert len(set(listed.values())) == len(listed) == 2 + len(CARDS) * 15 * 9
    minor = listed["gpu1/gi7/ci0/access"]
    assert "DeviceFileMinor: %s\n" % minor in (place / "proc/nvidia/capabilities/gpu1/mig/gi7/ci0/access").read_text()
    assert made["nvidia-cap" + minor] == (True, os.makedev(237, int(minor)))
    assert all((place / "dev/nvidia-caps" / ("nvidia-cap" + number)).exists() for number in listed.values())


def test_a_start_without_the_driver_takes_away_what_the_one_before_made(host):
    place, _made = host
    node.show(place / "proc", CARDS)
    node.show(place / "proc", [])
    assert list((place / "dev").iterdir()) == []
    assert not (place / "runc").is_symlink()


def test_containers_see_in_proc_what_the_node_sees(host):
    place, _made = host
    node.show(place / "proc", CARDS)
    assert (place / "runc").readlink() == place / "here/node-runc"
    theirs = {"path": "/usr/bin/nvidia-cdi-hook"}
    config = runc.add({"root": {"path": "rootfs"}, "hooks": {"createContainer": [theirs]}}, "/run/bundle")
    first, second = config["hooks"]["createContainer"]
    assert (first["args"][-1], second) == ("/run/bundle/rootfs/proc/driver", theirs)
    assert runc.add({"root": {"path": "/root"}}, "/run/bundle")["hooks"]["createContainer"][0]["args"][-1] == "/root/proc/driver"


def test_the_installer_leaves_the_library_that_tells_a_driver_by_its_version(host):
    place, _made = host
    node.left("550.163.01")
    assert (place / "lib/libcuda.so").resolve() == place / "lib/libcuda.so.550.163.01"
    assert (place / "firmware/550.163.01/gsp_ga10x.bin").exists()


def test_no_other_host_sees_any_of_it(host):
    place, made = host
    (place / "mark").unlink()
    node.show(place / "proc", CARDS)
    node.left("550.163.01")
    assert made == {} and list((place / "dev").iterdir()) == list((place / "lib").iterdir()) == []


def test_the_drivers_numbers_stand_among_those_of_character_devices():
    text = node.with_majors(LISTED)
    assert text.startswith("Character devices:\n  1 mem\n195 nvidia\n")
    assert text.endswith("511 nvidia-uvm\n\nBlock devices:\n  7 loop\n")
