# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The boot that is tried once proves itself, or the old entry comes back; and what any other boot finds of a change, it ends."""

from __future__ import annotations

import os
import time

import grub
import host
import initramfs
import journal
import ledger
import pci

PAUSE = 3
# Long enough for whoever waits for the word to hear it before the host is gone.
LAST_WORD = 15
CUT_OFF = "it ended before it was proven (panic, hang or power)"
NOT_TAKEN = "GRUB did not take the entry for one boot, or somebody chose another one"
NOT_KEPT = "it was proven, and the host was booted again before a run kept it"
UNDER_WAY = "it was cut off before its boot"


def unhealthy(record):
    """Return why this boot is not what was wanted; [] where it is."""
    cards, before = record["want"]["cards"], record["before"]
    found = [*pci.unbound(cards), *pci.shared(cards), *pci.lost(before["drivers"], cards)]
    found += ["the module %s is not loaded" % name for name in record["want"]["modules"] if not loaded(name)]
    found += ["nothing listens on port %d" % port for port in record["ports"] if not pci.listens(port)]
    return found + (["there is no default route"] if before["routes"] and not pci.routes() else [])


def loaded(name):
    """Say whether the kernel has this module; one that is built in need not show itself."""
    name = name.replace("-", "_")
    builtin = (host.text("/lib/modules/%s/modules.builtin" % host.text("/proc/sys/kernel/osrelease")) or "").replace("-", "_").splitlines()
    return os.path.isdir(host.at("/sys/module/" + name)) or any(line.endswith("/%s.ko" % name) for line in builtin)


def check():
    """What the unit of the boot does with a change that is open."""
    record = host.load(ledger.OPEN)
    if record is None:
        return "nothing is under way"
    if not journal.in_trial(record):
        return other_boot(record)
    if record["step"] in ("booted", "commit"):
        return "proven by this boot; the next run keeps it"
    # where GRUB cannot write it would try again and again
    host.lock(grub.disarm)
    return prove(record)


def prove(record):
    end, said = time.monotonic() + record["limit"], None
    doubts = "; ".join(unhealthy(record))
    while doubts and time.monotonic() < end:
        if doubts != said:
            # the timer, or somebody at the console, may come first
            host.lock(note, record["at"], "doubts", doubts)
        said = doubts
        time.sleep(PAUSE)
        doubts = "; ".join(unhealthy(record))
    if doubts:
        return give_up(record, doubts)
    initramfs.stop_timer()
    host.lock(ledger.step, "booted")
    return "the trial boot is proven"


def give_up(record, reason):
    host.lock(note, record["at"], "reason", reason)
    time.sleep(LAST_WORD)
    host.run(["systemctl", "reboot"], check=False)
    return reason


def note(at, key, text):
    record = host.load(ledger.OPEN)
    if record is not None and record["at"] == at:
        host.save(ledger.OPEN, dict(record, **{key: text}))


def other_boot(record):
    """The host runs an entry of before, or one that has what was kept."""
    if record["boot_id"] == host.boot_id():
        return "it waits for a boot"
    if record["step"] == "commit":
        host.lock(finish, record["at"])
        return "what was proven is kept"
    untaken = grub.environment().get("next_entry") == grub.ENTRY
    reasons = {"armed": NOT_TAKEN if untaken else CUT_OFF, "booted": NOT_KEPT}
    reason = record["reason"] or reasons.get(record["step"], UNDER_WAY) + ("; it lacked at last: " + record["doubts"] if record["doubts"] else "")
    host.lock(lead_back, record["at"], reason)
    return reason


def finish(at):
    """A commit that was cut off goes on; where it cannot, the host is led back."""
    record = host.load(ledger.OPEN)
    if record is None or record["at"] != at:
        return
    try:
        journal.commit()
    except (host.Refused, OSError) as error:
        journal.restore("it was proven, and could not be kept: %s" % error)
        return
    if record["may_reboot"] and any(pci.unbound(record["want"]["cards"])):
        host.run(["systemctl", "reboot"], check=False)


def lead_back(at, reason):
    record = host.load(ledger.OPEN)
    if record is not None and record["at"] == at:
        journal.restore(reason)


def settle(limit, *to_the_end):
    """Wait for what comes of the trial, and say it: proven, failing (the host boots again by itself), restored, or silent.

    to_the_end: that it fails was heard before, and the boot after it is waited for.
    """
    end = time.monotonic() + int(limit)
    while True:
        record, last = host.load(ledger.OPEN), host.load(ledger.LAST) or {}
        if record is None:
            return {"result": last.get("result", "nothing"), "reason": last.get("reason")}
        if record["step"] in ("booted", "commit"):
            return {"result": "proven", "reason": None}
        if record["reason"] and not to_the_end:
            return {"result": "failing", "reason": record["reason"]}
        if time.monotonic() >= end:
            return {"result": "silent", "reason": "the host does not say whether it is proven (step %s)" % record["step"]}
        time.sleep(PAUSE)
