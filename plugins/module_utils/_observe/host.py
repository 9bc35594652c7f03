# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What kind of machine this is: system, disk, units, our journal and files."""

from __future__ import annotations

import hashlib
import json
import os
import re

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import run, which
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import os_release

MARKER = "managed by sovereign.ai_stack"
STATE = "/var/lib/ai-stack/gpu_driver"
PASSTHROUGH = "/var/lib/ai-stack/pci_passthrough"
PASSTHROUGH_SETTINGS = "/etc/ai-stack/pci-passthrough.json"
HYPERVISORS = (("qemu", "kvm"), ("vmware", "vmware"), ("microsoft", "microsoft"), ("amazon", "amazon"))
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# the package that every service of Nova needs: of Debian and Ubuntu, of RDO
NOVA = ("nova-common", "openstack-nova-common")
UNITS = ("nvidia-persistenced.service", "nvidia-fabricmanager.service", "nvidia-imex.service", "nvlsm.service", "dkms.service")
UNIT_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system")
CONFIGURATION = ("/etc/modprobe.d", "/etc/modules-load.d", "/etc/udev/rules.d", "/etc/initramfs-tools/conf.d", "/etc/initramfs-tools/hooks",
                 "/etc/dracut.conf.d", "/etc/default/grub.d", "/etc/apt/preferences.d", "/etc/apt/sources.list.d", "/etc/apt/apt.conf.d", "/etc/yum.repos.d",
                 "/etc/dnf/plugins", "/etc/driverctl.d", "/etc/systemd/system", "/etc/ai-stack")
DRIVER_WORDS = re.compile(rb"\b(nvidia|nouveau|amdgpu|radeon|i915|habanalabs|vfio[-_]pci)", re.I)
FILE_LIMIT = 1 << 20


def _virtualization(root):
    container = root.line("/run/systemd/container") or ("podman" if root.exists("/run/.containerenv") else None)
    if container:
        return container
    if root.line("/sys/hypervisor/type"):
        return root.line("/sys/hypervisor/type")
    information = root.text("/proc/cpuinfo", 65536)
    if information is None:
        return None
    if not re.search(r"^flags\s*:.*\bhypervisor\b", information, re.M):
        return "none"
    vendor = (root.line("/sys/class/dmi/id/sys_vendor") or "").lower()
    return next((name for word, name in HYPERVISORS if word in vendor), "vm-other")


def _architecture(root):
    if root.live:
        return os.uname().machine
    machine = root.line("/proc/sys/kernel/arch")
    if not machine:
        match = re.search(r"^Package: base-files\n(?:\S.*\n)*?Architecture: (\S+)", root.text("/var/lib/dpkg/status", 1 << 26) or "", re.M)
        machine = match.group(1) if match else None
    return MACHINES.get(machine, machine)


def system(root):
    text = root.text("/etc/os-release") or root.text("/usr/lib/os-release") or ""
    return dict(os_release.system(text), arch=_architecture(root), machine_id=root.line("/etc/machine-id"),
                boot_id=root.line("/proc/sys/kernel/random/boot_id"), virtualization=_virtualization(root), cpu_vendor=_cpu_vendor(root))


def disk(root):
    """Free bytes for root's own processes are more than for others; what counts is what a package manager gets."""
    if not root.live:
        return None
    found = {}
    for path in ("/", "/boot", "/usr", "/var"):
        if os.path.isdir(path):
            state = os.statvfs(path)
            found[path] = state.f_bavail * state.f_frsize
    return found


def _unit_names(root):
    ours = {name for folder in UNIT_FOLDERS for name in root.names(folder) if name.startswith("ai-stack-") and "." in name and not name.endswith(".d")}
    return list(UNITS) + sorted(ours)


