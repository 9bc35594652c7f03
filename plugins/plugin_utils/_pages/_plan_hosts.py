# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of a plan: equal ones together, the worst first, on a site of any size."""

from __future__ import annotations

from collections import Counter

from . import _hosts
from ._text import lines

# (state, tone, words), worst first.
STATES = (
    ("refused", "bad", "refused"),
    ("unknown", "warn", "unknown"),
    ("planned", "info", "will change"),
    ("left_out", "off", "left out"),
    ("not_ours", "off", "not ours"),
    ("converged", "ok", "nothing to do"),
    ("no_accelerator", "off", "no accelerator"),
)
COSTS = (("reboot", "reboot"), ("drain", "drain"), ("irreversible", "one-way"))

MAX_ROWS = 2000  # above, equal hosts share a row
MAX_OPEN = 80  # blocks written into the page; the next ones are drawn when a reader opens them
MAX_GROUPS = 2000
MAX_CARDS = 10000  # above, only cards that are not well are listed one by one
MAX_PART = 4  # ranges of names in a cell of the table of hosts

_ORDER = {state: index for index, (state, dummy, dummy) in enumerate(STATES)}
_DECISION = ("subject", "value", "because", "rule", "source")
CHANGE = ("resource", "before", "after", "role")
_CARD = ("address", "name", "serial", "pool", "use", "status")


def pick(keys, item, **more):
    """The contract's keys of an item; one that it lacks is null, which the page calls unknown."""
    return dict({key: item.get(key) for key in keys}, **more)


def _state(host):
    return host.get("state") if host.get("state") in _ORDER else "unknown"


def _costs(host):
    """What a host that changes pays: what is decided of it, else the flags of its changes."""
    decided = {item.get("subject"): item.get("value") for item in host.get("decisions") or []}
    flags = {key: any(change.get(key) for change in host.get("changes") or []) for key, dummy in COSTS}
    return [word for key, word in COSTS if decided.get(key, flags[key])] if _state(host) == "planned" else []


def _well(card):
    return card.get("status") in ("ok", "unassigned")


def _cards(host):
    """`8 x H100` and the number of cards that are not well, by status."""
    cards = host.get("cards") or []
    models = Counter(card.get("model") or card.get("name") or "unknown model" for card in cards)
    return sorted(models.items()), sorted(Counter(card.get("status") or "unknown" for card in cards if not _well(card)).items())


def _driver(host):
    """`[version, flavour and source]` of the decided driver, as far as they are decided."""
    decided = {item.get("subject"): item.get("value") for item in host.get("decisions") or []}
    names = [decided.get(key) for key in ("driver.version", "driver.branch", "driver.vendor") if decided.get(key)]
    parts = [str(decided[key]) for key in ("driver.flavour", "driver.source") if decided.get(key)]
    return [names[0] if names else None, ", ".join(parts)]


def _card_rows(names, hosts, every):
    """Rows of the table of cards, each with its host; a serial stands for the UUID and the other way round."""
    rows = []
    for name in names:
        for card in hosts[name].get("cards") or []:
            if every or not _well(card):
                known = dict(card, name=card.get("name") or card.get("model"), serial=card.get("serial") or card.get("uuid"))
                rows.append(dict({key: known.get(key) for key in _CARD}, host=name, well=_well(card)))
    return rows


def groups(hosts):
    """Hosts of one state with equal cards, decisions and changes; the worst first, and on a big site the biggest ones."""
    found = {}
    for name, host in sorted(hosts.items(), key=lambda item: _hosts.order(item[0])):
        alike = (_hosts.mark(_cards(host)), _hosts.mark(host.get("decisions")), _hosts.mark(host.get("changes")))
        found.setdefault((_state(host), alike), []).append(name)
    sizes = sorted(found.items(), key=lambda item: (_ORDER[item[0][0]], -len(item[1]) * (len(hosts) > MAX_ROWS), _hosts.order(item[1][0])))
    return [(state, names) for (state, dummy), names in sizes]


def decisions_of(item):
    return [pick(_DECISION, decision) for decision in item.get("decisions") or []]


def changes_of(item):
    return [pick(CHANGE, change, costs=[word for key, word in COSTS if change.get(key)]) for change in item.get("changes") or []]


