# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Every role has one inner shape, and its names stay its own."""

from __future__ import annotations

import re

import pytest
from house import ROLES, ROOT, document, documents, relative, scalars, tasks

FILES = [
    "README.md",
    "meta/argument_specs.yml",
    "defaults/main.yml",
    "vars/main.yml",
    *[f"tasks/{name}.yml" for name in ("main", "preflight", "install", "configure", "verify", "absent")],
]
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def task_files(role):
    return sorted([*role.glob("tasks/**/*.yml"), *role.glob("handlers/**/*.yml")])


def options_of(role):
    spec = document(role / "meta/argument_specs.yml").get("argument_specs", {})
    return {name: option for entry in spec.values() for name, option in (entry.get("options") or {}).items()}


def nested_options(options, where=""):
    for name, option in options.items():
        yield where + name, option
        yield from nested_options(option.get("options") or {}, f"{where}{name}.")


def test_there_are_roles_to_look_at():
    assert ROLES


@each_role
def test_role_has_every_file_of_the_common_shape(role):
    assert not [name for name in FILES if not (role / name).is_file()]


@each_role
def test_defaults_and_specs_name_the_same_variables(role):
    assert set(document(role / "defaults/main.yml")) == set(options_of(role))


@each_role
def test_specs_describe_every_option_and_default_none(role):
    options = dict(nested_options(options_of(role)))
    assert not [name for name, option in options.items() if "default" in option], "values live in defaults/main.yml alone"
    assert not [name for name, option in options.items() if not option.get("description")]


@each_role
def test_secrets_are_raw_in_specs(role):
    """Ansible prints the value of a wrongly typed no_log option."""
    secret = re.compile(r"(password|secret|token|passphrase|private_key)$")
    assert not [name for name, option in nested_options(options_of(role)) if secret.search(name) and option.get("type") != "raw"]


@each_role
def test_public_variables_have_the_prefix_of_the_role(role):
    assert not [name for name in document(role / "defaults/main.yml") if not name.startswith(role.name + "_")]


@each_role
def test_internal_variables_have_the_internal_prefix_of_the_role(role):
    internal = "__" + role.name + "_"
    names = {name for path in role.glob("vars/*.yml") for name in document(path)}
    for path in task_files(role):
        for task in tasks(document(path)):
            names.update(name for key in ("register", "set_fact", "ansible.builtin.set_fact") for name in names_in(task.get(key)))
            names.update(names_in((task.get("loop_control") or {}).get("loop_var")))
    assert not sorted(name for name in names if not name.startswith(internal) and name != "cacheable")


def names_in(value):
    if isinstance(value, str):
        return [value]
    return list(value) if isinstance(value, dict) else []


@each_role
def test_vars_files_of_systems_name_the_same_variables(role):
    """One that lacks a name is found by the first host of that system, in the middle of a run."""
    by_file = {path.name: set(document(path)) for path in role.glob("vars/*.yml") if path.name != "main.yml"}
    everything = set().union(*by_file.values()) if by_file else set()
    assert {name: everything - names for name, names in by_file.items() if everything - names} == {}


CONDITIONS = {"when", "that", "failed_when", "changed_when", "until"}
SYSTEM = re.compile(r"distribution|os_family|ansible_system\b|ansible_pkg_mgr|\bpkg_mgr\b")
COMPARED = re.compile(r"(distribution|os_family|pkg_mgr)[\w'\"\].]*\s*(==|!=|\bin\b|\bnot in\b|\bis\b)|\bif\b[^%}]*(distribution|os_family|pkg_mgr)")


def system_tests(path):
    for keys, value in scalars(documents(path)):
        if isinstance(value, str) and (CONDITIONS & set(keys) and SYSTEM.search(value) or COMPARED.search(value)):
            yield f"{relative(path)}: {value}"


@each_role
def test_no_task_asks_for_the_distribution(role):
    """What differs between systems stands in a vars file."""
    assert not [line for path in task_files(role) for line in system_tests(path)]


DEFAULTED = re.compile(r"\b__\w+(\.\w+|\[[^\]]*\])*\s*\|\s*d(efault)?\b")


def test_no_internal_name_is_defaulted_away():
    """`__name | default()` hides the typo in the name."""
    paths = [path for room in ("roles", "playbooks") for kind in ("*.yml", "*.j2") for path in (ROOT / room).rglob(kind)]
    assert not [f"{relative(path)}: {found.group()}" for path in paths for found in DEFAULTED.finditer(path.read_text())]
