# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Queues as the API tells of them, and counts as it writes them."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import cluster_queues


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (7, "7"), (999, "999"), (1000, "1k"), (1050, "1050"), (2000, "2k"), (4_000_000, "4M")])
def test_counts_are_written_as_the_api_gives_them_back(count, text):
    """Of 1000 it makes 1k: what is written otherwise would differ for ever."""
    assert cluster_queues.written(count) == text and cluster_queues.number(text) == count


def queue(**conditions):
    resources = [{"name": "nvidia.com/gpu", "nominalQuota": "2", "borrowingLimit": "1k"}]
    besides = [{"name": "cpu", "nominalQuota": "1M"}]
    groups = [{"flavors": [{"name": "ai-stack-training", "resources": resources}]}, {"flavors": [{"name": "ai-stack", "resources": besides}]}]
    status = {"conditions": [{"type": name, **one} for name, one in conditions.items()]}
    return {"metadata": {"name": "ai-stack-research"}, "spec": {"resourceGroups": groups}, "status": status}


def test_a_queue_has_its_own_cards_and_those_that_it_may_borrow():
    found = cluster_queues.queues({"items": [queue(Active={"status": "True"})]})
    assert found == {"ai-stack-research": {"active": True, "cards": {"ai-stack-training": {"nvidia.com/gpu": [2, 1000]}}}}
    assert cluster_queues.queues({"items": [{"metadata": {"name": "x"}, "spec": {}}]}) == {"x": {"active": False, "cards": {}}}


def test_why_a_queue_does_not_work_is_told():
    told = queue(Other={"status": "True"}, Active={"status": "False", "reason": "FlavorNotFound", "message": "no flavor"})
    assert cluster_queues.active(told) == (False, "FlavorNotFound no flavor")
    assert cluster_queues.active({}) == (False, "Kueue says nothing of it") and cluster_queues.active(queue(Active={"status": "True"})) == (True, "")


def test_those_of_the_collection_are_asked_for():
    assert cluster_queues.ASKED[-1] == (
        "/apis/kueue.x-k8s.io/v1beta2/clusterqueues?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dsovereign.ai_stack")  # fmt: skip
