# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Versions are compared as their makers compare them."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import versions

# older, newer: what `dpkg --compare-versions` says
DPKG = [
    ("1.0", "1.1"),
    ("1.9", "1.10"),
    ("1.0", "1.0.1"),
    ("1.0~rc1", "1.0"),
    ("1.0~~", "1.0~"),
    ("1.0~rc1-1", "1.0~rc2-1"),
    ("1.0", "1.0+b1"),
    ("1.0a", "1.0+"),
    ("1.0-1", "1.0-1+deb12u1"),
    ("1.0-1~bpo13+1", "1.0-1"),
    ("9.9-9", "1:0.1-1"),
    ("1:1.0", "2:0.1"),
    ("1.2-3.4", "1.2.3"),
    ("0.9j-20080306-4", "0.9k-1"),
    ("535.261.03-1", "535.309.01-0+deb12u1"),
    ("550.163.01-2", "550.163.01-4~bpo13+1"),
    ("535.216.03-2~bpo12+1", "535.216.03-3~deb12u1"),
    ("570.211.01-0ubuntu1.22.04.1", "580.178.04-0ubuntu0.22.04.1"),
    ("1." + "9" * 5000, "1.1" + "0" * 5000),
]
DPKG_EQUAL = [("1.0", "1.0-0"), ("0:1.0", "1.0"), ("1.00", "1.0"), ("1.0-01", "1.0-1"), ("", "0")]

RPM = [
    ("1.0-1", "1.0-2"),
    ("1.0-9.el9", "1.0-10.el9"),
    ("1.0", "2.0"),
    ("2.0", "2.0.1"),
    ("5.5p1", "5.5p10"),
    ("10xyz", "10.1xyz"),
    ("xyz10", "xyz10.1"),
    ("xyz.4", "8"),
    ("5.5p2", "5.6p1"),
    ("6.0", "6.0.rc1"),
    ("10a2", "10b2"),
    ("1.0~rc1", "1.0"),
    ("1.0~rc1", "1.0~rc2"),
    ("1.0", "1.0^"),
    ("1.0^git1", "1.0^git2"),
    ("1.0^git1", "1.01"),
    ("1.0~rc1^git1", "1.0"),
    ("580.95.05-1.el9", "3:570.1.1-1.el9"),
]
RPM_EQUAL = [("1.0", "1.00"), ("1.0", "1..0"), ("0:1.0-1", "1.0-1"), ("2_0", "2.0"), ("1.0", "1.0-5.el9")]


@pytest.mark.parametrize(("compare", "older", "newer"), [(versions.compare_dpkg, *pair) for pair in DPKG] + [(versions.compare_rpm, *pair) for pair in RPM])
def test_older_sorts_before_newer(compare, older, newer):
    assert compare(older, newer) == -1
    assert compare(newer, older) == 1


@pytest.mark.parametrize(
    ("compare", "left", "right"), [(versions.compare_dpkg, *pair) for pair in DPKG_EQUAL] + [(versions.compare_rpm, *pair) for pair in RPM_EQUAL]
)
def test_equal_versions_are_equal(compare, left, right):
    assert compare(left, right) == compare(right, left) == 0


def test_each_package_manager_has_its_own_order():
    assert sorted(["1.0", "1.0.rc1", "1.0~rc1"], key=versions.key("dnf")) == ["1.0~rc1", "1.0", "1.0.rc1"]
    assert sorted(["1.0", "1.0-1~bpo1", "1.0-1"], key=versions.key("apt")) == ["1.0", "1.0-1~bpo1", "1.0-1"]


@pytest.mark.parametrize(
    ("text", "upstream", "branch", "numbers"),
    [
        ("535.309.01-0+deb12u1", "535.309.01", "535", (535, 309, 1)),
        ("3:580.95.05-1.el9", "580.95.05", "580", (580, 95, 5)),
        ("580.142", "580.142", "580", (580, 142)),
        ("20250410-2", None, "20250410-2", (20250410, 2)),
        ("", None, "", ()),
        (None, None, "", ()),
    ],
)
def test_driver_version_is_found_in_a_package_version(text, upstream, branch, numbers):
    assert (versions.upstream(text), versions.branch(text), versions.driver(text)) == (upstream, branch, numbers)


def test_driver_versions_compare_as_integers():
    assert versions.driver("570.86.15") < versions.driver("570.124.04") < versions.driver("570.133.20")


@pytest.mark.parametrize(
    ("release", "numbers"),
    [("6.12.118+deb13-amd64", (6, 12, 118)), ("6.1.0-56-cloud-amd64", (6, 1, 0)), ("5.14.0-570.el9.x86_64", (5, 14, 0)), ("rescue", ()), (None, ())],
)
def test_kernel_release_begins_with_numbers(release, numbers):
    assert versions.kernel(release) == numbers
