# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The journal of the change that is under way, the last state that was proven, and the first one ever seen.

journal.json    open while a change is under way: {plan, owner, step, at, boot_id, steps, before, touches, ...}
last-good.json  written by commit, when the new state was proven
baseline.json   what was there before this program touched the host for the first time: what "absent" leads back to
drained         there from before the operator's hook empties the host until the hook has filled it again
"""

from __future__ import annotations

import host
import ledger
import modules
import packages
from ledger import BASE, GOOD, LAST, OPEN, need_open, now

KEPT = host.STATE + "/packages"
TOUCHES = ("packages", "roots", "holds", "files", "units", "initramfs")
CHECK = "ai-stack-gpu-driver-check.service"
# Ansible's apt keeps services from starting by writing this file, and does not come to taking it away when it is cut off.
SERVICE_POLICY = "/usr/sbin/policy-rc.d"


def begin(request):
    """Open the journal, or go on with the one that an interrupted run left open."""
    journal = host.load(OPEN)
    asked = dict(request["touches"], initramfs=[modules.image(request["kernel"])])
    touches = {key: sorted(asked[key]) for key in TOUCHES}
    before = journal["before"] if journal else {}
    add_missing(before, seen(touches), touches)
    if journal:
        # it may have been cut off inside of Ansible's apt
        host.put_back(SERVICE_POLICY, journal["service_policy"])
        touches = {key: sorted(set(touches[key]) | set(journal["touches"][key])) for key in TOUCHES}
    elif not request["irreversible"]:
        packages.keep_way_back(before["packages"], request["packages"], KEPT)
    remember_baseline(before, touches)
    steps = journal["steps"] if journal else []
    host.save(OPEN, {
        "plan": request["plan"], "owner": request["owner"], "kernel": request["kernel"], "driver": request["driver"],
        "cards": request["cards"], "irreversible": request["irreversible"] or bool(journal and journal["irreversible"]),
        "limit": request["limit"], "may_reboot": request["may_reboot"], "boot_id": host.boot_id(), "before": before, "touches": touches,
        "service_policy": journal["service_policy"] if journal else host.keep(SERVICE_POLICY),
        "step": "begin", "at": now(), "steps": steps + [{"name": "begin", "at": now()}],
    })


def seen(touches, keep=True):
    """Return what is there now of all that a change touches; keep: put copies of the files into the store."""
    have = packages.installed()
    held = set(packages.held())
    kept = host.keep if keep else host.known
    return {
        "packages": {name: have.get(name) for name in touches["packages"]},
        "holds": {name: name in held for name in touches["holds"]},
        "files": {path: kept(path) for path in touches["files"]},
        "units": {unit: unit_enabled(unit) for unit in touches["units"]},
        "initramfs": {path: kept(path) for path in touches["initramfs"]},
    }


def unit_enabled(unit):
    return host.run(["systemctl", "is-enabled", unit], check=False)[1].strip().splitlines()[-1:] == ["enabled"]


def add_missing(before, current, touches):
    """Remember only what was not touched yet: after a broken run the present state is nobody's wish."""
    for key, values in current.items():
        known = before.setdefault(key, {})
        for name, value in values.items():
            known.setdefault(name, value)


def remember_baseline(before, touches):
    base = host.load(BASE)
    if base is None or base.get("taken_back"):
        base = {"at": now(), "before": {}, "touches": {key: [] for key in TOUCHES}}
    add_missing(base["before"], before, touches)
    base["touches"] = {key: sorted(set(base["touches"][key]) | set(touches[key])) for key in TOUCHES}
    host.save(BASE, base)


def commit():
    """What is there now was proven: it is the last known good state, and the change is over."""
    journal = need_open()
    touches = journal["touches"]
    have = seen({key: sorted(set(touches[key]) | set(baseline_touches(key))) for key in TOUCHES})
    packages.keep_archives(archives(have["packages"], touches["roots"]) | archives(host.load(BASE)["before"]["packages"]), KEPT)
    host.save(GOOD, {"plan": journal["plan"], "at": now(), "kernel": journal["kernel"], "driver": journal["driver"], "state": have})
    if journal["irreversible"]:
        renew_baseline(have)
    close(journal, "committed")
    # It would see by itself within seconds; a caller who looks at the units must not meet it waiting.
    host.run(["systemctl", "stop", CHECK], check=False)


def archives(versions, names=None):
    """Return {(name, version)} of the packages that are there; names: of these only."""
    return {(name, version) for name, version in versions.items() if version and (names is None or name in names)}


def renew_baseline(have):
    """Behind a one-way door the driver stays: packages and initramfs of before it are forgotten; our files, holds and units can still go."""
    base = host.load(BASE)
    base["before"].update({key: have[key] for key in ("packages", "initramfs")})
    base["at"] = now()
    host.save(BASE, base)


def baseline_touches(key):
    return (host.load(BASE) or {"touches": {key: []}})["touches"][key]


def close(journal, how):
    ledger.close(journal, how)
    host.free_store(used())


def used():
    """Return the digests that a record still names."""
    digests = set()
    for path, key in ((OPEN, "before"), (BASE, "before"), (GOOD, "state")):
        record = (host.load(path) or {}).get(key, {})
        for kind in ("files", "initramfs"):
            digests |= {kept["sha256"] for kept in record.get(kind, {}).values() if kept}
    policy = (host.load(OPEN) or {}).get("service_policy")
    return digests | ({policy["sha256"]} if policy else set())


def status():
    journal, good = host.load(OPEN), host.load(GOOD)
    return {
        "open": {key: journal[key] for key in ("plan", "owner", "step", "at")} if journal else None,
        "last_good": {key: good[key] for key in ("plan", "at", "kernel", "driver")} if good else None,
        "last_change": host.load(LAST), "half_done": packages.half_done(),
    }
