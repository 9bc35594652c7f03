# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A trial's compiler and headers, and what it makes of a build."""

from __future__ import annotations

import os
import sys

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import toolchain, trial

KERNEL = "6.1.0-56-amd64"


@pytest.fixture
def headers(tmp_path):
    """Debian's header packages, unpacked: they name each other by absolute paths."""
    flavour = tmp_path / "usr/src" / ("linux-headers-" + KERNEL)
    common = tmp_path / "usr/src/linux-headers-6.1.0-56-common"
    flavour.mkdir(parents=True)
    common.mkdir()
    (flavour / "Makefile").write_text("include /usr/src/linux-headers-6.1.0-56-common/Makefile\n")
    (flavour / ".kernelvariables").write_text("override KBUILD = /usr/lib/linux-kbuild-6.1\n")
    (common / "Makefile").write_text("VERSION = 6\n")
    (common / "scripts").symlink_to("/usr/lib/linux-kbuild-6.1/scripts")
    return tmp_path


def test_unpacked_headers_point_at_each_other_and_not_at_the_host(headers):
    source, output = toolchain.unpacked_headers(str(headers), KERNEL)
    assert open(output + "/Makefile", encoding="utf-8").read() == "include %s/usr/src/linux-headers-6.1.0-56-common/Makefile\n" % headers
    assert open(output + "/.kernelvariables", encoding="utf-8").read() == "override KBUILD = %s/usr/lib/linux-kbuild-6.1\n" % headers
    assert os.readlink(source + "/scripts") == "%s/usr/lib/linux-kbuild-6.1/scripts" % headers


def test_headers_of_another_kernel_are_none(headers):
    with pytest.raises(toolchain.Missing, match="no headers for kernel 6.1.0-57-amd64"):
        toolchain.unpacked_headers(str(headers), "6.1.0-57-amd64")


class Apt:
    seconds = 5

    def __init__(self, candidates, simulation=None):
        self.candidates, self.simulation, self.asked = candidates, simulation, []

    def policy(self, names):
        return {name: {"candidate": self.candidates.get(name)} for name in names}

    def simulate(self, request):
        return self.simulation

    def depends(self, name):
        return ["linux-headers-6.1.0-56-common", "linux-kbuild-6.1", "linux-compiler-gcc-12-x86"]

    def download(self, folder, words):
        self.asked.append(words)
        return "E: nothing here"


def test_the_running_c_library_is_never_unpacked_beside():
    apt = Apt({"gcc": "4:12"}, {"ok": True, "install": {"gcc-12": "12", "libc6": "2.36", "libc6-dev": "2.36"}})
    assert toolchain._closure(apt, ["gcc"]) == ["gcc-12=12", "libc6-dev=2.36"]


def test_part_of_the_headers_that_the_host_has_is_unpacked_beside_the_others(monkeypatch, tmp_path):
    monkeypatch.setattr(toolchain, "which", lambda name: name)
    apt = Apt({"linux-headers-" + KERNEL: "6.1.192-2"}, {"ok": True, "install": {"linux-headers-" + KERNEL: "1", "linux-headers-6.1.0-56-common": "1"}})
    with pytest.raises(toolchain.Missing):
        toolchain.prepare(apt, str(tmp_path), KERNEL)
    assert apt.asked == [["linux-headers-6.1.0-56-amd64=1", "linux-headers-6.1.0-56-common=1", "linux-kbuild-6.1"]]


@pytest.mark.parametrize(
    "apt, words",
    [
        (Apt({}), "no source offers gcc"),
        (Apt({"gcc": "4:12"}, {"ok": False, "message": "E: held broken packages"}), "E: held broken packages"),
    ],
)
def test_what_cannot_be_had_is_named(apt, words):
    with pytest.raises(toolchain.Missing, match=words):
        toolchain._closure(apt, ["gcc"])


def wanted(**more):
    return dict({"kernel": KERNEL, "package": "p", "version": None, "mode": "full", "keep": None, "jobs": 1, "seconds": 60}, **more)


