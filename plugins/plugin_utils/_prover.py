# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Evidence: what was seen of each host against what the plan promised, and what was changed against what was predicted."""

from __future__ import annotations

import subprocess

from ..module_utils._cluster import proof
from ..module_utils._compat import cards, state, verify
from ..module_utils._compat.index import Index
from ..module_utils._compat.record import Record, completed, given_back, kept_out, noted, seen_reporting
from ..module_utils._compat.waivers import Waivers
from ..module_utils._pools import checks_cloud, checks_host, once
from . import _clouds, _clusters, _intent, _run, _site, _tables, _words

SCHEMA = "sovereign.ai_stack/evidence/1"
CHANGES_SCHEMA = "sovereign.ai_stack/changes/1"
STATUSES = ("pass", "fail", "unknown", "waived", "not_applicable")

# What the state of a host in the plan means where nothing was decided for it.
_UNDECIDED = {
    "refused": ("fail", "the plan refused it"),
    "unknown": ("unknown", "the plan knew nothing of it"),
    "left_out": ("not_applicable", "it is out of service"),
    "no_accelerator": ("not_applicable", "it has no accelerator"),
    "not_ours": ("not_applicable", "no pool takes a card of it"),
}


def of_site(intent, folder):
    """(waivers, folders of tables) of an intent, as far as they can be read; folder: what its paths are relative to."""
    wanted = _intent.squeezed(_intent.public(_intent.check(intent)[1]))[0]
    return wanted.get("ai_stack_waivers", ()), [str(_run.path_in(folder, one)) for one in wanted.get("ai_stack_extra_tables", ())]


def evidence_of(plan, seen, hosts, waivers, now, extra=(), groups=None, services=None, lived=None, used_once=None, record=None, canaries=None):
    """evidence.json without plan_sha256. hosts: those that are looked at; waivers: rows of the intent; extra: folders of tables;
    services: {host: what was said of its services of clouds}; None: the driver alone is to be proven; lived: {cloud: what tries of its tenants came to};
    used_once: {host: what its part of the role for cards that are used once answered, and what a run noted}; record: what was noted before;
    canaries: {host: what a pod that looked at a card there came to}."""
    index = Index(_tables.load(extra))
    known = Waivers(index, waivers, now[:10])
    inventory = _run.inventory_of(groups or {})
    relied_on = {}
    for row in plan.get("waived") or ():
        relied_on.setdefault(row["host"], []).append(row)
    # what a cloud was waived reaches its hosts too
    clouds = {row["rule"] for row in known.rows if str(row["scope"]).startswith("cloud ")}
    anywhere = {row["rule"] for row in known.rows}
    rows = [*_conflicts_of_site(plan, now), *_waivers_that_ended(relied_on.get(None, ()), None, anywhere, index, now)]
    for host in hosts:
        about = plan["hosts"].get(host)
        pools = sorted({card["pool"] for card in (about or {}).get("cards", ()) if card.get("pool")})
        accepted = known.for_host(host, inventory.get(host, []), pools)
        for one in _clusters.of_host(plan, host):
            accepted = {**accepted, **known.for_cluster(one["id"], host, inventory.get(host, []))}
        rows += [*_waivers_that_ended(relied_on.get(host, ()), host, clouds.union(accepted), index, now)]
        rows += [_waived(row, accepted, index) for row in _of_host(host, about, seen, index, now, services is None)]
    for name in _clouds.named(plan) if services is not None else ():
        accepted = known.for_cloud(name, ())
        told = (services, (lived or {}).get(name, ()), used_once or {}, record or {})
        rows += [_waived(row, accepted, index) for row in _of_cloud(plan, name, seen, hosts, index, *told)]
    fresh = {host: seen.documents[host] for host in seen.fresh if host in seen.documents}
    for one in _clusters.of_plan(plan) if services is not None else ():
        accepted = known.for_cluster(one["id"])
        rows += [_waived(row, accepted, index) for row in proof.checks(index, one, fresh, hosts, canaries)]
    observed = "recorded" if seen.recorded else "live"
    return add({"schema": SCHEMA, "site": plan.get("site"), "generated_at": now, "observed": observed, "checks": []}, rows)


def counts_of(evidence) -> str:
    """How many checks came to what, in words."""
    return ", ".join(f"{count} {status}" for status, count in evidence["summary"].items() if count) or "nothing was checked"


