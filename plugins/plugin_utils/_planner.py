# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""From what a site wants and what was seen to its plan: gathers the core's arguments and completes the core's answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..module_utils._compat import pools, resolve
from ..module_utils._compat.index import Index
from . import _clusters, _intent, _run, _tables, _words

SCHEMA = "sovereign.ai_stack/plan/1"
SOURCE = "docs/intent.md"

RULES = {
    "SITE-1": "A recorded observation or trial is a document of its schema.",
    "SITE-2": "The record can be read.",
    "SITE-3": "The tables that a site adds can be read.",
    "SITE-4": "An approved plan is applied where it still fits, or not at all.",
    "SITE-5": "The folder of recorded observations is there.",
    "SITE-6": "A deploy looks at the hosts themselves.",
    "SITE-7": "Something is known of the hosts that are planned.",
    "SITE-8": "A trial build has a host to run on.",
    "SITE-9": "A deploy looks at the clouds themselves.",
}


@dataclass
class Seen:
    """What is known of the hosts: documents, {sha256, at} of each, which were made for this run, why some hosts did not answer,
    what is wrong with some files, the folder of recorded files where no host was asked, and the files in it that are no host's."""

    documents: dict = field(default_factory=dict)
    about: dict = field(default_factory=dict)
    fresh: set = field(default_factory=set)
    dark: dict = field(default_factory=dict)
    wrong: dict = field(default_factory=dict)
    trials: list = field(default_factory=list)
    wrong_trials: list = field(default_factory=list)
    recorded: str | None = None
    strangers: list = field(default_factory=list)
    outside: int = 0
    # the same of clouds
    clouds: dict = field(default_factory=dict)
    clouds_about: dict = field(default_factory=dict)
    clouds_fresh: set = field(default_factory=set)
    clouds_dark: dict = field(default_factory=dict)
    clouds_wrong: dict = field(default_factory=dict)


def plan_site(intent, groups, seen, record, now, folder=".", known_groups=None, settled=False, acting=False):
    """plan.json of a site. groups: {group: [hosts]}; now: UTC time as ISO text; folder: what the intent's paths are relative to;
    known_groups: the groups that a waiver may name, where they are more; settled: whether no trial build follows this plan;
    acting: whether roles act on it, so that what none of them can do yet is refused."""
    inventory = _run.inventory_of(groups)
    tables, digests, conflicts = _read_tables(intent, folder)
    refused, usable = _intent.check(intent, host=inventory, group=known_groups or groups, rule=rules_of(tables))
    broken = _broken(intent, usable, refused)
    _clusters_that_can_be_read(usable, refused)
    wanted, places = _intent.squeezed(_intent.public(usable))
    refused += _certificate(wanted)
    later = [_replaced(row, places) for row in _intent.planned_only(wanted)]
    plan = resolve.resolve(wanted, inventory, seen.documents, tables, record, now[:10], seen.trials, settled=settled, clouds=seen.clouds, now=now)
    for part in ("conflicts", "warnings", "waived"):
        plan[part] = [_replaced(row, places) for row in plan[part]]
    later += [_replaced(row, places) for row in _clusters.not_yet(plan, wanted, seen.documents)]
    plan["warnings"] = ([] if acting else later) + plan["warnings"]
    plan["conflicts"] = refused + (later if acting else []) + conflicts + _unreadable(seen) + plan["conflicts"]
    if broken:
        plan["conflicts"] += pools.conflicts_of_names(Index(tables), broken, inventory)
    _without_guesses(plan, {**_misnamed(plan, intent), **broken}, inventory)
    plan["warnings"] = [*_dark(seen, now), *_unknown_tenants(intent, seen), *plan["warnings"]]
    plan.update(schema=SCHEMA, site=wanted.get("ai_stack_site"), inputs=_inputs(intent, seen, digests, inventory, now))
    return plan


