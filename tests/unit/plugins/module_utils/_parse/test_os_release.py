# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Which distribution a host is, and under which names its package sets may stand."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import os_release

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n'
UBUNTU = 'VERSION_ID="24.04"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\n'
ROCKY = 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n'
RHEL = "ID=rhel\nID_LIKE='fedora'\nVERSION_ID=10.1\n"
SLES = 'ID="sles"\nID_LIKE="suse"\nVERSION_ID="15.7"\n'


@pytest.mark.parametrize("text, distribution, version, codename, family", [
    (DEBIAN, "debian", "12", "bookworm", "debian"), (UBUNTU, "ubuntu", "24.04", "noble", "debian"), (ROCKY, "rocky", "9.4", None, "redhat"),
    (RHEL, "rhel", "10.1", None, "redhat"), (SLES, "sles", "15.7", None, "suse"), ("", None, None, None, None), ("ID=arch\n", "arch", None, None, None),
])
def test_system_is_told_from_os_release(text, distribution, version, codename, family):
    assert os_release.system(text) == {"distribution": distribution, "version": version, "codename": codename, "family": family}


@pytest.mark.parametrize("text, keys", [
    (DEBIAN, ["debian_12", "debian"]), (UBUNTU, ["ubuntu_24.04", "ubuntu_24", "ubuntu", "debian_24.04", "debian_24", "debian"]),
    (ROCKY, ["rocky_9.4", "rocky_9", "rocky", "redhat_9.4", "redhat_9", "redhat"]), (RHEL, ["redhat_10.1", "redhat_10", "redhat"]), ("", []),
])
def test_the_most_exact_name_comes_first(text, keys):
    assert os_release.set_keys(os_release.system(text)) == keys


@pytest.mark.parametrize("line, value", [
    ('NAME="a \\"b\\" \\$c"', 'a "b" $c'), ("NAME='it'", "it"), ("NAME=$(reboot)", "$(reboot)"), ('NAME="{{ x }}"', "{{ x }}"), ('NAME="', '"'),
])
def test_values_are_text_and_nothing_is_expanded(line, value):
    assert os_release.parse(line)["NAME"] == value


@pytest.mark.parametrize("line", ["# NAME=x", "name=x", "NAME", "=x", "9A=x"])
def test_what_is_no_assignment_is_passed_over(line):
    assert os_release.parse(line) == {}
