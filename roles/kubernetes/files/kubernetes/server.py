# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a control plane is asked: who is in the cluster, whose requests for certificates are its own, whether all is well."""

from __future__ import annotations

import socket
import ssl

import api
import cluster_nodes
import etcd
import ledger
import places
import restore
import serving
import serving_request
import tickets
import virtual

NODES = "/etc/ai-stack/kubernetes/nodes.json"
KUBELET = 10250
# what runs on every node, and what on some
ON_NODES, NAMES = "k8s-app=kube-proxy", "k8s-app=kube-dns"
PARTS = ("kube-apiserver", "etcd")
NOBODY = {"nodes": {}, "waiting": [], "tokens": [], "silent": None, "authority": None, "former": {}, "encryption": None, "member": False}


def told(ground):
    """{nodes: of cluster_nodes, waiting: [requests of nodes that nobody decided about], tokens: [ids of ours that are left], silent: why the API does not
    answer, authority: its certificate, former: endpoints by which nodes of before a restore know it, encryption: digest of the key of secrets, member: whether
    that of etcd on this host answers, which is asked for all others}; no nodes where there is no cluster yet."""
    if ground.known(places.ADMIN) is None:
        return dict(NOBODY)
    if (ground.load(ledger.Ledger(ground).open) or {}).get("step") == "join":
        # the way in is there from the first steps on
        return dict(NOBODY, silent="kubeadm was cut off on this host, in a join")
    known = {"authority": ground.text(places.AUTHORITY), "former": restore.former(ground), "encryption": restore.digest_of(ground, places.ENCRYPTION)}
    try:
        waiting = [one["metadata"]["name"] for one in api.ask(ground, "get", "certificatesigningrequests")["items"] if serving_request.waits(one)]
        return {"nodes": cluster_nodes.nodes(api.ask(ground, "get", "nodes")), "waiting": sorted(waiting), "tokens": sorted(tickets.tokens(ground)),
                "silent": None, "member": serving.well(etcd.HEALTH), **known}  # fmt: skip
    except ledger.Refused as error:
        return dict(NOBODY, silent=str(error), **known)


def approve(ground, joined=None):
    """Approve what nodes ask for to serve by, where it is their own; [what was approved], [why others were not]. joined: {name: [addresses]} of those that this
    run brings, which the control planes were not told of where they are not in it."""
    nodes, good, left = {**(ground.load(NODES) or {}), **(joined or {})}, [], []
    for request in api.ask(ground, "get", "certificatesigningrequests")["items"]:
        if serving_request.waits(request):
            name, against = request["metadata"]["name"], serving_request.objections(request, nodes)
            if against:
                left.append("%s of %s: %s" % (name, request["spec"].get("username"), "; ".join(against)))
            else:
                # each control plane approves; one of them may just have done it
                code, said = api.kubectl(ground, "certificate", "approve", name, check=False)
                (left if code else good).append("%s: %s" % (name, ledger.tail(said, 1)) if code else name)
    return good, left


def serves(ground, address):
    """Whether a kubelet serves by a certificate of the cluster's authority for its address, which the API server demands."""
    context = ssl.create_default_context(cafile=ground.at(places.AUTHORITY))
    try:
        with socket.create_connection((address, KUBELET), timeout=10) as plain, context.wrap_socket(plain, server_hostname=address):
            return True
    except OSError:
        return False


def settle(ground, request):
    """Wait until those who joined are known, have a part of the network and serve by a certificate of the cluster; call their tickets back. nodes of a request:
    {name: [addresses]} as the inventory has them."""
    named = {name: at for name, at in (request.get("nodes") or {}).items() if name in request["joined"]}

    def wrong():
        seen, left = cluster_nodes.nodes(api.ask(ground, "get", "nodes")), approve(ground, named)[1]
        missing = [name for name in request["joined"] if not (seen.get(name) or {}).get("pods")]
        shut = [name for name in request["joined"] if name not in missing and not serves(ground, seen[name]["address"])]
        found = ["the cluster does not know of %s within %d s" % (", ".join(missing), request["seconds"])] if missing else []
        found += ["%s has no certificate of the cluster to serve by%s" % (", ".join(shut), "".join("; " + one for one in left))] if shut else []
        # no reason to wait, and often why nothing comes
        return found and found + cluster_nodes.in_trouble(seen, request["joined"])

    api.until(request["seconds"], wrong, ledger.Refused)
    stale = tickets.called_back(ground, request["joined"], request.get("control") or ())
    # what nodes ask for is the timer's work at any time, and no change of this run
    return {"nodes": cluster_nodes.nodes(api.ask(ground, "get", "nodes")), "changed": stale}


def prove(ground, request):
    """Wait until all is as it should be; what is not, all at once."""
    api.until(request["seconds"], lambda: unwell(ground, request), ledger.Refused)
    return {"proven": True}


def running(ground, label):
    """{node: pods of a label that are ready on it}"""
    found = {}
    for pod in api.ask(ground, "--namespace", "kube-system", "get", "pods", "--selector", label)["items"]:
        ready = any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions") or ())
        found.setdefault(pod["spec"].get("nodeName"), []).extend([pod["metadata"]["name"]] if ready else [])
    return found


def unwell(ground, request):
    """What is not as it should be. ready: whether nodes have a network, so that they can be ready; control: control planes among them, where there are
    several."""
    seen, wrong, proxies = cluster_nodes.nodes(api.ask(ground, "get", "nodes")), [], running(ground, ON_NODES)
    for name in sorted(request["nodes"]):
        node = seen.get(name)
        if not node:
            wrong.append("%s is no node of the cluster" % name)
            continue
        if node["version"] != "v" + request["version"]:
            wrong.append("%s runs the kubelet of %s, not v%s" % (name, node["version"], request["version"]))
        if not serves(ground, node["address"]):
            wrong.append("%s has no certificate of the cluster to serve by" % name)
        if request["ready"] and not node["ready"]:
            wrong.append("%s is not ready" % name)
        if request["ready"]:
            wrong += cluster_nodes.in_trouble(seen, [name])
        if not proxies.get(name):
            wrong.append("kube-proxy does not run on %s" % name)
    if request["ready"] and not any(running(ground, NAMES).values()):
        wrong.append("CoreDNS does not run")
    if ground.known(places.SUPER_ADMIN) is not None:
        wrong.append("%s is there: whoever reads it can do anything (rule K8S-S3)" % places.SUPER_ADMIN)
    return wrong or _control(ground, request.get("control") or (), seen)


def _control(ground, names, seen):
    """What control planes lack, of several: each has an API server that is ready, and a member of etcd that answers (rule K8S-E9)."""
    wrong, well = [], etcd.well(ground) if names else ()
    pods = {part: running(ground, "component=" + part) for part in PARTS} if names else {}
    for name in sorted(names):
        # whoever looks right after this run asks these
        wrong += ["%s on %s is not ready" % (part, name) for part in PARTS if not pods[part].get(name)]
        if api.kubectl(ground, "get", "--raw", "/readyz", "--server", virtual.server(seen[name]["address"]), check=False)[0]:
            wrong.append("the API server on %s is not ready" % name)
        if name not in well:
            wrong.append("the member of etcd on %s does not answer" % name)
    return wrong