def rules_of(tables):
    """Names of rules; a waiver may name all parts of one at once: ACC-4 is ACC-4a and ACC-4b."""
    return {name for row in tables["rules"]["rows"] for name in (row["id"], row["id"].rstrip("abcdefgh"))}


def waivers_of(intent, groups, tables, cluster):
    """(rows of ai_stack_waivers, conflicts of those that cannot be read or are of nothing) for a role that makes a cluster of this name."""
    rows = intent.get("ai_stack_clusters")
    names = [one.get("name") for one in (rows if isinstance(rows, list) else ()) if isinstance(one, dict)]
    named = [str(one) for one in (*names, cluster) if one]
    refused, usable = _intent.check(intent, host=_run.inventory_of(groups), group=groups, rule=rules_of(tables), cluster=named)
    wanted = _intent.squeezed(_intent.public(usable))[0]
    return wanted.get("ai_stack_waivers", []), [row for row in refused if row["path"].startswith("ai_stack_waivers")]


def _clusters_that_can_be_read(usable, refused):
    """Take those out of what is usable of which a part was refused: with another group or version they were other clusters."""
    for row in refused:
        place = re.match(r"ai_stack_clusters\[(\d+)\]", row["path"])
        if place and isinstance(usable.get("ai_stack_clusters"), list):
            usable["ai_stack_clusters"][int(place[1])] = None


def _broken(intent, usable, refused):
    """{index: row} of the pools that cannot be planned as they are written; they are taken out of what is usable, so that nothing is guessed."""
    found = {}
    for row in refused:
        place = re.match(r"ai_stack_pools\[(\d+)\]", row["path"])
        # a key that this version does not act on yet is left out and changes nothing of the rest
        if place and (usable["ai_stack_pools"][int(place[1])] is None or row["rule"] != "INT-7"):
            at = int(place[1])
            written, usable["ai_stack_pools"][at] = intent["ai_stack_pools"][at], None
            found[at] = written if isinstance(written, dict) else {}
    return found


def _misnamed(plan, intent):
    """{index: row} of the pools whose group or model nobody knows."""
    places = (re.fullmatch(r"ai_stack_pools\[(\d+)\]\.(hosts|select\.model)", row["path"] or "") for row in plan["conflicts"] if row["host"] is None)
    return {int(place[1]): intent["ai_stack_pools"][int(place[1])] for place in places if place and isinstance(intent["ai_stack_pools"][int(place[1])], dict)}


def _without_guesses(plan, broken, inventory):
    """A host is not called somebody else's, nor its cards left over, only because its pool could not be read."""
    about = {}
    for at, row in sorted(broken.items()):
        named = row.get("hosts")
        mine = [host for host in inventory if named == host or named in inventory[host]]
        about.update(dict.fromkeys(mine or inventory, at))
    for host, at in about.items():
        if plan["hosts"][host]["state"] == "not_ours":
            plan["hosts"][host].update(state="refused", because=f"what its pool takes cannot be told: see the conflicts of ai_stack_pools[{at}]")
    plan["warnings"] = [row for row in plan["warnings"] if row["host"] not in about or (row["path"], row["rule"]) != ("ai_stack_pools", None)]


def _read_tables(intent, folder):
    extra = intent.get("ai_stack_extra_tables")
    extra = [str(_run.path_in(folder, one)) for one in extra if isinstance(one, str)] if isinstance(extra, list) else []
    try:
        return _tables.load(extra), _tables.digests(extra), []
    except ValueError as error:
        return _tables.load(), _tables.digests(), [_intent.conflict("SITE-3", "ai_stack_extra_tables", _words.printable(str(error), 300))]


