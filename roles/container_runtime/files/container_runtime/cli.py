# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Bring settings to containerd as files of our own, judged by its own dump before the daemon is touched.

Usage: container_runtime [--owner NAME [--instead-of NAME]] VERB
       look < request.json | apply < request.json | restore < request.json | status

look     what would change, or every refusal; changes nothing
apply    judge, write, restart, prove; a daemon that does not come back gets the files of before
restore  lead back by hand what a run left open

--owner       who asks; while the fresh change of another owner is open, only what looks is answered
--instead-of  an owner whose run is certainly over: its open change may be gone on with
"""

from __future__ import annotations

import json
import os
import sys

import change
import ledger
import verbs

GROUND = ledger.Ground(change.STATE, os.environ.get("CONTAINER_RUNTIME_ROOT", ""))


def request():
    return change.Change(GROUND, json.load(sys.stdin))


VERBS = {
    "look": (lambda owner: change.look(request()), True),
    "apply": (lambda owner: change.apply(request(), owner), False),
    "restore": (lambda owner: change.restore(request()), False),
    "status": (lambda owner: ledger.Ledger(GROUND).status(), True),
}


def main(arguments):
    return verbs.main("container_runtime", __doc__, ledger, GROUND, VERBS, arguments)
