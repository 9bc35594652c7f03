# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The files of a site: the report folder and the record.

Everything is written beside its place and renamed, so that a reader meets the old file or the new one, never half of one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pathlib
import re
import stat
import tempfile

import yaml

from . import _intent

# One document of a host is some ten kilobytes; what is larger is a mistake or an attack.
OBSERVATION_CAP = 4 << 20
PLAN_CAP = 4 << 30
# that of a cloud has a row for each server on its hosts
CLOUD_CAP = 256 << 20
RECORD = "ai_stack.lock.yml"
_RECORD_HEAD = (
    "# What this site was given: versions that were decided and cards that were handed out. Written by sovereign.ai_stack;\n"
    "# keep it under version control beside the inventory.\n"
)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SiteError(Exception):
    """What is wrong with a file of the site, in one sentence for the operator."""


class Reports:
    """The report folder of a site."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.observations = self.root / "observations"
        self.trials = self.root / "trials"
        self.slices = self.root / "slices"
        self.clouds = self.root / "clouds"

    def path(self, name) -> pathlib.Path:
        return self.root / name

    def save(self, name, chunks) -> str:
        """Write a report of text chunks; its sha256."""
        return write(self.path(name), chunks)


def report_root(intent, folder) -> pathlib.Path:
    """Where the reports go; folder: what relative names are relative to. A site without a usable name has a folder too."""
    named = intent.get("ai_stack_report_dir")
    site = intent.get("ai_stack_site")
    usable = isinstance(site, str) and re.fullmatch(_intent.NAME, site)
    return pathlib.Path(folder, named if isinstance(named, str) and named else f"reports/{site if usable else 'unnamed'}")


def refuse_in_inventory(root, sources):
    """Reports in a folder that is an inventory would be read as hosts by the next run. sources: the inventory's files and folders."""
    place = pathlib.Path(root).resolve()
    for source in map(pathlib.Path, sources):
        if source.is_dir() and source.resolve() in (place, *place.parents):
            raise SiteError(
                f"The reports would be written to {place}, inside of the inventory {source.resolve()}, and the next run would read them as hosts. "
                "Name a folder outside of it with ai_stack_report_dir, or start from another folder. Nothing was changed."
            )


def file_of(host) -> str:
    """The file name of a host's document: a name from an inventory never leaves its folder."""
    quoted = "".join(char if char.isascii() and (char.isalnum() or char in "._-:") else "".join(f"%{byte:02X}" for byte in char.encode()) for char in host)
    return (f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted) + ".json"


def write(path, chunks, mode=0o600) -> str:
    """Replace a file in one step; its sha256. Only the owner reads reports: they tell an attacker what is unpatched."""
    path = pathlib.Path(path)
    made = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        digest = hashlib.sha256()
        with os.fdopen(handle, "wb") as stream:
            for chunk in chunks:
                data = chunk.encode("utf-8", "replace")
                digest.update(data)
                stream.write(data)
            os.fchmod(stream.fileno(), mode)
        os.replace(made, path)
    except OSError as error:
        raise SiteError(f"{path} cannot be written: {error.strerror}.") from None
    finally:
        if made:
            remove(made)
    return digest.hexdigest()


def folder(path):
    """Make a folder that only its owner reads."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SiteError(f"{path} cannot be made: {error.strerror}.") from None


def remove(path):
    """Take a file away if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def read(path, cap=OBSERVATION_CAP) -> bytes:
    """The bytes of a regular file of at most cap bytes; a pipe in its place does not hold up the run."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SiteError(f"{path} cannot be read: {error.strerror}.") from None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise SiteError(f"{path} is not a regular file.")
        if about.st_size > cap:
            raise SiteError(f"{path} has {about.st_size} bytes; at most {cap} are read.")
        return b"".join(_pieces(handle, cap))
    except OSError as error:
        raise SiteError(f"{path} cannot be read: {error.strerror}.") from None
    finally:
        os.close(handle)


def _pieces(handle, left):
    """What is in an open file, up to a size: it may grow while it is read."""
    while left > 0:
        piece = os.read(handle, min(left, 1 << 20))
        if not piece:
            return
        left -= len(piece)
        yield piece


def sha256(data) -> str:
    return hashlib.sha256(data).hexdigest()


def parse(path, data) -> dict:
    """The JSON object in the bytes of a file."""
    try:
        document = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise SiteError(f"{path} is not JSON: {str(error)[:100]}.") from None
    if not isinstance(document, dict):
        raise SiteError(f"{path} does not hold a JSON object.")
    return document


def _refuse_constant(name):
    raise ValueError(f"{name} is no number of JSON")


def read_json(path, cap=OBSERVATION_CAP) -> dict:
    """The JSON object in a file."""
    return parse(path, read(path, cap))


def lines(document):
    """A document as JSON with one line for each entry of its first level's mappings and lists: quick to write, kind to diff."""
    opened = "{"
    for key in sorted(document):
        value = document[key]
        yield f"{opened}\n{json.dumps(key)}: "
        opened = ","
        if isinstance(value, dict) and value:
            yield from _entries("{", (f"{json.dumps(str(name))}: {_flow(value[name])}" for name in sorted(value)), "}")
        elif isinstance(value, list) and value:
            yield from _entries("[", (_flow(one) for one in value), "]")
        else:
            yield _flow(value)
    yield "{}\n" if not document else "\n}\n"


def _entries(opening, entries, closing):
    for at, entry in enumerate(entries):
        yield f"{',' if at else opening}\n {entry}"
    yield f"\n{closing}"


def record_place(sources, root) -> pathlib.Path:
    """Where the record lies: beside the first inventory file; an inventory folder would take it for an inventory."""
    for source in sources:
        path = pathlib.Path(source)
        if path.is_dir():
            return path.parent / f"{path.name}.{RECORD}"
        if path.is_file():
            return path.parent / RECORD
    return pathlib.Path(root, RECORD)


def read_record(path) -> dict:
    """The record; empty where there is none yet."""
    if not os.path.lexists(path):
        return {}
    try:
        document = yaml.load(read(path, PLAN_CAP), Loader=_Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise SiteError(f"{path} is not YAML; take its last good version from your version control.") from None
    if document is None:
        return {}
    if not isinstance(document, dict) or not str(document.get("schema", "")).startswith("sovereign.ai_stack/lock/1"):
        raise SiteError(f"{path} is not a record of sovereign.ai_stack (its schema is not sovereign.ai_stack/lock/1).")
    return document


def record_text(record) -> str:
    """The record as sorted YAML, one line a host and a card: its diff is the list of what changed."""
    text = _RECORD_HEAD
    for key in ("schema", "site"):
        text += f"{key}: {json.dumps(record.get(key))}\n"
    for key in sorted(set(record) - {"schema", "site"}):
        value = record[key]
        rows = [f"  {json.dumps(str(name))}: {_flow(value[name])}\n" for name in sorted(value)] if isinstance(value, dict) else []
        rows += [f"  - {_flow(row)}\n" for row in value] if isinstance(value, list) else []
        text += f"{key}:\n{''.join(rows)}" if rows else f"{key}: {_flow(value)}\n"
    return text


def _flow(value) -> str:
    """A value as JSON in one line, which is YAML too."""
    return _encode(value)


_encode = json.JSONEncoder(sort_keys=True, check_circular=False).encode
