# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A question of the releaser: look at a card, or wipe it. The answer to a nonce is kept, so that asking again wipes nothing again.

settings  {cards: [address], scrub: [command], scrub_timeout, methods: [name]}, of this host's own file: the releaser names no command
request   {verb: look | scrub, address, nonce, expected}
answer    {nonce, address, before, scrub, reset, after, checks, began, ended, boot_id}, or {refused: sentence}
"""

from __future__ import annotations

import json
import os
import re

import card as cards
import checks
import ledger

STATE = "/var/lib/ai-stack/pci_one_time_use"
SETTINGS = "/etc/ai-stack/pci-one-time-use-host.json"
NONCE = re.compile(r"[0-9a-f]{32}$")
_KEPT = 200


def answer(ground, request):
    """Whatever was asked; a refusal is an answer too."""
    try:
        settings = ground.load(SETTINGS)
        if settings is None:
            raise ledger.Refused("there is no %s" % SETTINGS)
        address, verb = request.get("address"), request.get("verb")
        if address not in settings["cards"]:
            raise ledger.Refused("that card is not among those that this host was told to wipe")
        card = cards.Card(ground, address)
        if verb == "look":
            return dict(card.look(), address=address)
        if verb != "scrub" or not isinstance(request.get("nonce"), str) or not NONCE.match(request["nonce"]):
            raise ledger.Refused("the verbs are look, and scrub with a nonce of 32 hexadecimal digits")
        # one at a time for each card, whatever its neighbours do
        own = ledger.Ground("%s/%s" % (STATE, address.replace(":", "_")), ground.root)
        own.run = ground.run
        return own.lock(scrubbed, own, card, settings, request)
    except (ledger.Refused, OSError) as error:
        return {"refused": str(error), "nonce": request.get("nonce")}


def scrubbed(ground, card, settings, request):
    """The kept answer, or a new one: whoever was killed in between wipes once more."""
    path = "%s/%s.json" % (ground.state, request["nonce"])
    kept = ground.load(path)
    if kept is None:
        kept = wiped(ground, card, settings, request)
        ground.save(path, kept)
        forget(ground)
    return kept


def wiped(ground, card, settings, request):
    expected, began = request.get("expected") or {}, ledger.now()
    before = card.refuse(expected)
    scrub = operators(ground, card, settings)
    card.refuse(expected)
    handle = card.hold()
    try:
        reset = card.reset(settings["methods"])
        after = card.look()
    finally:
        os.close(handle)
    after["firmware"].update(scrub.pop("firmware") if scrub else {})
    found = {"nonce": request["nonce"], "address": card.address, "before": before, "scrub": scrub, "reset": reset, "after": after}
    return dict(found, checks=checks.judge(expected, found), began=began, ended=ledger.now(), boot_id=ground.boot_id())


def operators(ground, card, settings):
    """The operator's own command, with the address behind it. It may answer {"firmware": {name: version}}."""
    if not settings["scrub"]:
        return None
    try:
        status, text = ground.run(settings["scrub"] + [card.address], check=False, timeout=settings["scrub_timeout"])
    except ledger.Refused as error:
        return {"command": settings["scrub"][0], "status": 1, "said": str(error), "firmware": {}}
    try:
        told = json.loads(text)
        firmware = told["firmware"] if isinstance(told, dict) and isinstance(told.get("firmware"), dict) else {}
    except ValueError:
        firmware = {}
    return {"command": settings["scrub"][0], "status": status, "said": ledger.tail(text), "firmware": firmware}


def forget(ground):
    """The oldest answers, of which nobody asks any more."""
    folder = ground.at(ground.state)
    names = [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".json")]
    for path in sorted(names, key=os.path.getmtime)[:-_KEPT]:
        os.unlink(path)