def units(root, seconds, guard):
    """State of the units that a driver needs; null: no systemd that could tell."""
    if not root.live or not os.path.isdir("/run/systemd/system") or not which("systemctl"):
        return None
    names = _unit_names(root)
    answer = run([which("systemctl"), "show", "--no-pager", "--property=Id,LoadState,ActiveState,UnitFileState"] + names, seconds)
    if answer.code != 0:
        guard.note("systemctl", answer.err or "exit %s" % answer.code)
        return None
    found = {}
    for name, stanza in zip(names, answer.out.strip().split("\n\n")):
        values = dict(line.split("=", 1) for line in stanza.splitlines() if "=" in line)
        if values.get("LoadState") != "not-found":
            found[name] = {"load": values.get("LoadState") or None, "active": values.get("ActiveState") or None, "enabled": values.get("UnitFileState") or None}
    return found


def _json(root, path, guard):
    text = root.text(path, 1 << 24)
    try:
        return None if text is None else json.loads(text)
    except ValueError as error:
        guard.note(path, "not JSON: %s" % error)
        return {"unreadable": True}


def _parts(record, names):
    return {name: record.get(name) for name in names} if isinstance(record, dict) else None


def journal(root, guard):
    """The change that is under way, the last state that was proven, and whether the host is out of service, in the words of the role's own program."""
    return {"open": _parts(_json(root, STATE + "/journal.json", guard), ("plan", "owner", "step", "at")),
            "last_good": _parts(_json(root, STATE + "/last-good.json", guard), ("plan", "at", "kernel", "driver")),
            "drained": root.text(STATE + "/drained") is not None}


def openstack(installed):
    """What of OpenStack is installed by packages, as {part: version}; a part that is not is absent."""
    versions = [installed[name]["version"] for name in NOVA if name in installed]
    return {"nova": versions[0]} if versions else {}


def passthrough(root, guard):
    """The same of the role that gives cards away, with what its settings say; reason: why a boot that was tried was not proven."""
    return {"settings": _json(root, PASSTHROUGH_SETTINGS, guard),
            "open": _parts(_json(root, PASSTHROUGH + "/journal.json", guard), ("plan", "owner", "step", "at", "boot_id", "want")),
            "last_change": _parts(_json(root, PASSTHROUGH + "/last-change.json", guard), ("result", "reason", "at")),
            "touched": root.exists(PASSTHROUGH + "/baseline.json"),
            "drained": root.exists(PASSTHROUGH + "/drained")}


def _cpu_vendor(root):
    match = re.search(r"^vendor_id\s*:\s*(\S+)", root.text("/proc/cpuinfo", 65536) or "", re.M)
    return match.group(1) if match else None


def touched_packages(root):
    """Names of packages that a change of ours has brought or will bring: they are listed whatever they are called."""
    found = set()
    for name, keys in (("journal.json", ("touches", "packages")), ("baseline.json", ("touches", "packages")), ("last-good.json", ("state", "packages"))):
        part = _quiet(root, name)
        for key in keys:
            part = part.get(key) if isinstance(part, dict) else part
        found.update(each for each in part or () if isinstance(each, str))
    return found


def proven_packages(root):
    """{name: version} of the last state that a change of ours proved."""
    part = _quiet(root, "last-good.json")
    for key in ("state", "packages"):
        part = part.get(key) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else {}


def _quiet(root, name):
    try:
        return json.loads(root.text("%s/%s" % (STATE, name), 1 << 24) or "null")
    except ValueError:
        return None


def _files_below(root, folder, depth=2):
    for name in root.names(folder):
        path = "%s/%s" % (folder, name)
        link = os.path.islink(root.at(folder) + "/" + name)
        if root.is_dir(path):
            yield from _files_below(root, path, depth - 1) if depth > 1 and not link else ()
        elif root.is_file(path) and not (link and folder.startswith("/etc/systemd/system")):  # links there say what is enabled: see units
            yield path


def files(root):
    """Drop-ins that carry our mark, and other people's that touch a driver."""
    found = {}
    for folder in CONFIGURATION:
        for path in _files_below(root, folder):
            data = root.data(path, FILE_LIMIT)
            if data is None:
                continue
            ours = MARKER.encode() in data[:4096] or folder.endswith("/ai-stack")
            if ours or DRIVER_WORDS.search(data):
                found[path] = {"sha256": hashlib.sha256(data).hexdigest(), "ours": ours}
    return found
