# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a host is as a node of a cluster, read below a root."""

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import cluster_node
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.root import Root

OURS = "# managed by sovereign.ai_stack: container_runtime\nversion = 4\nimports = ['/etc/containerd/conf.d/*.toml']\n"


@pytest.fixture
def host(tmp_path):
    """A root with these files; None: a folder."""

    def make(**files):
        for path, content in files.items():
            place = tmp_path / path
            (place if content is None else place.parent).mkdir(parents=True, exist_ok=True)
            if content is not None:
                place.write_text(content)
        return Root(str(tmp_path))

    return make


def test_cgroups_and_swap(host):
    swaps = "Filename\tType\tSize\tUsed\tPriority\n/dev/vda2 partition 1 0 -2\n/swap file 1 0 -3\n"
    root = host(**{"sys/fs/cgroup/cgroup.controllers": "cpu", "proc/swaps": swaps, "sys/class/dmi/id/product_uuid": "4c4c4544\n"})
    assert cluster_node.machine(root) == {"cgroup": 2, "swap": ["/dev/vda2", "/swap"], "product_uuid": "4c4c4544"}


def test_a_container_has_the_uuid_of_its_machine(host):
    root = host(**{"sys/fs/cgroup/memory": None, "run/systemd/container": "podman", "sys/class/dmi/id/product_uuid": "4c4c4544\n"})
    assert cluster_node.machine(root) == {"cgroup": 1, "swap": [], "product_uuid": None}
    assert cluster_node.machine(Root("/nowhere"))["cgroup"] is None


def test_files_of_containerd_with_their_versions(host):
    other = 'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\n  endpoint = []\n'
    root = host(**{"etc/containerd/config.toml": OURS, "etc/containerd/conf.d/99-nvidia.toml": other, "etc/containerd/conf.d/notes.txt": "version = 9",
                   "etc/containerd/conf.d/50-ai-stack.toml": OURS.partition("imports")[0]})  # fmt: skip
    found = cluster_node.containerd(root, 5)
    assert found["root"] == {"version": 4, "imports": ["/etc/containerd/conf.d/*.toml"], "ours": True, "old_registry": []}
    assert found["drop_ins"] == [{"path": "/etc/containerd/conf.d/50-ai-stack.toml", "version": 4, "ours": True},
                                 {"path": "/etc/containerd/conf.d/99-nvidia.toml", "version": 2, "ours": False}]  # fmt: skip
    assert found["old_registry"] == ["registry.mirrors"]
    # below a root that is not the host's own nothing runs
    assert (found["version"], found["native"], found["systemd_cgroup"]) == (None, None, None)


def test_a_root_file_that_takes_nothing_in_has_no_drop_ins(host):
    root = host(**{"etc/containerd/config.toml": 'disabled_plugins = ["cri"]\n', "etc/containerd/conf.d/a.toml": "version = 4\n"})
    assert cluster_node.containerd(root, 5)["drop_ins"] == []
    # without that file containerd takes the folder in by itself
    os.unlink(root.path + "/etc/containerd/config.toml")
    found = cluster_node.containerd(root, 5)
    assert found["root"] is None and [one["version"] for one in found["drop_ins"]] == [4]


def test_what_of_kubernetes_is_there(host):
    manifest = "spec:\n    image: registry.k8s.io:5000/etcd:3.6.8-0\n"
    root = host(**{"etc/kubernetes/kubelet.conf": "", "etc/kubernetes/manifests/etcd.yaml": manifest, "etc/kubernetes/manifests/.swp": ""})
    assert cluster_node.kubernetes(root, None, 5) == {"kubelet": None, "joined": True, "nodes": None, "holders": None, "queues": None, "control": None,
                                                   "offered": {}, "static_pods": {"etcd": "3.6.8-0"}, "super_admin": False, "certificates": None,
                                                   "sets": None}  # fmt: skip


@pytest.mark.parametrize(("to", "there", "found"), [("/srv/sets", True, True), ("/srv/sets", False, False), (["put"], True, None)])
def test_what_a_control_plane_noted_of_its_sets(host, to, there, found):
    last = {"at": "2026-11-27T20:00:00Z", "name": "one.age", "sha256": "ab"}
    files = {cluster_node.SETS[1:]: json.dumps({"fresh_hours": 5, "to": to}), cluster_node.TAKEN[1:]: json.dumps({"last": last, "failed": None})}
    root = host(**files, **({"srv/sets/one.age": "x"} if there else {}))
    assert cluster_node.kubernetes(root, None, 5)["sets"] == {"fresh_hours": 5, "last": last, "there": found, "failed": None}