def _certificate(wanted):
    """Put the digest of the site's certificate where its path is: hosts say what they have enrolled by digest."""
    signing = wanted.pop("ai_stack_module_signing", None)
    if not signing:
        return []
    try:
        wanted["ai_stack_module_signing"] = {"certificate": _run.certificate_digest(signing["certificate"])}
    except (OSError, ValueError) as error:
        why = _words.printable(error.strerror if isinstance(error, OSError) and error.strerror else str(error), 200)
        return [_intent.conflict("INT-3", "ai_stack_module_signing.certificate", f"wants a certificate that can be read: {why}")]
    return []


def _inputs(intent, seen, digests, inventory, now):
    nothing = {"sha256": None, "at": None}
    about = {host: dict(seen.about.get(host, nothing), **({"reachable": False, "why": seen.dark[host]} if host in seen.dark else {})) for host in inventory}
    return {
        "generated_at": now,
        "collection": _run.version(),
        "core": _run.core_digest(),
        "intent_sha256": _intent.digest(intent),
        "intent": _intent.digests(intent),
        "tables": digests,
        "observations": about,
        "clouds": dict(seen.clouds_about),
        "observed": "recorded" if isinstance(intent.get("ai_stack_observations"), str) else "live",
    }


def _replaced(row, places):
    """A row whose path counts the rows that the inventory has: the core was not given those that the schema refuses."""
    found = re.match(r"(ai_stack_\w+)\[(\d+)\]", row["path"] or "")
    if not found or found[1] not in places:
        return row
    return {**row, "path": f"{found[1]}[{places[found[1]][int(found[2])]}]{row['path'][found.end() :]}"}


def _unreadable(seen):
    again = "take the file away and observe the host again (plan without ai_stack_observations)"
    rows = [_intent.conflict("SITE-1", f"observations/{host}", text, again, host) for host, text in sorted(seen.wrong.items())]
    again = "take the file away and ask the cloud again"
    rows += [_intent.conflict("SITE-1", f"clouds/{name}", text, again) for name, text in sorted(seen.clouds_wrong.items())]
    return rows + [_intent.conflict("SITE-1", "trials", text, "take the file away; the trial is made again") for text in seen.wrong_trials]


def _dark(seen, now):
    for host, why in sorted(seen.dark.items()):
        if host in seen.about:
            yield warning(f"{why}; it counts with what was seen of it {age(seen.about[host]['at'], now)}", host)
        else:
            yield warning(f"{why} and was never seen: nothing is known of it", host)
    for name, why in sorted(seen.clouds_dark.items()):
        last = f"; it counts with what was seen of it {age(seen.clouds_about[name]['at'], now)}" if name in seen.clouds_about else " and was never seen"
        yield warning(f"cloud {_words.printable(name)} {why}{last}")
    if seen.strangers and seen.documents:
        which = _words.hosts_in_words(seen.strangers)
        yield warning(f"{seen.recorded}: {_words.counted(len(seen.strangers), 'file')} of no host of the inventory: {which}")
    if seen.outside:
        yield warning(f"outside the limit: {_words.counted(seen.outside, 'host')}, planned with what was last seen or as unknown")


def _unknown_tenants(intent, seen):
    for _at, row in _intent.acted_on(intent):
        if row["name"] not in {*seen.clouds, *seen.clouds_dark}:
            yield warning(f"cloud {row['name']} was not asked: who has servers on its hosts is not known")


def unasked(intent, seen):
    """Conflicts of a deploy that would act on clouds which nobody asked in this run: who is on their hosts is not known."""
    for at, row in _intent.acted_on(intent):
        if row["name"] not in seen.clouds_fresh:
            why = seen.clouds_dark.get(row["name"]) or seen.clouds_wrong.get(row["name"]) or "was not asked in this run"
            said = f"cloud {row['name']} {why}; a deploy acts on what its hosts do now"
            yield _intent.conflict("SITE-9", f"ai_stack_clouds[{at}]", said, "its services up, and clouds.yaml and openstacksdk on the host that asks it")


def warning(message, host=None):
    return {"rule": None, "host": host, "path": None, "message": message, "source": None, "nearest": None}


