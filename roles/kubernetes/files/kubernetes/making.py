# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""kubeadm on this host: a first control plane or one more member, how far a run that was cut off came, and everything of it away again."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil

import api
import kubeadm
import ledger
import places
import restore
import serving

BUILT_IN = {"default", "kube-node-lease", "kube-public", "kube-system"}
HALF = ("init", "join", "reset")
# the role brings it, right after this question
IGNORED = "FileContent--proc-sys-net-ipv4-ip_forward"


def ready(member):
    """What kubeadm itself has against this host, before anything is written; a first control plane pulls its images here."""
    if not member.request["first"]:
        return
    with Scratch(member.ground, places.DOCUMENT, member.request["document"]) as path:
        command = ["kubeadm", "init", "phase", "preflight", "--ignore-preflight-errors", IGNORED, "--config", path]
        code, text = member.ground.run(command, check=False, timeout=places.LONG)
    if code:
        raise ledger.Refused("kubeadm refuses this host:\n%s" % reasons(text))


def reasons(text):
    """Each error of a kubeadm, or its last words."""
    found = [line.strip() for line in re.findall(r"\[ERROR [^\]]+\]:.*(?:\n(?!\s*\[).+)*", text)]
    return "\n".join(" ".join(one.split())[:600] for one in found) or ledger.tail(text, 3)


class Scratch:
    """A file for one command, in a folder that nobody else can look into and that no disk keeps."""

    def __init__(self, ground, path, text):
        self.ground, self.path, self.text = ground, path, text

    def __enter__(self):
        os.makedirs(self.ground.at(places.RUN), mode=0o700, exist_ok=True)
        os.chmod(self.ground.at(places.RUN), 0o700)
        self.ground.write(self.path, self.text.encode("utf-8"), places.SECRET)
        return self.ground.at(self.path)

    def __exit__(self, *_dummy):
        self.ground.remove(self.path)


def made(member):
    """The first control plane, or one more member."""
    ground, request = member.ground, member.request
    without_rules(ground)
    ground.run(["systemctl", "--quiet", "enable", "kubelet.service"], timeout=120)
    if request.get("restore"):
        member.ledger.step("init")
        restore.put_back(member, etcd_image(member))
    if request["part"] == places.CONTROL:
        with_secrets(member)
    member.ledger.step("init" if request["first"] else "join")
    if request["part"] == places.CONTROL:
        ground.save(places.MADE, request["settings"])
    if request["first"]:
        run_kubeadm(member, "init", "--skip-phases", "preflight", "--skip-token-print")
        if request.get("restore"):
            restore.settled(member)
        return
    with Scratch(member.ground, places.DISCOVERY, discovery(request["endpoint"], request["ticket"])):
        run_kubeadm(member, "join")


def with_secrets(member):
    """The key of secrets before the API server that reads it: that of the cluster on one that joins, and a new one only with a new cluster."""
    ground = member.ground
    if not member.request["first"]:
        text = member.request["ticket"]["encryption"]
    elif ground.known(places.ENCRYPTION) is None:
        text = json.dumps(kubeadm.encryption([{"name": "key1", "secret": base64.b64encode(os.urandom(32)).decode("ascii")}]))
    else:
        return
    ground.write(places.ENCRYPTION, text.encode("utf-8"), places.SECRET)


def etcd_image(member):
    """The image of etcd that kubeadm brings for this host."""
    with Scratch(member.ground, places.DOCUMENT, member.request["document"]) as path:
        listed = member.ground.run(["kubeadm", "config", "images", "list", "--config", path], timeout=120, data=b"")[1].split()
    return next(one for one in listed if one.rpartition("/")[2].startswith("etcd:"))


def discovery(endpoint, ticket):
    """Where the API is, by which authority it is known, and a login for a quarter of an hour."""
    cluster = {"server": "https://" + endpoint, "certificate-authority-data": base64.b64encode(ticket["ca"].encode("ascii")).decode("ascii")}
    return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "join", "clusters": [{"name": "cluster", "cluster": cluster}],
                       "users": [{"name": "host", "user": {"token": ticket["token"]}}],
                       "contexts": [{"name": "join", "context": {"cluster": "cluster", "user": "host"}}]})  # fmt: skip


def run_kubeadm(member, verb, *words):
    document, key = member.request["document"], (member.request.get("ticket") or {}).get("key")
    with Scratch(member.ground, places.DOCUMENT, kubeadm.with_key(document, key) if key else document) as path:
        code, text = member.ground.run(["kubeadm", verb, "--config", path, *words], check=False, timeout=places.LONG)
    if code:
        raise ledger.Refused("kubeadm %s failed: %s%s" % (verb, reasons(text), serving.last_words(member.ground)))


def finished(member):
    """Whether kubeadm came to its end although nobody noted it. One that others use meanwhile is not taken from them."""
    ground = member.ground
    # what was restored is there from the first answer of the API on: nobody knows how far it came, and it is begun again
    if member.journal["step"] == "reset" or member.journal.get("restore"):
        return False
    if member.journal["step"] == "join":
        known = member.name in (member.request.get("peers") or {})
        return known and (member.request["part"] != places.CONTROL or serving.whole(member))
    code, text = api.kubectl(ground, "get", "namespaces", "--output", "name", check=False)
    if code:
        if places.LATE in (ground.text(places.JOINED) or ""):
            said = serving.last_words(ground)
            raise ledger.Refused("this control plane was made, its API does not answer, and nobody noted how far it came: look why%s" % said)
        return False
    if api.kubectl(ground, "--namespace", "kube-system", "get", "daemonset/kube-proxy", "deployment/coredns", "--output", "name", check=False)[0] == 0:
        return True
    others = {line.partition("/")[2] for line in text.split()} - BUILT_IN
    others |= {line.partition("/")[2] for line in api.kubectl(ground, "get", "nodes", "--output", "name")[1].split()} - {member.name}
    if others:
        raise ledger.Refused("this control plane was not made to its end, and somebody uses it (%s): what is missing wants a look" % ", ".join(sorted(others)))
    return False


def wiped(member):
    """What kubeadm left of a member, as if it had never been one."""
    ground = member.ground
    ground.run(["kubeadm", "reset", "--force", "--cri-socket", kubeadm.SOCKET], timeout=places.LONG)
    ground.run(["systemctl", "disable", "--now", "kubelet.service"], check=False, timeout=120)
    for path in (places.JOINED, places.ADMIN, places.SUPER_ADMIN, places.BOOTSTRAP, places.ENCRYPTION, places.MADE, *places.SCRATCH):
        ground.remove(path)
    if member.request["part"] == places.CONTROL:
        restore.taken_back(ground)
    # addresses of pods that were cut off would be nobody's
    shutil.rmtree(ground.at(places.ADDRESSES), ignore_errors=True)
    without_rules(ground)
    member.joined = False


def without_rules(ground):
    """Without the rules of services: kubeadm leaves them to others, and the kube-proxy of another cluster builds on them and leaves services out."""
    for family in ("ip", "ip6"):
        ground.run(["nft", "delete", "table", family, "kube-proxy"], check=False, timeout=60)
