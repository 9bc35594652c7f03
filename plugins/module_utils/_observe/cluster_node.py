# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a host is as a node of a cluster: cgroups, swap, containerd and its files, what of Kubernetes is there."""

from __future__ import annotations

import json
import os
import re

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import PATHS, run
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import (
    cluster_certificates,
    cluster_claims,
    cluster_control,
    cluster_nodes,
    cluster_pods,
    cluster_queues,
    cluster_versions,
)
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import containerd as said

MARKER = "managed by sovereign.ai_stack"
ROOT = "/etc/containerd/config.toml"
JOINED, MANIFESTS = "/etc/kubernetes/kubelet.conf", "/etc/kubernetes/manifests"
ADMIN, SUPER_ADMIN = "/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf"
SETS, TAKEN = "/etc/ai-stack/kubernetes/sets.json", "/var/lib/ai-stack/kubernetes/sets/state.json"


def machine(root):
    """cgroup 2 or 1, null: no cgroups; swap: where to; product_uuid: null where containers share that of their machine."""
    version = 2 if root.exists("/sys/fs/cgroup/cgroup.controllers") else 1 if root.is_dir("/sys/fs/cgroup") else None
    alone = not root.exists("/run/systemd/container") and not root.exists("/run/.containerenv")
    swaps = [line.split()[0] for line in (root.text("/proc/swaps") or "").splitlines()[1:] if line.split()]
    return {"cgroup": version, "swap": swaps, "product_uuid": root.line("/sys/class/dmi/id/product_uuid") if alone else None}


def _programs(root, name):
    """Each file of that name where root or an operator would find it."""
    places = dict.fromkeys(root.real("%s/%s" % (folder, name)) for folder in (*PATHS, "/usr/local/sbin", "/usr/local/bin", "/opt/bin"))
    return [place for place in places if place and os.access(root.at(place), os.X_OK)]


def _ask(root, program, *words, seconds):
    return run([program, *words], seconds).out if root.live and program else ""


def containerd(root, seconds):
    """Its programs, its version, and the version of each of its files; null where it is not there or cannot be asked."""
    paths = _programs(root, "containerd")
    program = paths[0] if paths else None
    text = root.text(ROOT)
    top = said.file(text, MARKER) if text is not None else None
    patterns = top["imports"] if top else said.IMPORTS
    drop_ins = [dict(said.file(root.text(path) or "", MARKER), path=path) for path in _matched(root, patterns)]
    dump = _ask(root, program, "config", "dump", seconds=seconds)
    return {"paths": paths, "version": said.version(_ask(root, program, "--version", seconds=seconds)), "root": top,
            "native": said.file(_ask(root, program, "config", "default", seconds=seconds), MARKER)["version"],
            "drop_ins": [{key: one[key] for key in ("path", "version", "ours")} for one in drop_ins],
            "old_registry": sorted({name for one in ([top] if top else []) + drop_ins for name in one["old_registry"]}),
            "systemd_cgroup": said.systemd_cgroup(dump)}


def _matched(root, patterns):
    """Files that the patterns of imports name; only the last part of one has a star."""
    for pattern in patterns:
        folder, _slash, name = pattern.rpartition("/")
        wanted = re.compile(re.escape(name).replace(r"\*", "[^/]*"))
        for each in root.names(folder):
            if wanted.fullmatch(each) and root.is_file("%s/%s" % (folder, each)):
                yield "%s/%s" % (folder, each)


def kubernetes(root, offered, seconds):
    """offered: {program: [{version, repository}]} as the package manager has them."""
    paths = _programs(root, "kubelet")
    kubelet = cluster_versions.kubelet(_ask(root, paths[0] if paths else None, "--version", seconds=seconds))
    pods = {name[:-5]: cluster_versions.tag(root.text("%s/%s" % (MANIFESTS, name))) for name in root.names(MANIFESTS) if name.endswith(".yaml")}
    return {"kubelet": kubelet, "joined": root.exists(JOINED), "offered": offered or {}, "nodes": _nodes(root, seconds),
            "holders": _holders(root, seconds), "queues": _queues(root, seconds), "control": _control(root, seconds), "static_pods": pods,
            "super_admin": root.exists(SUPER_ADMIN), "certificates": _certificates(root, seconds), "sets": _sets(root)}


def _api(root, seconds, *words):
    """What the API tells a control plane; null: this host is none, or nobody answers."""
    paths = _programs(root, "kubectl") if root.exists(ADMIN) else []
    if not paths:
        return None
    return _ask(root, paths[0], "--kubeconfig", root.at(ADMIN), "--request-timeout", "%ds" % seconds, *words, seconds=seconds) or None


def _nodes(root, seconds):
    try:
        return cluster_nodes.nodes(json.loads(_api(root, seconds, "get", "nodes", "--output", "json")),
                                   _claimed(root, seconds, cluster_claims.SLICES, cluster_claims.cards))
    except (KeyError, TypeError, ValueError):
        return None


def _claimed(root, seconds, asked, parsed):
    """What is told of claims; where the API says that it has none there are none. None: nobody knows, as no answer is no 'no'."""
    try:
        return parsed(json.loads(_api(root, seconds, *asked)))
    except (KeyError, TypeError, ValueError):
        pass
    try:
        return None if cluster_claims.served(json.loads(_api(root, seconds, *cluster_claims.GROUPS))) else {}
    except (KeyError, TypeError, ValueError):
        return None


def _holders(root, seconds):
    """{node: {name, or driver of claims: [pods that hold its cards so]}}; null: of one of both ways nobody knows."""
    text = _api(root, seconds, *cluster_pods.ASKED)
    claimed = None if text is None else _claimed(root, seconds, cluster_claims.CLAIMS, lambda told: cluster_claims.held(told, cluster_nodes.CANARY))
    return None if claimed is None else cluster_claims.both(cluster_pods.held(text, cluster_nodes.CANARY), claimed)


def _queues(root, seconds):
    """null: nobody answers, or Kueue is not there."""
    try:
        return cluster_queues.queues(json.loads(_api(root, seconds, *cluster_queues.ASKED)))
    except (KeyError, TypeError, ValueError):
        return None


def _control(root, seconds):
    try:
        return cluster_control.ready(json.loads(_api(root, seconds, *cluster_control.ASKED)))
    except (KeyError, TypeError, ValueError):
        return None


def _certificates(root, seconds):
    """{name: end} of those of a control plane; null: this host is none, or they cannot be read."""
    paths = _programs(root, "kubeadm") if root.exists(ADMIN) else []
    if not paths:
        return None
    try:
        return cluster_certificates.ends(_ask(root, paths[0], "certs", "check-expiration", "--output", "json", seconds=seconds))
    except ValueError:
        return None


def _sets(root):
    """Of a control plane that takes sets of etcd: how old the newest may be, what it is, whether it is where it was put, why a later one failed; null: none
    are taken here."""
    told, known = _document(root, SETS), _document(root, TAKEN)
    if not told:
        return None
    last, place = known.get("last"), told.get("to")
    # what a command took is out of sight
    there = root.is_file("%s/%s" % (place, last["name"])) if last and isinstance(place, str) else None
    return {"fresh_hours": told.get("fresh_hours"), "last": last, "there": there, "failed": known.get("failed")}


def _document(root, path):
    """A document that the role or its program wrote; {}: there is none, or nobody can read it."""
    try:
        found = json.loads(root.text(path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
