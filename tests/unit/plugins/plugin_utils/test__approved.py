# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""An approved plan is applied where it still fits, and every difference is named."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _approved, _site


def plan():
    return {
        "schema": "sovereign.ai_stack/plan/1",
        "site": "example",
        "inputs": {"intent_sha256": "i", "intent": {"ai_stack_pools": "p", "ai_stack_site": "s"}, "tables": {"accelerators": "a"}, "observations": {}},
        "hosts": {
            "gpu1": {
                "cards": [{"address": "0000:17:00.0", "model": "H100", "pool": "a", "serial": None, "uuid": None}],
                "decisions": [{"subject": "driver.version", "value": "535.309.01"}, {"subject": "reboot", "value": True}],
                "changes": [{"resource": "package:nvidia-smi", "before": None, "after": "535"}, {"resource": "hold:nvidia-smi", "before": None, "after": True}],
            },
            "gpu2": {"cards": [], "decisions": [], "changes": []},
        },
        "conflicts": [],
    }


def set_in(*tokens, value):
    def change(fresh):
        inside = fresh
        for token in tokens[:-1]:
            inside = inside[token]
        if value is None:
            del inside[tokens[-1]]
        else:
            inside[tokens[-1]] = value

    return change


def test_a_plan_fits_itself():
    assert _approved.differences(plan(), plan(), ["gpu1", "gpu2"]) == []


LIMIT = {"kind": "project_limit", "id": "main/research/class:CUSTOM_H100", "decisions": [{"subject": "limit", "value": 4}], "changes": []}
DIFFERENT = [
    (set_in("resources", value=[LIMIT]), None, "project_limit main/research/class:CUSTOM_H100 would be another one now"),
    (set_in("site", value="other"), None, "one of the site 'example'"),
    (set_in("inputs", "intent", "ai_stack_pools", value="q"), None, "ai_stack_pools was changed since"),
    (set_in("inputs", "intent", "ai_stack_driver", value="d"), None, "ai_stack_driver was changed since"),
    (set_in("inputs", "intent_sha256", value="j"), None, "the intent was changed since"),
    (set_in("inputs", "tables", "accelerators", value="b"), None, "the table accelerators was changed since"),
    (set_in("inputs", "tables", "cuda", value="b"), None, "the table cuda was changed since"),
    (set_in("hosts", "gpu1", "cards", 0, "model", value="A100"), "gpu1", "its cards are others"),
    (set_in("hosts", "gpu1", "decisions", 0, "value", value="580"), "gpu1", "driver.version was '535.309.01' and would be '580' now"),
    (set_in("hosts", "gpu1", "changes", 0, "after", value="580"), "gpu1", "package:nvidia-smi would become '580', which nobody approved"),
    (set_in("hosts", "gpu1", value=None), "gpu1", "in one of the two plans only"),
]


@pytest.mark.parametrize("change, host, words", DIFFERENT, ids=[case[2] for case in DIFFERENT])
def test_what_changed_since_the_approval_is_named(change, host, words):
    fresh = plan()
    change(fresh)
    found = _approved.differences(plan(), fresh, ["gpu1"])
    assert [name for name, text in found if words in text] == [host]


def test_a_plan_that_was_interrupted_halfway_still_fits():
    fresh = plan()
    del fresh["hosts"]["gpu1"]["changes"][0]
    fresh["hosts"]["gpu1"]["decisions"][1]["value"] = False
    assert _approved.differences(plan(), fresh, ["gpu1"]) == []


def test_a_card_that_was_swapped_does_not_fit_and_one_whose_serial_became_readable_does():
    old, new = plan(), plan()
    new["hosts"]["gpu1"]["cards"][0]["serial"] = "0165"
    assert _approved.differences(old, new, ["gpu1"]) == []
    old["hosts"]["gpu1"]["cards"][0]["serial"] = "0199"
    assert [text for dummy, text in _approved.differences(old, new, ["gpu1"])] == ["its cards are others than the approved plan saw"]


def test_hosts_that_are_not_acted_on_do_not_matter():
    fresh = plan()
    del fresh["hosts"]["gpu1"]
    assert _approved.differences(plan(), fresh, ["gpu2"]) == []


def test_every_difference_is_told_at_once():
    fresh = plan()
    for change, _dummy, _words in DIFFERENT[1:3] + DIFFERENT[7:9]:
        change(fresh)
    assert len(_approved.differences(plan(), fresh, ["gpu1", "gpu2"])) == 4


@pytest.mark.parametrize(
    "change, words",
    [
        (set_in("schema", value="other"), "is no document of"),
        (set_in("inputs", value=None), "is no whole plan"),
        (set_in("hosts", value=[]), "is no whole plan"),
        (set_in("conflicts", value=[{}]), "has 1 conflict: "),
    ],
)
def test_what_is_no_plan_that_can_be_approved_is_refused(tmp_path, change, words):
    document = copy.deepcopy(plan())
    change(document)
    (tmp_path / "plan.json").write_text(json.dumps(document))
    with pytest.raises(_site.SiteError, match=words):
        _approved.read(tmp_path / "plan.json")
