# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Whose the driver is, and what others left that touches it."""

from __future__ import annotations

import re

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import host
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.owned import owned
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import sets

# Packages that bring a module, then packages that bring only the user space.
BRINGS_MODULE = re.compile(
    r"^(nvidia-(open-|tesla-\d+-|legacy-\w+-)?kernel-(open-)?dkms|nvidia-dkms-\S+|nvidia-kernel-source-\S+|kmod-nvidia\S*|akmod-nvidia\S*"
    r"|nvidia-open-\d+|linux-modules-nvidia-\S+|ai-stack-nvidia-\S+|amdgpu-dkms)$")
BRINGS_LIBRARY = re.compile(
    r"^(libnvidia-(tesla-\d+-|legacy-\w+-)?ml1|libnvidia-compute-\d\S*|nvidia-driver(-cuda)?(-libs)?|nvidia-driver-\d\S*|cuda-drivers(-\d+)?)$")
OF_DISTRIBUTION = re.compile(r"debian|ubuntu|canonical|red ?hat|rocky|alma|centos|fedora|oracle|suse", re.I)
RUN_FILE = ("/usr/bin/nvidia-uninstall", "/usr/bin/nvidia-installer", "/var/lib/nvidia/log", "/var/lib/nvidia/dirs")
RUN_FILE_LOG = "/var/log/nvidia-installer.log"
CONTAINER = "/run/nvidia/driver"
CONTAINER_LIBRARIES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64")
HAND_MADE = {
    "/etc/modprobe.d": "settings of kernel modules",
    "/etc/modules-load.d": "loads kernel modules at boot",
    "/etc/driverctl.d": "driverctl binds a driver",
    "/etc/apt/preferences.d": "pins packages",
    "/etc/apt/sources.list.d": "a package source for drivers",
    "/etc/yum.repos.d": "a package source for drivers",
}


def _package_owners(packages):
    found = {}
    for pattern in (BRINGS_MODULE, BRINGS_LIBRARY):
        for name, each in sorted(packages.items()):
            if pattern.match(name) and each.get("state", "installed") == "installed":
                kind = "distribution" if OF_DISTRIBUTION.search(each.get("maintainer") or "") else "vendor_repository"
                found.setdefault(kind, {"kind": kind, "evidence": "package " + name, "version": sets.upstream(each["version"])})
    return list(found.values())


def _library_version(root, folder):
    names = (re.match(r"^libnvidia-ml\.so\.(\d+\.\d+(?:\.\d+)*)$", name) for name in root.names(folder))
    return next((match.group(1) for match in names if match), None)


def _container(root):
    if not root.names(CONTAINER):
        return []
    version = next((each for each in (_library_version(root, CONTAINER + folder) for folder in CONTAINER_LIBRARIES) if each), None)
    return [{"kind": "container", "evidence": CONTAINER, "version": version}]


def _installer_version(root):
    match = re.search(r"(?:driver version|installer version):? (\d+\.\d+(?:\.\d+)*)", root.text(RUN_FILE_LOG) or "")
    return match.group(1) if match else None


def _run_file(root, traces, user_space):
    programs = [path for path in traces if path.startswith("/usr/bin/")]
    if not programs:
        return []
    return [{"kind": "run_file", "evidence": programs[0], "version": (user_space or {}).get("version") or _installer_version(root)}]


def _unknown(driver, kernels):
    version = (driver["loaded"].get("nvidia") or driver["user_space"] or {}).get("version")
    if "nvidia" in driver["loaded"]:
        return [{"kind": "unknown", "evidence": "the module nvidia is loaded", "version": version}]
    if driver["user_space"]:
        return [{"kind": "unknown", "evidence": "libnvidia-ml.so." + version, "version": version}]
    built = next((each["modules"]["nvidia"] for each in kernels if "nvidia" in each["modules"]), None)
    return [{"kind": "unknown", "evidence": built["path"], "version": built["version"]}] if built else []


def _source_trees(root):
    """Sources that DKMS would build although no package brought them."""
    return [path for path in ("/usr/src/%s/dkms.conf" % name for name in root.names("/usr/src") if name.startswith("nvidia")) if root.is_file(path)]


def _hand_made(files):
    for path, each in sorted(files.items()):
        why = HAND_MADE.get(path.rsplit("/", 1)[0])
        if why and not each["ours"]:
            yield {"path": path, "why": why + ", and no package owns it"}


def observe(root, kind, packages, driver, kernels, files):
    """-> {owners, foreign}; files: the files part of the observation."""
    traces = [path for path in RUN_FILE if root.exists(path)]
    trees = _source_trees(root)
    known = owned(root, kind, traces + trees)
    traces = [path for path in traces if path not in known]
    found = _package_owners(packages) + _run_file(root, traces, driver["user_space"]) + _container(root)
    foreign = [{"path": path, "why": "left by a .run installer"} for path in traces + ([RUN_FILE_LOG] if traces and root.is_file(RUN_FILE_LOG) else [])]
    foreign += [{"path": path, "why": "a DKMS source that no package owns"} for path in trees if path not in known]
    foreign += [{"path": CONTAINER, "why": "a driver that a container brought"}] if root.names(CONTAINER) else []
    return {"owners": found or _unknown(driver, kernels), "foreign": foreign + list(_hand_made(files))}


def others_files(root, kind, found):
    """The files of the observation without those that belong to a package: installing it is no work of others."""
    strangers = [path for path, each in found.items() if not each["ours"]]
    known = owned(root, kind, strangers)
    return {path: each for path, each in found.items() if path not in known}


def files(root, kind):
    return others_files(root, kind, host.files(root))
