# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The memory of the releaser, and its signed evidence.

cards/<provider>.json   {uuid, host, address, serial, free_at, waits_since, users: [consumers since free_at], cycle, last, failed, asked,
                        by_hand: [[class, time]]}
                        cycle: {nonce, step, generation, class, server, began, answer, evidence}; asked: {reason, by, at}, an operator's wish for its return;
                        by_hand: when one was begun for a card with which no server had been seen
servers.json            {server: [provider]}: whose card each server had, so that none accounts for one card more than it had
evidence/               <host>-<address>-<nonce>.json and .sig beside it
report.json             what the last round saw
"""

from __future__ import annotations

import json
import os

import ledger

STATE = "/var/lib/ai-stack/pci_one_time_use_releaser"
NAMESPACE = "one-time-use@sovereign.ai_stack"
SCHEMA = "sovereign.ai_stack/one-time-use/1"


class Memory:
    def __init__(self, ground, clock=ledger.now):
        self.ground, self.now = ground, clock
        self.servers = ground.load(STATE + "/servers.json") or {}

    def card(self, row):
        """What is known of a card; a provider that was made anew is another one."""
        known = self.ground.load("%s/cards/%s.json" % (STATE, row["uuid"]))
        if known is None:
            known = {"free_at": self.now(), "waits_since": None, "users": [], "cycle": None, "last": None, "failed": None, "asked": None, "by_hand": []}
        return dict(known, **row)

    def save(self, card):
        self.ground.save("%s/cards/%s.json" % (STATE, card["uuid"]), card)

    def had(self, server, uuid):
        """Remember that a server had a card."""
        if uuid not in self.servers.setdefault(server, []):
            self.servers[server].append(uuid)
            self.ground.save(STATE + "/servers.json", self.servers)

    def evidence(self, card, document, key):
        """The name of the signed document. Written again it is the same, so that a cut leaves nothing half."""
        path = "%s/evidence/%s-%s-%s.json" % (STATE, card["host"], card["address"].replace(":", "_"), document["nonce"])
        text = (json.dumps(dict(document, schema=SCHEMA), indent=1, sort_keys=True) + "\n").encode()
        self.ground.write(path, text, 0o644)
        self.ground.write(path + ".sig", self.signature(text, key), 0o644)
        return os.path.basename(path)

    def signature(self, text, key):
        return self.ground.run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", NAMESPACE], data=text)[1].encode()

    def report(self, rows):
        self.ground.save(STATE + "/report.json", {"at": self.now(), "cards": rows})
