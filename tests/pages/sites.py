# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Documents for the tests of the pages: the samples, big sites made of them, and hostile strings planted in every field."""

from __future__ import annotations

import json
from pathlib import Path

SAMPLES = Path(__file__).resolve().parent / "samples"

# What hosts, tools and inventories may say; each has MARK, so that a test finds where it went.
MARK = "h0st1le"
HOSTILE = {
    "script element": f"<script>window.pwned='{MARK}'</script>",
    "end of the island": f"</script><script>window.pwned='{MARK}'</script>",
    "comment in a script": f"<!--<script>{MARK}",
    "event handler": f"<img src=x onerror=\"window.pwned='{MARK}'\">",
    "end of an attribute": f"\" onmouseover=\"window.pwned='{MARK}'\" x=\"' autofocus onfocus='window.pwned=1",
    "template": f"{{{{ 7*7 }}}}{{% for x in range(9) %}}{MARK}{{% endfor %}}{{# no #}}",
    "address": f"javascript:window.pwned='{MARK}'",
    "style": f"</style><style>*{{display:none}}</style>{MARK}",
    "title": f"</title></head><body onload=window.pwned=1>{MARK}",
    "line separators": f"{MARK}\u2028window.pwned=1\u2029//",
    "right to left": f"{MARK}\u202egpj.exe\u202c \u2066iso\u2069 \u200f",
    "control": f"{MARK}\x00\x07\x1b[31mred\x1b[0m\x7f\x85\r\n\tend",
    "invisible": f"{MARK}\u200b\u200d\ufeff\u00ad\u2060\U000e0041",
    "lone surrogate": f"{MARK}\ud800",
    "accents": f"{MARK}a" + "\u0301" * 40,
    "long": f"{MARK}" + "A" * 9000,
    "entity": f"&lt;script&gt;{MARK}&amp;#60;",
    "markup of ours": f"<template id=blank>{MARK}</template><details open>",
}


def sample(name: str) -> dict:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def planted(value, text: str):
    """The same document with the text at the end of every string and of every key that is data; the contract's own keys stay."""
    if isinstance(value, str):
        return value + text
    if isinstance(value, list):
        return [planted(item, text) for item in value]
    if isinstance(value, dict):
        return {key if key.isidentifier() else key + text: planted(item, text) for key, item in value.items()}
    return text if value is None else value


def plan_of(count: int, alike: bool = True) -> dict:
    """A plan of many HGX hosts; every fiftieth is refused. Not alike: each differs from all others in a decision and a change."""
    plan = sample("plan")
    model, conflict = json.dumps(plan["hosts"]["hgx1"]), plan["conflicts"][1]
    plan.update(hosts={}, conflicts=[], warnings=[], waived=[])
    for number in range(1, count + 1):
        name, host = f"gpu{number:05d}", json.loads(model)
        for at, card in enumerate(host["cards"]):
            card.update(serial=f"165{number * 8 + at:010d}", uuid=f"GPU-{number:08x}-0000-0000-0000-{at:012x}", status="ok")
        if not alike:
            host["decisions"][4]["because"] = f"only on {name}"
            host["changes"][0]["after"] = name
        if number % 50 == 0:
            host.update(state="refused", changes=[], because=f"reason {number % 7}")
            plan["conflicts"].append({**conflict, "host": name, "path": f"hosts.{name}"})
        plan["hosts"][name] = host
    plan["steps"] = [{**step, "targets": list(plan["hosts"])} for step in plan["steps"]]
    plan["inputs"]["observations"] = {name: {"sha256": "0" * 64, "at": "2026-11-25T19:41:20Z"} for name in plan["hosts"]}
    return plan


def evidence_of(count: int, alike: bool = True) -> dict:
    """Evidence of many hosts; every hundredth fails one promise. Not alike: each saw something of its own."""
    evidence = sample("evidence")
    model = [check for check in evidence["checks"] if check["host"] == "h100-bookworm1"]
    checks = []
    for number in range(1, count + 1):
        name = f"gpu{number:05d}"
        for check in model:
            observed = check["observed"] if alike else f"{name} {check['observed']}"
            status = "fail" if number % 100 == 0 and check["rule"] == "ACC-15" else check["status"]
            checks.append({**check, "host": name, "observed": observed, "status": status, "observed_at": f"2026-11-25T20:{number % 60:02d}:00Z"})
    return {**evidence, "checks": checks, "summary": {}}
