# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""evidence.json as the evidence page shows it: what failed or is unknown first, equal observations of many hosts once."""

from __future__ import annotations

from collections import Counter

from . import _hosts, _text
from ._plan_hosts import STATES

# (status, tone, words), worst first.
STATUSES = (
    ("fail", "bad", "fails"),
    ("unknown", "warn", "unknown"),
    ("waived", "hold", "waived"),
    ("pass", "ok", "holds"),
    ("not_applicable", "off", "not applicable"),
)
# What a null among the values says. A check that could tell knows that the thing is not there; one that could not tell knows nothing.
NULLS = {"fail": "absent", "waived": "absent", "pass": "absent", "not_applicable": "none"}
MAX_ROWS = 3000
MAX_FINDINGS = 300

_ORDER = {status: index for index, (status, dummy, dummy) in enumerate(STATUSES)}
_WORDS = {state: word for state, dummy, word in STATES}
_KEYS = ("id", "role", "promise", "status", "expected", "observed", "how", "rule")
_OTHER = frozenset(_KEYS + ("host", "observed_at"))


def _status(check):
    """A status that is not one of the contract's proves nothing."""
    return check.get("status") if check.get("status") in _ORDER else "unknown"


def _notes(check):
    """What a check says besides the contract's keys: who waived it and until when, why it does not apply."""
    return sorted((str(key), value) for key, value in check.items() if key not in _OTHER and value is not None)


def _key(check):
    return [check.get(key) for key in _KEYS] + _notes(check)


def _gathered(checks):
    """Equal observations once: `[first check, hosts, earliest, latest]`."""
    found = {}
    for check in checks:
        kept = found.setdefault(_hosts.mark(_key(check)), [check, {}, None, None])
        if check.get("host") is not None:
            kept[1][str(check["host"])] = None
        at = check.get("observed_at")
        if at is not None:
            kept[2:] = [min(kept[2] or str(at), str(at)), max(kept[3] or str(at), str(at))]
    return found.values()


def _rows(checks):
    """One row an observation, the worst first; hosts that saw the same share it."""
    rows = []
    for check, hosts, first, last in _gathered(checks):
        number = _ORDER[_status(check)]
        names = list(hosts)
        rows.append(((number, str(check.get("id")), _hosts.order(names[0] if names else "")), check, names, (first, last)))
    return sorted(rows, key=lambda row: row[0])


def _shown(row):
    """A row with what only those need that are shown: the names of its hosts as ranges, its notes."""
    (number, dummy, dummy), check, names, times = row
    null = NULLS.get(_status(check), "unknown")
    return dict(
        {key: check.get(key) for key in _KEYS},
        expected=_text.show(check["expected"], null=null) if "expected" in check else None,
        observed=_text.show(check["observed"], null=null) if "observed" in check else None,
        tone=STATUSES[number][1],
        word=STATUSES[number][2],
        state=number,
        notes=_notes(check),
        hosts=_hosts.named(names),
        times=times,
    )


def _promises(rows):
    """How each promise stands: its words and the number of observations in each status, the worst promise first."""
    found = {}
    for (state, name, _first), check, names, _times in rows:
        entry = found.setdefault(name, {"id": check.get("id"), "promise": check.get("promise"), "rule": check.get("rule"), "counts": Counter()})
        entry["counts"][state] += max(1, len(names))
    return sorted(found.values(), key=lambda entry: (min(entry["counts"]), str(entry["id"])))


def _verdict(counts, total, recorded):
    if not total:
        return "warn", "Nothing is proven", "There is no observation in this document."
    if counts["fail"] or counts["unknown"]:
        parts = [text for text in (counts["fail"] and "%d fail" % counts["fail"], counts["unknown"] and "%d unknown" % counts["unknown"]) if text]
        return (
            "bad" if counts["fail"] else "warn",
            "Not proven: %s" % ", ".join(parts),
            "%d of %d observations hold. An unknown one never counts as good." % (counts["pass"], total),
        )
    waived = " %d waived deviation%s." % (counts["waived"], "s" if counts["waived"] > 1 else "") if counts["waived"] else ""
    if not counts["pass"]:
        return "warn", "Nothing is proven", "No promise of the plan was held against what is there.%s" % waived
    if recorded:
        return "info", "Recorded files agree with the plan", "All %d promises that apply hold in them.%s No host was contacted." % (counts["pass"], waived)
    return "ok", "Proven", "All %d promises that apply hold.%s" % (counts["pass"], waived)


def _unproven(plan, checks):
    """Hosts that the plan acts on and that nothing was observed of, and hosts that it leaves alone."""
    seen = {str(check["host"]) for check in checks if check.get("host") is not None}
    hosts = (plan or {}).get("hosts") or {}
    acting = [name for name, host in hosts.items() if host.get("state") in ("planned", "converged") and name not in seen]
    others = {}
    for name, host in hosts.items():
        if host.get("state") not in ("planned", "converged") and name not in seen:
            others.setdefault(_WORDS.get(host.get("state")) or str(host.get("state")), []).append(name)
    return {"acting": _hosts.named(acting), "others": [(word, _hosts.named(names)) for word, names in sorted(others.items())]}


def _differs(summary, counts):
    """Statuses whose number in the document's own summary is another one than that of its checks."""
    said = summary if isinstance(summary, dict) else {}
    return [(status, said[status], counts[status]) for status, dummy, dummy in STATUSES if isinstance(said.get(status), int) and said[status] != counts[status]]


def view(evidence, plan=None):
    """Everything that `evidence.html.j2` shows."""
    checks = evidence.get("checks") or []
    counts = Counter(_status(check) for check in checks)
    rows = _rows(checks)
    bad = [row for row in rows if row[0][0] <= _ORDER["unknown"]]
    times = sorted(str(check["observed_at"]) for check in checks if check.get("observed_at")) or [None]
    shown = [_shown(row) for row in rows[:MAX_ROWS]]
    names = {number: row["hosts"]["ranges"] for number, row in enumerate(shown) if row["hosts"]["count"] > 1}
    return {
        "site": evidence.get("site"),
        "generated_at": evidence.get("generated_at"),
        "schema": evidence.get("schema"),
        "plan_sha256": evidence.get("plan_sha256"),
        "total": len(checks),
        "intent_changed": evidence.get("intent_changed") or [],
        "planned_at": ((plan or {}).get("inputs") or {}).get("generated_at"),
        "first": times[0],
        "last": times[-1],
        "verdict": _verdict(counts, len(checks), evidence.get("observed") == "recorded"),
        "differs": _differs(evidence.get("summary"), counts),
        "unproven": _unproven(plan, checks),
        "states": [(index, tone, word, counts[status]) for index, (status, tone, word) in enumerate(STATUSES)],
        "hosts": len({str(check["host"]) for check in checks if check.get("host") is not None}),
        "promises": _promises(rows),
        "bad": _hosts.together((_shown(row), row[2]) for row in bad[:MAX_FINDINGS]),
        "bad_more": max(0, len(bad) - MAX_FINDINGS),
        "bad_count": counts["fail"] + counts["unknown"],
        "rows": shown,
        "rows_more": len(rows) - len(shown),
        "island": {"rows": [], "blocks": {}, "names": names},
    }
