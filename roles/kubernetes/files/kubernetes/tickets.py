# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""By what a host joins, made on a control plane and called back: a login of a quarter of an hour, and for one more control plane the authorities of the
cluster, encrypted to a key of their own, and the key of its secrets. All of it goes through standard input and output, and stands on no command line."""

from __future__ import annotations

import base64
import os

import api
import cluster_nodes
import etcd
import kubeadm
import ledger
import making
import places

CERTS, FOR = "kubeadm-certs", "ai-stack.sovereign/for"
SYSTEM = ("--namespace", "kube-system")


def tokens(ground):
    """{id: host that it is for} of what hosts can join by and this role made; others' stay."""
    found = {}
    for one in api.ask(ground, "get", "secrets", *SYSTEM, "--field-selector", "type=bootstrap.kubernetes.io/token")["items"]:
        note = base64.b64decode(one.get("data", {}).get("description", "")).decode("utf-8", "replace")
        if note.startswith(kubeadm.NOTE):
            found[one["metadata"]["name"]] = note[len(kubeadm.NOTE):]
    return found


def ticket(ground, request):
    """By which one host joins. A node of that name is forgotten first: the host says that it is none, so what the cluster has of it is of its former life.
    asked: {name, address} of this host, for a control plane that joins."""
    if ground.known(places.ADMIN) is None:
        raise ledger.Refused("no cluster was made on this control plane yet; see what it said, and run the role without --limit")
    name, nodes = request["name"], cluster_nodes.nodes(api.ask(ground, "get", "nodes"))
    # one without an address was never more than a name, as of a join that was cut off
    if name in nodes and nodes[name]["address"] not in (None, request["address"]):
        raise ledger.Refused("the cluster has a node %s at %s, and this host is at %s: two hosts of one name" % (
            name, nodes[name]["address"], request["address"]))  # fmt: skip
    gone = etcd.made_room(ground, request) if request["part"] == places.CONTROL else []
    for one in sorted({name, *gone} & set(nodes)):
        forget(ground, one)
    more = _authorities(ground, request) if request["part"] == places.CONTROL else {}
    words = ["create", "--ttl", kubeadm.LIFE, "--usages", "authentication", "--description", kubeadm.NOTE + name]
    command = ["kubeadm", "--kubeconfig", ground.at(places.ADMIN), "token", *words]
    return {"token": ground.run(command, timeout=120, data=b"")[1].strip(), "ca": ground.text(places.AUTHORITY) + "\n", **more}


def forget(ground, name):
    """A node that is gone, with its pods: kubeadm asks every pod of etcd that the API knows of."""
    api.kubectl(ground, "delete", "node", name, seconds=120)
    api.kubectl(ground, *SYSTEM, "delete", "pods", "--field-selector", "spec.nodeName=" + name, "--force", "--grace-period", "0", check=False, seconds=120)


def _authorities(ground, request):
    """{key, encryption}: the authorities lie in the cluster, encrypted to a key that is nowhere but in the ticket; they go once the host is known."""
    key = os.urandom(32).hex()
    made = api.ask(ground, "get", "configmap", "kubeadm-config", *SYSTEM)["data"]["ClusterConfiguration"]
    with making.Scratch(ground, places.DOCUMENT, kubeadm.upload(request["asked"], key, made)) as path:
        command = ["kubeadm", "init", "phase", "upload-certs", "--upload-certs", "--skip-certificate-key-print", "--config", path]
        code, text = ground.run(command, check=False, timeout=places.LONG)
    if code:
        raise ledger.Refused("kubeadm does not leave the authorities for %s: %s" % (request["name"], making.reasons(text)))
    api.kubectl(ground, *SYSTEM, "annotate", "--overwrite", "secret/" + CERTS, "%s=%s" % (FOR, request["name"]))
    return {"key": key, "encryption": ground.read(places.ENCRYPTION).decode("utf-8")}


def called_back(ground, joined, control):
    """Take away by what hosts have joined that are known now; whether there was something."""
    stale = sorted(one for one, name in tokens(ground).items() if name in joined)
    if stale:
        api.kubectl(ground, *SYSTEM, "delete", "secret", *stale)
    return bool(stale) | (_no_authorities(ground, joined) if len(control) > 1 else False)


def _no_authorities(ground, joined):
    """Those that somebody else left for a host stay."""
    left = api.ask(ground, "get", "secret/" + CERTS, *SYSTEM, "--ignore-not-found")
    ours = bool(left) and (left["metadata"].get("annotations") or {}).get(FOR) in joined
    if ours:
        api.kubectl(ground, *SYSTEM, "delete", "secret/" + CERTS, "--ignore-not-found")
    return ours
