# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The intent: every ai_stack_* variable of a site, checked as a whole against one JSON schema.

A conflict is ``{rule, host, path, message, source, nearest}``. Values of secrets are in none of them, whatever their type.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import json

from . import _clouds, _schema, _words

try:
    import jsonschema
except ImportError:
    jsonschema = None

SOURCE = "docs/intent.md"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"

# The rules that this page enforces; docs/intent.md lists them.
RULES = {
    "INT-1": "A key or an ai_stack_* variable is one that the schema knows.",
    "INT-2": "A value has the type that the schema asks for.",
    "INT-3": "A value is one of those that are allowed.",
    "INT-4": "A key that something else depends on is there.",
    "INT-5": "A name that is referred to exists.",
    "INT-6": "A name is given once.",
    "INT-7": "What this version does not act on yet is refused by name.",
    "INT-8": "A value can be read: its templates resolve.",
}


class MissingLibrary(Exception):
    """The one library that the plan needs beside Ansible is not there."""


def conflict(rule, path, message, nearest=None, host=None, source=SOURCE) -> dict:
    return {"rule": rule, "host": host, "path": path, "message": message, "source": source, "nearest": nearest}


def of_variables(variables: dict) -> dict:
    """The intent from ai_stack_* variables; `-e name=value` can only say text, so a switch or a list of texts may be one."""
    intent = _words.normalise(variables)
    for name, value in intent.items():
        node = _schema.merged(_schema.schema()["properties"].get(name, {}))
        if isinstance(value, str) and node.get("type") == "boolean" and value.lower() in ("true", "yes", "false", "no"):
            intent[name] = value.lower() in ("true", "yes")
        elif isinstance(value, str) and node.get("type") == "array" and _schema.merged(node["items"]).get("type") == "string":
            intent[name] = [one.strip() for one in value.split(",") if one.strip()]
    for tokens, value, node in list(_schema.walk(intent)):
        if isinstance(value, int) and not isinstance(value, bool) and node.get("type") == ["string", "integer"]:
            _inside(intent, tokens[:-1])[tokens[-1]] = str(value)
    return intent


def _unknown(error, tokens):
    known = sorted(error.schema.get("properties", {}))
    for key in error.instance:
        if key not in known:
            what = "there is no such variable" if not tokens else f"there is no such key; known are {', '.join(known)}"
            yield (*tokens, key), "INT-1", what, _words.nearest(key, known)


def _type(error, tokens):
    nodes = _schema.locate(tokens)
    text = isinstance(error.instance, (int, float)) and "string" in error.validator_value
    hint = "; put it in quotes" if text and not isinstance(error.instance, bool) and not _schema.is_secret(nodes) else ""
    yield tokens, "INT-2", f"wants {_schema.wanted(nodes[-1])}, got {_schema.kind_of(error.instance)}{hint}", None


def _value(error, tokens):
    nodes = _schema.locate(tokens)
    allowed = [one for one in nodes[-1].get("enum", nodes[-1].get("examples", ())) if isinstance(one, str)]
    tell = isinstance(error.instance, str) and error.validator == "enum" and not _schema.is_secret(nodes)
    got = f'; got "{_words.printable(error.instance, 40)}"' if tell else ""
    near = _words.nearest(error.instance, allowed) if isinstance(error.instance, str) and not _schema.is_secret(nodes) else None
    yield tokens, "INT-3", f"wants {_schema.wanted(nodes[-1])}{got}", near


def _name(error, tokens):
    yield (*tokens, error.instance), "INT-3", f"wants {_schema.wanted(error.schema)}", None


def _missing(error, tokens):
    for key in error.validator_value:
        if key not in error.instance:
            if tokens:
                yield tokens, "INT-4", f'wants the key "{key}"', None
            else:
                yield (key,), "INT-4", "is required and not set", f"{_schema.wanted(_schema.locate((key,))[-1])}, for the group all (group_vars/all.yml)"


