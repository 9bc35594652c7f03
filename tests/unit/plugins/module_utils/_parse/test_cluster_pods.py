# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Pods that hold cards, in the columns that kubectl prints."""

from __future__ import annotations

from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import cluster_pods

TEXT = """\
k8s-w1    research      one       Running     map[nvidia.com/gpu:1]
k8s-w1    health        two       Pending     map[cpu:1 nvidia.com/mig-1g.10gb:2],map[]
<none>    health        third     Pending     map[nvidia.com/gpu:1]
k8s-w2    research      done      Succeeded   map[nvidia.com/gpu:1]
k8s-w2    kube-system   proxy     Running     <none>
k8s-w2    kube-system   dns       Running     map[memory:170Mi]
k8s-w4    lab           early     Pending     <none>   map[nvidia.com/gpu:1]
k8s-w3    lab           amd       Running     <none>,map[amd.com/gpu:4]
"""


def test_who_holds_cards_is_found_by_node_and_name():
    found = cluster_pods.held(TEXT)
    assert found == {"k8s-w1": {"nvidia.com/gpu": ["research/one"], "nvidia.com/mig-1g.10gb": ["health/two"]}, "k8s-w3": {"amd.com/gpu": ["lab/amd"]},
                     "k8s-w4": {"nvidia.com/gpu": ["lab/early"]}}  # fmt: skip
    assert cluster_pods.held("") == {}
    # one that gives its card to whoever needs it is in nobody's way
    assert cluster_pods.held(TEXT, "health")["k8s-w1"] == {"nvidia.com/gpu": ["research/one"]}
