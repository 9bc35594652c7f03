# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What an action on the controller learns from Ansible: the site's variables, the inventory, what hosts said."""

from __future__ import annotations

import datetime
import hashlib
import json
import pathlib
import ssl

import yaml

from . import _intent, _schema, _words

PREFIX = "ai_stack_"
OBSERVED = "__ai_stack_observation"
CANARY = "__kubernetes_accelerators_canary"
SERVICES, USED_ONCE = "__ai_stack_services", "__ai_stack_used_once"
CLOUDS_SEEN, CLOUDS_COUNTING, LIVED = "__ai_stack_clouds_seen", "__ai_stack_clouds_counting", "__ai_stack_clouds_lived"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def plain(value):
    """Plain JSON values of what Ansible handed over; nothing in it is a template any more."""
    return _words.normalise(value)


def site_variables(templar, task_vars):
    """(the ai_stack_* variables of the site, conflicts): what the group "all" or `-e` says, whichever host the task runs for."""
    intent, conflicts = site_intent(templar, task_vars)
    return intent, conflicts + _elsewhere(task_vars, _of_site(task_vars))


def site_intent(templar, task_vars):
    """The same without a look at what groups and hosts say, for a task that runs for every host."""
    raw, values, conflicts = _of_site(task_vars), {}, []
    reader = templar.copy_with_new_env(available_variables=raw)
    for name in sorted(raw):
        if name.startswith(PREFIX):
            values[name] = _resolved(reader, raw[name], (name,), conflicts)
    return _intent.of_variables(values), conflicts


def _of_site(task_vars):
    raw = _raw(task_vars["hostvars"], "localhost")
    # Ansible gives these two to hosts of the inventory only, yet a path in the group "all" wants to start there
    return {**{name: task_vars[name] for name in ("inventory_dir", "inventory_file") if name in task_vars}, **raw}


def _elsewhere(task_vars, raw):
    """Conflicts of what is set for a group or host: one host of each group shows what its groups say."""
    places = [(host, f"host {_words.printable(host)}") for host in _outspoken(task_vars)]
    places += [(host, f"group {_words.printable(group)} or a host of it") for group, hosts in sorted(task_vars["groups"].items()) for host in hosts[:1]]
    found = {}
    for host, where in places:
        variables = _raw(task_vars["hostvars"], host)
        for name in variables:
            if name.startswith(PREFIX) and (name not in raw or variables[name] != raw[name]):
                found.setdefault(name, where)
    message = "is set for the {}; the plan is made once for the whole site: set it for the group all"
    return [_intent.conflict("INT-1", name, message.format(where)) for name, where in sorted(found.items())]


def _outspoken(task_vars):
    """Hosts that have variables with our prefix of their own. All variables of a host cost Ansible a millisecond; these two looks cost less."""
    hosts = getattr(getattr(task_vars["hostvars"], "_inventory", None), "hosts", {})
    found = {name for name, host in hosts.items() if any(key.startswith(PREFIX) for key in host.vars)}
    sources = [pathlib.Path(source) for source in task_vars.get("ansible_inventory_sources") or ()]
    folders = [source if source.is_dir() else source.parent for source in sources] + [pathlib.Path(task_vars.get("playbook_dir", "."))]
    for place in (place for folder in folders if (folder / "host_vars").is_dir() for place in (folder / "host_vars").iterdir()):
        host = place.stem if place.suffix in (".yml", ".yaml", ".json") else place.name
        if host in hosts and host not in found and any(map(_may_speak, place.rglob("*") if place.is_dir() else (place,))):
            found.add(host)
    return sorted(found)


def _may_speak(path):
    data = path.read_bytes() if path.is_file() else b""
    return PREFIX.encode() in data or data.startswith(b"$ANSIBLE_VAULT")


