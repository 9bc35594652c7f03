# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A host leaves its cluster."""

from __future__ import annotations

import os

import ledger
import making
import network
import places


def reset(member, owner):
    """Out of the cluster, and the files of before this role; who takes a host out for good has the cluster told first."""
    ground, request = member.ground, member.request
    there = [path for path in (places.SERVER_POD, places.ETCD) if os.path.exists(ground.at(path))]
    if not ground.known(places.JOINED) and not there and not member.journal and not any(ground.known(path) for path in member.files):
        return {"changed": False}
    if member.server not in (None, *member.servers):
        raise ledger.Refused("this host has joined the cluster at %s, and not that at %s: it stays" % (member.server, request["endpoint"]))
    # others have the cluster, and one of them has told it that this host goes
    if there and not request.get("left") and request["destroy"] != request["cluster"]:
        raise ledger.Refused("this host is a control plane (%s): everything that is stored in it would go; kubernetes_destroy names the cluster that may"
                             % ", ".join(there))  # fmt: skip
    touched = sorted({*member.files, *request["policies"], *request["gone"]})
    member.ledger.begin({"plan": request["plan"], "owner": owner, "touches": {"files": touched}, "irreversible": True, "fresh": False})
    member.ledger.step("reset")
    units = [unit for unit in request["units"] if ground.known(places.UNITS + unit)]
    if units:
        ground.run(["systemctl", "disable", "--now", *units], check=False, timeout=120)
    if ground.known(places.JOINED) or there or member.half:
        making.wiped(member)
    record = member.ledger.need_open()
    base = (ground.load(member.ledger.base) or {}).get("before", {}).get("files", {})
    for path in sorted({*base, *touched}):
        ground.put_back(path, base.get(path))
    ground.run(["ip", "route", "flush", "protocol", str(network.PROTOCOL)], check=False, timeout=60)
    ground.run(["nft", "delete", "table", "ip", network.TABLE], check=False, timeout=60)
    if units:
        ground.run(["systemctl", "daemon-reload"], timeout=120)
        # what failed once, as while the API was away, would be listed for ever
        ground.run(["systemctl", "reset-failed", "ai-stack-kubernetes-*"], check=False, timeout=60)
    member.ledger.close(record, "taken back")
    return {"changed": True}