def test_sets_that_were_never_taken_or_noted_are_none_of_them(host):
    root = host(**{cluster_node.SETS[1:]: '{"fresh_hours": 5, "to": "/x"}', cluster_node.TAKEN[1:]: "torn"})
    assert cluster_node.kubernetes(root, None, 5)["sets"] == {"fresh_hours": 5, "last": None, "there": None, "failed": None}


@pytest.mark.parametrize(("answer", "found"), [(None, None), ("no such page", None), ('{"items": []}', {}),
                                               ('{"items": [{"metadata": {"name": "a"}, "spec": {}}]}', {"a": {"active": False, "cards": {}}})])  # fmt: skip
def test_queues_are_what_the_api_tells(host, monkeypatch, answer, found):
    asked = []
    monkeypatch.setattr(cluster_node, "_api", lambda root, seconds, *words: asked.append(words) or (answer if words[1] == "--raw" else None))
    assert cluster_node.kubernetes(host(), None, 5)["queues"] == found and [words for words in asked if words[1] == "--raw"]


def test_what_pods_get_by_claims_is_seen_beside_names(host, monkeypatch):
    node = {"metadata": {"name": "w1", "labels": {"ai-stack/pool": "training"}}, "spec": {},
            "status": {"allocatable": {"nvidia.com/gpu": "0"}, "nodeInfo": {"kubeletVersion": "v1.37.2"}}}  # fmt: skip
    pool = {"name": "w1", "generation": 1}
    slices = [{"spec": {"driver": "gpu.nvidia.com", "nodeName": "w1", "pool": pool, "devices": [{"name": "gpu-0"}, {"name": "gpu-1"}]}}]
    results = [{"driver": "gpu.nvidia.com", "pool": "w1", "device": "gpu-0"}]
    claim = {"metadata": {"name": "x", "namespace": "research"},
             "status": {"allocation": {"devices": {"results": results}}, "reservedFor": [{"resource": "pods", "name": "trainer"}]}}  # fmt: skip
    answers = {"nodes": [node], "/apis/resource.k8s.io/v1/resourceslices": slices, "/apis/resource.k8s.io/v1/resourceclaims": [claim]}
    said = {name: json.dumps({"items": rows}) for name, rows in answers.items()}
    monkeypatch.setattr(cluster_node, "_api", lambda root, seconds, *words: next((said[one] for one in words if one in said), "" if "pods" in words else None))
    found = cluster_node.kubernetes(host(), None, 5)
    assert found["nodes"]["w1"]["cards"] == {"gpu.nvidia.com": 2} and found["holders"] == {"w1": {"gpu.nvidia.com": ["research/trainer"]}}
    # an API that has no claims answers nothing, and says that it has none
    said.pop("/apis/resource.k8s.io/v1/resourceslices"), said.pop("/apis/resource.k8s.io/v1/resourceclaims")
    said["/apis"] = api_with("resource.k8s.io/v1beta1")
    found = cluster_node.kubernetes(host(), None, 5)
    assert found["nodes"]["w1"]["cards"] == {} and found["holders"] == {}


def api_with(version):
    return json.dumps({"groups": [{"name": "apps", "versions": [{"groupVersion": "apps/v1"}]}, {"versions": [{"groupVersion": version}]}]})


@pytest.mark.parametrize("groups", [None, "no such page", api_with("resource.k8s.io/v1")])
@pytest.mark.parametrize("asked", ["resourceslices", "resourceclaims"])
def test_claims_that_nobody_tells_of_are_unknown(host, monkeypatch, asked, groups):
    """Not none: who believed that would cut up cards under pods, or hand them out twice."""
    node = {"metadata": {"name": "w1"}, "spec": {}, "status": {"allocatable": {"nvidia.com/gpu": "2"}, "nodeInfo": {"kubeletVersion": "v1.37.2"}}}
    said = {"nodes": json.dumps({"items": [node]}), "/apis": groups,
            **{f"/apis/resource.k8s.io/v1/{one}": json.dumps({"items": []}) for one in ("resourceslices", "resourceclaims") if one != asked}}  # fmt: skip
    monkeypatch.setattr(cluster_node, "_api", lambda root, seconds, *words: next((said[one] for one in words if one in said), "" if "pods" in words else None))
    found = cluster_node.kubernetes(host(), None, 5)
    assert found["nodes"]["w1"]["ready"] is False and found["nodes"]["w1"]["cards"] == (None if asked == "resourceslices" else {"nvidia.com/gpu": 2})
    assert found["holders"] == (None if asked == "resourceclaims" else {})