def _group(number, state, names, hosts, every):
    first = hosts[names[0]]
    reasons = list(dict.fromkeys(str(hosts[name].get("because") or "") for name in names))
    return {
        "number": number,
        "state": STATES[_ORDER[state]],
        "hosts": _hosts.named(names),
        "reasons": [item for item in reasons if item][:5],
        "reasons_more": max(0, len(reasons) - 5),
        "reasons_count": len(reasons),
        "decisions": decisions_of(first),
        "changes": changes_of(first),
        "cards": _card_rows(names, hosts, every),
        "every": every,
        "summary": _cards(first),
        "driver": _driver(first),
        "costs": _costs(first),
        "drawn": number < MAX_OPEN,
        "said": sum(1 for name in names for dummy in hosts[name].get("cards") or []),
    }


def _row(names, host, group):
    return {
        "number": group["number"],
        "state": _ORDER[group["state"][0]],
        "tone": group["state"][1],
        "word": group["state"][2],
        "hosts": _hosts.named(names, MAX_PART),
        "because": host.get("because"),
        "others": group["reasons_count"] - 1 if len(names) > 1 else 0,
        "summary": _cards(host),
        "driver": group["driver"],
        "changes": len(group["changes"]),
        "costs": group["costs"],
    }


def _rows(made, names_of, hosts):
    """A row a host on a site of usual size, a row a group of equals on a big one."""
    rows = []
    for group in made:
        names = names_of[group["number"]]
        for part in [names] if len(hosts) > MAX_ROWS else [[name] for name in names]:
            rows.append((group["state"][0], part, _row(part, hosts[part[0]], group)))
    return [row for dummy, dummy, row in sorted(rows, key=lambda item: (_ORDER[item[0]], _hosts.order(item[1][0])))]


def _island(made, names_of, hosts):
    """What the page's script needs: the names behind each range, and the blocks that are not drawn yet, equal rows once."""
    table, numbers = [], {}

    def once(row):
        mark = _hosts.mark(row)
        if mark not in numbers:
            numbers[mark] = len(table)
            table.append(row)
        return numbers[mark]

    blocks = {}
    for group in made:
        if not group["drawn"]:
            blocks[group["number"]] = [
                [once([lines(item.get(key)) for key in _DECISION]) for item in group["decisions"]],
                [once([lines(item.get(key)) for key in CHANGE] + [", ".join(item["costs"])]) for item in group["changes"]],
                [[card["host"]] + [lines(card[key]) for key in _CARD] for card in group["cards"]],
            ]
    names = {group["number"]: group["hosts"]["ranges"] for group in made if len(hosts) > MAX_ROWS}
    return {"rows": table, "blocks": blocks, "names": names}


def _sums(found, hosts):
    """Hosts by state, hosts by what they pay, changes: over all groups, whether the page has room for them or not."""
    counts, paid, changes = Counter(), Counter(), 0
    for state, names in found:
        counts[state] += len(names)
        changes += len(names) * len(hosts[names[0]].get("changes") or [])
        paid.update(dict.fromkeys(_costs(hosts[names[0]]), len(names)))
    return counts, paid, changes


def view(hosts):
    """What `plan.html.j2` shows of the hosts."""
    every = sum(len(host.get("cards") or []) for host in hosts.values()) <= MAX_CARDS
    found = groups(hosts)
    made = [_group(number, state, names, hosts, every) for number, (state, names) in enumerate(found[:MAX_GROUPS])]
    names_of = [names for dummy, names in found]
    counts, paid, changes = _sums(found, hosts)
    return {
        "total": len(hosts),
        "counts": counts,
        "host_changes": changes,
        "paid": [(word, paid[word]) for dummy, word in COSTS],
        "states": [(index, tone, word, counts[state]) for index, (state, tone, word) in enumerate(STATES) if counts[state]],
        "rows": _rows(made, names_of, hosts),
        "folded": len(hosts) > MAX_ROWS,
        "groups": made,
        "groups_more": len(found) - len(made),
        "hosts_more": sum(len(names) for names in names_of[MAX_GROUPS:]),
        "island": _island(made, names_of, hosts),
    }
