# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The first minutes after a boot: wait for it, prove the new driver, or lead the host back to the last good one."""

from __future__ import annotations

import time

import gpus
import host
import journal
import ledger
import restore

PAUSE = 3
# At these steps all that was to be installed is there, and the module that boots is the new one.
PROVABLE = ("reboot", "verify")
FABRIC = "nvidia-fabricmanager.service"


def check():
    """Wait until the boot is proven, somebody goes on with the change, or the time is over."""
    record = host.load(journal.OPEN)
    if record is None:
        return "nothing is under way"
    if record["step"] == "booted":
        return "proven by an earlier boot; the next deploy closes the change"
    end = time.monotonic() + record["limit"]
    started = record["at"]
    while time.monotonic() < end:
        record = host.load(journal.OPEN)
        if record is None or record["at"] != started:
            return "somebody goes on with the change"
        if record["step"] in PROVABLE and gpus.proven(record["driver"], record["cards"]):
            host.lock(ledger.step, "booted")
            return "the new driver answers for every card"
        time.sleep(PAUSE)
    return give_up(record)


def settle(limit, *units):
    """Wait until these units ended their start and no card builds its fabric any more; what is there then, others judge."""
    end = time.monotonic() + int(limit)
    while time.monotonic() < end:
        if not starting(units) and not (FABRIC in units and gpus.building_fabric()):
            return
        time.sleep(PAUSE)


def starting(units):
    """Say whether a unit is on its way; one that is inactive may still have its turn while the system boots."""
    states = set(host.run(["systemctl", "is-active"] + list(units), check=False)[1].split())
    if "inactive" in states:
        return host.run(["systemctl", "is-system-running"], check=False)[1].strip() in ("initializing", "starting")
    return not states <= {"active", "failed"}


def give_up(record):
    if record["irreversible"]:
        return "not proven within %d s, but the change went through a one-way door" % record["limit"]
    # what boots after the packages came is the new module, and it does not go with them
    loaded = record["step"] in PROVABLE or host.text("/sys/module/nvidia/version") == record["driver"]
    if not host.lock(undo, record["at"]):
        return "somebody goes on with the change"
    if loaded and record["may_reboot"]:
        host.run(["systemctl", "reboot"], check=False)
    return "not proven within %d s: the last good state is back" % record["limit"]


def undo(at):
    """Lead the host back unless somebody went on while this waited for the lock."""
    record = host.load(journal.OPEN)
    if record is None or record["at"] != at:
        return False
    restore.restore()
    return True
