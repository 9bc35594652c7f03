# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Whether an approved plan still is what a run would do.

A host that the plan has brought further since (an earlier run was interrupted) still fits: the same decisions, the same cards, and no
change that was not approved.
"""

from __future__ import annotations

from . import _site, _words

SCHEMA = "sovereign.ai_stack/plan/1"
_PROGRESS = ("reboot", "driver.trial", "passthrough.reboot", "reporting", "back_in_service", "compute_ids")


def read(path) -> dict:
    """The approved plan in a file."""
    plan = whole(path, _site.parse(path, _site.read(path, _site.PLAN_CAP)))
    if plan.get("conflicts"):
        raise _site.SiteError(f"{path} has {_words.counted(len(plan['conflicts']), 'conflict')}: a plan with conflicts is not applied.")
    return plan


def whole(path, plan) -> dict:
    """The plan in a file, if it is one."""
    if plan.get("schema") != SCHEMA:
        raise _site.SiteError(f"{path} is no document of {SCHEMA}.")
    if not isinstance(plan.get("hosts"), dict) or not isinstance(plan.get("inputs"), dict):
        raise _site.SiteError(f"{path} is no whole plan: hosts or inputs are missing.")
    return plan


def differences(approved, fresh, hosts) -> list[tuple[str | None, str]]:
    """(host or None, what differs) between an approved plan and one that was made just now; hosts: those that will be acted on."""
    found = []
    if approved.get("site") != fresh.get("site"):
        found.append((None, f"the plan is one of the site {approved.get('site')!r}"))
    old, new = approved["inputs"], fresh["inputs"]
    found += [(None, f"{name} was changed since") for name in changed(old.get("intent"), new["intent"])]
    if not found and old.get("intent_sha256") != new["intent_sha256"]:
        found.append((None, "the intent was changed since"))
    found += [(None, f"the table {name} was changed since") for name in changed(old.get("tables"), new["tables"])]
    found += [(None, f"{name} would be another one now") for name in _resources(old=approved, new=fresh)]
    for name in sorted(hosts):
        found += [(name, text) for text in _of_host(approved["hosts"].get(name), fresh["hosts"].get(name))]
    return found


def _resources(old, new):
    """What is not a host and was decided otherwise, or by one of the two plans only."""
    return changed(*({f"{one.get('kind')} {one.get('id')}": _values(one) for one in plan.get("resources") or ()} for plan in (old, new)))


def _values(item):
    return {row.get("subject"): row.get("value") for row in item.get("decisions", ()) if row.get("subject") not in _PROGRESS}


def changed(old, new) -> list[str]:
    """The names of which two {name: digest} say different things."""
    old = old if isinstance(old, dict) else {}
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))


def _of_host(old, new):
    if old is None or new is None:
        yield "the host is in one of the two plans only"
        return
    if not _same_cards(old, new):
        yield "its cards are others than the approved plan saw"
    before, now = _by(old, "decisions", "subject"), _by(new, "decisions", "subject")
    for subject in sorted({*before, *now}):
        # whether a reboot is due, whether a trial still is, and which hosts report to Placement, the plan's own progress changes
        if subject not in _PROGRESS and before.get(subject, {}).get("value") != now.get(subject, {}).get("value"):
            yield f"{subject} was {before.get(subject, {}).get('value')!r} and would be {now.get(subject, {}).get('value')!r} now"
    approved = {(row.get("resource"), repr(row.get("after"))) for row in old.get("changes", ())}
    for row in new.get("changes", ()):
        if (row["resource"], repr(row["after"])) not in approved:
            yield f"{row['resource']} would become {row['after']!r}, which nobody approved"


def _same_cards(old, new) -> bool:
    """Whether two plans saw the same cards; an identity that one of them could not read contradicts nothing."""
    before, now = _by(old, "cards", "address"), _by(new, "cards", "address")
    return set(before) == set(now) and all(_same_card(before[address], now[address]) for address in now)


def _same_card(old, new) -> bool:
    fixed = all(old.get(key) == new.get(key) for key in ("model", "name", "pool", "use"))
    return fixed and all(None in (old.get(key), new.get(key)) or old[key] == new[key] for key in ("serial", "uuid"))


def _by(host, part, key):
    return {row.get(key): row for row in host.get(part, ())}
