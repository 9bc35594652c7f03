# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plan.json as the plan page shows it: worst first, equal things together, nothing left out silently."""

from __future__ import annotations

from . import _hosts, _plan_hosts
from ._plan_hosts import CHANGE, MAX_ROWS, changes_of, decisions_of, pick

MAX_FINDINGS = 300
MAX_STEPS = 200  # above, steps of the same kind are one row
_FINDING = ("rule", "message", "source", "nearest", "approver", "until")
_STEP = ("n", "wave", "what", "costs")
_ARTEFACT = ("name", "version", "source", "digest")


def _findings(items):
    """Conflicts, warnings or waived ones: equal ones of several hosts are one, with all its hosts and paths."""

    def key(item):
        return [item.get(name) for name in _FINDING]

    paths = {}
    for item in items:
        paths.setdefault(_hosts.mark(key(item)), {})[str(item.get("path"))] = item.get("path")
    found = _hosts.gather(items, key, lambda item: item.get("host"))
    shown = []
    for item, names in found[:MAX_FINDINGS]:
        known = [path for path in paths[_hosts.mark(key(item))].values() if path]
        shown.append((pick(_FINDING, item, paths=known[:4], paths_more=max(0, len(known) - 4)), names))
    return {"blocks": _hosts.together(shown), "count": len(items), "more": max(0, len(found) - MAX_FINDINGS)}


def _doors(hosts, resources):
    """Every change that cannot be undone, with the hosts or the object that it happens to."""
    made = [dict(change, on=name) for name, host in hosts.items() for change in host.get("changes") or [] if change.get("irreversible")]
    made += [
        dict(change, on="%s %s" % (item.get("kind"), item.get("id")))
        for item in resources
        for change in item.get("changes") or []
        if change.get("irreversible")
    ]
    found = _hosts.gather(made, lambda item: [item.get(key) for key in CHANGE], lambda item: item["on"])
    return [pick(CHANGE, change, hosts=_hosts.named(names)) for change, names in found[:MAX_FINDINGS]]


def _step(step):
    return pick(_STEP, step, needs=step.get("needs") or [], targets=_hosts.named([str(target) for target in step.get("targets") or []]), times=1)


def _folded(steps):
    """Steps of the same kind as one row that says how many there are and in which waves; a row is where its first step was."""
    found = {}
    for step in steps:
        found.setdefault(_hosts.mark([step.get("what"), step.get("costs")]), []).append(step)
    rows = []
    for some in found.values():
        targets = dict.fromkeys(str(target) for step in some for target in step.get("targets") or [])
        rows.append(pick(_STEP, some[0], needs=[], targets=_hosts.named(targets), times=len(some), last=some[-1].get("n"), last_wave=some[-1].get("wave")))
    return rows


def _steps(steps):
    return _folded(steps) if len(steps) > MAX_STEPS else [_step(step) for step in steps]


def _resources(resources):
    return [pick(("kind", "id"), item, decisions=decisions_of(item), changes=changes_of(item)) for item in resources]


def _inputs(inputs):
    """The documents that the plan was made from, as rows `what, digest`."""
    rows = [("Intent", inputs.get("intent_sha256")), ("Deciding code", inputs.get("core"))]
    return rows + [("Table %s" % name, digest) for name, digest in sorted((inputs.get("tables") or {}).items())]


def _observed(inputs):
    seen = inputs.get("observations") or {}
    rows = [pick(("sha256", "at", "why"), item, host=name) for name, item in sorted(seen.items(), key=lambda pair: _hosts.order(pair[0]))]
    times = sorted(str(row["at"]) for row in rows if row["at"]) or [None]
    return {"rows": rows[:MAX_ROWS], "count": len(rows), "more": max(0, len(rows) - MAX_ROWS), "first": times[0], "last": times[-1]}


def _verdict(conflicts, counts, changes):
    """`[tone, headline, what follows from it]`."""
    if conflicts:
        return (
            "bad",
            "Not ready: %d conflict%s" % (conflicts, "s" if conflicts > 1 else ""),
            "Nothing has been changed. Deploying is refused while a conflict is the whole site's or concerns a host inside the limit.",
        )
    tone, head, follows = ("info", "Ready to deploy", "Nothing has been changed yet.") if changes else ("ok", "Nothing to do", "No change is due.")
    if counts["unknown"]:
        word = "host is" if counts["unknown"] == 1 else "hosts are"
        return "warn", "%s, %d %s unknown" % (head, counts["unknown"], word), follows + " What could not be observed is left as it is."
    return tone, head, "No conflict. " + follows


def view(plan):
    """Everything that `plan.html.j2` shows."""
    resources, inputs = plan.get("resources") or [], plan.get("inputs") or {}
    parts = {name: _findings(plan.get(name) or []) for name in ("conflicts", "warnings", "waived")}
    found = _plan_hosts.view(plan.get("hosts") or {})
    changes = found.pop("host_changes") + sum(len(item.get("changes") or []) for item in resources)
    return {
        **parts,
        **found,
        "site": plan.get("site"),
        "schema": plan.get("schema"),
        "inputs": pick(("generated_at", "collection", "observed"), inputs),
        "verdict": _verdict(parts["conflicts"]["count"], found["counts"], changes),
        "changes": changes,
        "doors": _doors(plan.get("hosts") or {}, resources),
        "steps": _steps(plan.get("steps") or []),
        "steps_count": len(plan.get("steps") or []),
        "resources": _resources(resources),
        "artefacts": [pick(_ARTEFACT, item) for item in plan.get("artefacts") or []],
        "digests": _inputs(inputs),
        "observed": _observed(inputs),
    }
