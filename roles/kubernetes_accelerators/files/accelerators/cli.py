# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Tell a cluster what hands cards to its pods, and prove it; runs on its control plane.

Usage: accelerators VERB
       look | apply | prove | start | stop | reset, each < request.json

look     what would change, or every refusal; changes nothing
apply    namespaces, quotas, policies, labels of nodes and device plugins; what is ours and no longer wanted goes
prove    wait until the cards that pods can have are those that were planned
start    a canary on each node of the request that has a free card; what came of it, node by node
stop     no canary is left
reset    all that apply made; namespaces of tenants stay, without what was said of cards
"""

from __future__ import annotations

import json
import os
import sys

import canary
import ledger
import objects
import verbs

GROUND = ledger.Ground(objects.STATE, os.environ.get("ACCELERATORS_ROOT", ""))


def asked():
    return objects.Wanted(GROUND, json.load(sys.stdin))


VERBS = {
    "look": (lambda owner: objects.look(asked()), True),
    "apply": (lambda owner: objects.apply(asked()), False),
    "prove": (lambda owner: objects.prove(asked()), True),
    "start": (lambda owner: canary.start(asked()), False),
    "stop": (lambda owner: canary.stop(asked()), False),
    "reset": (lambda owner: objects.reset(asked()), False),
}


def main(arguments):
    return verbs.main("accelerators", __doc__, ledger, GROUND, VERBS, arguments)