def verdict(evidence) -> tuple[bool, str]:
    """(whether it proves the plan, in words): what did not pass proves nothing, and neither do files that nobody says the age of."""
    summary = evidence["summary"]
    if summary["fail"] or summary["unknown"]:
        return False, "Not proven"
    if not summary["pass"]:
        return False, "Nothing was proven"
    return True, "Proven" if evidence["observed"] == "live" else "Recorded files agree with the plan"


def _conflicts_of_site(plan, now):
    """A plan with conflicts of the site decides nothing; those of a host speak for themselves where the host is looked at."""
    rows = [row for row in plan.get("conflicts") or () if row.get("host") is None]
    if rows:
        found = list(dict.fromkeys(" ".join(str(row[key]) for key in ("rule", "path") if row.get(key)) for row in rows))
        yield _row("plan.has_no_conflicts", None, "the plan has no conflict of the site", "fail", {"conflicts": []}, {"conflicts": found}, "plan.json", now)


def _waivers_that_ended(rows, host, accepted, index, now):
    """What the plan relies on is accepted on the day of the proof too. rows: what is waived for the host, or for the site;
    accepted: the rules that are waived there today."""
    for row in rows:
        if not any(name in accepted for name in index.waivable_by(row["rule"])):
            was = f"the plan relies on one until {row.get('until')}; none covers it today"
            promise = "a deviation that the plan relies on is still accepted"
            yield _row("plan.waivers_hold", host, promise, "fail", "a waiver that covers it", was, "ai_stack_waivers", now, row["rule"])


def add(evidence, checks):
    """Add checks to an evidence document and count again."""
    evidence["checks"] += checks
    evidence["summary"] = {status: sum(row["status"] == status for row in evidence["checks"]) for status in STATUSES}
    return evidence


def _of_cloud(plan, name, seen, hosts, index, services, lived, used_once, record):
    want = _clouds.slice_of(plan, name)
    cards = once.expected(want["one_time_use"]["cards"], _notes(record, name, want, used_once))
    want = {**want, "one_time_use": {**want["one_time_use"], "cards": cards}}
    if not {*want["hosts"], *want["computes"]}.intersection(hosts):
        return []
    acted = name in _clouds.acted_on(plan)
    if name in seen.clouds_fresh:
        return checks_cloud.of_cloud(index, name, want, seen.clouds[name], hosts, services if acted else None, lived, used_once)
    promise, last = f"cloud {name} answers", seen.clouds_about.get(name, {}).get("at")
    if not acted:
        why = "no verb of this version acts on it"
        return [_row("cloud.answers", None, promise, "not_applicable", None, why, "plan.json", last)]
    why = seen.clouds_wrong.get(name) or seen.clouds_dark.get(name) or "it was not asked"
    return [_row("cloud.answers", None, promise, "unknown", "an observation", why, "cloud_facts", last)]


def _releaser(record, name, want, used_once):
    """Who gives cards back from this run on: the planned one, once it answered; None where no card is used once."""
    told = used_once.get(want["releaser"])
    before = ((record.get("clouds") or {}).get(name) or {}).get("releaser")
    return (want["releaser"] if told and not told.get("failed") else before) if want["one_time_use"]["wanted"] else None


def _notes(record, name, want, used_once):
    """Rows of the record on cards that are used once, and what this run noted."""
    mine = (used_once.get(want["releaser"]) or {}).get("noted") or {}
    return noted(record, name, {host: {at: row for at, row in rows.items() if once.is_noted(row)} for host, rows in mine.items()}) \
        .get("clouds", {}).get(name, {}).get("used_once", [])  # fmt: skip


def _of_host(host, about, seen, index, now, driver_alone):
    if about is None:
        return [_row("plan.covers_host", host, "the plan covers the host", "fail", "planned", None, "plan.json", now)]
    if host not in seen.documents or host not in seen.fresh:
        last = seen.about.get(host, {}).get("at")
        why = seen.wrong.get(host) or seen.dark.get(host) or "it was not observed"
        return [_row("host.answers", host, "the host answers", "unknown", "an observation", why, "accelerator_facts", last)]
    rows = verify.checks(host, about["decisions"], seen.documents[host], index, now[:10])
    rows += [] if driver_alone else checks_host.of_host(index, host, about["decisions"], seen.documents[host])
    if rows:
        return rows
    status, why = _UNDECIDED.get(about["state"], ("unknown", "nothing was decided for it"))
    because = f"{why}: {about['because']}"
    return [_row("plan.decides_host", host, "the plan decides what the host gets", status, "a decision", because, "plan.json", seen.documents[host].get("at"))]


