# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Inputs that were run against published Nova: what Nova refuses is refused, on every series; what we refuse beyond that says why."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import address, lint, names
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools.series import Series

VECTORS = yaml.safe_load((Path(__file__).resolve().parents[3] / "fixtures" / "nova" / "vectors.yml").read_text())
SERIES = ["zed", "2023.1", "2023.2", "2024.1", "2024.2", "2025.1", "2025.2", "2026.1", "2026.2"]
DEVICE = {"vendor": "10de", "device": "2330", "address": "0000:1a:00.0"}
SPECS = VECTORS["nova_device_spec"]["cases"]


@pytest.fixture(scope="module")
def index(tables):
    return Index(tables)


def ids(cases):
    return [case["id"] for case in cases]


@pytest.fixture(params=SERIES)
def series(request, index):
    return Series(index, index.series[request.param])


def without_new_keys(rows, series):
    """Older series do not have some keys; that refusal of ours is no contradiction."""
    return [row for row in rows if "does not know the key" not in row["message"] or int(series.row["nova"]) > 33]


@pytest.mark.parametrize("case", VECTORS["nova_alias"], ids=ids(VECTORS["nova_alias"]))
def test_alias_is_judged_as_nova_judges_it(series, case):
    if case["placement"] and not series.knows("option", "pci_in_placement"):
        return
    conflicts, dummy = lint.alias(case["value"], series, case["placement"])
    if not case["ok"] or case.get("lint_refuse"):
        assert conflicts
    else:
        assert conflicts == []


@pytest.mark.parametrize("case", SPECS, ids=ids(SPECS))
def test_device_spec_is_judged_as_nova_judges_it(series, case):
    conflicts, dummy = lint.device_spec([case["value"]], series, case["report"])
    if not case["ok"] or case.get("lint_refuse"):
        assert conflicts
    else:
        assert without_new_keys(conflicts, series) == []


@pytest.mark.parametrize("case", [case for case in SPECS if case["ok"]], ids=ids([case for case in SPECS if case["ok"]]))
def test_device_spec_selects_as_nova_selects(case):
    entries = yaml.safe_load(case["value"])
    entries = entries if isinstance(entries, list) else [entries]
    assert any(address.selects(entry, DEVICE) for entry in entries) is case["matches"]


@pytest.mark.parametrize("case", VECTORS["nova_names"]["resource_class"], ids=lambda case: str(case["given"]))
def test_resource_class_is_named_as_nova_names_it(index, case):
    standard = index.nova[("behaviour", "standard resource classes")]["values"]
    assert names.resource_class(case["given"], case["vendor"], case["product"], standard) == case["result"]


@pytest.mark.parametrize("case", VECTORS["nova_names"]["traits"], ids=lambda case: case["given"])
def test_traits_are_named_as_nova_names_them(index, case):
    made = names.traits(case["given"], lambda name: name == "HW_GPU_API_VULKAN")
    assert made == case["result"]
    spec = '{"address": "0000:1a:00.0", "traits": "%s"}' % case["given"]
    conflicts, dummy = lint.device_spec([spec], Series(index, index.series["2025.1"]), True)
    assert [row["rule"] for row in conflicts] == ["NR-15"] * len(conflicts)
    assert bool(conflicts) is bool(case.get("lint_refuse"))


def test_capital_ids_are_said_and_stop_nothing(index):
    conflicts, warnings = lint.device_spec(['{"vendor_id": "10DE", "product_id": "2330"}'], Series(index, index.series["2025.1"]), True)
    assert conflicts == [] and [(row["rule"], row["nearest"]) for row in warnings] == [("NR-05", "10de")]
