# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Recorded observations: many documents from a folder, checked, and sharing what is equal in them.

Ten thousand equal hosts differ in some serial numbers only; read one by one they would fill the memory of a controller.
What comes out is read only.
"""

from __future__ import annotations

import marshal
import os

from . import _run, _site, _words

SCHEMA = "sovereign.ai_stack/observation/1"

_TEXT, _NUMBER, _FLAG = (str,), (int, float), (bool,)
_ANY = None
_NAMED_TEXTS = {"*": _TEXT}
_SOFTWARE = {"version": _TEXT, "flavour": _TEXT, "path": _TEXT, "signer": _TEXT}

# The types that the core relies on, see docs/data.md. A tuple: scalars of these types; [x]: a list; {"*": x}: a mapping of any keys;
# _ANY: not looked at. null fits everything and means unknown.
_PCI = {
    "address": _TEXT,
    "class": _TEXT,
    "vendor": _TEXT,
    "device": _TEXT,
    "subsystem_vendor": _TEXT,
    "subsystem_device": _TEXT,
    "revision": _TEXT,
    "driver": _TEXT,
    "driver_override": _TEXT,
    "numa_node": _NUMBER,
    "iommu_group": _NUMBER,
    "slot": _TEXT,
    "sriov_totalvfs": _NUMBER,
    "sriov_numvfs": _NUMBER,
    "physfn": _TEXT,
    "boot_vga": _FLAG,
    "bars": [_NUMBER],
    "vpd": {"part_number": _TEXT, "serial": _TEXT, "text": _TEXT},
    "present": _FLAG,
}
_PCI_KEYS = ("address", "vendor", "device")
_GPU = {
    "index": _NUMBER,
    "address": _TEXT,
    "uuid": _TEXT,
    "serial": _TEXT,
    "name": _TEXT,
    "vbios": _TEXT,
    "persistence": _FLAG,
    "mig": {"current": _TEXT, "pending": _TEXT, "devices": [{"profile": _TEXT, "uuid": _TEXT}]},
    "fabric": {"state": _TEXT, "status": _TEXT},
    "processes": _NUMBER,
    "error": _TEXT,
}
SHAPE = {
    "schema": _TEXT,
    "host": _TEXT,
    "at": _TEXT,
    "reachable": _FLAG,
    "system": _NAMED_TEXTS,
    "kernel": {
        "running": _TEXT,
        "next_boot": _TEXT,
        "next_boot_because": _TEXT,
        "cmdline": _TEXT,
        "compiler": {"name": _TEXT, "version": _TEXT, "path": _TEXT},
        "installed": [
            {
                "release": _TEXT,
                "image": _TEXT,
                "initramfs": _FLAG,
                "package": _TEXT,
                "package_version": _TEXT,
                "headers": _FLAG,
                "modules": {"*": _SOFTWARE},
            }
        ],
    },
    "secure_boot": {"state": _TEXT, "efi": _FLAG, "mok_enrolled": [_TEXT]},
    "pci": [_PCI],
    "driver": {
        "loaded": {"*": _SOFTWARE},
        "user_space": _SOFTWARE,
        "firmware": {"gsp": [_TEXT], "amdgpu": _FLAG},
        "fabric_manager": _SOFTWARE,
        "imex": _SOFTWARE,
        "nvlsm": _SOFTWARE,
        "owners": [{"kind": _TEXT, "evidence": _TEXT, "version": _TEXT}],
        "foreign": [{"path": _TEXT, "why": _TEXT}],
    },
    "nvml": {"status": _TEXT, "exit": _NUMBER, "message": _TEXT, "driver_version": _TEXT, "cuda_version": _TEXT, "gpus": [_GPU]},
    "packages": {
        "manager": _TEXT,
        "installed": _NAMED_TEXTS,
        "held": [_TEXT],
        "broken": [_TEXT],
        "lock": _TEXT,
        "lists_at": _TEXT,
        "repositories": [
            {"name": _TEXT, "uri": _TEXT, "suites": [_TEXT], "components": [_TEXT], "reachable": _FLAG, "message": _TEXT},
        ],
        "sets": {
            "*": {
                "definition": {"*": _ANY},
                "versions": {"*": [{"version": _TEXT, "origin": _TEXT}]},
                "simulation": {"ok": _FLAG, "message": _TEXT, "install": _NAMED_TEXTS, "remove": [_TEXT], "download_bytes": _NUMBER},
            }
        },
    },
    "units": {"*": {"load": _TEXT, "active": _TEXT, "enabled": _TEXT}},
    "files": {"*": {"sha256": _TEXT, "ours": _FLAG}},
    "openstack": _NAMED_TEXTS,
    "disk": {"*": _NUMBER},
    "journal": {"*": _ANY},
    "trials": {"*": {"key": _NAMED_TEXTS, "mode": _TEXT, "result": _TEXT, "errors": [_TEXT], "seconds": _NUMBER, "host": _TEXT, "at": _TEXT}},
    "errors": [{"what": _TEXT, "message": _TEXT}],
}
_TEXTS = {"*": [_TEXT]}
_CARD = {"class": _TEXT, "total": _NUMBER, "reserved": _NUMBER, "used": _NUMBER, "traits": [_TEXT], "servers": [_TEXT]}
_SERVER = {"id": _TEXT, "name": _TEXT, "status": _TEXT, "project": _TEXT, "project_id": _TEXT, "host": _TEXT, "wants_cards": {"*": _NUMBER}, "cards": [_TEXT]}
_FLAVOR = {"vcpus": _NUMBER, "ram_mib": _NUMBER, "disk_gib": _NUMBER, "is_public": _FLAG, "extra_specs": _NAMED_TEXTS, "access": [_TEXT]}
CLOUD_SCHEMA = "sovereign.ai_stack/cloud/1"
CLOUD = {
    "schema": _TEXT,
    "at": _TEXT,
    "cloud": _TEXT,
    "projects": [_TEXT],
    "project_ids": _NAMED_TEXTS,
    "services": {"*": {"status": _TEXT, "reason": _TEXT, "state": _TEXT, "ours": _FLAG}},
    "hosts": {"*": {"service_host": _TEXT, "compute_id": _TEXT, "servers": [_SERVER], "migrations": [{"server_id": _TEXT, "status": _TEXT, "type": _TEXT}]}},
    "missing": [_TEXT],
    "providers": {"*": {"*": _CARD}},
    "host_traits": _TEXTS,
    "without_allocation": [_SERVER],
    "flavors": {"*": _FLAVOR},
    "aggregates": {"*": {"hosts": [_TEXT], "metadata": _NAMED_TEXTS}},
    "limits": {"registered": {"*": _NUMBER}, "projects": {"*": {"*": _NUMBER}}},
    "errors": [_TEXT],
}
_WORDS = {_TEXT: "text", _NUMBER: "a number", _FLAG: "true or false"}


def misfit(value, shape, path) -> str | None:
    """The first place of a value that is not as its shape says, with what it wants; None: it fits."""
    if value is None or shape is _ANY or (shape.__class__ is tuple and value.__class__ in shape):
        return None
    if shape.__class__ is tuple:
        return f"{path} wants {_WORDS[shape]}"
    if shape.__class__ is list:
        return _misfit_of_list(value, shape[0], path)
    if value.__class__ is not dict:
        return f"{path} wants a mapping"
    other = shape.get("*")
    for key, one in value.items():
        inner = shape.get(key, other)
        # most values are scalars that fit: they are not worth a call
        if inner is not None and one is not None and not (inner.__class__ is tuple and one.__class__ in inner):
            found = misfit(one, inner, f"{path}.{key[:60]!a}" if not key.isidentifier() else f"{path}.{key[:60]}")
            if found:
                return found
    return None


def _misfit_of_list(value, shape, path):
    if value.__class__ is not list:
        return f"{path} wants a list"
    return next((found for found in (misfit(one, shape, f"{path}[{at}]") for at, one in enumerate(value)) if found), None)


class Shelf:
    """Reads documents; equal parts of them become one object."""

    def __init__(self):
        self._parts, self._texts, self._kinds = {}, {}, {}

    def take(self, path, host):
        """(document, sha256) of a host's file; a SiteError says what is wrong with it."""
        data = _site.read(path)
        return self.check(_site.parse(path, data), path, host), _site.sha256(data)

    def check(self, document, path, host):
        """The document of a host, if it is as its schema says; path: what to call it."""
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise _site.SiteError(f"{path} is no document of {SCHEMA}.")
        try:
            found = {key: self._part(key, value, SHAPE.get(key)) for key, value in document.items()}
        except _Misfit as error:
            raise _site.SiteError(f"{path} is not as {SCHEMA} says: {error}.") from None
        # the name in the inventory is the host's; a document cannot speak for another one
        if found.get("host") not in (None, host):
            raise _site.SiteError(f"{path} is the observation of {_words.printable(found['host'])}, not of {_words.printable(host)}.")
        if found.get("at") is not None and not _run.is_moment(found["at"]):
            raise _site.SiteError(f"{path} was made at no time that can be read: at wants a UTC time like {_run.now()}.")
        found["host"] = host
        return found

    def _part(self, name, value, shape):
        if name == "pci":
            return self._cards("pci", value, shape)
        if name == "nvml" and value.__class__ is dict and value.get("gpus"):
            rest = self._shared(name, {key: one for key, one in value.items() if key != "gpus"}, shape)
            return {**rest, "gpus": self._cards("nvml.gpus", value["gpus"], shape["gpus"])}
        if value.__class__ is dict or value.__class__ is list:
            return self._shared(name, value, shape)
        _fit(value, shape, name)
        return value

    def _shared(self, name, value, shape):
        """The first equal value of this name; checked when it is met first."""
        key = name, marshal.dumps(value, 2)
        found = self._parts.get(key)
        if found is None:
            _fit(value, shape, name)
            found = self._parts[key] = value
        return found

    def _cards(self, name, cards, shape):
        """Rows of a list whose texts are shared; most rows have the same keys and types as one that was checked before."""
        if cards is None or cards.__class__ is not list:
            _fit(cards, shape, name)
            return cards
        return [self._card(name, at, card, shape[0]) for at, card in enumerate(cards)]

    def _card(self, name, at, card, shape):
        # functions are alike on most hosts, what a driver says of a card hardly ever is
        key = (name, marshal.dumps(card, 2)) if name == "pci" else None
        if key not in self._parts:
            found = self._new_card(f"{name}[{at}]", card, shape)
            return self._parts.setdefault(key, found) if key else found
        return self._parts[key]

    def _new_card(self, name, card, shape):
        if card.__class__ is not dict:
            raise _Misfit(f"{name} wants a mapping")
        # without these nothing tells an accelerator from a network card
        missing = next((key for key in (_PCI_KEYS if name.startswith("pci") else _PCI_KEYS[:1]) if not card.get(key)), None)
        if missing:
            raise _Misfit(f"{name} has no {missing}")
        kinds = (*card, *map(type, card.values()))
        nested = self._kinds.get(kinds)
        if nested is None:
            _fit(card, shape, name)
            nested = self._kinds[kinds] = [key for key, value in card.items() if value.__class__ in (dict, list)]
        keep = self._texts.setdefault
        found = {key: keep(value, value) if value.__class__ is str else value for key, value in card.items()}
        for key in nested:
            found[key] = self._shared(f"{name}.{key}", card[key], shape.get(key))
        return found