def strangers(task_vars) -> list[str]:
    """Variables that look like a role's and that no role of the collection knows, in words."""
    names = _raw(task_vars["hostvars"], "localhost")
    found = []
    # the lab's describe its hosts, and are read by the lab
    for path in sorted(one for one in ROOT.glob("roles/*/meta/argument_specs.yml") if one.parent.parent.name != "lab"):
        prefix = f"{path.parent.parent.name}_"
        mine = [name for name in sorted(names) if name.startswith(prefix)]
        known = _options(path) if mine else ()
        found += [f"{name}: no role has such a variable; nearest: {_words.nearest(name, known)}" for name in mine if name not in known]
    return found


def _options(path):
    specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
    return {name for entry in specs.values() for name in entry.get("options", {})}


def _raw(hostvars, host):
    return hostvars.raw_get(host) if hasattr(hostvars, "raw_get") else dict(hostvars[host])


def _resolved(templar, value, tokens, conflicts):
    """A variable with its templates resolved, leaf by leaf, so that one bad template has its own place."""
    if isinstance(value, dict):
        return {str(key): _resolved(templar, one, (*tokens, str(key)), conflicts) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_resolved(templar, one, (*tokens, at), conflicts) for at, one in enumerate(value)]
    if value is None or isinstance(value, (bool, int, float)):
        return plain(value)
    try:
        return plain(templar.template(value))
    except Exception as error:
        secret = any(node.get("writeOnly") for node in _schema.locate(tokens))
        why = "" if secret else f": {_words.printable(str(error).strip().partition(chr(10))[0], 200)}"
        conflicts.append(_intent.conflict("INT-8", _schema.path_of(tokens), f"its template cannot be resolved{why}"))
        return None


def host_variables(templar, task_vars):
    """(the ai_stack_* variables as one host has them, conflicts): what a role that is used alone goes by."""
    conflicts = []
    values = {name: _resolved(templar, task_vars[name], (name,), conflicts) for name in sorted(task_vars) if name.startswith(PREFIX)}
    return _intent.of_variables(values), conflicts


def inventory_of(groups) -> dict:
    """{host: [groups]} of all hosts."""
    found = {host: [] for host in groups.get("all", ())}
    for group in sorted(groups):
        for host in groups[group]:
            if host in found:
                found[host].append(group)
    return found


def hosts_inside(task_vars) -> list:
    """The hosts that --limit leaves to act on."""
    if task_vars.get("ansible_limit") is None:
        return list(task_vars["groups"].get("all", ()))
    return list(task_vars["ansible_play_hosts_all"])


def observed(task_vars, host):
    """What the observing task registered for a host: (document or None, why there is none or None); (None, None): it was not asked."""
    variables = task_vars["hostvars"].get(host)
    if variables is None or OBSERVED not in variables:
        return None, None
    result = variables[OBSERVED]
    if result.get("skipped"):
        return None, None
    if result.get("unreachable"):
        return None, "did not answer"
    document = result.get("observation")
    if result.get("failed") or not isinstance(document, dict):
        return None, "could not be observed: " + _words.printable(str(result.get("msg", "no reason given")).rstrip("."), 300)
    return plain(document), None


def clouds_seen(task_vars, names) -> dict:
    """{cloud: (document or None, why there is none or None)} of the clouds that the observing task asked; {}: it asked none."""
    result = task_vars.get(CLOUDS_SEEN)
    if not isinstance(result, dict) or result.get("skipped"):
        return {}
    rows = result.get("results")
    if not isinstance(rows, list):
        # the host that asks them was not reached at all
        rows = [{**result, "item": {"name": name}} for name in names]
    return {row["item"]["name"] if isinstance(row["item"], dict) else row["item"]: _cloud_seen(row) for row in rows if not row.get("skipped")}


def _cloud_seen(row):
    if row.get("unreachable"):
        return None, "could not be asked: the host that asks it did not answer"
    document = row.get("observation")
    if row.get("failed") or not isinstance(document, dict):
        return None, "could not be observed: " + _words.printable(str(row.get("msg", "no reason given")).rstrip("."), 300)
    return plain(document), None


