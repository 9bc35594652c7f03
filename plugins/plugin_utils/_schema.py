# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The schema of the intent, and the ways through it: what it says about a place, in words."""

from __future__ import annotations

import functools
import pathlib

import yaml

from ._words import printable

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}


@functools.cache
def schema() -> dict:
    """The schema as it is written; do not change what you get."""
    return yaml.load(pathlib.Path(__file__).with_name("_intent_schema.yml").read_bytes(), Loader=_LOADER)


def merged(node: dict) -> dict:
    """A schema node with what it refers to; its own words come first."""
    found = dict(node)
    parts = [found.pop("$ref")] if "$ref" in found else []
    parts += [one["$ref"] for one in found.get("allOf", ()) if "$ref" in one]
    for part in parts:
        found = {**merged(schema()["$defs"][part.rpartition("/")[2]]), **found}
    return found


def _below(node: dict, token) -> dict | None:
    """The schema node of a key or a list's item; None where the schema knows no such key."""
    if isinstance(token, int):
        return merged(node.get("items") or {})
    others = node.get("additionalProperties")
    child = node.get("properties", {}).get(token, others if isinstance(others, dict) else None)
    return merged(child) if child is not None else None


def walk(value, node=None, tokens=()):
    """(tokens, value, node) of everything that the schema knows, from the outside in."""
    node = schema() if node is None else node
    yield tokens, value, node
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for token, child in pairs:
        below = _below(node, token)
        if below is not None:
            yield from walk(child, below, (*tokens, token))


def locate(tokens) -> list[dict]:
    """The schema nodes along a path, the root first; it ends early where the schema knows no more."""
    nodes = [schema()]
    for token in tokens:
        below = _below(nodes[-1], token)
        if below is None:
            break
        nodes.append(below)
    return nodes


def keys(node=None, tokens=()):
    """(tokens, node, whether it is required) of every key that may be set, from the outside in; "NAME" stands for a free key."""
    node = schema() if node is None else node
    if "items" in node:
        yield from keys(merged(node["items"]), (*tokens, 0))
    others = node.get("additionalProperties")
    free = {"NAME": others} if isinstance(others, dict) else {}
    for name, child in {**node.get("properties", {}), **free}.items():
        below = merged(child)
        yield (*tokens, name), below, name in node.get("required", ())
        yield from keys(below, (*tokens, name))


def path_of(tokens) -> str:
    """ai_stack_pools[1].layout["1g.10gb"]"""
    text = ""
    for token in tokens:
        plain = isinstance(token, str) and token.replace("_", "a").replace("-", "a").isalnum()
        text += f"[{token}]" if isinstance(token, int) else f".{printable(token)}" if plain else f'["{printable(token)}"]'
    return text.lstrip(".")


def wanted(node: dict) -> str:
    """What a schema node asks for, in words."""
    if "x-wants" in node:
        return node["x-wants"]
    if "enum" in node:
        return "one of " + ", ".join(map(str, node["enum"]))
    if "const" in node:
        return str(node["const"])
    kinds = node.get("type", [])
    words = " or ".join(_TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)) or "something else"
    return words + (" that is not empty" if node.get("minLength") or node.get("minItems") or node.get("minProperties") else "")


def kind_of(value) -> str:
    """The type of a value in words; the value itself may be a secret."""
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"), (dict, "object")):
        if isinstance(value, kind):
            return _TYPES[name]
    return _TYPES["null"]


def is_secret(nodes) -> bool:
    return any(node.get("writeOnly") for node in nodes)