def _depends(error, tokens):
    for key, others in error.validator_value.items():
        for other in others:
            if key in error.instance and other not in error.instance:
                yield tokens, "INT-4", f'"{key}" wants the key "{other}" beside it', None


_READERS = {"additionalProperties": _unknown, "type": _type, "required": _missing, "dependentRequired": _depends}


def _of_schema(intent):
    if jsonschema is None:
        raise MissingLibrary("The plan needs the Python library jsonschema on the controller: install python3-jsonschema, or pip install jsonschema.")
    for error in jsonschema.Draft202012Validator(_schema.schema()).iter_errors(intent):
        # what is wrong with a name is no matter of its value
        read = _name if "propertyNames" in error.absolute_schema_path else _READERS.get(error.validator, _value)
        yield from read(error, tuple(error.absolute_path))


def _of_names(intent, known):
    """Names that are referred to, and names that are given twice."""
    found = list(_schema.walk(intent))
    names = dict.fromkeys(("group", "host", "rule"))
    names.update({kind: [] for kind in ("cloud", "cluster", "pool", "provider")}, repository=["distribution"])
    for _dummy, value, node in found:
        if "x-defines" in node and isinstance(value, str):
            names[node["x-defines"]].append(value)
    names.update(known)
    names["admin"] = None if names["host"] is None else [*names["host"], "localhost"]
    names["members"] = None if None in (names["host"], names["group"]) else [*names["group"], *names["host"]]
    for tokens, value, node in found:
        if "x-ref" in node and isinstance(value, str):
            yield from _of_reference(tokens, node["x-ref"], value, names)
        if "x-unique" in node and isinstance(value, list):
            for key in node["x-unique"].split():
                yield from _of_twins(tokens, key, value)


def _of_reference(tokens, kind, name, names):
    if kind == "scope":
        kind, dummy, name = name.partition(" ")
    there = names.get(kind)
    if there is None or name in there:
        return
    if kind == "group" and name in (names["host"] or ()):
        yield tokens, "INT-5", f'wants an inventory group; "{_words.printable(name)}" is a host', None
    else:
        what, where = _PLACES.get(kind, (kind, "in the intent"))
        yield tokens, "INT-5", f'there is no {what} "{_words.printable(name)}" {where}', _words.nearest(name, there)


_PLACES = {
    "group": ("group", "in the inventory"),
    "host": ("host", "in the inventory"),
    "admin": ("host", "in the inventory"),
    "members": ("group or host", "in the inventory"),
    "rule": ("rule", "in the register of rules"),
}


def _of_twins(tokens, key, rows):
    first = {}
    for at, row in enumerate(rows):
        name = row.get(key) if isinstance(row, dict) else None
        if isinstance(name, str) and first.setdefault(name, at) != at:
            yield (*tokens, at, key), "INT-6", f'"{_words.printable(name)}" is the {key} of {_schema.path_of((*tokens, first[name]))} too', None


