# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Plans of recorded hosts, the cases of the rules, and what a plan must say of a rule."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import verify
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.resolve import resolve

RECORDED = Path(__file__).resolve().parent / "fixtures" / "observations"
TODAY = "2026-11-25"
LIFE_CYCLE = {"rule": "ACC-4", "scope": "site", "reason": "no other source yet", "approver": "board", "until": "2027-01-31"}
# most recorded hosts are of platforms that are decided only; what is looked at there is the driver
PLATFORM = {"rule": "ACC-83", "scope": "site", "reason": "recorded hosts", "approver": "board", "until": "2028-11-25"}


class Planner:
    """Plans recorded hosts as a site of one pool, unless told otherwise."""

    today = TODAY
    waiver = LIFE_CYCLE

    def __init__(self, tables):
        self.tables = tables

    @staticmethod
    def recorded(name, **changes):
        """A recorded observation; changes: path__of__keys -> value."""
        found = json.loads((RECORDED / f"{name}.json").read_text())
        for path, value in changes.items():
            place = found
            *folders, last = path.split("__")
            for folder in folders:
                place = place[int(folder) if isinstance(place, list) else folder]
            place[int(last) if isinstance(place, list) else last] = value
        return found

    @staticmethod
    def intent(use="host", driver=None, pools=None, ai_stack_waivers=(), **more):
        pool = {"name": "cards", "hosts": "gpus", "use": use}
        return {"ai_stack_site": "test", "ai_stack_driver": driver or {}, "ai_stack_pools": [pool] if pools is None else pools,
                "ai_stack_waivers": [*ai_stack_waivers, PLATFORM], **more}  # fmt: skip

    def plan(self, *observations, intent=None, record=None, tables=None, today=TODAY, trials=(), groups=("gpus",), **how):
        seen = {one["host"]: one for one in observations}
        return self.planned(seen, {host: list(groups) for host in seen}, intent or self.intent(), record, today, tables, trials=trials, **how)

    def planned(self, seen, inventory, intent, record=None, today=TODAY, tables=None, **how):
        """The plan of hosts in groups of their own."""
        given = copy.deepcopy((intent, seen, record or {}))
        plan = resolve(given[0], inventory, given[1], tables or self.tables, given[2], today, **how)
        assert given == (intent, seen, record or {}), "resolve changed what it was given"
        json.dumps(plan)
        return plan

    @staticmethod
    def tried(plan, result, *errors):
        """A full trial of each module that a plan wants tried."""
        keys = [row["value"] for host in plan["hosts"].values() for row in host["decisions"] if row["subject"] == "driver.trial"]
        return [{"key": key, "mode": "full", "result": result, "errors": list(errors), "host": "a", "at": "2026-11-25T00:00:00Z"} for key in keys]

    def checks(self, observation, decisions, tables=None):
        rows = verify.checks(observation["host"], decisions, observation, tables or self.tables, TODAY)
        return {row["id"].partition(".")[2]: row for row in rows}


class Cases(dict):
    """Functions by the id of their rule: `case = Cases()`, then `@case("ACC-1")`."""

    def __call__(self, identity):
        assert identity not in self, f"{identity} has a case already"
        return lambda function: self.setdefault(identity, function)


def named(rows, identity, words=""):
    """The row of a rule among conflicts or warnings, which says where, why and what instead, and has these words."""
    mine = [row for row in rows if row["rule"] == identity and words in row["message"]]
    assert mine, f"{identity} with {words!r} is not among {[(row['rule'], row['message']) for row in rows]}"
    assert mine[0]["nearest"] and mine[0]["source"] and mine[0]["path"], mine[0]
    return mine[0]


def refused(plan, identity, words, path, nearest=""):
    row = named(plan["conflicts"], identity, words)
    assert row["path"] == path and nearest in row["nearest"], row
    return plan
