# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A name that a task registers or sets beats variables of plays, blocks and tasks: whoever has both asks for one and gets the other."""

from __future__ import annotations

from house import ROOT, document, documents, relative, tasks

INCLUDES = ("include_tasks", "include_role", "import_tasks", "import_role", "import_playbook")
FILES = sorted([*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("molecule/**/*.yml")])
SCENARIOS = sorted(path for path in ROOT.glob("molecule/*") if (path / "molecule.yml").is_file())


def includes(task):
    return any(key.rpartition(".")[2] in INCLUDES for key in task)


def kept(path):
    """Names that last beyond their task."""
    for task in (task for one in documents(path) for task in tasks(one)):
        if "register" in task:
            yield task["register"]
        facts = task.get("ansible.builtin.set_fact") or {}
        yield from (name for name in facts if name != "cacheable")


def passing(node):
    """Names of variables of plays, blocks and tasks; those of an include beat what was kept."""
    for item in node if isinstance(node, list) else []:
        if isinstance(item, dict):
            yield from () if includes(item) else item.get("vars") or {}
            for key in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"):
                yield from passing(item.get(key))


def both(files, shared=()):
    """{name: where it is kept} of names that are passing in these files, or are in files of variables, and are kept in one of them."""
    found = {name: relative(path) for path in files for name in kept(path)}
    named = {name for path in files for one in documents(path) for name in passing(one)}
    named |= {name for path in shared for name in document(path)}
    return {name: found[name] for name in sorted(named & set(found))}


def test_verbs_keep_no_name_that_is_a_variable_elsewhere():
    verbs = [path for path in FILES if path.is_relative_to(ROOT / "playbooks") and "vars" not in path.parts]
    assert not both(verbs, sorted(ROOT.glob("playbooks/vars/*.yml")))


def test_roles_keep_no_name_that_is_a_variable_elsewhere():
    for role in {path.parent.parent for path in FILES if path.is_relative_to(ROOT / "roles")}:
        found = both(sorted(role.glob("tasks/*.yml")), sorted([*role.glob("vars/*.yml"), *role.glob("defaults/*.yml")]))
        assert not found, role.name


def test_scenarios_keep_no_name_that_is_a_variable_elsewhere():
    """Each of their playbooks is a run of its own; of what scenarios share, what it names counts."""
    shared = sorted((ROOT / "molecule/shared").rglob("*.yml"))
    for scenario in SCENARIOS:
        files = sorted(scenario.glob("**/*.yml"))
        text = "".join(path.read_text() for path in files)
        common = [path for path in shared if "/".join(path.relative_to(ROOT / "molecule").parts[:2]) in text]
        plays = [path for path in files if any("hosts" in item for one in documents(path) if isinstance(one, list) for item in one)]
        for play in plays:
            assert not both([play, *(path for path in files if path not in plays), *common]), relative(play)


def test_a_name_that_is_both_is_found(tmp_path):
    path = tmp_path / "tasks.yml"
    path.write_text("- {name: A, a: b, register: told}\n- {name: B, vars: {told: 1, asked: 1}, block: [{name: C, vars: {said: 1}, include_tasks: c.yml}]}\n")
    assert list(kept(path)) == ["told"] and list(passing(documents(path)[0])) == ["told", "asked"]