def _of_values(intent):
    """What a schema cannot say."""
    for tokens, value, node in _schema.walk(intent):
        if node.get("format") == "date" and isinstance(value, str) and not _is_day(value):
            yield tokens, "INT-3", "is no day of the calendar", None
        if isinstance(value, dict) and tokens[:1] == ("ai_stack_pools",):
            if len(tokens) == 2 and "layout" in value and value.get("use") in ("host", "passthrough", "vgpu"):
                yield (*tokens, "layout"), "INT-4", 'wants "use: mig" beside it', None
            for key in ("cloud", "shapes", "spare", "guest"):
                if len(tokens) == 2 and key in value and value.get("use") in ("host", "mig", "vgpu"):
                    yield (*tokens, key), "INT-4", 'wants "use: passthrough" beside it', None
            if len(tokens) == 2 and "tenants" in value and "cluster" not in value and value.get("use") in ("host", "mig", "vgpu"):
                yield (*tokens, "tenants"), "INT-4", 'wants "use: passthrough" beside it, or a cluster', None
            if len(tokens) == 2 and "sharing" in value and ("cluster" not in value or value.get("use") in ("passthrough", "vgpu")):
                yield (*tokens, "sharing"), "INT-4", 'wants "use: host" and a cluster beside it', None
            if len(tokens) == 2 and "cluster" in value and value.get("use") in ("passthrough", "vgpu"):
                yield (*tokens, "cluster"), "INT-4", 'wants "use: host" or "use: mig" beside it', None
            if len(tokens) == 2 and "cloud" not in value and value.get("use") == "passthrough":
                yield tokens, "INT-4", '"use: passthrough" wants the key "cloud" beside it', None
            if len(tokens) == 2 and "layout" not in value and value.get("use") == "mig":
                yield tokens, "INT-4", '"use: mig" wants the key "layout" beside it', None
        if isinstance(value, dict) and tokens[:1] == ("ai_stack_windows",):
            yield from _of_window(tokens, value)
        if isinstance(value, dict) and tokens[:1] == ("ai_stack_pools",):
            most, least = value.get("max"), value.get("guaranteed")
            if isinstance(most, int) and isinstance(least, int) and least > most:
                yield (*tokens, "guaranteed"), "INT-3", f"wants at most max, which is {most}", str(most)


def _of_window(tokens, row):
    times = {key: row[key] for key in ("from", "until") if isinstance(row.get(key), str) and len(row[key]) == len("YYYY-MM-DDTHH:MMZ")}
    for key, text in times.items():
        if not _is_moment(text):
            yield (*tokens, key), "INT-3", "is no time of the calendar", None
    if len(times) == 2 and all(map(_is_moment, times.values())) and times["until"] <= times["from"]:
        yield (*tokens, "until"), "INT-3", "wants a time after from", None


def _is_moment(text) -> bool:
    try:
        datetime.datetime.strptime(text, "%Y-%m-%dT%H:%MZ")
    except ValueError:
        return False
    return True


def _is_day(text) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return len(text) != 10  # not of a date's form: the pattern has said so
    return True


def planned_only(intent) -> list[dict]:
    """What the plan decides for clouds that get cards, and no verb acts on; a usable intent, as of check."""
    named, found = _clouds_of_pools(intent), []
    for tokens, value, node in _schema.walk(intent):
        row = intent["ai_stack_clouds"][tokens[1]] if tokens[:1] == ("ai_stack_clouds",) and len(tokens) > 1 else None
        if not isinstance(row, dict) or row.get("name") not in named:
            continue
        if isinstance(value, str) and value in (node.get("x-planned") or ()):
            what = f'this version of the collection plans "{value}" and does not act on it yet: deploy refuses'
            found.append(conflict("INT-7", _schema.path_of(tokens), what, "a site without it, to deploy"))
        elif len(tokens) == 2 and not row.get("hosts") and row.get("deployment", "packages") in _clouds.ACTED_ON:
            what = f'pool {named[row["name"]]} gives it cards, and it does not say which hosts run its services: deploy refuses'
            found.append(conflict("INT-4", _schema.path_of(tokens), what, 'the key "hosts": an inventory group, computes and controllers'))
    return found


def _clouds_of_pools(intent):
    """{cloud: first pool that gives it cards}"""
    rows = intent.get("ai_stack_pools")
    pools = [pool for pool in (rows if isinstance(rows, list) else ()) if isinstance(pool, dict) and pool.get("use") == "passthrough"]
    return {pool["cloud"]: pool.get("name") for pool in reversed(pools) if isinstance(pool.get("cloud"), str)}


def acted_on(intent) -> list[tuple[int, dict]]:
    """(place, row) of the clouds that a deploy acts on: a tool that it knows deployed them, they say their hosts, and get cards of a pool."""
    rows, named = intent.get("ai_stack_clouds"), _clouds_of_pools(intent)
    found = [(at, row) for at, row in enumerate(rows if isinstance(rows, list) else ()) if isinstance(row, dict) and row.get("name") in list(named)]
    return [(at, row) for at, row in found if row.get("hosts") and row.get("deployment", "packages") in _clouds.ACTED_ON]


