# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What people and editors read about the intent, made from its schema: docs/intent.md and docs/intent.schema.json."""

from __future__ import annotations

import functools
import json
import pathlib

from ..module_utils._compat.case import DEFAULTS
from . import _intent, _planner, _schema

_HEAD = """<!-- Made by `make docs` from plugins/plugin_utils/_intent_schema.yml. Do not edit. -->
# The intent: what a site may say

A site is described by the `ai_stack_*` variables of the inventory group `all` (usually `group_vars/all.yml`) and by `-e`. They are
checked once, as a whole, before anything else happens; every mistake is told at once, with its place, rule and nearest allowed choice.
Set for one host or group they are refused: the plan is made for the whole site.

In an editor that knows JSON schemas, the line `# yaml-language-server: $schema=PATH/intent.schema.json` at the top of that file gives
completion and the same checks (except names that refer to one another).

**later**: the schema accepts it, and the plan refuses it by name until a version of the collection acts on it.
**secret**: never printed, logged or part of a digest. Keep it in a vault.

## A whole site, as an example

Dates stand in quotes: YAML itself stops at one that no calendar has, without saying where.
"""
# What stands for a default that is no word of the intent.
_DEFAULTS = {"build": "dkms, or the modules of the distribution's packages", "drain": "none"}


@functools.cache
def _example() -> str:
    """A whole site, as a file of its own."""
    return pathlib.Path(__file__).with_name("_intent_example.yml").read_text(encoding="utf-8").removeprefix("---\n")


def guide() -> str:
    """docs/intent.md"""
    text = f"{_HEAD}\n```yaml\n{_example()}```\n"
    for name, child in _schema.schema()["properties"].items():
        text += _section(name, _schema.merged(child), name in _schema.schema()["required"])
    text += "\n## Rules\n\n| Rule | Statement |\n|---|---|\n"
    for rule, statement in {**_intent.RULES, **_planner.RULES}.items():
        text += f"| `{rule}` | {statement} |\n"
    return text


def _section(name, node, required):
    marks = [mark for mark, there in (("required", required), ("for one run", node.get("x-switch")), ("later", node.get("x-not-yet"))) if there]
    text = f"\n## `{name}`{' (' + ', '.join(marks) + ')' if marks else ''}\n\n{node['description']} Wants {_code(_schema.wanted(node))}.\n"
    found = list(_schema.keys(node))
    defaults = {tokens: _default(name, tokens) for tokens, *_dummy in found}
    defaults = defaults if any(defaults.values()) else {}
    rows = [_row(tokens, below, needed, defaults) for tokens, below, needed in found]
    titles = ["Key", "Wants", *["Default"] * bool(defaults), "Meaning"]
    return text + (f"\n| {' | '.join(titles)} |\n{'|---' * len(titles)}|\n" + "".join(rows) if rows else "")


def _default(name, tokens):
    """What holds where a setting of the driver is left out, from where the core has it; nothing for other keys."""
    if name == "ai_stack_driver":
        value = DEFAULTS[tokens[-1]]
        return _DEFAULTS.get(tokens[-1], json.dumps(value) if not isinstance(value, str) else value)
    return "as `ai_stack_driver` says" if "driver" in tokens[:-1] else ""


def _row(tokens, node, required, defaults):
    path = "".join("[]" if isinstance(token, int) else f".{token}" for token in tokens).lstrip(".")
    later = node.get("x-not-yet")
    marks = [
        mark
        for mark, there in (
            ("required", required),
            ("secret", node.get("writeOnly")),
            ("later", later is True),
            (f"later: {', '.join(later)}" if isinstance(later, list) else "", isinstance(later, list)),
            (f"planned, not deployed: {', '.join(node.get('x-planned', ()))}", "x-planned" in node),
        )
        if there
    ]
    meaning = node.get("description", "").rstrip(".") + "." + (f" **{'; '.join(marks)}**" if marks else "")
    return f"| {' | '.join([f'`{path}`', _code(_schema.wanted(node)), *([_code(defaults[tokens])] if defaults else []), _code(meaning)])} |\n"


def _code(text):
    return text.replace("|", "\\|").replace("\n", " ")


def editors_schema() -> str:
    """docs/intent.schema.json: for a vars file, which may hold other variables too."""
    schema = dict(_schema.schema())
    names = sorted(schema["properties"])
    schema["additionalProperties"] = True
    schema["propertyNames"] = {"if": {"pattern": "^ai_stack_"}, "then": {"enum": names}}
    del schema["required"]
    return json.dumps(_for_editors(schema), indent=1) + "\n"


def _for_editors(node):
    """The same without the words that only this collection knows."""
    if isinstance(node, dict):
        return {key: _for_editors(value) for key, value in node.items() if not key.startswith("x-")}
    return [_for_editors(one) for one in node] if isinstance(node, list) else node
