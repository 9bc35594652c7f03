# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Keep a journal of a driver change on the host itself, and lead the host back when the change cannot be finished.

Usage: gpu_driver [--owner NAME [--instead-of NAME]] VERB
       begin < request.json | may-change | step NAME | drained yes-or-no | sources MARKER CODENAME COMPONENT... | repair | hold NAME... |
       no-autoinstall | build PACKAGE KERNEL | initramfs KERNEL | settings | commit | restore | absent |
       boot-check | settle SECONDS UNIT... | differs | status

--owner       who asks; while the fresh change of another owner is open, only what looks, and "settings", is answered
--instead-of  an owner whose run is certainly over: its open change may be gone on with
"""

from __future__ import annotations

import json
import sys

import boot
import components
import gpus
import journal
import ledger
import modules
import packages
import restore
from command import Command

VERBS = {
    "begin": lambda owner: journal.begin(dict(json.load(sys.stdin), owner=owner)),
    "may-change": lambda: None,
    "step": ledger.step,
    "drained": ledger.drained,
    "sources": components.write,
    "repair": packages.finish_half_done,
    "hold": lambda *names: packages.hold(names),
    "no-autoinstall": modules.no_autoinstall,
    "build": modules.build,
    "initramfs": modules.initramfs,
    "settings": lambda: {"changed": gpus.apply()},
    "commit": journal.commit,
    "restore": restore.restore,
    "absent": lambda: {"changed": restore.absent()},
    "boot-check": lambda: {"result": boot.check()},
    "settle": boot.settle,
    "differs": restore.differs,
    "status": journal.status,
}
# These only read, or wait for others before they lock.
UNLOCKED = ("status", "differs", "boot-check", "settle")
# Brings back what a reboot lost, whoever changes the host.
UNOWNED = ("settings",)


main = Command("gpu_driver", __doc__, VERBS, UNLOCKED, UNOWNED).main