def lived(task_vars) -> dict:
    """{cloud: [(row of its tries, what the try came to, or why nobody knows)]} of the tries that tenants made in this run."""
    found = {}
    result = task_vars.get(LIVED)
    for row in result.get("results") or () if isinstance(result, dict) else ():
        if not row.get("skipped"):
            cloud, one = row["item"]
            lost = row.get("unreachable") or row.get("failed")
            why = _words.printable(str(row.get("msg", "the host that asks the cloud did not answer")), 300)
            found.setdefault(cloud["key"], []).append((plain(one), why if lost else plain({key: row[key] for key in ("seen", "servers", "refused", "at")})))
    return found


def counting(task_vars) -> list:
    """The clouds that count by unified limits from this run on: a fact of the controller, or of the host that the task runs for."""
    return plain(task_vars.get(CLOUDS_COUNTING) or _raw(task_vars["hostvars"], "localhost").get(CLOUDS_COUNTING)) or []


def services_of(task_vars, hosts) -> dict:
    """{host: {differs, due, refused}} of the hosts whose services of a cloud the role's judge was asked of."""
    found = {host: task_vars["hostvars"][host].get(SERVICES) for host in hosts if host in task_vars["hostvars"]}
    return {host: plain(told) for host, told in found.items() if told is not None}


def used_once(task_vars, hosts) -> dict:
    """{host: {cards: {address: what it shows}, round: report of the releaser, noted: {host: {address: what it wants to see}}, failed: why there is no
    answer}} of those of the hosts whose part of the role
    pci_one_time_use was asked in this run."""
    found = {host: _raw(task_vars["hostvars"], host).get(USED_ONCE) for host in hosts if host in task_vars["hostvars"]}
    return {host: plain(told) for host, told in found.items() if told is not None}


def canaries(task_vars, hosts) -> dict:
    """{host: {status: seen | skipped | failed, why, card}} of the hosts on which a canary was asked for in this run."""
    found = {host: _raw(task_vars["hostvars"], host).get(CANARY) for host in hosts if host in task_vars["hostvars"]}
    return {host: plain(told) for host, told in found.items() if told is not None}


def path_in(folder, name) -> pathlib.Path:
    """A path as the operator meant it: relative ones start in the folder of the command."""
    return pathlib.Path(folder, pathlib.Path(name).expanduser())


def certificate_digest(name) -> str:
    """sha256 of a certificate in DER, which the file holds as it is or as PEM."""
    data = pathlib.Path(name).read_bytes()
    if b"-----BEGIN CERTIFICATE-----" in data:
        data = ssl.PEM_cert_to_DER_cert(data.decode("ascii")[data.index(b"-----BEGIN") :])
    if data[:1] != b"\x30":
        raise ValueError("it is neither DER nor PEM")
    return hashlib.sha256(data).hexdigest()


def now() -> str:
    """UTC time as ISO text."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_between(then, later):
    """Seconds between two times of such text; None where one of them is something else."""
    try:
        one, other = (datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (then, later))
        return (other - one).total_seconds()
    except (AttributeError, TypeError, ValueError):
        return None


def is_moment(text) -> bool:
    """Whether a text is such a time."""
    return seconds_between(text, now()) is not None


def version() -> str:
    """The version of this collection, from the installed copy or the work tree."""
    try:
        manifest = json.loads(ROOT.joinpath("MANIFEST.json").read_text(encoding="utf-8"))
        return str(manifest["collection_info"]["version"])
    except (OSError, ValueError, KeyError):
        pass
    try:
        return str(yaml.safe_load(ROOT.joinpath("galaxy.yml").read_text(encoding="utf-8"))["version"])
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return "unknown"


def core_digest() -> str:
    """One digest over the core's files: which code made the decisions."""
    digest = hashlib.sha256()
    rooms = (ROOT.joinpath("plugins", "module_utils", room) for room in ("_compat", "_pools"))
    for path in [path for room in rooms for path in sorted(room.glob("*.py"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def observed_elsewhere(results, inside) -> dict:
    """{host: observation} of a task that observed hosts in a loop, but for those of this run, which speak for themselves; who did not answer has none."""
    rows = results.get("results") if isinstance(results, dict) else ()
    return {one["item"]: one["observation"] for one in rows or () if isinstance(one, dict) and one.get("observation") and one["item"] not in inside}