def _row(name, host, promise, status, expected, found, how, at, rule=None):
    return {
        "id": name,
        "host": host,
        "role": None,
        "promise": promise,
        "status": status,
        "expected": expected,
        "observed": found,
        "observed_at": at,
        "how": how,
        "rule": rule,
    }


def _waived(row, accepted, index):
    names = index.waivable_by(row["rule"]) if row["status"] == "fail" and row["rule"] else ()
    waiver = next((accepted[name] for name in names if name in accepted), None)
    if not waiver:
        return row
    return {**row, "status": "waived", "approver": waiver["approver"], "until": waiver["until"], "reason": waiver["reason"]}


def changes_of(plan, before, after, hosts, now):
    """changes.json without plan_sha256: what the plan predicted and what two independent observations say was made."""
    found = {}
    for host in hosts:
        if host not in plan["hosts"]:
            continue
        seen = before.get(host), after.documents.get(host)
        known = None not in seen and host in after.fresh and seen[0].get("reachable") is not False
        predicted = [*map(_change, plan["hosts"][host]["changes"]), *_clusters.predicted(plan, host, seen[0] or {}, hosts)]
        made = state.difference(*[_clusters.state_of(plan, host, one) for one in seen]) if known else None
        found[host] = {"predicted": predicted, "made": made, "equal": None if made is None else _by_name(made) == _by_name(predicted)}
    return {"schema": CHANGES_SCHEMA, "site": plan.get("site"), "generated_at": now, "hosts": found}


def _change(row):
    return {part: row.get(part) for part in ("resource", "before", "after")}


def _by_name(changes):
    return {row["resource"]: (row["before"], row["after"]) for row in changes}


def checks_of_changes(changes, now):
    """The promise that a run made the predicted changes and no other, as checks."""
    for host, row in changes["hosts"].items():
        status = {True: "pass", False: "fail", None: "unknown"}[row["equal"]]
        expected, found = _by_name(row["predicted"]), _by_name(row["made"] or ())
        differing = sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))
        promise = "the changes made are the changes predicted"
        observed = {"differing": differing} if row["made"] is not None else None
        yield _row("plan.predicts_changes", host, promise, status, {"differing": []}, observed, "changes.json", now)


def record_of(record, seen, hosts, plan, extra=(), counting=(), used_once=None):
    """The record of a site after a run, completed by what its hosts and clouds tell now, and by its plan. extra: folders of tables; counting: clouds that
    count by unified limits from this run on; used_once: as of evidence_of."""
    index = Index(_tables.load(extra))
    record = seen_reporting(record, {name: seen.clouds[name] for name in seen.clouds_fresh}, counting)
    for name, mine in _clouds.acted_on(plan).items():
        record = kept_out(record, name, mine["out_of_service"], seen.clouds[name]) if name in seen.clouds_fresh else record
        record = given_back(record, name, _releaser(record, name, mine, used_once or {}), _notes(record, name, mine, used_once or {}))
    return completed(Record(record), {host: cards.of(seen.documents[host], index) for host in hosts if host in seen.fresh and host in seen.documents})


def text_of(checks) -> list[str]:
    """What is not proven, for a terminal: equal findings once, with their hosts."""
    grouped = {}
    for row in checks:
        if row["status"] in ("fail", "unknown"):
            key = (row["status"].upper(), row["id"], row["promise"], repr(row["expected"]), repr(row["observed"]), row["rule"])
            grouped.setdefault(key, []).append(row["host"])
    return [_text(*key, [host for host in hosts if host]) for key, hosts in sorted(grouped.items(), key=lambda pair: pair[0][:2])]


def _text(status, name, promise, expected, found, rule, hosts):
    where = f" on {_words.hosts_in_words(hosts)}" if hosts else ""
    because = f" ({rule})" if rule else ""
    return _words.printable(f"{status} {name}{where}: {promise}{because}; expected {expected}, observed {found}", 2000)


def sign(path, key):
    """A detached signature beside a report, made with the operator's SSH key (`ssh-keygen -Y verify` checks it)."""
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "sovereign.ai_stack", "-f", str(key), str(path)]
    try:
        _site.remove(f"{path}.sig")
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _site.SiteError(f"{path} could not be signed: {type(error).__name__} when running ssh-keygen.") from None
    if done.returncode:
        raise _site.SiteError(f"{path} could not be signed with {key}: ssh-keygen ended with {done.returncode}.")
