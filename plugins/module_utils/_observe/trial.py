# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A trial build of a DKMS package's modules against the headers of one kernel. Installs nothing."""

from __future__ import annotations

import os
import platform
import shutil
import time

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import toolchain
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import run
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.scratch import name_group
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import make_log

ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}
QUICK = "nvidia/nv-pci.o"  # the file that most kernel updates break: its "no" is certain, its "yes" is not


def _gently(place):
    """Runs before the compilers start: other work comes first, and the folder's guardian must know whom to end."""
    def prepare():
        os.nice(10)
        name_group(place)
    return prepare


def source_folder(root):
    """Folder with the dkms.conf that the package brought."""
    for folder, _folders, names in os.walk(root + "/usr/src"):
        if "dkms.conf" in names:
            return folder
    raise toolchain.Missing("the package has no dkms.conf")


def command(folder, tools, mode, jobs):
    """NVIDIA's Makefile takes SYSSRC and SYSOUT; without them it looks at the running kernel."""
    if not os.path.exists(folder + "/conftest.sh"):
        raise toolchain.Missing("not a source tree of NVIDIA's kernel modules")
    if mode == "full":
        return ["make", "-j%d" % jobs, "modules", "SYSSRC=" + tools["source"], "SYSOUT=" + tools["output"]]
    machine = ARCHITECTURES.get(platform.machine(), platform.machine())
    return ["make", "-j%d" % jobs, "-C", tools["source"], "M=" + folder, "KBUILD_OUTPUT=" + tools["output"], "ARCH=" + machine,
            "NV_KERNEL_SOURCES=" + tools["source"], "NV_KERNEL_OUTPUT=" + tools["output"], "NV_KERNEL_MODULES=nvidia", QUICK]


def built(folder):
    found = [os.path.join(here, name) for here, _folders, names in os.walk(folder) for name in names if name.endswith(".ko")]
    return sorted(found)


def build(place, folder, tools, mode, jobs, seconds):
    """-> (result, errors)."""
    environment = dict(tools["environment"], MAKEFLAGS="")
    answer = run(command(folder, tools, mode, jobs), seconds, _gently(place), folder, environment)
    if answer.late:
        return "not_tried", ["the build did not end in %d s" % seconds]
    errors = make_log.errors(answer.out + "\n" + answer.err, place)
    if answer.code == 0 and (mode == "quick" or built(folder)):
        return "built", []
    return make_log.verdict(errors), errors or ["make ended with %s and no message" % answer.code]


def keep(folder, target, environment):
    """Copies the modules, without what a debugger wants, for a later package of them; only complete files appear there."""
    os.makedirs(target, mode=0o755, exist_ok=True)
    names = []
    for path in built(folder):
        name = os.path.basename(path)
        shutil.copyfile(path, os.path.join(target, "." + name))
        answer = run(["strip", "-g", "." + name], 60, environment=environment, folder=target)
        if answer.code != 0:
            raise toolchain.Missing("strip ended with %s: %s" % (answer.code, answer.err.strip()))
        os.replace(os.path.join(target, "." + name), os.path.join(target, name))
        names.append(name)
    return names


def attempt(apt, place, wanted):
    """wanted: kernel, package, version, mode, keep, jobs, seconds -> {version, compiler, result, errors, seconds, modules}."""
    started, outcome = time.monotonic(), {"version": wanted["version"], "compiler": None, "modules": [], "unpacked": []}
    try:
        version = wanted["version"] or (apt.policy([wanted["package"]]).get(wanted["package"]) or {}).get("candidate")
        if not version:
            raise toolchain.Missing("no source offers " + wanted["package"])
        outcome["version"] = version
        tools = toolchain.prepare(apt, place, wanted["kernel"])
        outcome.update(compiler=tools["compiler"], unpacked=tools["unpacked"])
        toolchain.fetch(apt, place, ["%s=%s" % (wanted["package"], version)])
        folder = source_folder(place + "/root")
        outcome["result"], outcome["errors"] = build(place, folder, tools, wanted["mode"], wanted["jobs"], wanted["seconds"])
        if outcome["result"] == "built" and wanted["keep"] and wanted["mode"] == "full":
            outcome["modules"] = keep(folder, wanted["keep"], tools["environment"])
    except toolchain.Missing as error:
        outcome.update(result="not_tried", errors=[str(error)])
    return dict(outcome, seconds=round(time.monotonic() - started))
