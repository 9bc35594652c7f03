# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""On the build host: sign the modules of one kernel and pack them as a Debian package, so that no key and no compiler is on a GPU host.

Usage: pack_modules.py [check] < request.json, {folder, kernel, version, release, flavour, name, modules_as, sign_file, key, certificate, out}

check: only say whether the host has what it takes.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

CONTROL = """\
Package: {name}
Version: {version}-{release}
Architecture: {arch}
Maintainer: sovereign.ai_stack <root@localhost>
Section: kernel
Priority: optional
Provides: nvidia-kernel-{version}, nvidia-open-kernel-{version}
Description: accelerator modules {version} ({flavour}) for {kernel}
 Built and signed on a build host of the site.
"""
SCRIPT = """\
#!/bin/sh
set -e
depmod {kernel}
"""
MAGIC = b"~Module signature appended~\n"


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise SystemExit("pack_modules: %s ended with %d: %s" % (command[0], done.returncode, done.stdout.decode("utf-8", "replace").strip()[-300:]))
    return done.stdout.decode("utf-8", "replace").strip()


def sign_file(request):
    """The kernel's own program: where the operator says, else where the headers of the kernel have it."""
    named = request["sign_file"].replace("{kernel}", request["kernel"])
    found = [named] + sorted(glob.glob("/usr/lib/linux-kbuild-*/scripts/sign-file")) + ["/lib/modules/%s/build/scripts/sign-file" % request["kernel"]]
    for path in found:
        if path and os.access(path, os.X_OK):
            return path
    raise SystemExit("pack_modules: no sign-file on this host: install the headers of a kernel, or set gpu_driver_sign_file")


def check(request):
    """What can be known before minutes of compiling."""
    if not shutil.which("dpkg-deb"):
        raise SystemExit("pack_modules: dpkg-deb is not on this host")
    if request["key"] and sign_file(request) and not os.access(request["key"], os.R_OK):
        raise SystemExit("pack_modules: no key at %s" % request["key"])


def sign(path, request):
    """The kernel's own program signs; the key stays where it is and is named, never read here."""
    if not request["key"]:
        return
    run(sign_file(request), "sha256", request["key"], request["certificate"], path)
    with open(path, "rb") as module:
        module.seek(-len(MAGIC), os.SEEK_END)
        if module.read() != MAGIC:
            raise SystemExit("pack_modules: %s carries no signature" % os.path.basename(path))


def place(request, tree):
    """Copy the modules to where modprobe looks first, under the names that the distribution's configuration loads."""
    target = os.path.join(tree, "lib/modules", request["kernel"], "updates/ai-stack")
    os.makedirs(target)
    for name in sorted(name for name in os.listdir(request["folder"]) if name.endswith(".ko")):
        renamed = request["modules_as"] + name[len("nvidia"):] if name.startswith("nvidia") else name
        path = os.path.join(target, renamed)
        shutil.copyfile(os.path.join(request["folder"], name), path)
        sign(path, request)
    if not os.listdir(target):
        raise SystemExit("pack_modules: no modules in %s" % request["folder"])


def pack(request):
    tree = tempfile.mkdtemp(prefix="ai-stack-pack-", dir=os.path.dirname(request["out"]))
    try:
        os.chmod(tree, 0o755)
        place(request, tree)
        os.makedirs(os.path.join(tree, "DEBIAN"))
        with open(os.path.join(tree, "DEBIAN/control"), "w", encoding="utf-8") as control:
            control.write(CONTROL.format(arch=run("dpkg", "--print-architecture"), **request))
        for name in ("postinst", "postrm"):
            path = os.path.join(tree, "DEBIAN", name)
            with open(path, "w", encoding="utf-8") as script:
                script.write(SCRIPT.format(**request))
            os.chmod(path, 0o755)
        run("dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", tree, request["out"] + ".new")
        os.rename(request["out"] + ".new", request["out"])
    finally:
        shutil.rmtree(tree)


if __name__ == "__main__":
    (check if sys.argv[1:] == ["check"] else pack)(json.load(sys.stdin))
