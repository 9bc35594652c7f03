# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Driver of the accelerators: loaded, installed, whose it is, and what others left."""

from __future__ import annotations

import re

from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import sets

MODULES = ("nvidia", "nouveau", "amdgpu", "i915", "xe", "habanalabs")
IN_TREE = ("nouveau", "i915", "xe")
NVRM = re.compile(r"NVRM version:\s+NVIDIA UNIX (Open Kernel Module for )?\S+\s+(?:Kernel Module\s+)?(\d+\.\d+(?:\.\d+)*)")
LIBRARY = re.compile(r"^libnvidia-ml\.so\.(\d+\.\d+(?:\.\d+)*)$")
LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib")
FIRMWARE = ("/lib/firmware/nvidia", "/usr/lib/firmware/nvidia")


def loaded(root):
    found = {}
    for name in MODULES:
        if root.is_dir("/sys/module/" + name):
            found[name] = {"version": root.line("/sys/module/%s/version" % name), "flavour": "in_kernel" if name in IN_TREE else None}
    match = NVRM.search(root.text("/proc/driver/nvidia/version") or "")
    if match:
        found["nvidia"] = {"version": match.group(2), "flavour": "open" if match.group(1) else "proprietary"}
    return found


def _loader_paths(root):
    """Where the loader's cache says that libnvidia-ml.so.1 is."""
    cache = root.data("/etc/ld.so.cache", 1 << 24) or b""
    return [each.decode() for each in re.findall(rb"(/[\x21-\x7e]+/libnvidia-ml\.so\.1)\x00", cache)]


def user_space(root):
    """Version of the library that a program gets; null: none."""
    for path in _loader_paths(root) + [folder + "/libnvidia-ml.so.1" for folder in LIBRARY_FOLDERS]:
        match = LIBRARY.match((root.real(path) or "").rsplit("/", 1)[-1])
        if match:
            return {"version": match.group(1)}
    return None


def firmware(root):
    """GSP firmware by driver version, and whether amdgpu's is there."""
    versions = {name for folder in FIRMWARE for name in root.names(folder)
                if re.match(r"^\d+\.\d+(\.\d+)*$", name) and any(each.startswith("gsp") for each in root.names("%s/%s" % (folder, name)))}
    amdgpu = any(root.names(folder) for folder in ("/lib/firmware/amdgpu", "/usr/lib/firmware/amdgpu"))
    return {"gsp": sorted(versions), "amdgpu": amdgpu}


def _program(root, packages, pattern, binaries):
    for name, each in sorted(packages.items()):
        if re.match(pattern, name) and each.get("state", "installed") == "installed":
            return {"version": sets.upstream(each["version"])}
    return {"version": None} if any(root.is_file(path) for path in binaries) else None


def observe(root, packages):
    return {
        "loaded": loaded(root), "user_space": user_space(root), "firmware": firmware(root),
        "fabric_manager": _program(root, packages, r"^(nvidia-fabric-?manager|cuda-drivers-fabricmanager)(-\d+)?$", ["/usr/bin/nv-fabricmanager"]),
        "imex": _program(root, packages, r"^nvidia-imex(-\d+)?$", ["/usr/bin/nvidia-imex"]),
        "nvlsm": _program(root, packages, r"^nvlsm$", ["/opt/nvidia/nvlsm/sbin/nvlsm", "/usr/sbin/nvlsm"]),
    }
