# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Which budget keeps which pod."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import disruption


def pod(phase="Running", namespace="default", labels=None, **more):
    return {"metadata": {"name": "web-1", "namespace": namespace, "labels": {"app": "web"} if labels is None else labels, **more}, "status": {"phase": phase}}


def budget(selector, allowed=0):
    return {"metadata": {"name": "web", "namespace": "default"}, "spec": {"selector": selector} if selector is not None else {},
            "status": {"disruptionsAllowed": allowed}}  # fmt: skip


def expression(operator, *values):
    return {"matchExpressions": [{"key": "app", "operator": operator, "values": list(values)}]}


BY_LABEL = {"matchLabels": {"app": "web"}}


@pytest.mark.parametrize(
    ("selector", "kept"),
    [(BY_LABEL, True), ({"matchLabels": {"app": "db"}}, False), ({}, True), (None, False), (expression("In", "web", "db"), True),
     (expression("In", "db"), False), (expression("NotIn", "db"), True), (expression("NotIn", "web"), False),
     (expression("Exists"), True), (expression("DoesNotExist"), False)],
    ids=str,
)  # fmt: skip
def test_a_budget_is_about_the_pods_that_its_selector_names(selector, kept):
    assert disruption.kept([pod()], [budget(selector)]) == ([("default/web-1", "default/web")] if kept else [])


@pytest.mark.parametrize(
    "changed",
    [{"phase": "Succeeded"}, {"phase": "Failed"}, {"namespace": "other"}, {"ownerReferences": [{"kind": "DaemonSet"}]},
     {"annotations": {"kubernetes.io/config.mirror": "x"}}, {"labels": {}}],
    ids=str,
)  # fmt: skip
def test_what_a_drain_does_not_ask_for_is_kept_by_nobody(changed):
    assert disruption.kept([pod(**changed)], [budget(BY_LABEL)]) == []


def test_a_budget_with_room_keeps_nobody():
    assert disruption.kept([pod()], [budget(BY_LABEL, allowed=1)]) == []
