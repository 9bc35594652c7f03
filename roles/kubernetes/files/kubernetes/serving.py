# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The API server of this host: started anew where it reads something else, with certificates that last, and what it said last."""

from __future__ import annotations

import glob
import json
import os
import re
import time
import urllib.request

import api
import etcd
import ledger
import places
import virtual

PAUSE, TRIES = 1, 2
LABEL = "node-role.kubernetes.io/control-plane"
# what reads certificates of the control plane beside the API server
OTHERS = "^(etcd|kube-controller-manager|kube-scheduler)$"


def last_words(ground):
    """What a control plane that does not come up said last: kubeadm only says that it did not."""
    logs = sorted(glob.glob(ground.at("/var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log")), key=os.path.getmtime)
    if not logs:
        return ""
    with open(logs[-1], encoding="utf-8", errors="replace") as stream:
        lines = [line for line in stream if re.search(r" [EF]\d{4} |[Ee]rror|stderr F E", line)]
    return "; the API server said: %s" % lines[-1].split(" F ", 1)[-1].strip()[-400:] if lines else ""


def renewed(member):
    """New certificates of the same authorities, and everything that reads them anew; the old ones hold meanwhile."""
    if member.ending():
        etcd.whole(member, "before certificates are renewed")
        member.ledger.step("certificates")
        member.ground.run(["kubeadm", "certs", "renew", "all"], timeout=300)
        others = member.ground.run(places.RUNTIME + ["ps", "--quiet", "--name", OTHERS], timeout=60, data=b"")[1].split()
        if others:
            member.ground.run(places.RUNTIME + ["stop", "--timeout", "30", *sorted(others)], timeout=120)
        server_again(member)


def well(url):
    """Whether what listens on this host alone says that it is well; no proxy is asked for it."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def local(member, *words):
    """(exit status, output) of the API server of this very host, whatever stands before the API."""
    return api.kubectl(member.ground, *words, "--server", virtual.server(member.request["address"]), check=False)


def whole(member):
    """Whether a control plane that joined came to its end: its API server is ready, and kubeadm has marked the node, which is its last step."""
    if local(member, "get", "--raw", "/readyz")[0]:
        return False
    return "node/" + member.name in local(member, "get", "nodes", "--selector", LABEL, "--output", "name")[1].split()


def server_again(member):
    """Have the kubelet start the API server anew, and wait until it is ready."""
    ground = member.ground
    was = servers(ground)
    up = sorted(one for one, (runs, dummy) in was.items() if runs)
    if up:
        ground.run(places.RUNTIME + ["stop", "--timeout", "30", *up], timeout=120)
    else:
        # one that ended again and again would be started ever later
        ground.run(["systemctl", "restart", "kubelet.service"], timeout=120)
    last, end = max([number for dummy, number in was.values()], default=0), time.monotonic() + member.request["seconds"]
    while True:
        now = {one: state for one, state in servers(ground).items() if one not in was}
        if any(runs for runs, dummy in now.values()) and local(member, "get", "--raw", "/readyz")[0] == 0:
            return
        # the runtime keeps the last one alone, by its number: one that ended twice by itself will not come
        ended = max([number for runs, number in now.values() if not runs], default=last)
        if ended - last >= TRIES or time.monotonic() >= end:
            raise ledger.Refused("the API server does not come back%s" % last_words(ground))
        time.sleep(PAUSE)


def servers(ground):
    """{container of the API server: (whether it runs, number of its start)}"""
    text = ground.run(places.RUNTIME + ["ps", "--all", "--name", "^kube-apiserver$", "--output", "json"], timeout=60, data=b"")[1]
    return {one["id"]: (one["state"] == "CONTAINER_RUNNING", one["metadata"]["attempt"]) for one in json.loads(text)["containers"]}
