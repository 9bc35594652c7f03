# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Kernel modules and initramfs of one named kernel: the one that boots next, which need not be the running one."""

from __future__ import annotations

import os
import re

import host
import packages

# DKMS's own switch: its package script would build for the running kernel, and a failure would leave dpkg half-done.
NO_AUTOINSTALL = "/etc/dkms/no-autoinstall"
OURS = b"# managed by sovereign.ai_stack: lifted at the end of the change\n"


def no_autoinstall():
    """Let packages come without a build; the switch of an operator is left alone."""
    if host.read(NO_AUTOINSTALL) is None:
        host.write(NO_AUTOINSTALL, OURS, 0o644)


def autoinstall():
    if host.read(NO_AUTOINSTALL) == OURS:
        host.remove(NO_AUTOINSTALL)


def source_of(package):
    """Return (name, version) under which DKMS knows the package's source."""
    for path in packages.files_of(package):
        found = re.match(r"/usr/src/([^/]+)-([^/-]+)/dkms\.conf$", path)
        if found:
            return found.groups()
    raise host.Refused("%s brings no source that DKMS could build" % package)


def build(package, kernel):
    """Have DKMS build and install the package's modules for this kernel, and prove that they are there."""
    name, version = source_of(package)
    which = ["-m", name, "-v", version]
    known = host.run(["dkms", "status"] + which, check=False)[1]
    if not known.strip():
        host.run(["dkms", "add"] + which)
    if is_installed(which, kernel):
        # a run that was cut off may have come so far and no further; DKMS does it after an install itself
        host.run(["depmod", kernel])
    else:
        # Without a key of the operator's own, DKMS would make one and leave its private half on the host.
        code, out = host.run(["dkms", "install"] + which + ["-k", kernel], check=False, environment={"sign_file": "/nonexistent"})
        if code:
            raise host.Refused("the module does not build for %s: %s" % (kernel, compiler_lines(name, version) or host.tail(out)))
    if not is_installed(which, kernel):
        raise host.Refused("DKMS reports no installed module of %s %s for %s" % (name, version, kernel))
    autoinstall()


def is_installed(which, kernel):
    return ": installed" in host.run(["dkms", "status"] + which + ["-k", kernel], check=False)[1]


def compiler_lines(name, version):
    log = host.text("/var/lib/dkms/%s/%s/build/make.log" % (name, version)) or ""
    lines = [line.strip() for line in log.splitlines() if re.search(r": (fatal )?error: |ERROR: modpost", line)]
    return " | ".join(line[:300] for line in lines[:3])


def image(kernel):
    """Return the path of this kernel's initramfs, as the tool that writes it names the file."""
    return ("/boot/initrd.img-%s" if host.which("update-initramfs") else "/boot/initramfs-%s.img") % kernel


def kernel_of(path):
    """Return the kernel whose initramfs this is."""
    return re.match(r"(initrd\.img-|initramfs-)(.*?)(\.img)?$", os.path.basename(path)).group(2)


def initramfs(kernel):
    """Write anew the initramfs of this kernel only; every other boot entry stays as it is."""
    if host.which("update-initramfs"):
        known = os.path.exists(host.at(image(kernel)))
        host.run(["update-initramfs", "-u" if known else "-c", "-k", kernel])
    elif host.which("dracut"):
        host.run(["dracut", "--force", "--kver", kernel])
