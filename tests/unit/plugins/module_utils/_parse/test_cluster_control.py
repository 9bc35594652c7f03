# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Which control planes have an API server and a member of etcd that are ready."""

from __future__ import annotations

from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import cluster_control


def pod(component, node, ready="True"):
    return {"metadata": {"labels": {"component": component}}, "spec": {"nodeName": node}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def test_only_what_is_ready_counts():
    items = [pod("etcd", "cp2"), pod("etcd", "cp1"), pod("etcd", "cp3", "False"), pod("kube-apiserver", "cp1"), pod("kube-scheduler", "cp1"),
             {"metadata": {}, "spec": {}, "status": {}}]  # fmt: skip
    assert cluster_control.ready({"items": items}) == {"etcd": ["cp1", "cp2"], "kube-apiserver": ["cp1"]}
