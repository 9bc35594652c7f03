# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""dpkg's status file and apt's words, from a Debian 12."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import dpkg


@pytest.fixture
def packages(output):
    return dpkg.status(output("dpkg/status"))


def test_versions_come_from_the_status_file(packages):
    assert packages["dpkg"]["version"] == "1.21.23"
    assert packages["libc6:i386"]["architecture"] == "i386"


def test_a_left_over_configuration_is_no_package(packages):
    assert "linux-image-6.1.0-50-amd64" not in packages


def test_holds_and_half_done_packages_are_seen(packages):
    assert dpkg.held(packages) == ["nvidia-smi"]
    assert dpkg.broken(packages) == ["nvidia-kernel-dkms", "nvidia-persistenced"]


def test_an_empty_database_has_nothing():
    assert dpkg.status("") == {}


def test_offers_are_newest_first_with_their_origin(output):
    found = dpkg.policy(output("apt/policy-bookworm.txt"))
    assert [(each["version"], each["origins"][0]["suite"], each["origins"][0]["component"]) for each in found["nvidia-kernel-dkms"]["versions"]] == [
        ("535.309.01-0+deb12u1", "bookworm-security", "non-free"), ("535.261.03-1", "bookworm", "non-free")]
    assert found["nvidia-kernel-dkms"]["candidate"] == "535.309.01-0+deb12u1"
    assert found["nvidia-kernel-dkms"]["installed"] is None


def test_an_installed_version_is_told_and_its_database_is_no_origin(output):
    found = dpkg.policy(output("apt/policy-bookworm.txt"))["dpkg"]
    assert found["installed"] == "1.21.23"
    assert [origin["suite"] for origin in found["versions"][0]["origins"]] == ["bookworm"]


def test_a_flat_repository_is_its_own_suite():
    text = "x:\n  Installed: (none)\n  Candidate: 1\n  Version table:\n     1 500\n        500 file:/srv/packages ./ Packages\n"
    assert dpkg.policy(text)["x"]["versions"] == [{"version": "1", "origins": [{"uri": "file:/srv/packages", "suite": "./", "component": ""}]}]


def test_a_simulation_gives_every_package_and_version(output):
    found = dpkg.simulation(output("apt/simulate-proprietary.txt"))
    assert len(found["install"]) == 52
    assert found["install"]["nvidia-kernel-dkms"] == "535.309.01-0+deb12u1"
    assert found["install"]["gcc-12"] == "12.2.0-14+deb12u1"
    assert (found["remove"], found["upgrade"]) == ([], {})


def test_a_simulation_tells_upgrades_and_removals():
    text = ("Remv old-driver [1.0]\nInst libfoo:amd64 [1.0] (2.0 Debian:12/stable [amd64]) []\nInst bar [1:1.0] (1:2.0 Debian:12/stable [all])\n"
            "Conf libfoo (2.0 Debian:12/stable [amd64])\n")
    assert dpkg.simulation(text) == {"install": {"libfoo": "2.0", "bar": "1:2.0"}, "remove": ["old-driver"], "upgrade": {"libfoo": "1.0", "bar": "1:1.0"}}


@pytest.mark.parametrize("name, words", [
    ("apt/simulate-refused.txt", "nvidia-open-kernel-dkms : Depends: firmware-nvidia-gsp (= 535.261.03) or; firmware-nvidia-gsp-535.261.03;"
                                 " Depends: nvidia-open-kernel-support--v1; E: Unable to correct problems, you have held broken packages."),
    ("apt/simulate-no-version.txt", "E: Version '1.2.3' for 'nvidia-smi' was not found"),
])
def test_a_refusal_is_one_short_text(output, name, words):
    assert dpkg.complaint(output(name)) == words


def test_no_complaint_is_none():
    assert dpkg.complaint("Reading package lists...\n") is None


def test_sizes_are_added_from_the_lists(output):
    assert dpkg.sizes(output("apt/show.txt")) == [("nvidia-smi", "535.309.01-0+deb12u1", 390600, 881 * 1024),
                                                  ("libnvidia-ml1", "535.309.01-0+deb12u1", 689424, 2105 * 1024)]


def test_a_password_in_an_address_is_taken_out():
    assert dpkg.without_credentials("Err http://user:pa:ss@mirror.example.org/deb x") == "Err http://mirror.example.org/deb x"
