# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Headers can be had, whatever a distribution calls them: the name comes from the role, through the observation."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.candidates import Candidate
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.rules_build import headers_can_be_had

DEB, RPM = "6.1.0-56-amd64", "5.14.0-503.el9.x86_64"
OFFER = [{"version": "1", "origin": "x"}]


def objections(release, tools, packages=(), headers=False, **candidate):
    case = SimpleNamespace(release=release, packages={"tools": tools}, installed_kernel={"headers": headers}, path=lambda key: key)
    return list(headers_can_be_had(Candidate(**{"module": "m", "packages": dict(packages), **candidate}), case))


@pytest.mark.parametrize(("release", "tools", "packages"), [
    (DEB, {"dkms": [], f"linux-headers-{DEB}": OFFER}, {}),
    (DEB, {f"linux-headers-{DEB}": []}, {f"linux-headers-{DEB}": "6.1.192-1"}),
    (RPM, {"dkms": [], f"kernel-devel-{RPM}": OFFER}, {}),
    (RPM, {f"kernel-devel-{RPM}": []}, {"kernel-devel": "5.14.0-503.el9"}),
    (RPM, {f"kernel-uek-devel-{RPM}": []}, {"kernel-uek-devel": "5.14.0-503.el9"}),
    (RPM, {f"a-name-of-tomorrow-{RPM}": OFFER}, {}),
], ids=["deb offered", "deb in the set", "rpm offered", "rpm in the set", "rpm of another kernel line", "any name"])  # fmt: skip
def test_headers_that_can_be_had_are_no_objection(release, tools, packages):
    assert objections(release, tools, packages) == []


@pytest.mark.parametrize(("release", "tools", "packages"), [
    (DEB, {f"linux-headers-{DEB}": []}, {}),
    (DEB, {f"linux-headers-{DEB}": []}, {"linux-headers-6.1.0-55-amd64": "6.1.190-1", "linux-headers-amd64": "6.1.190-1"}),
    (DEB, {f"linux-headers-{DEB}": []}, {f"linux-image-{DEB}": "6.1.192-1"}),
    (RPM, {f"kernel-devel-{RPM}": []}, {"kernel-devel": "5.14.0-570.el9"}),
    (RPM, {f"kernel-devel-{RPM}": []}, {"kernel-devel": "5.14.0-50"}),
    (RPM, {f"kernel-devel-{RPM}": [], "dkms": OFFER}, {}),
    (RPM, {}, {"kernel-devel": "5.14.0-503.el9"}),
], ids=["nobody has them", "of another kernel", "the kernel alone", "rpm of another kernel", "a part of the version", "other tools",
        "name not known"])  # fmt: skip
def test_headers_that_cannot_be_had_are_an_objection(release, tools, packages):
    assert len(objections(release, tools, packages)) == 1


def test_the_objection_names_the_package_to_install():
    (row,) = objections(RPM, {f"kernel-devel-{RPM}": []})
    assert f"kernel-devel-{RPM}" in row.nearest


@pytest.mark.parametrize("more", [{"headers": True}, {"build": "packaged"}, {"module": None}], ids=["installed", "built elsewhere", "no module"])
def test_where_nothing_is_compiled_or_the_headers_are_there_nobody_asks(more):
    assert objections(DEB, {}, **more) == []
