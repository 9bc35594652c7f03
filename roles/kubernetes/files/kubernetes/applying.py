# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""This host becomes what is asked for, and what does not come to its end goes back in the same call."""

from __future__ import annotations

import etcd
import ledger
import making
import network
import places
import restore
import serving
import sets
import virtual


def look(member, versions=()):
    """What would change, or every refusal; the host is left as it is. versions: rows of what has another one."""
    refused = member.refusals()
    if refused:
        raise ledger.Refused("\n".join(refused))
    return {"differs": [*versions, *member.differs()], "joined": member.joined, "open": member.ledger.status()["open"]}


def apply(member, owner):
    """All of it; what kubeadm does not bring to its end is taken back here, in this call."""
    refused = member.refusals()
    if refused:
        raise ledger.Refused("\n".join(refused))
    rows = member.differs()
    if not rows and not member.journal:
        return {"changed": False}
    if member.joined and member.journal and member.journal.get("fresh"):
        # kubeadm came to its end: what is there counts from now on, and there is no way back to before it; logins that it was cut off with go
        for path in (places.BOOTSTRAP, *places.SCRATCH):
            member.ground.remove(path)
        member.ledger.commit()
    elif member.half:
        making.wiped(member)
    if member.joined and member.changed(member.request["policies"], places.SECRET):
        etcd.whole(member, "before its API server is started anew")
    sets.before(member, rows)
    fresh = not member.joined
    if fresh:
        making.ready(member)
    touched = sorted({*member.files, *member.request["policies"], *member.request["gone"]})
    member.ledger.begin({"plan": member.request["plan"], "owner": owner, "touches": {"files": touched}, "irreversible": False, "fresh": fresh,
                         "restore": bool(fresh and member.request.get("restore"))})  # fmt: skip
    try:
        restart = written(member)
        if fresh:
            # kubeadm asks the API where it will be
            start(member, [unit for unit in member.units if unit == virtual.UNIT])
            member.stale = [unit for unit in member.stale if unit != virtual.UNIT]
            making.made(member)
        elif restart:
            member.ledger.step("restart")
            serving.server_again(member)
        restore.followed(member)
        sets.withdrawn(member)
        if member.request["part"] == places.CONTROL:
            member.ledger.step("settle")
            serving.renewed(member)
            # it is bound to the built-in group of all rights (rule K8S-S3); who needs it again makes it of the authority
            member.ground.remove(places.SUPER_ADMIN)
        run_units(member)
    except (ledger.Refused, OSError) as error:
        raise ledger.Refused("%s\n%s" % (error, led_back(member, fresh)))
    member.ledger.commit()
    if sets.differs(member):
        # it stays as it is where that fails, and the next run tries again
        sets.taken(member, "the first one")
    return {"changed": True, **({"restored": restore.record(member.ground)} if fresh and member.request.get("restore") else {})}


def written(member):
    """Write the files that differ; whether one of them is read by a running API server when it starts."""
    member.ledger.step("files")
    settings = member.changed(member.files, places.MODE)
    policies = member.changed(member.request["policies"], places.SECRET)
    for path in settings:
        member.ground.write(path, member.files[path].encode("utf-8"), places.MODE)
    for path in policies:
        member.ground.write(path, member.request["policies"][path].encode("utf-8"), places.SECRET)
    for path in settings:
        if path.startswith("/etc/sysctl.d/"):
            member.ground.run(["sysctl", "--quiet", "--load", member.ground.at(path)], timeout=60)
    member.stale = [unit for unit in member.units if read_by(unit) & set(settings)]
    return bool(policies)


def read_by(unit):
    """Files that a unit is, or reads when it starts."""
    read = {network.UNIT: (network.ROUTES, network.NAT), virtual.UNIT: (virtual.CONF,)}.get(unit, ())
    return {places.UNITS + unit, places.UNITS + unit.replace(".timer", ".service"), *read}


def run_units(member):
    """Those whose files were written start anew."""
    stale = sorted({*member.stale, *member.idle()})
    if stale:
        member.ledger.step("units")
        start(member, stale)


def start(member, units):
    """Start units anew; none are none."""
    if not units:
        return
    member.ground.run(["systemctl", "daemon-reload"], timeout=120)
    member.ground.run(["systemctl", "--quiet", "enable", *units], timeout=120)
    member.ground.run(["systemctl", "restart", *units], timeout=120)
    if network.UNIT in units:
        wanted = {line.split()[2] for line in (member.ground.text(network.ROUTES) or "").splitlines()}
        shown = member.ground.run(["ip", "route", "show", "protocol", str(network.PROTOCOL)], timeout=60, data=b"")[1]
        # last, so that no route is missing meanwhile
        for pods in sorted({line.split()[0] for line in shown.splitlines() if line.split()} - wanted):
            member.ground.run(["ip", "route", "del", pods, "protocol", str(network.PROTOCOL)], check=False, timeout=60)


def led_back(member, fresh):
    """What came of the way back, be it that it failed too."""
    try:
        return back(member, fresh)
    except (ledger.Refused, OSError) as error:
        return str(error)


def back(member, fresh):
    """The files of before the change, and the host without what kubeadm began."""
    record = member.ledger.need_open()
    if fresh and member.request.get("virtual"):
        member.ground.run(["systemctl", "disable", "--now", virtual.UNIT], check=False, timeout=120)
    if fresh and (member.ground.known(places.JOINED) or record["step"] in making.HALF):
        making.wiped(member)
    policies = [path for path in record["before"]["files"] if path in member.request["policies"]]
    changed = [path for path in policies if member.ground.known(path) != record["before"]["files"][path]]
    for path, was in sorted(record["before"]["files"].items()):
        member.ground.put_back(path, was)
    try:
        if changed and not fresh:
            serving.server_again(member)
        start(member, [unit for unit in member.stale if member.ground.known(places.UNITS + unit)])
    except ledger.Refused as error:
        raise ledger.Refused("the files of before the change are back, and yet: %s" % error)
    member.ledger.close(record, "restored")
    return "this host is no member of the cluster, as before" if fresh else "it runs with the files of before the change"
