# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A version, PCI id or date lives in plugins/compat; anywhere else it is a defect, or stands here with its reason."""

from __future__ import annotations

import re

import pytest
from house import ROOT, constants, documents, relative, scalars, tracked

FACTS = {
    "version": re.compile(r"(?<![\w.])\d{1,3}\.\d{1,4}\.\d{1,3}(?![\w.]*[/.\d])"),
    "branch": re.compile(r"^R?[3-6]\d\d$"),
    "PCI id": re.compile(r"(?i)(?<![\w-])(?:0x)?(?:10de|1002|8086|1da3)(?:$|:|(?=[^\w]))"),
    "date": re.compile(r"(?<!\d)20[2-3]\d-[01]\d-[0-3]\d(?!\d)"),
}
# (path or folder with its slash, kinds): why they are allowed there
ALLOWED = {
    ("roles/lab/", tuple(FACTS)): "the lab is a site of its own: it describes the machines that it builds",
    ("roles/gpu_driver/vars/", ("branch",)): "names of packages carry their branch, and a set says which one its names carry",
    ("plugins/module_utils/_cluster/network.py", ("version",)): "a CNI file says the version of its format, as others do with apiVersion",
    ("plugins/module_utils/_observe/", ("PCI id",)): "a vendor's id says which tool to ask; no card is told from another by it",
}


def allowed(name: str, kind: str) -> bool:
    return any(kind in kinds and (name == path or path.endswith("/") and name.startswith(path)) for path, kinds in ALLOWED)


def facts_in(value) -> list:
    """Numbers count in YAML only: in code they are file modes and sizes."""
    return [kind for kind, pattern in FACTS.items() if pattern.search(str(value))]


def python_facts():
    for path in (ROOT / "plugins").rglob("*.py"):
        for line, value in constants(path):
            if isinstance(value, str):
                yield relative(path), line, value


def yaml_facts():
    places = ["roles/*/tasks", "roles/*/defaults", "roles/*/vars", "roles/*/handlers", "playbooks"]
    for path in [path for place in places for folder in ROOT.glob(place) for path in folder.rglob("*.yml")]:
        for _keys, value in scalars(documents(path)):
            yield relative(path), 0, value


def template_facts():
    for path in ROOT.glob("roles/*/templates/**/*"):
        if path.is_file():
            for number, line in enumerate(path.read_text().splitlines(), 1):
                yield relative(path), number, line


@pytest.mark.parametrize("source", [python_facts, yaml_facts, template_facts], ids=lambda source: source.__name__)
def test_facts_stand_in_the_tables(source):
    found = [f"{name}:{line}: {value!r} looks like a {kind}" for name, line, value in source() for kind in facts_in(value) if not allowed(name, kind)]
    assert not found, "\n".join(found)


def test_every_exception_is_still_needed():
    names = {relative(path) for path in tracked()}
    assert not [path for path, _kinds in ALLOWED if not any(name == path or name.startswith(path) for name in names)]


@pytest.mark.parametrize(
    ("value", "is_fact"),
    [("535.309.01", True), ("535", True), (535, True), ("0x10de", True), ("10de:2331", True), ("2026-11-25", True), ("R470", True),
     ("0000:17:00.0", False), ("192.0.2.1", False), ("3", False), (160, False), ("0.1.0", True), ("sovereign.ai_stack/plan/1", False)],
)  # fmt: skip
def test_the_patterns_know_a_fact(value, is_fact):
    assert bool(facts_in(value)) == is_fact
