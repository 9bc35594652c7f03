# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""rpm and dnf, real programs over stand-in packages."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import rpm


def test_installed_packages_come_with_epoch_and_vendor(output):
    found = rpm.installed(output("dnf/rpm-qa.txt"))
    assert found["kmod-nvidia-latest-dkms"] == {"version": "3:580.82.07-1.el9", "architecture": "noarch", "maintainer": "NVIDIA", "state": "installed"}
    assert found["gcc"]["version"] == "11.5.0-1.el9"


def test_of_several_kernels_each_is_kept():
    line = "kernel-core\t%s\tx86_64\tRocky\n"
    found = rpm.installed(line % "5.14.0-503.el9" + line % "5.14.0-503.11.1.el9")
    assert sorted(found) == ["kernel-core", "kernel-core@5.14.0-503.11.1.el9", "kernel-core@5.14.0-503.el9"]


def test_offers_are_newest_first(output):
    found = rpm.offers(output("dnf/repoquery.txt"))
    assert found["kmod-nvidia-open-dkms"] == [{"version": "3:580.95.05-1.el9", "origin": "local"}, {"version": "3:580.82.07-1.el9", "origin": "local"}]
    assert found["gcc"] == [{"version": "11.5.0-1.el9", "origin": "local"}]
    assert "no-such" not in found


@pytest.mark.parametrize("older, newer", [
    ("580.82.07-1.el9", "580.95.05-1.el9"), ("580.95.05-1.el9", "1:1.0-1"), ("1.0~rc1-1", "1.0-1"), ("1.0-9", "1.0-10"), ("1.0-1", "1.0.1-1"),
    ("1.a-1", "1.1-1"),
])
def test_versions_are_ordered_as_rpm_does(older, newer):
    assert rpm.order(older) < rpm.order(newer)


@pytest.mark.parametrize("name, versions", [
    ("kernel-devel-5.14.0-503.el9.x86_64", ["5.14.0-503.el9"]), ("kernel-devel-5.14.0-427.el9.x86_64", []),
    ("kernel-devel", ["5.14.0-503.el9", "5.14.0-496.el9"]),
    ("no-such", []),
])
def test_headers_of_one_kernel_are_one_version_of_a_package(name, versions):
    found = {"kernel-devel": [{"version": "5.14.0-503.el9"}, {"version": "5.14.0-496.el9"}]}
    assert [each["version"] for each in rpm.of_release(found, name)] == versions


def test_a_simulation_gives_every_package_whatever_the_width(output):
    found = rpm.simulation(output("dnf/simulate.txt"))
    assert found["ok"]
    assert found["install"] == {
        "a-package-with-a-name-that-is-far-too-long-for-one-line-of-a-table": "1.0-1.el9", "kmod-nvidia-open-dkms": "3:580.95.05-1.el9",
        "nvidia-driver-cuda": "3:580.95.05-1.el9", "dkms": "3.0.13-1.el9", "gcc": "11.5.0-1.el9", "nvidia-kmod-common": "3:580.95.05-1.el9"}
    assert (found["remove"], found["download_bytes"]) == ([], 37 * 1024)


def test_a_name_on_a_line_of_its_own_belongs_to_the_next():
    text = ("Installing:\n name-that-is-too-long\n              noarch 1:2.0-1.el9 local 6.3 k\n\nTransaction Summary\n==\nInstall 1 Package\n")
    assert rpm.simulation(text)["install"] == {"name-that-is-too-long": "1:2.0-1.el9"}


def test_upgrades_and_removals_are_told_apart(output):
    found = rpm.simulation(output("dnf/simulate-upgrade.txt"))
    assert sorted(found["install"]) == ["kmod-nvidia-open-dkms", "nvidia-kmod-common", "nvidia-persistenced"]
    assert found["remove"] == ["kmod-nvidia-latest-dkms"]


@pytest.mark.parametrize("name, ok", [("simulate.txt", True), ("simulate-nothing.txt", True), ("simulate-conflict.txt", False), ("simulate-absent.txt", False)])
def test_dnfs_words_tell_whether_it_would(output, name, ok):
    assert rpm.simulation(output("dnf/" + name))["ok"] is ok


@pytest.mark.parametrize("name, words", [
    ("simulate-absent.txt", "No match for argument: no-such-package-3:1; Error: Unable to find a match: no-such-package-3:1"),
    ("simulate-conflict.txt", "Problem: problem with installed package kmod-nvidia-latest-dkms-3:580.82.07-1.el9.noarch"),
])
def test_a_refusal_is_one_short_text(output, name, words):
    assert rpm.complaint(output("dnf/" + name)).startswith(words)


def test_a_dump_of_settings_is_no_complaint():
    assert rpm.complaint("Problem repository: [x]\npassword: s3cret\nproxy_password: y\n".replace("Problem repository", "Repository")) is None


def test_repositories_that_do_not_answer_are_named(output):
    assert rpm.failures(output("dnf/unreachable.txt"))[0][0] == "dead"
    assert "Curl error" in rpm.failures(output("dnf/unreachable.txt"))[0][1]


@pytest.mark.parametrize("text, names", [
    ("# added\nkmod-nvidia-open-dkms-3:580.95.05-1.el9.*\n!gcc-0:11-1.*\n", ["kmod-nvidia-open-dkms"]),
    ('version = "1.0"\n[[packages]]\nname = "nvidia-driver"\ncomment = "x"\n', ["nvidia-driver"]), ("", []),
])
def test_versionlocks_of_both_generations_are_read(text, names):
    assert rpm.locked(text) == names


def test_a_repository_file_is_read_by_section():
    assert rpm.sections("[a]\nname=A\nbaseurl=http://mirror.example.org/x?a=b\n# password=no\n[b]\nenabled = 0\n") == {
        "a": {"name": "A", "baseurl": "http://mirror.example.org/x?a=b"}, "b": {"enabled": "0"}}