def test_a_package_that_nobody_offers_is_not_tried(tmp_path):
    found = trial.attempt(Apt({}), str(tmp_path), wanted())
    assert (found["result"], found["errors"], found["compiler"]) == ("not_tried", ["no source offers p"], None)


def test_a_download_that_fails_is_not_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(
        toolchain, "prepare", lambda apt, place, kernel: {"compiler": "gcc 12.2.0", "unpacked": [], "environment": {}, "source": "s", "output": "o"}
    )
    found = trial.attempt(Apt({"p": "1"}), str(tmp_path), wanted())
    assert (found["result"], found["errors"], found["version"], found["compiler"]) == ("not_tried", ["E: nothing here"], "1", "gcc 12.2.0")


@pytest.fixture
def source(tmp_path):
    """source(rules): a source tree whose Makefile does that."""

    def make(rules):
        folder = tmp_path / "src"
        folder.mkdir()
        (folder / "conftest.sh").write_text("")
        (folder / "Makefile").write_text("modules:\n" + "".join("\t%s\n" % rule for rule in rules))
        return str(folder)

    return make


@pytest.mark.parametrize(
    "rules, result, errors",
    [
        (["@touch nvidia.ko"], "built", []),
        (["@true"], "not_tried", ["make ended with 0 and no message"]),
        (['@echo "x.c:1:1: error: too few arguments" >&2; exit 1'], "failed", ["x.c:1:1: error: too few arguments", "make: *** [Makefile:2: modules] Error 1"]),
        (
            ["@echo 'cc1: error: x.s: No space left on device' >&2; exit 1"],
            "not_tried",
            ["cc1: error: x.s: No space left on device", "make: *** [Makefile:2: modules] Error 1"],
        ),
        (["@sleep 600"], "not_tried", ["the build did not end in 2 s"]),
    ],
    ids=["modules", "no modules", "error", "disk full", "too slow"],
)
def test_the_result_follows_modules_and_messages(source, tmp_path, rules, result, errors):
    assert trial.build(str(tmp_path), source(rules), {"environment": {}, "source": "s", "output": "o"}, "full", 1, 2) == (result, errors)


def test_modules_are_kept_when_asked(source, tmp_path):
    folder = source(["@cp %s nvidia.ko; cp %s nvidia-uvm.ko" % (sys.executable, sys.executable)])
    trial.build(str(tmp_path), folder, {"environment": {}, "source": "s", "output": "o"}, "full", 1, 60)
    assert trial.keep(folder, str(tmp_path / "kept"), {}) == ["nvidia-uvm.ko", "nvidia.ko"]
    assert sorted(os.listdir(tmp_path / "kept")) == ["nvidia-uvm.ko", "nvidia.ko"]


def test_modules_that_cannot_be_stripped_are_not_kept(source, tmp_path):
    folder = source(["@echo no module >nvidia.ko"])
    trial.build(str(tmp_path), folder, {"environment": {}, "source": "s", "output": "o"}, "full", 1, 60)
    with pytest.raises(toolchain.Missing, match="strip ended with 1"):
        trial.keep(folder, str(tmp_path / "kept"), {})


def test_the_kernels_sources_are_always_handed_over(source):
    tools = {"source": "/s", "output": "/o"}
    folder = source([])
    assert trial.command(folder, tools, "full", 2) == ["make", "-j2", "modules", "SYSSRC=/s", "SYSOUT=/o"]
    quick = trial.command(folder, tools, "quick", 2)
    assert {"-C", "/s", "M=" + folder, "KBUILD_OUTPUT=/o", "NV_KERNEL_SOURCES=/s", "nvidia/nv-pci.o"} <= set(quick)


def test_other_sources_than_nvidias_are_not_tried(tmp_path):
    with pytest.raises(toolchain.Missing, match="not a source tree"):
        trial.command(str(tmp_path), {"source": "/s", "output": "/o"}, "full", 1)
