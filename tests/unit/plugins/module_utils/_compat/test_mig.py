# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Layouts of MIG: what fits a card, and where its instances lie."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import mig
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.register import of

A100, H100, A30 = "20b0", "2331", "20b7"


@pytest.fixture(scope="module")
def index(tables):
    return Index(tables)


def wish(index, device, layout):
    row = index.devices[("10de", device)][0]
    card = {"address": "0000:17:00.0", "vendor": "10de", "device": device, "subsystem": "10de:0000", "vbios": None, "row": row, "pool": "cards"}
    return mig.Wish(index, card, 0, layout, "580.178.04", {})


def rules(index, device, layout):
    one = wish(index, device, layout)
    return {identity for identity, function in of("layout", index.enforced) if list(function(one))}


@pytest.mark.parametrize(
    ("device", "layout"),
    [
        (H100, {"1g.10gb": 7}),
        (H100, {"1g.10gb": 6, "1g.10gb+me": 1}),
        (H100, {"3g.40gb": 2}),
        (H100, {"4g.40gb": 1, "3g.40gb": 1}),
        (H100, {"1g.10gb": 2, "2g.20gb": 1, "3g.40gb": 1}),
        (H100, {"7g.80gb": 1}),
        (A100, {"1g.5gb": 7}),
        (A100, {"1g.10gb": 4}),
        (A100, {"2g.10gb": 3, "1g.5gb": 1}),
        (A100, {"3g.20gb": 1, "2g.10gb": 1, "1g.5gb": 2}),
        (A30, {"1g.6gb": 4}),
        (A30, {"2g.12gb": 2}),
    ],
)
def test_layout_fits(index, device, layout):
    assert rules(index, device, layout) == set()


@pytest.mark.parametrize(
    ("device", "layout", "wanted"),
    [
        (H100, {"1g.10gb": 8}, {"ACC-18a", "ACC-54"}),
        (H100, {"3g.40gb": 2, "1g.10gb": 1}, {"ACC-18b"}),
        (H100, {"4g.40gb": 2}, {"ACC-18a", "ACC-54"}),
        (H100, {"7g.80gb": 1, "1g.10gb": 1}, {"ACC-18a", "ACC-18b"}),
        (A100, {"4g.20gb": 1, "3g.20gb": 1, "1g.5gb": 1}, {"ACC-18a", "ACC-18b", "ACC-55"}),
        (A30, {"1g.6gb": 5}, {"ACC-18a", "ACC-18b", "ACC-54"}),
        (H100, {"9g.90gb": 1}, {"ACC-53"}),
        (H100, {"1g.10gb": 10**9}, {"ACC-18a", "ACC-18b", "ACC-54"}),
        (H100, {}, {"ACC-62"}),
        (H100, None, {"ACC-62"}),
        ("26b5", {"1g.10gb": 1}, {"ACC-52"}),
    ],
)
def test_layout_does_not_fit(index, device, layout, wanted):
    assert wanted <= rules(index, device, layout)


@pytest.mark.parametrize(
    ("layout", "places"),
    [
        ({"1g.5gb": 2, "2g.10gb": 1, "3g.20gb": 1}, [("3g.20gb", 4), ("2g.10gb", 0), ("1g.5gb", 2), ("1g.5gb", 3)]),
        ({"3g.20gb": 2}, [("3g.20gb", 0), ("3g.20gb", 4)]),
        ({"7g.40gb": 1}, [("7g.40gb", 0)]),
        ({"4g.20gb": 1, "1g.5gb": 3}, [("4g.20gb", 0), ("1g.5gb", 4), ("1g.5gb", 5), ("1g.5gb", 6)]),
        ({"2g.10gb": 3, "1g.5gb": 2}, None),
    ],
)
def test_instances_lie_beside_each_other(index, layout, places):
    assert mig.placed(wish(index, A100, layout)) == places


def test_places_that_no_source_names_are_not_judged(index):
    assert mig.placed(wish(index, H100, {"3g.40gb": 2})) == []


@pytest.mark.parametrize(
    ("gpu", "layout"),
    [
        ({"mig": {"current": "disabled", "devices": []}}, {}),
        ({"mig": {"current": "enabled", "devices": [{"profile": "1g.10gb"}, {"profile": "1g.10gb"}]}}, {"1g.10gb": 2}),
        ({"mig": {"current": None}}, None),
        ({}, None),
    ],
)
def test_layout_of_a_card_is_counted_and_unknown_stays_unknown(gpu, layout):
    assert mig.counted(gpu) == layout


def test_layout_is_decided_by_address(planner):
    pools = [{"name": "small", "hosts": "gpus", "use": "mig", "select": {"slots": ["1"]}, "layout": {"1g.10gb": 7}},
             {"name": "large", "hosts": "gpus", "use": "mig", "select": {"slots": ["2"]}, "layout": {"3g.40gb": 2}}]  # fmt: skip
    seen = planner.recorded("h100-bookworm-converged")
    plan = planner.plan(seen, intent=planner.intent(pools=pools, ai_stack_waivers=[planner.waiver]))
    found = {row["subject"]: row["value"] for row in plan["hosts"][seen["host"]]["decisions"]}
    assert found["mig.layout"] == {"0000:17:00.0": {"1g.10gb": 7}, "0000:65:00.0": {"3g.40gb": 2}}
    assert {row["resource"] for row in plan["hosts"][seen["host"]]["changes"]} == {"mig:0000:17:00.0", "mig:0000:65:00.0", "file:/etc/ai-stack/gpu-driver.json"}


def test_the_table_has_what_a_real_card_offers(tables):
    """Name of each profile, and how often it fits, as the driver of an H100 itself lists them."""
    listed = (Path(__file__).resolve().parents[3] / "fixtures/outputs/nvidia-smi/mig-lgip-h100.txt").read_text()
    real = {name: int(count) for name, count in re.findall(r"MIG (\S+) +\d+ +\d+/(\d+)", listed)}
    table = {row["profile"]: row["max"] for row in tables["mig"]["rows"] if "2330" in row["devices"]}
    assert real == table and len(real) == 7
