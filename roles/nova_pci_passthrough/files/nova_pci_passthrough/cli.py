# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Bring options to the Nova and Placement services of this host as drop-ins, judged by Nova's own parser before anything is touched.

Usage: nova_pci_passthrough [--owner NAME [--instead-of NAME]] VERB
       look < request.json | apply < request.json | restore < request.json | judge < document.json | status

look     what would change, or every refusal; changes nothing
apply    judge, install, restart, prove; what does not come back is led back to the last good drop-ins
restore  lead back by hand what a run left open
judge    run by the Python that has Nova

--owner       who asks; while the fresh change of another owner is open, only what looks is answered
--instead-of  an owner whose run is certainly over: its open change may be gone on with
"""

from __future__ import annotations

import json
import os
import sys

import change
import judge
import ledger
import options
import verbs

GROUND = ledger.Ground(change.STATE, os.environ.get("NOVA_PCI_PASSTHROUGH_ROOT", ""))


def request():
    return change.Change(GROUND, json.load(sys.stdin))


VERBS = {
    "look": (lambda owner: change.look(request()), True),
    "apply": (lambda owner: change.apply(request(), owner), False),
    "restore": (lambda owner: change.restore(request()), False),
    "status": (lambda owner: ledger.Ledger(GROUND).status(), True),
}


def main(arguments):
    if arguments == ["judge"]:
        judge.main()
        return 0
    return verbs.main("nova_pci_passthrough", __doc__, ledger, GROUND, VERBS, arguments, (options.Mixed,))
