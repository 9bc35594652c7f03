# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Which kernel starts next."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import kernels

UUID = "5f3c0000-0000-4000-8000-000000000001"
ADVANCED = "gnulinux-advanced-" + UUID


@pytest.mark.parametrize("older, newer", [
    ("6.1.0-9-amd64", "6.1.0-56-amd64"), ("6.1.0-56-amd64", "6.1.0-56-cloud-amd64"), ("6.8.0-45-generic", "6.11.0-8-generic"),
    ("5.14.0-503.el9.x86_64", "5.14.0-503.11.1.el9.x86_64"), ("6.12.0-rc1", "6.12.1"), ("6.12~rc1", "6.12"), ("6.1.0", "6.1.0-1"), ("6.12.0-rc7", "6.12.0"),
])
def test_releases_are_ordered_by_their_numbers(older, newer):
    assert kernels.key(older) < kernels.key(newer)
    assert kernels.newest([newer, older]) == newer


def test_nothing_is_newest_of_nothing():
    assert kernels.newest([]) is None


def grub(output, **environment):
    return kernels.grub_next(output("boot/grub-debian12.cfg"), environment)


@pytest.mark.parametrize("environment, release, because", [
    ({}, "6.1.0-56-cloud-amd64", "first entry: grubenv saved none"),
    ({"saved_entry": "%s>gnulinux-6.1.0-50-amd64-advanced-%s" % (ADVANCED, UUID)}, "6.1.0-50-amd64", "saved_entry of grubenv"),
    ({"saved_entry": "1>2"}, "6.1.0-56-amd64", "saved_entry of grubenv"),
    ({"saved_entry": "1"}, "6.1.0-56-cloud-amd64", "saved_entry of grubenv"),
    ({"saved_entry": "Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux 6.1.0-50-amd64"}, "6.1.0-50-amd64", "saved_entry of grubenv"),
    ({"saved_entry": "gnulinux-6.1.0-56-amd64-advanced-" + UUID}, "6.1.0-56-amd64", "saved_entry of grubenv"),
    ({"saved_entry": "0", "next_entry": "1>4"}, "6.1.0-50-amd64", "next_entry of grubenv (this boot only)"),
    ({"saved_entry": "an entry that is gone"}, None, "saved_entry of grubenv"),
])
def test_grub_starts_what_its_environment_says(output, environment, release, because):
    assert grub(output, **environment) == (release, because)


@pytest.mark.parametrize("default, release", [("0", "6.1.0-56-cloud-amd64"), ("1>2", "6.1.0-56-amd64"), ("7", None)])
def test_a_fixed_default_of_grub_is_followed(output, default, release):
    config = output("boot/grub-debian12.cfg").replace('set default="${saved_entry}"', 'set default="%s"' % default)
    assert kernels.grub_next(config, {}) == (release, "default of grub.cfg")


def test_grubenv_is_read_without_its_filling(output):
    assert kernels.grubenv(output("boot/grubenv-saved")) == {"saved_entry": "%s>gnulinux-6.1.0-50-amd64-advanced-%s" % (ADVANCED, UUID)}


def entry(name, version, linux=None):
    return kernels.bls_entry(name, "title Rocky Linux (%s)\nversion %s\nlinux /vmlinuz-%s\noptions $kernelopts\n" % (version, version, linux or version))


ENTRIES = [entry("m-5.14.0-503.el9.x86_64", "5.14.0-503.el9.x86_64"), entry("m-5.14.0-503.11.1.el9.x86_64", "5.14.0-503.11.1.el9.x86_64"),
           entry("m-0-rescue", "0-rescue-1")]


@pytest.mark.parametrize("environment, release", [
    ({}, "5.14.0-503.11.1.el9.x86_64"), ({"saved_entry": "m-5.14.0-503.el9.x86_64"}, "5.14.0-503.el9.x86_64"), ({"saved_entry": "1"}, "5.14.0-503.el9.x86_64"),
    ({"saved_entry": "m-gone"}, "5.14.0-503.11.1.el9.x86_64"),
    ({"saved_entry": "m-5.14.0-503.11.1.el9.x86_64", "next_entry": "m-5.14.0-503.el9.x86_64"}, "5.14.0-503.el9.x86_64"),
])
def test_boot_loader_entries_follow_the_saved_one_else_the_newest(environment, release):
    assert kernels.bls_next(ENTRIES, environment)[0] == release


def test_no_boot_loader_entry_is_unknown():
    assert kernels.bls_next([], {}) == (None, "no boot loader entry")


def test_an_entry_keeps_the_lines_between_its_braces(output):
    """Nested blocks too: a copy of the entry is what is tried."""
    entry = kernels.grub_entries(output("boot/grub-debian12.cfg"))[0]
    assert entry["body"][0] == "\tload_video" and entry["body"][-1] == "\tinitrd\t/boot/initrd.img-6.1.0-56-cloud-amd64" and "\tfi" in entry["body"]