class _Misfit(Exception):
    """A place of a document that is not as its shape says."""


def _fit(value, shape, name):
    wrong = misfit(value, shape, name)
    if wrong:
        raise _Misfit(wrong)


def read_folder(folder, hosts):
    """({host: document}, {host: {sha256, at}}, {host: what is wrong}) of the recorded hosts among these."""
    try:
        there = set(os.listdir(folder))
    except FileNotFoundError:
        there = set()
    except OSError as error:
        raise _site.SiteError(f"{folder} cannot be read: {error.strerror}.") from None
    shelf, documents, about, wrong = Shelf(), {}, {}, {}
    for host in hosts:
        name = _site.file_of(host)
        if name not in there:
            continue
        try:
            documents[host], digest = shelf.take(os.path.join(folder, name), host)
            about[host] = {"sha256": digest, "at": documents[host].get("at")}
        except _site.SiteError as error:
            wrong[host] = str(error)
    return documents, about, wrong


def read_clouds(folder, names):
    """The same of clouds: ({name: document}, {name: {sha256, at}}, {name: what is wrong})."""
    documents, about, wrong = {}, {}, {}
    for name in names:
        path = os.path.join(folder, _site.file_of(name))
        if not os.path.lexists(path):
            continue
        try:
            data = _site.read(path, _site.CLOUD_CAP)
            documents[name] = check_cloud(_site.parse(path, data), path, name)
            about[name] = {"sha256": _site.sha256(data), "at": documents[name].get("at")}
        except _site.SiteError as error:
            wrong[name] = str(error)
    return documents, about, wrong