def age(then, now) -> str:
    """How long ago, in words; both are UTC times as ISO text."""
    seconds = _run.seconds_between(then, now)
    if seconds is None:
        return "at an unknown time"
    for length, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            return f"{_words.counted(int(seconds // length), name)} ago"
    return "just now"


def slices_of(plan, hosts):
    """(host, what its roles get): decisions by subject, changes, state, policy, and the conflicts of the host and the site."""
    about = {}
    for row in plan["conflicts"]:
        about.setdefault(row["host"], []).append(row)
    for host in hosts:
        mine = plan["hosts"][host]
        conflicts = about.get(None, []) + about.get(host, [])
        yield host, {
            **{part: mine[part] for part in ("state", "because", "cards", "changes", "policy", "tenants")},
            "decisions": {row["subject"]: row["value"] for row in mine["decisions"]},
            "conflicts": conflicts,
            "messages": text_of(conflicts),
        }


def plan_alone(intent, host, groups, seen, record, now, folder=".", settled=False):
    """The plan of one host by its own variables: a role used without a verb. What concerns other hosts is left aside."""
    inside = [group for group in groups if host in groups[group]]
    pools = intent.get("ai_stack_pools", [{"name": "this-host", "hosts": host, "use": "host"}])
    mine = {"ai_stack_site": host if re.fullmatch(_intent.NAME, host) else "this-host", **intent}
    if isinstance(pools, list):
        mine["ai_stack_pools"] = [pool for pool in pools if not isinstance(pool, dict) or pool.get("hosts") in (host, *inside)]
    if isinstance(intent.get("ai_stack_states"), list):
        mine["ai_stack_states"] = [row for row in intent["ai_stack_states"] if not isinstance(row, dict) or row.get("host") == host]
    return plan_site(mine, {group: [host] for group in inside}, seen, record, now, folder, known_groups=groups, settled=settled, acting=True)


def summary_of(plan) -> dict:
    """Counts for the operator's screen."""
    states = {}
    for host in plan["hosts"].values():
        states[host["state"]] = states.get(host["state"], 0) + 1
    reboots = sum(any(row["subject"] in ("reboot", "passthrough.reboot") and row["value"] for row in host["decisions"]) for host in plan["hosts"].values())
    return {
        "site": plan["site"],
        "hosts": len(plan["hosts"]),
        "states": states,
        "changes": sum(len(host["changes"]) for host in plan["hosts"].values()),
        "clusters": {one["id"]: len(one["changes"]) for one in plan["resources"] if one["kind"] == "cluster"},
        "reboots": reboots,
        "conflicts": len(plan["conflicts"]),
        "warnings": len(plan["warnings"]),
        "waived": len(plan["waived"]),
    }


def text_of(rows) -> list[str]:
    """Conflicts for a terminal, each once with all its hosts; nothing in them moves the cursor."""
    grouped = {}
    for row in rows:
        key = tuple(row.get(part) for part in ("rule", "path", "message", "nearest", "source"))
        grouped.setdefault(key, []).append(row["host"])
    return [_text(*key, [host for host in hosts if host]) for key, hosts in grouped.items()]


def _text(rule, path, message, near, source, hosts):
    about = " on ".join(part for part in (rule, _words.hosts_in_words(hosts)) if part)
    parts = [f"{about + ': ' if about else ''}{path + ': ' if path else ''}{message}"]
    parts += [f"  nearest allowed: {near}"] if near else []
    # a terminal gets the first of several sources; the plan has them all
    first, more = (source or "").partition("; ")[::2]
    # a page of the collection is a file that is there: the plan names it alike on every controller, the terminal by its place on this one
    first = str(_run.ROOT / first) if first.startswith("docs/") else first
    parts += [f"  source: {first}{' and others, see the plan' if more else ''}"] if first else []
    return "\n".join(_words.printable(part, 2000) for part in parts)
