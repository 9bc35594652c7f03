# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A control plane out of a set, on a machine that has none: authorities and the key of secrets are put back, etcd gets the snapshot, and kubeadm makes the rest
anew, which finds a cluster there. Nodes of before follow to where the API is now.

A request for it has restore: path of the archive on this host; one of a node of before has former: {endpoint: sha256 of the cluster's authority}.
"""

from __future__ import annotations

import calendar
import hashlib
import os
import re
import secrets
import shutil
import time

import api
import archive
import etcd
import ledger
import sets

ETCD = "/var/lib/etcd"
AUTHORITY, JOINED = archive.PKI + "/ca.crt", "/etc/kubernetes/kubelet.conf"
# watches of before must find their revisions gone, and never a smaller one; source: etcd, op-guide/recovery, "Restoring with revision bump"
BUMP = 10**9
# a second restore of the same set has to be above what the first one came to meanwhile: no cluster writes so often in a second
A_SECOND = 10**4
LABEL = "node-role.kubernetes.io/control-plane"
SERVER = re.compile(r"^(\s*server: https://)(\S+)(\s*)$", re.M)


def record(ground):
    """What this control plane was restored of; {}: it was not."""
    return ground.load(ground.state + "/restored.json") or {}


def former(ground):
    """{endpoint: sha256 of the authority} by which nodes of before still know this cluster."""
    known = record(ground)
    return {known["endpoint"]: known["authority"]} if known else {}


def digest_of(ground, path):
    return (ground.known(path) or {}).get("sha256")


def follows(member):
    """Whether this node knows the cluster by an endpoint of before, and it is the same cluster: of the same authority."""
    known = (member.request.get("former") or {}).get(member.server)
    return bool(known and member.joined and known == digest_of(member.ground, AUTHORITY))


def differs(member):
    if member.joined and member.server not in member.servers and follows(member):
        return [{"resource": "endpoint:" + member.name, "before": member.server, "after": member.request["endpoint"]}]
    return []


def followed(member):
    """The kubelet asks the API where it is now; its certificate is good there."""
    if differs(member):
        member.ledger.step("follow")
        text = SERVER.sub(lambda found: found[1] + member.request["endpoint"] + found[3], member.ground.read(JOINED).decode("utf-8"))
        member.ground.write(JOINED, text.encode("utf-8"), 0o600)
        member.ground.run(["systemctl", "restart", "kubelet.service"], timeout=120)


def refusals(member):
    """What stands in the way of a restore, and a restore in the way of anything else."""
    path, was = member.request.get("restore"), member.journal or {}
    if not path:
        cut = was.get("restore") and not member.joined
        return ["a restore was cut off on this host: begin it again with kubernetes_restore, or take the host out"] if cut else []
    if not member.request["first"]:
        return ["kubernetes_restore is for the control plane of a cluster, and for it alone"]
    try:
        manifest = archive.read(member.ground.at(path))[0]
    except ledger.Refused as error:
        return ["kubernetes_restore: %s" % error]
    if member.joined:
        same = record(member.ground).get("at") == manifest["at"]
        return [] if same else ["this host has a cluster already: a set is restored on a machine that has none"]
    return ["kubernetes_restore: " + one for one in _against(member.request, manifest)]


def _against(request, manifest):
    """Why a set is not for this cluster. Its endpoint may be another one now, and nothing else of what the cluster was made with."""
    if manifest["cluster"] != request["cluster"]:
        return ["it is a set of cluster %s, and this is %s" % (ascii(manifest["cluster"])[1:-1], request["cluster"])]
    found, minor = [], request["version"].rpartition(".")[0]
    if manifest["kubernetes"].rpartition(".")[0] != minor:
        found.append("it is of Kubernetes %s, and this host gets %s: restore it with that minor first" % (manifest["kubernetes"], request["version"]))
    was = manifest["settings"] or {}
    return found + ["its cluster was made with %s: %s, and not %s" % (key, was.get(key), one) for key, one in sorted(request["settings"].items())
                    if key != "endpoint" and was.get(key) != one]  # fmt: skip


def put_back(member, image):
    """Before kubeadm: every digest is right before the first file is written. image: of etcd, which is on this host."""
    ground, folder = member.ground, member.ground.at(member.ground.state + "/restore")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700)
    try:
        # on a disk, as in the folder of etcd right after
        manifest, small = archive.read(ground.at(member.request["restore"]), folder + "/snapshot.db")
        for name, content in sorted(small.items()):
            # the other policies are what the inventory says now
            if archive.PLACES[name] not in member.request["policies"]:
                ground.write(archive.PLACES[name], content, 0o644 if name.endswith((".crt", ".pub")) else 0o600)
        _member(member, image, folder + "/snapshot.db", manifest["at"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = {key: manifest[key] for key in ("at", "host", "endpoint", "kubernetes", "revision")}
    ground.save(ground.state + "/restored.json", dict(found, authority=hashlib.sha256(small["pki/ca.crt"]).hexdigest()))


def _bump(taken):
    age = max(0, int(time.time()) - calendar.timegm(time.strptime(taken, "%Y-%m-%dT%H:%M:%SZ")))
    return ["--bump-revision", str(BUMP + age * A_SECOND), "--mark-compacted"]


def _member(member, image, snapshot, taken):
    """One member of a new cluster of etcd: under a token of its own it takes no part in what is left of the old one."""
    ground, address = member.ground, member.request["address"]
    shutil.rmtree(ground.at(ETCD), ignore_errors=True)
    peer = etcd.peer(address)
    with sets.Tools(ground, image) as tools:
        tools.ask("etcdutl", "snapshot", "restore", snapshot, "--data-dir", ground.at(ETCD), "--name", member.name, "--initial-cluster",
                  "%s=%s" % (member.name, peer), "--initial-advertise-peer-urls", peer, "--initial-cluster-token", "ai-stack-" + secrets.token_hex(8),
                  *_bump(taken))  # fmt: skip


def settled(member):
    """After kubeadm: control planes that were lost are forgotten, and what tells pods where the API is starts anew."""
    ground = member.ground
    names = api.kubectl(ground, "get", "nodes", "--selector", LABEL, "--output", "name")[1].split()
    lost = sorted({one.partition("/")[2] for one in names} - set(member.request["nodes"]))
    for name in lost:
        api.kubectl(ground, "delete", "node", name, seconds=120)
    if record(ground)["endpoint"] != member.request["endpoint"]:
        api.kubectl(ground, "--namespace", "kube-system", "rollout", "restart", "daemonset/kube-proxy")
    return lost


def taken_back(ground):
    """What kubeadm does not know that it is its own; whatever else is in the folder of etcd is somebody else's."""
    shutil.rmtree(ground.at(ETCD + "/member"), ignore_errors=True)
    ground.remove(ground.state + "/restored.json")