def check_cloud(document, path, name):
    """The document of a cloud, if it is as its schema says; path: what to call it."""
    problem = misfit(document, CLOUD, "cloud") if document.get("schema") == CLOUD_SCHEMA else "its schema is another one"
    if problem is None and document.get("cloud") != name:
        problem = f"it is that of {_words.printable(str(document.get('cloud')))}"
    if problem is None and not _run.is_moment(document.get("at")):
        problem = "it was made at no time that can be read"
    if problem:
        raise _site.SiteError(f"{path} is no document of {CLOUD_SCHEMA} of cloud {_words.printable(name)}: {problem}.")
    return document


def read_trials(folder):
    """(trial documents, what is wrong with others) of a report folder."""
    trials, wrong = [], []
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    for name in names:
        if name.startswith(".") or not name.endswith(".json"):
            continue
        path = os.path.join(folder, name)
        try:
            trial = _site.read_json(path)
            missing = (f"it has no {key}" for key in ("key", "mode", "result") if not trial.get(key))
            problem = misfit(trial, SHAPE["trials"]["*"], "trial") or next(missing, None)
            if problem:
                raise _site.SiteError(f"{path} is no trial: {problem}.")
            trials.append(trial)
        except _site.SiteError as error:
            wrong.append(str(error))
    return trials, wrong
