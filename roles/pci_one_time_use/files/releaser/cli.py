# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Give cards that are used once back to the cloud, after their host wiped them and what it showed was checked.

Usage: pci_one_time_use_releaser VERB

run                             one round over all cards; run by a timer. Ends with 3 where a card wants an operator
report                          what the last round saw
look HOST ADDRESS               what a card shows now, to be noted as expected
check                           whether the cloud and the hosts of all noted cards answer
return HOST ADDRESS REASON      wipe, check and give back a card whose release no server accounts for, or that failed
return-serial SERIAL REASON     the same by the serial that was noted
"""

from __future__ import annotations

import json
import os
import sys

import clouds
import ledger
import memory
import rounds

SETTINGS = "/etc/ai-stack/pci-one-time-use-releaser.json"
GROUND = ledger.Ground(memory.STATE, os.environ.get("PCI_ONE_TIME_USE_ROOT", ""))


def settings():
    found = GROUND.load(SETTINGS)
    if found is None:
        raise ledger.Refused("there is no %s" % SETTINGS)
    return found


def a_round():
    given = settings()
    # what the SDK reads where its environment names it
    os.environ["OS_CLIENT_CONFIG_FILE"] = given["clouds_file"]
    return rounds.Round(given, clouds.Cloud(clouds.connect(given["cloud"], given["region"])), memory.Memory(GROUND))


def run():
    found = a_round().run()
    return found, 3 if any(row["state"] in rounds.WANTED for row in found) else 0


def report():
    return GROUND.load(memory.STATE + "/report.json") or {"at": None, "cards": []}, 0


def look(host, address):
    given = settings()
    if host not in given["computes"]:
        raise ledger.Refused("%s is not among the computes" % host)
    command = [part.replace("ADDRESS", given["computes"][host]) for part in given["ask"]]
    found = rounds.ask(GROUND, command, {"verb": "look", "address": address.lower()}, given["ask_timeout"])
    if "refused" in found:
        raise ledger.Refused("%s: %s" % (host, found["refused"]))
    return {host: {found.pop("address"): {name: found[name] for name in sorted(found) if name not in ("driver", "group", "resets", "in_use")}}}, 0


def check():
    noted = settings()["cards"]
    shown = {host: {address: look(host, address)[0][host][address] for address in cards} for host, cards in noted.items()}
    return {"used_once": len(a_round().mine()), "shown": shown}, 0


def give_back(host, address, reason):
    def chosen(turn, card):
        return host in (card["host"], turn.compute(card)) and card["address"] == address.lower()

    return returned(chosen, "at %s of %s" % (address, host), reason)


def give_back_serial(serial, reason):
    return returned(lambda turn, card: turn.noted(card).get("serial") == serial, "known by the serial %s" % serial, reason)


def returned(chosen, name, reason):
    """The wish is in the journal before anything is done for it: a round that finds it goes on."""
    if not reason.strip():
        raise ledger.Refused("say why it may come back")
    turn = a_round()
    found = [card for card in turn.mine() if chosen(turn, card)]
    if len(found) != 1:
        raise ledger.Refused("%d cards that are used once are %s" % (len(found), name))
    card = turn.memory.card(found[0])
    seen = turn.cloud.look(card["uuid"]) or {"consumers": [], "traits": [], "inventories": {}}
    why = "a server has it" if seen["consumers"] else turn.out(card, seen)
    if why or not any(row["reserved"] for row in seen["inventories"].values()):
        raise ledger.Refused("the card %s is not given back: %s" % (name, why or "it is not kept from anybody"))
    card["asked"] = {"reason": reason, "by": os.environ.get("SUDO_USER") or "uid %d" % os.getuid(), "at": turn.memory.now()}
    turn.memory.save(card)
    rows = [row for row in turn.run() if (row["host"], row["address"]) == (card["host"], card["address"])]
    return rows, 0 if rows and rows[0]["state"] == "returned" else 1


VERBS = {("run", 0): run, ("report", 0): report, ("look", 2): look, ("check", 0): check, ("return", 3): give_back, ("return-serial", 2): give_back_serial}


def main(arguments):
    verb = VERBS.get((arguments[0], len(arguments) - 1)) if arguments else None
    if verb is None:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        reads = verb in (report, look, check)
        found, status = verb(*arguments[1:]) if reads else GROUND.lock(verb, *arguments[1:])
    except (ledger.Refused, OSError) as error:
        print("pci_one_time_use_releaser: %s" % error, file=sys.stderr)
        return 1
    print(json.dumps(found, indent=1, sort_keys=True))
    return status
