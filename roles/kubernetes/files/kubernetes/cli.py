# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Make this host a member of a cluster by kubeadm, and answer for a control plane.

Usage: kubernetes [--owner NAME [--instead-of NAME]] VERB
       look | apply | reset | told | ticket | settle | prove | leave, each < request.json; approve | set | status
       ahead | fetch | set_out | move | restart | arrived | empty | back, each < request.json

look     what would change, or every refusal; changes nothing
apply    files, kubeadm init or join, units; what does not come to its end is taken back
reset    out of the cluster, files of before this role
told     who is in the cluster, as a control plane knows it; the other questions are for a control plane too
ticket   by which one host joins, a login for a quarter of an hour, and the keys that one more control plane needs; it stands in the answer
settle   wait for nodes that joined, approve their requests for certificates, call their tickets back
approve  approve what nodes ask for to serve by, for their own names and addresses
set      take a set of etcd, as this control plane was told
prove    wait until nodes and system pods are ready
leave    empty a node and forget it, with its member of etcd

A host goes to another version by set_out, move, restart and arrived, with packages brought in between; ahead says before it what is in the way, and fetch pulls
its images. empty and back are for a control plane: a node is emptied for the change, and takes pods again once it is ready.

--owner       who asks; while the fresh change of another owner is open, only what looks is answered
--instead-of  an owner whose run is certainly over: its open change may be gone on with
"""

from __future__ import annotations

import json
import os
import sys

import applying
import emptying
import leaving
import ledger
import member
import places
import server
import sets
import tickets
import upgrade
import verbs

GROUND = ledger.Ground(places.STATE, os.environ.get("KUBERNETES_ROOT", ""))


def asked():
    return member.Member(GROUND, json.load(sys.stdin))


def approve(_owner):
    good, left = server.approve(GROUND)
    return {"approved": good, "left": left}


VERBS = {
    "look": (lambda owner: upgrade.look(asked()), True),
    "apply": (lambda owner: applying.apply(asked(), owner), False),
    "reset": (lambda owner: leaving.reset(asked(), owner), False),
    "told": (lambda owner: server.told(GROUND), True),
    "ticket": (lambda owner: tickets.ticket(GROUND, json.load(sys.stdin)), False),
    "settle": (lambda owner: server.settle(GROUND, json.load(sys.stdin)), False),
    "prove": (lambda owner: server.prove(GROUND, json.load(sys.stdin)), True),
    "leave": (lambda owner: emptying.leave(GROUND, json.load(sys.stdin)), False),
    "ahead": (lambda owner: upgrade.ahead(GROUND, json.load(sys.stdin)), True),
    "fetch": (lambda owner: upgrade.fetch(asked()), True),
    "set_out": (lambda owner: upgrade.set_out(asked(), owner), False),
    "move": (lambda owner: upgrade.move(asked()), False),
    "restart": (lambda owner: upgrade.restart(asked()), False),
    "arrived": (lambda owner: upgrade.arrived(asked()), False),
    "empty": (lambda owner: emptying.empty(GROUND, json.load(sys.stdin)), False),
    "back": (lambda owner: emptying.back(GROUND, json.load(sys.stdin)), False),
    # the timer asks too, whatever change is open
    "approve": (approve, True),
    "set": (lambda owner: sets.take(GROUND, GROUND.load(sets.CONFIG), "the timer"), True),
    "status": (lambda owner: ledger.Ledger(GROUND).status(), True),
}


def main(arguments):
    return verbs.main("kubernetes", __doc__, ledger, GROUND, VERBS, arguments)
