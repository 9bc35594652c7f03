# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The journal of a change that is under way, as every program of a role keeps it: one owner at a time, and what a killed run leaves is found.

journal.json      open while a change is under way: {plan, owner, step, at, boot_id, steps, ...}
last-good.json    written when a new state was proven
baseline.json     what was there before the program touched the host for the first time
last-change.json  how the last change ended
drained           there from before the operator's hook empties the host until the hook has filled it again
"""

from __future__ import annotations

import calendar
import shlex
import time

import host

OPEN = host.STATE + "/journal.json"
GOOD = host.STATE + "/last-good.json"
BASE = host.STATE + "/baseline.json"
LAST = host.STATE + "/last-change.json"
DRAINED = host.STATE + "/drained"
STALE = 7200


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def refuse_second_owner(owner, gone=""):
    """One run at a time: whoever asks leaves another one's change alone while it is fresh, to undo and to mend it too."""
    journal = host.load(OPEN)
    if journal is None or journal["owner"] in (owner, gone) or journal["boot_id"] != host.boot_id():
        return
    age = time.time() - calendar.timegm(time.strptime(journal["at"], "%Y-%m-%dT%H:%M:%SZ"))
    if age < STALE:
        raise host.Refused("%s has been changing this host for %d min (step %s); wait, or end that run first, and then go on with --owner %s"
                           % (journal["owner"], age / 60, journal["step"], shlex.quote(journal["owner"])))


def need_open():
    journal = host.load(OPEN)
    if journal is None:
        raise host.Refused("no change is under way on this host")
    return journal


def step(name):
    journal = need_open()
    journal.update(step=name, at=now(), boot_id=host.boot_id())
    journal["steps"].append({"name": name, "at": now()})
    host.save(OPEN, journal)


def drained(word):
    """Remember that the host was emptied ("yes") until it serves again ("no"): whoever finishes what a killed run left finds it here."""
    if word == "yes":
        host.write(DRAINED, (now() + "\n").encode("ascii"))
    else:
        host.remove(DRAINED)


def close(journal, how, **more):
    """The change is over; more: what else is to be known of its end."""
    journal.update(result=how, at=now(), **more)
    host.save(LAST, {key: journal[key] for key in ("plan", "owner", "steps", "result", "at", *sorted(more))})
    host.remove(OPEN)
