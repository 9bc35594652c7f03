# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Of the language of admission policies (CEL) what our policies use, as Python: enough to ask them, and no proof that an API server takes them."""

from __future__ import annotations

import re

STEPS = (
    (r"has\(([\w.]+)\.(\w+)\)", r"'\2' in \1"),
    (r"\(([^()?]+) \? ([^:()]+) : ([^()]*)\)", r"(\2 if \1 else \3)"),
    (r"has\((\([^()]+\)[\w.]*)\.(\w+)\)", r"'\2' in \1"),
    (r"\.(all|exists)\((\w), ", r".\1(lambda \2: "),
    (r"\.substring\((\d+)\)", r"[\1:]"),
    (r"\.startsWith\(", r".startswith("),
    (r"&&", "and"),
    (r"\|\|", "or"),
    (r"!(?!=)", "not "),
)


class Map(dict):
    """A field that is not there is an error, as the API server has it."""

    def __getattr__(self, name):
        return self[name]

    def all(self, so):
        return all(map(so, self))

    def exists(self, so):
        return any(map(so, self))


class Rows(list):
    def all(self, so):
        return all(map(so, self))


def _typed(value):
    if isinstance(value, dict):
        return Map({key: _typed(one) for key, one in value.items()})
    return Rows(map(_typed, value)) if isinstance(value, list) else value


def ask(expression, **names):
    """What an expression says of these."""
    for pattern, instead in STEPS:
        expression = re.sub(pattern, instead, expression)
    return eval(expression, {"__builtins__": {}, **{key: _typed(one) for key, one in names.items()}})  # noqa: S307  expressions of ours


def refusals(policy, **names):
    """What a policy says of a request that it does not let through; []: it does."""
    spec = policy["spec"]
    if not all(ask(one["expression"], **names) for one in spec.get("matchConditions") or ()):
        return []
    names["variables"] = {one["name"]: ask(one["expression"], **names) for one in spec.get("variables") or ()}
    return [one["message"] for one in spec["validations"] if not ask(one["expression"], **names)]
