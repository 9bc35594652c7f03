# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Give cards of this host away to guests by a boot that is tried once, and lead the host back where it is not proven.

Usage: pci_passthrough [--owner NAME [--instead-of NAME]] VERB
       begin < request.json | may-change | prepare | drained yes-or-no | commit | restore [REASON] | absent |
       boot-check | settle SECONDS [to-the-end] | differs | status

--owner       who asks; while the fresh change of another owner is open, only what looks is answered
--instead-of  an owner whose run is certainly over: its open change may be gone on with
"""

from __future__ import annotations

import json
import sys

import boot
import journal
import ledger
from command import Command

VERBS = {
    "begin": lambda owner: journal.begin(dict(json.load(sys.stdin), owner=owner)),
    "may-change": lambda: None,
    "prepare": journal.prepare,
    "drained": ledger.drained,
    "commit": journal.commit,
    "restore": journal.restore,
    "absent": journal.absent,
    "boot-check": lambda: {"result": boot.check()},
    "settle": boot.settle,
    "differs": journal.differs,
    "status": journal.status,
}
# These only read, or wait for others before they lock.
UNLOCKED = ("boot-check", "settle", "differs", "status")

main = Command("pci_passthrough", __doc__, VERBS, UNLOCKED).main
