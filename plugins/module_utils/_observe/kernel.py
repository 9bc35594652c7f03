# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Kernels: the running one, the installed ones with their driver modules, and the one that boots next."""

from __future__ import annotations

import re

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import module_file
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import run, which
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import kernels

IMAGE_NAMES = re.compile(r"^(?:vmlinuz|vmlinux)-(.+?)(?:\.signed|\.old|\.bak)?$")
INITRAMFS = ("initrd.img-%s", "initramfs-%s.img", "initrd-%s")
IN_KERNEL = ("amdgpu", "i915", "xe", "habanalabs")
MODULE_FOLDERS = ("updates/dkms", "updates", "extra", "weak-updates", "kernel/drivers/video", "kernel")
GRUB = (("/boot/grub/grub.cfg", "/boot/grub/grubenv"), ("/boot/grub2/grub.cfg", "/boot/grub2/grubenv"))
BLS = "/boot/loader/entries"


def _images(root):
    found = {}
    for name in root.names("/boot"):
        match = IMAGE_NAMES.match(name)
        if match and "rescue" not in name and root.is_file("/boot/" + name):
            found.setdefault(match.group(1), "/boot/" + name)
    return found


def _module_paths(root, release):
    """Driver modules below /lib/modules/RELEASE; what modprobe would take is first."""
    base = "/lib/modules/" + release
    index = root.text(base + "/modules.dep", 1 << 24) or ""
    names = re.findall(r"^(\S*?(?:/|^)(?:nvidia[^/:]*|%s)\.ko(?:\.\w+)?):" % "|".join(IN_KERNEL), index, re.M)
    listed = [name if name.startswith("/") else "%s/%s" % (base, name) for name in names]
    for folder in MODULE_FOLDERS[:4]:
        here = "%s/%s" % (base, folder)
        listed += ["%s/%s" % (here, name) for name in root.names(here) if re.match(r"^nvidia.*\.ko(\.\w+)?$", name)]
        for sub in root.names(here) if folder in ("extra", "weak-updates") else []:
            listed += ["%s/%s/%s" % (here, sub, name) for name in root.names("%s/%s" % (here, sub)) if re.match(r"^nvidia.*\.ko(\.\w+)?$", name)]
    return list(dict.fromkeys(listed))


def _modules(root, release, guard):
    found = {}
    for path in _module_paths(root, release):
        stem = path.rsplit("/", 1)[-1].split(".ko")[0]
        if stem in IN_KERNEL:
            out_of_tree = "/updates/" in path or "/extra/" in path
            found.setdefault(stem, {"version": None, "flavour": None if out_of_tree else "in_kernel", "path": path, "signer": None})
        elif "nvidia" not in found and not re.match(r"^nvidia.*[-_](uvm|drm|modeset|peermem|fs|vgpu-vfio|wmi-ec-backlight)$", stem):
            described = guard("modinfo " + path, module_file.describe, root, path)
            if described and described.pop("name") == "nvidia":
                found["nvidia"] = dict(described, path=path)
    return found


def _headers(root, release):
    return any(root.exists("/lib/modules/%s/%s/Makefile" % (release, name)) for name in ("build", "source"))


def _package(packages, release):
    """The package that brings a kernel, by the names that packages of kernels have."""
    for name in ("linux-image-" + release, "linux-image-unsigned-" + release, "linux-modules-" + release):
        if name in packages:
            return name, packages[name]["version"]
    bare = release.rsplit(".", 1)[0]
    for name, each in packages.items():
        if re.match(r"^kernel(-core|-rt-core|-uek-core)?$", name.split("@")[0]) and each["version"] and each["version"].split(":")[-1] == bare:
            return name, each["version"]
    return None, None


def installed(root, packages, guard):
    """Every kernel that has an image or modules, oldest first."""
    images = _images(root)
    releases = set(images) | {name for name in root.names("/lib/modules") if root.is_dir("/lib/modules/" + name)}
    found = []
    for release in sorted(releases, key=kernels.key):
        package, version = _package(packages, release)
        found.append({
            "release": release, "image": images.get(release), "initramfs": any(root.is_file("/boot/" + name % release) for name in INITRAMFS),
            "package": package, "package_version": version, "headers": _headers(root, release), "modules": _modules(root, release, guard),
        })
    return found


def _from_bls(root, environment):
    entries = [kernels.bls_entry(name[:-5], root.text("%s/%s" % (BLS, name)) or "") for name in root.names(BLS) if name.endswith(".conf")]
    return kernels.bls_next(entries, environment) if entries else None


def next_boot(root):
    """(release or None, why). GRUB's own word first, boot loader entries where GRUB reads those, else the newest image."""
    images = sorted(_images(root))
    for config_path, environment_path in GRUB:
        config = root.text(config_path, 1 << 22)
        if config is None:
            continue
        environment = kernels.grubenv(root.text(environment_path) or "")
        if re.search(r"^\s*(blscfg|insmod blscfg)\b", config, re.M) or not re.search(r"^\s*menuentry ", config, re.M):
            answer = _from_bls(root, environment)
        else:
            # GRUB reads the entries of custom.cfg behind its own
            custom = root.text(config_path.replace("grub.cfg", "custom.cfg")) if "custom.cfg" in config else None
            answer = kernels.grub_next(config + "\n" + (custom or ""), environment)
        if answer:
            return _bootable(answer, images)
    answer = _from_bls(root, {})
    if answer:
        return _bootable(answer, images)
    if not images:
        return None, "no kernel in /boot"
    return kernels.newest(images), "newest of %d in /boot" % len(images)


def _bootable(answer, images):
    release, because = answer
    if release and release not in images:
        return None, "%s says %s, which has no image in /boot" % (because, release)
    return release, because if release else because + ", which names no kernel here"


def compiler(root, packages):
    """The compiler that a module build on this host takes."""
    path = root.real("/usr/bin/gcc")
    if not path or path == "/usr/bin/gcc" and not root.is_file(path):
        return None
    name = path.rsplit("/", 1)[-1]
    match = re.match(r"^(?:x86_64-linux-gnu-|aarch64-linux-gnu-)?gcc-(\d+)$", name)
    package = packages.get("gcc-" + match.group(1)) if match else packages.get("gcc")
    version = package["version"].split("-")[0].split(":")[-1] if package else None
    if version is None and root.live:
        answer = run([which("gcc") or "gcc", "-dumpfullversion"], 5)
        version = answer.out.strip() or None if answer.code == 0 else None
    return {"name": "gcc", "version": version, "path": "/usr/bin/gcc"}


def observe(root, packages, guard):
    release, because = guard("next boot", next_boot, root) or (None, "cannot be told, see errors")
    return {"running": root.line("/proc/sys/kernel/osrelease"), "next_boot": release, "next_boot_because": because, "cmdline": root.line("/proc/cmdline"),
            "compiler": guard("compiler", compiler, root, packages), "installed": guard("kernels", installed, root, packages, guard) or []}