def not_yet(intent) -> list[dict]:
    """What the schema accepts and this version does not act on."""
    return [conflict(rule, _schema.path_of(tokens), message, near) for tokens, rule, message, near in _of_later(intent)]


def _of_later(intent):
    done = ()
    for tokens, value, node in _schema.walk(intent):
        later = node.get("x-not-yet")
        if not later or value in ([], {}, None) or (done and tokens[: len(done)] == done):
            continue
        if later is True or (isinstance(value, str) and value in later):
            done = tokens
            instead = [one for one in node.get("enum", ()) if one not in later] if later is not True else []
            what = "this version of the collection does not act on " + ("it yet" if later is True else f'"{value}" yet')
            yield tokens, "INT-7", what, ", ".join(instead) or None


def check(intent, **known):
    """(conflicts, usable): all conflicts of a normalised intent, and the intent without the parts that they concern.

    known: the names that the intent does not define itself, as host=, group= and rule= (iterables); left out: not checked.
    """
    found = list(dict.fromkeys((*_of_schema(intent), *_of_names(intent, known), *_of_values(intent), *_of_later(intent))))
    conflicts = [conflict(rule, _schema.path_of(tokens), message, near) for tokens, rule, message, near in found]
    return conflicts, _without(intent, [tokens for tokens, *dummy in found])


def validate(intent, **known) -> list[dict]:
    """All conflicts of an intent at once."""
    return check(of_variables(intent), **known)[0]


def with_unread(unread, conflicts):
    """All conflicts, where unread ones say why a value cannot be read: that it is nothing then is no mistake of its own."""
    places = {row["path"] for row in unread}
    return unread + [row for row in conflicts if row["rule"] != "INT-2" or row["path"] not in places]


def _without(intent, places):
    """A copy without these places; a key that its parent requires takes the parent along. Lists keep None as a place holder."""
    rest = json.loads(json.dumps(intent))
    for tokens in places:
        while tokens and isinstance(tokens[-1], str) and tokens[-1] in _schema.locate(tokens[:-1])[-1].get("required", ()):
            tokens = tokens[:-1]
        parent = rest
        for token in tokens[:-1]:
            inside = isinstance(parent, list) or (isinstance(parent, dict) and token in parent)
            parent = parent[token] if inside else None
        if isinstance(parent, list):
            parent[tokens[-1]] = None
        elif isinstance(parent, dict) and tokens:
            parent.pop(tokens[-1], None)
    return rest


def squeezed(intent):
    """(intent without place holders, {variable: [old index of each row]})"""
    places = {name: [at for at, row in enumerate(rows) if row is not None] for name, rows in intent.items() if isinstance(rows, list)}
    return _squeeze(intent), places


def _squeeze(value):
    if isinstance(value, dict):
        return {key: _squeeze(one) for key, one in value.items()}
    return [_squeeze(one) for one in value if one is not None] if isinstance(value, list) else value


def public(intent) -> dict:
    """A copy in which every secret is null: what the core, the digests and the reports get."""
    copy = json.loads(json.dumps(intent))
    for tokens, _dummy, node in _schema.walk(intent):
        if node.get("writeOnly"):
            _inside(copy, tokens[:-1])[tokens[-1]] = None
    return copy


def _inside(value, tokens):
    return functools.reduce(lambda inside, token: inside[token], tokens, value)


def digests(intent) -> dict:
    """{variable: sha256} of what a site wants; switches of one run are no part of it."""
    wants = {name: value for name, value in public(intent).items() if not _schema.schema()["properties"].get(name, {}).get("x-switch")}
    return {name: sha256(value) for name, value in sorted(wants.items())}


def digest(intent) -> str:
    return sha256(digests(intent))


def sha256(value) -> str:
    """The digest of a document, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
