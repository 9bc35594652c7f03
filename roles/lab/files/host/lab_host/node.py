# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a node of a cluster has of a driver beyond every other host: all that NVIDIA's container toolkit looks for, so that containers get devices.

No driver answers behind the device nodes: to open one that a container may use says ENXIO, any other one EPERM.
"""
from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from . import mounts, silicon

MARK = Path("/etc/ai-stack-lab-node")
DEV = Path("/dev")
# the first is the driver's own, the others are given out by a kernel as modules come
GPU, UVM, CAPS = 195, 511, 237
MAJORS = {GPU: ("nvidia", "nvidia-modeset", "nvidiactl"), CAPS: ("nvidia-caps",), UVM: ("nvidia-uvm",)}
CONTROL = {"nvidiactl": (GPU, 255), "nvidia-modeset": (GPU, 254), "nvidia-uvm": (UVM, 0), "nvidia-uvm-tools": (UVM, 1)}
INSTANCES, COMPUTES = 15, 8
# found before the distribution's, which it calls
RUNC = Path("/usr/local/sbin/runc")
FIRMWARE = Path("/lib/firmware/nvidia")


def left(version):
    """What the vendor's installer leaves for programs; nvidia-smi is the real one, where the lab has it."""
    if not MARK.exists():
        return
    cuda = silicon.LIBRARIES / ("libcuda.so." + version)
    cuda.write_bytes((silicon.HERE / "libcuda.so").read_bytes())
    for name, target in (("libcuda.so.1", cuda.name), ("libcuda.so", "libcuda.so.1")):
        (silicon.LIBRARIES / name).symlink_to(target)
    firmware = FIRMWARE / version / "gsp_ga10x.bin"
    firmware.parent.mkdir(parents=True)
    firmware.touch()
    if (silicon.HERE / "nvidia-smi").exists():
        shutil.copy(silicon.HERE / "nvidia-smi", "/usr/bin/nvidia-smi")


def minors(cards):
    """{path of a capability as the driver lists it: minor number}, those of every instance that a card could have."""
    found = {"config": 1, "monitor": 2}
    for gpu in range(len(cards)):
        for instance in range(INSTANCES):
            here = "gpu%d/gi%d" % (gpu, instance)
            for name in [here, *("%s/ci%d" % (here, compute) for compute in range(COMPUTES))]:
                found[name + "/access"] = len(found) + 1
    return found


def devices(cards, capabilities):
    """{name below /dev: (major, minor)}"""
    found = {"nvidia%d" % minor: (GPU, minor) for minor in range(len(cards))}
    return {**found, **CONTROL, **{"nvidia-caps/nvidia-cap%d" % minor: (CAPS, minor) for minor in capabilities.values()}}


def show(proc, cards):
    """PROC is to become /proc/driver. A kernel shows the capabilities of instances that are there; here those of all that could be are, all the time."""
    if not MARK.exists():
        return
    _take_away()
    if cards:
        capabilities = minors(cards)
        _capabilities(proc, capabilities)
        for name, number in devices(cards, capabilities).items():
            _make(DEV / name, number, 0o444 if name.startswith("nvidia-caps") else 0o666)
        mounts.text("/proc/devices", with_majors(Path("/proc/devices").read_text()))
        RUNC.symlink_to(silicon.HERE / "node-runc")


def with_majors(text):
    """What the kernel lists as character devices, and the driver's."""
    lines = "".join("%3d %s\n" % (major, name) for major, names in sorted(MAJORS.items()) for name in names)
    return text.replace("\nBlock devices:", lines + "\nBlock devices:", 1)


def _capabilities(proc, minors_of):
    listed = proc / "nvidia-caps/mig-minors"
    listed.parent.mkdir()
    listed.write_text("".join("%s %d\n" % item for item in minors_of.items()))
    for name, minor in minors_of.items():
        gpu, slash, rest = name.partition("/")
        path = proc / "nvidia/capabilities" / (gpu + "/mig/" + rest if slash else "mig/" + name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("DeviceFileMinor: %d\nDeviceFileMode: 292\nDeviceFileModify: 1\n" % minor)


def _make(path, number, mode):
    path.parent.mkdir(exist_ok=True)
    os.mknod(path, stat.S_IFCHR | mode, os.makedev(*number))
    path.chmod(mode)


def _take_away():
    """What an earlier start of this host made: its driver may have been another one."""
    shutil.rmtree(DEV / "nvidia-caps", ignore_errors=True)
    for path in DEV.glob("nvidia*"):
        path.unlink()
    mounts.uncover("/proc/devices")
    RUNC.unlink(missing_ok=True)
