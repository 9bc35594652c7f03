# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Controller side of accelerator_facts: adds what the host cannot know, keeps secrets apart, hands back data."""

from __future__ import annotations

import base64
import json
import os

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import refusals
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _programs, _tables

MODULE = "sovereign.ai_stack.accelerator_facts"
PREFIX = "__gpu_driver_"
PARTS = ("sets", "components", "headers", "build_tools")
SECRETS = ("login", "password")
INDEX_NAMES = ("Packages", "Packages.gz", "Packages.xz")
INDEX_LIMIT = 4 << 20
# Read here, in the process that Ansible forks for every host: each of those would read them again, a fifth of a second.
TABLES = _tables.load()
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
ROLES = os.path.join(os.path.dirname(__file__), "..", "..", "roles")
VARS = os.path.join(ROLES, "gpu_driver", "vars")


def distributions(folder=VARS):
    """What each distribution may install, from the role's vars files: {debian_12: {sets, components, headers, build_tools}}."""
    found = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".yml") and name != "main.yml":
            with open(os.path.join(folder, name), encoding="utf-8") as stream:
                values = yaml.load(stream, Loader=LOADER) or {}
            found[name[:-4].lower()] = {part: values[PREFIX + part] for part in PARTS if PREFIX + part in values}
    return found


def refused(extra_tables):
    """What the collection's tables say that cards refuse. A site's own rows could say otherwise: with them nothing is left out."""
    return [] if extra_tables else refusals.of(Index(TABLES))


def _content(path):
    with open(path, "rb") as stream:
        return base64.b64encode(stream.read(INDEX_LIMIT)).decode()


def _key(repository):
    """Content of the key's file, which is on the controller: the host may not have it yet."""
    path = repository.get("signed_by")
    return {"key": _content(path)} if isinstance(path, str) and os.path.isfile(path) else {}


def _index(repository):
    """The index of a folder of packages, for a simulation before anything is copied; {} without one."""
    path = repository.get("path") if repository.get("type") == "folder" else None
    if not isinstance(path, str) or not os.path.isdir(path):
        return {}
    names = [name for name in INDEX_NAMES if os.path.isfile(os.path.join(path, name))]
    metadata = os.path.join(path, "repodata")
    names += ["repodata/" + name for name in sorted(os.listdir(metadata))] if os.path.isdir(metadata) else []
    sizes = sum(os.path.getsize(os.path.join(path, name)) for name in names)
    return {"index": {name: _content(os.path.join(path, name)) for name in names}} if sizes <= INDEX_LIMIT else {}


def split(repositories):
    """(repositories without secrets, {name: secrets}): only the second may not be shown."""
    plain, secret = [], {}
    for each in repositories if isinstance(repositories, (list, tuple)) else ():
        if isinstance(each, dict) and isinstance(each.get("name"), str):
            plain.append(dict({key: value for key, value in each.items() if key not in SECRETS}, **_key(each), **_index(each)))
            found = {key: str(each[key]) for key in SECRETS if each.get(key) is not None}
            if found:
                secret[each["name"]] = found
    return plain, secret


def site_repositories(action, task_vars):
    """Repositories of the task, else of the site."""
    if "repositories" in action._task.args:  # pylint: disable=protected-access  # an action plugin has no other way to its task
        return action._task.args["repositories"]
    return action._templar.template(task_vars.get("ai_stack_repositories") or [])


class ActionModule(ActionBase):
    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        plain, secret = split(site_repositories(self, task_vars))
        arguments = dict(self._task.args, distributions=self._task.args.get("distributions") or distributions(), repositories=plain)
        arguments.setdefault("programs", _programs.packages() if task_vars.get("ai_stack_clusters") else {})
        arguments.setdefault("refusals", refused(task_vars.get("ai_stack_extra_tables")))
        if secret:
            arguments["credentials"] = json.dumps(secret)
        answer = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        result.update(answer)
        observation = result.get("observation")
        if observation is None and not (result.get("failed") or result.get("skipped")):
            raise AnsibleError("accelerator_facts: the host's answer holds no observation")
        if isinstance(observation, dict):
            observation["host"] = task_vars["inventory_hostname"]
            result["observation"] = wrap_var(observation)
        return result
