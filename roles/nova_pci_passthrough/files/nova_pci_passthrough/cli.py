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

GROUND = ledger.Ground(change.STATE, os.environ.get("NOVA_PCI_PASSTHROUGH_ROOT", ""))


def request():
    return change.Change(GROUND, json.load(sys.stdin))


VERBS = {
    "look": lambda owner: change.look(request()),
    "apply": lambda owner: change.apply(request(), owner),
    "restore": lambda owner: change.restore(request()),
    "status": lambda owner: ledger.Ledger(GROUND).status(),
}
# These only read: they wait for nobody, and leave nothing behind.
UNLOCKED = ("look", "status")


def who_asks(arguments):
    """Split (owner, owner whose run is over, the rest) off the command line."""
    found = {"--owner": "", "--instead-of": ""}
    while len(arguments) > 1 and arguments[0] in found:
        found[arguments[0]] = arguments[1]
        arguments = arguments[2:]
    return found["--owner"], found["--instead-of"], arguments


def answer(owner, gone, name):
    ledger.Ledger(GROUND).refuse_second_owner(owner, gone)
    return VERBS[name](owner)


def main(arguments):
    owner, gone, words = who_asks(arguments)
    if words == ["judge"]:
        judge.main()
        return 0
    if len(words) != 1 or words[0] not in VERBS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        result = VERBS[words[0]](owner) if words[0] in UNLOCKED else GROUND.lock(answer, owner, gone, words[0])
    except (ledger.Refused, options.Mixed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        print("nova_pci_passthrough %s: cannot read what it was given (%s: %s)" % (words[0], type(error).__name__, error), file=sys.stderr)
        return 1
    print(json.dumps(result, sort_keys=True))
    return 0
