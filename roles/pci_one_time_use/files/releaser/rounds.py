# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""One round over the cards that are used once: which wait, for whom, and the way back of each.

The way of a card, each step in its journal before it is taken: `asked` (a nonce, and the generation at which nobody has the card), `answered` (what its
host said), `signed` (evidence is there), `put` (asked of Placement, for that generation only). Whatever ends the program, the next round goes on there; a
card of which anything became meanwhile has another generation, and begins anew. Rows of a round: {host, address, serial, state, why}.
"""

from __future__ import annotations

import calendar
import json
import secrets
import time

import checks
import hosts
import ledger

# states that want an operator
WANTED = ("failed", "untied", "unclear", "silent")


class Round:
    def __init__(self, settings, cloud, memory):
        self.settings, self.cloud, self.memory, self.looked = settings, cloud, memory, []

    def run(self):
        """Look at every card, tie all those that wait, and only then act; an operator's wish comes first."""
        self.looked = [(card, self.cloud.look(card["uuid"])) for card in map(self.memory.card, self.mine())]
        rows, waiting = [], []
        for card, seen in self.looked:
            state, why = self.state(card, seen) if seen else ("gone", "its provider went while it was looked at")
            (waiting if state == "waits" else rows).append((card, seen) if state == "waits" else self.row(card, state, why))
        ties = [(card, seen, self.due(card, seen, waiting)) for card, seen in waiting]
        for card, seen, (server, state, why) in sorted(ties, key=lambda tie: not tie[0]["asked"]):
            rows.append(self.row(card, *((state, why) if state else self.turn(card, seen, server))))
        rows.sort(key=lambda row: (row["host"], row["address"]))
        self.memory.report(rows)
        return rows

    def row(self, card, state, why):
        return {"host": card["host"], "address": card["address"], "serial": self.noted(card).get("serial"), "state": state, "why": why}

    def mine(self):
        """Cards of the computes; of two providers that could be one compute neither is."""
        found = [card for card in self.cloud.cards() if self.compute(card)]
        hosts_of = {name: {card["host"] for card in found if self.compute(card) == name} for name in self.settings["computes"]}
        return [card for card in found if len(hosts_of[self.compute(card)]) == 1]

    def compute(self, card):
        """The name that the settings have for the host of a card, of which the provider may have the full or the short one."""
        return hosts.host_of(card["host"], self.settings["computes"])

    def noted(self, card):
        return self.settings["cards"].get(self.compute(card), {}).get(card["address"], {})

    def out(self, card, seen):
        """Why a card is out of service, None if it is not."""
        if self.settings["out_trait"] in seen["traits"]:
            return "it has the trait %s" % self.settings["out_trait"]
        for row in self.settings["out"]:
            same = row.get("host") in (card["host"], self.compute(card)) and str(row.get("address", "")).lower() == card["address"]
            if same or row.get("serial") and row["serial"] == self.noted(card).get("serial"):
                return row.get("reason") or "it is listed"
        return None

    def state(self, card, seen):
        """(state, why) of a card, with what it means for what is remembered of it."""
        rows = {klass: row for klass, row in seen["inventories"].items() if row["total"]}
        for consumer in seen["consumers"]:
            self.memory.had(consumer, card["uuid"])
        if seen["consumers"]:
            self.landed(card, "a server has it again")
            card.update(users=sorted(set(card["users"]) | set(seen["consumers"])), waits_since=None, asked=None, failed=None)
            return self.saved(card, "used", "")
        reserved = {row["reserved"] for row in rows.values()}
        if len(rows) != 1 or list(rows.values())[0]["total"] != 1 or not reserved <= {0, 1}:
            return "unclear", "its provider has not one card of one class"
        if reserved == {0}:
            self.landed(card, "it is free")
            card.update(users=[], free_at=self.memory.now(), waits_since=None, failed=None, asked=None)
            return self.saved(card, "free", "")
        return self.waits(card, seen)

    def waits(self, card, seen):
        if card["cycle"] and card["cycle"]["generation"] != seen["generation"]:
            self.landed(card, "its provider changed")
        card["waits_since"] = card["waits_since"] or self.memory.now()
        why = self.out(card, seen)
        if why:
            card.update(cycle=None, asked=None)
            return self.saved(card, "out", why)
        if card["failed"] and not card["asked"]:
            return self.saved(card, "failed", card["failed"]["why"])
        return self.saved(card, "waits", "")

    def saved(self, card, state, why):
        self.memory.save(card)
        return state, why

    def landed(self, card, why):
        """Close what was under way. Where Placement had been asked it may have come back and gone again: then only a server after that accounts for it."""
        cycle = card["cycle"]
        if cycle and cycle["step"] == "put":
            card.update(last=dict(self.told(cycle), result="returned", why=why), cycle=None, asked=None, users=[], free_at=cycle["put_at"])
        elif cycle:
            card.update(last=dict(self.told(cycle), result="dropped", why=why), cycle=None)

    def told(self, cycle):
        return {"nonce": cycle["nonce"], "server": cycle["server"], "evidence": cycle.get("evidence"), "at": self.memory.now()}

    # ties

    def due(self, card, seen, waiting):
        """(server, state, why): the finished server by which a card is taken, or the state in which it is left."""
        if card["cycle"]:
            return card["cycle"]["server"], None, ""
        if card["asked"]:
            return {"id": None, "how": "operator", "reason": card["asked"]["reason"], "by": card["asked"]["by"]}, None, ""
        age = seconds(self.memory.now()) - seconds(card["waits_since"])
        if age < self.settings["settle"]:
            return None, "waits", "for %d s; it is taken after %d s" % (age, self.settings["settle"])
        server, why = self.seen(card) if card["users"] else self.unseen(card, self.klass(seen), waiting)
        return server, None if server else "untied", why

    def seen(self, card):
        """Who was seen with it: each of them has to be finished, or elsewhere for good."""
        ends = {consumer: self.cloud.ended(consumer, card["host"], card["free_at"]) for consumer in card["users"]}
        left = [consumer for consumer, end in ends.items() if end is None]
        return (None, "server %s, which had it, is not finished" % ", ".join(left)) if left else (list(ends.values())[-1], "")

    def unseen(self, card, klass, waiting):
        """By servers that came and went between two rounds: only where they account for every card that waits there."""
        there = [other for other, seen in waiting
                 if other["host"] == card["host"] and self.klass(seen) == klass and not (other["users"] or other["asked"] or other["cycle"])]  # fmt: skip
        since, mine, left = max(other["free_at"] for other in there), {other["uuid"] for other in there}, []
        for server, count in sorted(self.cloud.deleted(card["host"], klass, since, self.settings["aliases"]).items()):
            left += [server] * (count - len(set(self.memory.servers.get(server, ())) - mine))
        hands = self.by_hand(card["host"], klass, since, waiting)
        if len(left) < len(there) + hands:
            told = ", and %d came back by hand" % hands if hands else ""
            return None, "finished servers of %s since %s account for %d cards, and %d wait%s" % (card["host"], since, len(left), len(there), told)
        return {"id": left[there.index(card)], "how": "deleted"}, ""

    def by_hand(self, host, klass, since, waiting):
        """How many cards an operator returned, or wants to, with which no server was seen: each of them may be the one that a finished server had."""
        mine = [other for other, seen in waiting if other["host"] == host and self.klass(seen) == klass]
        wanted = [other for other in mine if other["asked"] and not (other["users"] or other["cycle"])]
        begun = [at for other, _seen in self.looked if other["host"] == host for name, at in other["by_hand"] if name == klass and at > since]
        return len(wanted) + len(begun)

    @staticmethod
    def klass(seen):
        return next(klass for klass, row in seen["inventories"].items() if row["total"])

    # the way back

    def turn(self, card, seen, server):
        if not card["cycle"]:
            self.begin(card, seen, server)
        return self.go_on(card, seen)

    def begin(self, card, seen, server):
        cycle = {"nonce": secrets.token_hex(16), "step": "asked", "generation": seen["generation"], "class": self.klass(seen), "server": server}
        card["cycle"] = dict(cycle, began=self.memory.now())
        if server["id"] is None and not card["users"]:
            # begun again for the same use it counts once
            card["by_hand"] = [row for row in card["by_hand"] if row[1] <= card["free_at"]] + [[cycle["class"], self.memory.now()]]
        self.memory.save(card)

    def go_on(self, card, seen):
        """From the step that the journal has."""
        cycle = card["cycle"]
        if server := cycle["server"]["id"]:
            self.memory.had(server, card["uuid"])
        if cycle["step"] == "asked":
            answer = self.asked(card)
            if "refused" in answer or answer.get("nonce") != cycle["nonce"] or answer.get("address") != card["address"]:
                return "silent", answer.get("refused") or "the answer of the host is not one to this question"
            self.step(card, "answered", answer=answer)
        if cycle["step"] == "answered":
            rows = checks.judge(self.noted(card), cycle["answer"])
            self.step(card, "signed", checks=rows, evidence=self.memory.evidence(card, self.document(card, rows), self.settings["key"]))
        if cycle["step"] == "signed":
            if not checks.passed(cycle["checks"]):
                return self.fails(card, checks.in_words(cycle["checks"]))
            self.step(card, "put", put_at=self.memory.now())
        return self.put(card, seen)

    def step(self, card, name, **more):
        card["cycle"].update(more, step=name)
        self.memory.save(card)

    def asked(self, card):
        """The answer of the host; a refusal where there is none."""
        command = [part.replace("ADDRESS", self.settings["computes"][self.compute(card)]) for part in self.settings["ask"]]
        question = {"verb": "scrub", "nonce": card["cycle"]["nonce"], "address": card["address"], "expected": self.noted(card)}
        return ask(self.memory.ground, command, question, self.settings["ask_timeout"])

    def document(self, card, rows):
        cycle = card["cycle"]
        return {"nonce": cycle["nonce"], "card": {name: card[name] for name in ("uuid", "host", "address")}, "serial": self.noted(card).get("serial"),
                "server": cycle["server"], "began": cycle["began"], "generation": cycle["generation"], "class": cycle["class"], "answer": cycle["answer"],
                "checks": rows, "verdict": "fit" if checks.passed(rows) else "unfit"}  # fmt: skip

    def fails(self, card, why):
        card.update(failed={"why": why, "at": self.memory.now()}, last=dict(self.told(card["cycle"]), result="failed", why=why), cycle=None, asked=None)
        return self.saved(card, "failed", why)

    def put(self, card, seen):
        cycle = card["cycle"]
        if not self.cloud.give_back(card["uuid"], cycle["class"], seen["inventories"][cycle["class"]], cycle["generation"]):
            # a clear no: it was not given back, and its server still accounts for it
            card.update(last=dict(self.told(cycle), result="dropped", why="its provider changed"), cycle=None)
            return self.saved(card, "waits", "its provider changed while it was wiped; it is wiped again")
        card.update(last=dict(self.told(cycle), result="returned", why=""), cycle=None, asked=None, failed=None, users=[], waits_since=None,
                    free_at=self.memory.now())  # fmt: skip
        return self.saved(card, "returned", "")


def ask(ground, command, question, timeout):
    try:
        answer = json.loads(ground.run(command, timeout=timeout, data=(json.dumps(question, sort_keys=True) + "\n").encode())[1])
    except ledger.Refused as error:
        return {"refused": str(error)}
    except ValueError:
        return {"refused": "the host does not answer in JSON"}
    return answer if isinstance(answer, dict) else {"refused": "the host does not answer in JSON"}


def seconds(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
