# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a release of Nova or Placement has: known, not there, or not known."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools.series import Series, reached

FIRST = {"12": "12.0.2", "13": "13.0.1", "15": "15.0.0"}
REACHED = [
    ("11", (11, 0, 1), False),
    ("12", (12, 0, 1), False),
    ("12", (12, 0, 2), True),
    ("13", (13, 0, 0), False),
    ("13", (13, 1, 0), True),
    ("13", (), None),
    ("14", (14, 9, 9), False),
    ("14", (), False),
    ("15", (), True),
    ("16", (), True),
]


@pytest.fixture(scope="module")
def index(tables):
    return Index(tables)


@pytest.mark.parametrize("major, release, has", REACHED)
def test_a_release_has_what_its_major_had_first(major, release, has):
    assert reached(FIRST, major, release) is has


def test_nothing_is_reached_where_nothing_is_named():
    assert reached({}, "34", (34, 0, 0)) is False


# (series, Nova, bug 2098496, CVE-2026-46448, alias check at the start, above the floor)
FIXES = [
    ("zed", None, None, None, None, None),
    ("zed", "2:26.2.2-1~deb12u4", None, None, None, None),
    ("zed", "2:26.2.2-1~deb12u5", None, True, None, None),
    ("zed", "2:26.2.2-1~deb12u6", None, True, None, None),
    ("2023.1", "27.5.1", None, None, None, None),
    ("2024.1", "29.4.0", True, False, None, None),
    ("2024.1", "29.3.0", False, False, None, None),
    ("2024.2", "30.3.0", True, False, None, None),
    ("2025.1", None, None, None, None, None),
    ("2025.1", "31.0.0", False, False, False, False),
    ("2025.1", "2:31.0.0-6+deb13u2", False, False, False, False),
    ("2025.1", "2:31.0.0-6+deb13u1", False, False, False, False),
    # nobody has read it: its changes are not known, and what is not known is not fixed
    ("2025.1", "2:31.0.0-6+deb13u3", None, None, None, False),
    ("2025.1", "31.1.0", True, None, False, False),
    ("2025.1", "31.3.0", True, None, False, False),
    ("2025.1", "31.3.1", True, True, True, True),
    ("2025.2", "32.0.0", True, False, True, False),
    ("2025.2", "32.1.1", True, None, True, False),
    ("2025.2", "32.2.1", True, True, True, True),
    ("2026.1", "33.0.1", True, None, True, False),
    ("2026.1", "33.0.2-1", True, True, True, True),
    ("2026.2", None, True, True, True, True),
    ("2026.2", "34.0.0-4", True, True, True, True),
]


@pytest.mark.parametrize("name, nova, bug, guard, check, floor", FIXES, ids=[f"{case[0]} {case[1]}" for case in FIXES])
def test_a_fix_is_there_or_not_or_nobody_knows(index, name, nova, bug, guard, check, floor):
    series = Series(index, index.series[name], nova)
    assert (series.has_fix("bug-2098496"), series.has_fix("CVE-2026-46448"), series.has_fix("alias-check")) == (bug, guard, check)
    assert series.above_floor() is floor


@pytest.mark.parametrize("nova, agrees", [("31.0.0", True), ("2:31.0.0-6+deb13u2", True), ("2:30.3.0-1", False), (None, None), ("master", None)])
def test_what_is_installed_is_of_the_series_or_not(index, nova, agrees):
    assert Series(index, index.series["2025.1"], nova).agrees is agrees


# as the facts have it: one column a major, 26 to 34
MATRIX = {
    ("option", "report_in_placement"): "111111111",
    ("option", "pci_in_placement"): "011111111",
    ("device_spec", "resource_class"): "111111111",
    ("alias", "resource_class"): "011111111",
    ("device_spec", "managed"): "000001111",
    ("device_spec", "live_migratable"): "000001111",
    ("alias", "live_migratable"): "000001111",
    ("device_spec", "one_time_use"): "000000111",
    ("option", "unified_limits_resource_strategy"): "000001111",
    ("behaviour", "a compute has an id of its own"): "001111111",
    ("behaviour", "unified limits count pci_passthrough:alias"): "000000001",
    ("image_property", "hw_maxphysaddr_mode"): "000111111",
    ("option", "no such option"): "000000000",
}


@pytest.mark.parametrize("where, name", MATRIX)
def test_a_series_knows_what_the_matrix_says(index, where, name):
    rows = sorted(index.series.values(), key=lambda row: int(row["nova"]))
    assert "".join(str(int(bool(Series(index, row).knows(where, name)))) for row in rows) == MATRIX[(where, name)]


PLACEMENT = [
    ("2024.2", "12.0.1", True, False),
    ("2024.2", "12.0.2", True, True),
    ("2025.1", None, True, None),
    ("2025.1", "13.0.0-1", True, False),
    ("2025.1", "13.0.1", True, True),
    ("2025.2", "14.0.0", True, False),
    ("2026.1", None, True, True),
    ("zed", "8.0.0", False, False),
]


@pytest.mark.parametrize("name, placement, cap, wide", PLACEMENT)
def test_placement_has_a_cap_and_wide_trees_by_its_own_release(index, name, placement, cap, wide):
    series = Series(index, index.series[name], None, placement)
    assert (series.knows("placement_option", "max_allocation_candidates"), series.knows("placement_option", "optimize_for_wide_provider_trees")) == (cap, wide)
