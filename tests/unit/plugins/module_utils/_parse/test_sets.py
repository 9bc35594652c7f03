# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What an installation of a package set asks for."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import sets

SET = {"vendor": "nvidia", "module": "drv-dkms", "build": "dkms", "packages": ["drv-dkms", "drv-smi", "drv-gsp"], "companions": ["drv-persistenced"],
       "fabric_manager": "fabric", "imex": "imex", "nvlsm": "nvlsm", "nscq": None}


def offers(*versions):
    return [{"version": version, "origin": "x"} for version in versions]


VERSIONS = {
    "drv-dkms": offers("535.261.03-1"),
    "drv-smi": offers("535.309.01-0+deb12u1", "535.261.03-1"),
    "drv-gsp": offers("535.309.01-0+deb12u1", "535.261.03-2"),
    "drv-persistenced": offers("535.171.04-1~deb12u1"),
    "fabric": offers("535.309.01-1", "535.261.03-1"),
    "nvlsm": offers("2025.06-1"),
    "gcc": offers("4:12.2.0-3"),
}


def test_all_packages_follow_the_modules_version():
    assert sets.request(SET, VERSIONS, False) == ({"drv-dkms": "535.261.03-1", "drv-smi": "535.261.03-1", "drv-gsp": "535.261.03-2",
                                                    "drv-persistenced": "535.171.04-1~deb12u1"}, [])


def test_a_package_that_lags_is_asked_for_at_its_newest():
    asked, absent = sets.request(SET, dict(VERSIONS, **{"drv-smi": offers("535.309.01-0+deb12u1")}), False)
    assert (asked["drv-smi"], absent) == ("535.309.01-0+deb12u1", [])


def test_a_package_that_nobody_offers_is_named():
    asked, absent = sets.request(SET, dict(VERSIONS, **{"drv-gsp": []}), False)
    assert absent == ["drv-gsp"]
    assert "drv-gsp" not in asked


def test_an_absent_companion_is_left_out():
    assert "drv-persistenced" not in sets.request(SET, dict(VERSIONS, **{"drv-persistenced": []}), False)[0]


def test_with_a_switch_the_fabric_manager_of_the_same_version_comes_along():
    asked = sets.request(SET, VERSIONS, True, ["gcc"])[0]
    assert (asked["fabric"], asked["nvlsm"], asked["gcc"]) == ("535.261.03-1", "2025.06-1", "4:12.2.0-3")
    assert "fabric" not in sets.request(SET, dict(VERSIONS, fabric=offers("535.309.01-1")), True)[0]


def test_a_set_without_a_module_asks_for_its_companions():
    in_kernel = {"vendor": "amd", "module": None, "packages": [], "companions": ["firmware-amd-graphics"]}
    assert sets.request(in_kernel, {"firmware-amd-graphics": offers("20230210-5")}, False) == ({"firmware-amd-graphics": "20230210-5"}, [])


def test_every_name_of_a_set_is_looked_up_once():
    assert sets.names(SET) == ["drv-dkms", "drv-smi", "drv-gsp", "drv-persistenced", "fabric", "imex", "nvlsm"]


@pytest.mark.parametrize("version, upstream", [
    ("535.309.01-0+deb12u1", "535.309.01"), ("3:580.95.05-1.el9", "580.95.05"), ("580.95.05-0ubuntu0.24.04.2", "580.95.05"), ("1.2-rc-3", "1.2-rc"),
    ("2025", "2025"), ("", None), (None, None),
])
def test_the_drivers_version_is_without_epoch_and_revision(version, upstream):
    assert sets.upstream(version) == upstream


@pytest.mark.parametrize("asked, there", [({"a": "1"}, True), ({"a": "1", "b": "2"}, True), ({"a": "2"}, False), ({"a": "1", "c": "1"}, False), ({}, False)])
def test_a_set_is_there_when_every_version_is(asked, there):
    assert sets.is_installed(asked, {"a": {"version": "1"}, "b": {"version": "2"}}) is there


def test_only_sets_for_cards_that_are_here_count():
    parts = {"sets": {"n": SET, "a": {"vendor": "amd"}}}
    assert list(sets.chosen(parts, {"amd"}, None)) == ["a"]
    assert sets.chosen({}, {"amd"}, None) == {}


def test_modules_built_for_a_kernel_carry_its_name():
    parts = {"sets": {"p": {"vendor": "nvidia", "branch": None, "module": "modules-{kernel}", "packages": ["modules-{kernel}", "smi"]}}}
    assert sets.chosen(parts, {"nvidia"}, "6.8.0-45-generic") == {
        "p": {"vendor": "nvidia", "branch": None, "module": "modules-6.8.0-45-generic", "packages": ["modules-6.8.0-45-generic", "smi"]}}


def test_sets_that_are_module_streams_keep_to_their_branch():
    stream = dict(SET, stream="drv:580-open", branch="580", packages=["drv-dkms"], companions=["drv-persistenced", "other"])
    versions = {"drv-dkms": offers("3:595.1-1", "3:580.2-1", "3:580.1-1"), "drv-persistenced": offers("3:595.1-1", "3:580.2-1"), "other": offers("1.0-1")}
    assert sets.of_branch(stream, versions) == {"drv-dkms": offers("3:580.2-1", "3:580.1-1"), "drv-persistenced": offers("3:580.2-1"), "other": offers("1.0-1")}
    assert sets.of_branch(SET, versions) is versions


KEPLER, BLACKWELL = "10de:102d", "10de:2901"
REFUSALS = [{"ids": [KEPLER], "open": None, "proprietary": ["535", "580"]}, {"ids": [BLACKWELL], "open": ["470", "535"], "proprietary": None}]


@pytest.mark.parametrize("cards, flavour, branch, version, drives", [
    ([KEPLER], "proprietary", "470", None, True),
    ([KEPLER], "proprietary", "535", None, False),
    ([KEPLER], "open", "470", None, False),
    ([KEPLER], "proprietary", None, "535.309.01-0+deb12u1", False),
    ([KEPLER], "proprietary", "535", "3:470.256.02-1.el8", True),
    ([KEPLER], "proprietary", "999", None, True),
    ([KEPLER], "proprietary", None, None, True),
    ([BLACKWELL], "proprietary", None, None, False),
    ([BLACKWELL], "open", "580", None, True),
    ([KEPLER, BLACKWELL], "open", "580", None, True),
    ([KEPLER, BLACKWELL], "proprietary", "580", None, False),
    ([KEPLER, "10de:ffff"], "proprietary", "580", None, True),
    ([], "open", "470", None, True),
], ids=["its branch", "a newer branch", "a flavour", "the offer tells the branch", "the offer knows better than the name", "a branch of tomorrow",
        "no branch known", "no flavour of it", "open", "one of two cards", "neither card", "an unknown card", "no card"])  # fmt: skip
def test_a_set_is_of_use_unless_every_card_refuses_it(cards, flavour, branch, version, drives):
    definition = {"vendor": "nvidia", "flavour": flavour, "branch": branch}
    assert sets.can_drive(definition, version, cards, REFUSALS) is drives


def test_sets_without_flavours_and_tables_without_refusals_leave_nothing_out():
    assert sets.can_drive({"vendor": "amd", "flavour": "in_kernel"}, None, [KEPLER], REFUSALS)
    assert sets.can_drive({"vendor": "nvidia", "flavour": "open", "branch": "535"}, None, [KEPLER], [])
