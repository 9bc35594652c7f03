# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What containerd of a node is told; see the module of the same name for its documentation."""

from __future__ import annotations

import os
import re

from ansible.plugins.action import ActionBase

from ..module_utils._cluster import alone, containerd, numbers
from ..module_utils._compat.index import Index
from ..module_utils._compat.text import did_you_mean, safe
from ..module_utils._compat.waivers import Waivers
from ..plugin_utils import _intent, _planner, _prover, _run, _tables
from ..plugin_utils._edge import one_sentence

ADDRESS = re.compile(r"https?://[^@\s\"']+")
IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*")
PLACE = re.compile(r"/[^\s\"']*")
NAME = re.compile(r"\*|[A-Za-z0-9][A-Za-z0-9._:-]*")


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        spec = {"version": {"type": "str", "required": True}, "sandbox": {"type": "str", "required": True}}
        spec.update({name: {"type": "raw"} for name in ("observation", "repositories", "registries", "settings")})
        dummy, given = self.validate_argument_spec(spec)
        with one_sentence(self._display, result, "What containerd is told"):
            self._decide({key: _run.plain(value) for key, value in given.items()}, task_vars, result)
        return result

    def _decide(self, given, task_vars, result):
        intent, dummy = _run.host_variables(self._templar, task_vars)
        waivers, extra = _prover.of_site(intent, os.getcwd())
        index, host, today = Index(_tables.load(extra)), task_vars["inventory_hostname"], _run.now()[:10]
        row = index.containerd.get(numbers.branch(given["version"]))
        conflicts = list(_wrong(given))
        if row:
            groups = [group for group, hosts in task_vars["groups"].items() if host in hosts]
            waived = Waivers(index, waivers, today).for_host(host, groups, [])
            conflicts += alone.conflicts(index, host, given["observation"] or {}, given["version"], today, waived)
        else:
            said = f"is {safe(given['version'])}, of a branch that no table knows"
            conflicts.append(_row("version", said, did_you_mean(given["version"], index.containerd)))
        result.update(changed=False, conflicts=conflicts, messages=_planner.text_of(conflicts), files={}, expected={})
        if not conflicts:
            result["files"] = containerd.files(row["config"], given["sandbox"], given["registries"], given["settings"])
            result["expected"] = containerd.expected(row["config"], given["sandbox"], given["settings"])


def _wrong(given):
    # the schema of the site is that of the role
    site = {"ai_stack_site": "role", "ai_stack_repositories": [] if given["repositories"] is None else given["repositories"]}
    for one in _intent.validate(site):
        yield dict(one, path=one["path"].replace("ai_stack_repositories", "container_runtime_repositories"))
    if not IMAGE.fullmatch(given["sandbox"]):
        yield _row("sandbox", f"is no name of an image: {safe(given['sandbox'])}", "registry.k8s.io/pause: and its tag")
    rows = given["registries"] or {}
    for name, row in rows.items() if isinstance(rows, dict) else [("", None)]:
        good = isinstance(row, dict) and set(row) <= {"mirrors", "ca"} and isinstance(row.get("mirrors"), list) and row["mirrors"]
        good = good and PLACE.fullmatch(str(row.get("ca", "/")))
        if not NAME.fullmatch(str(name)) or not good or not all(isinstance(one, str) and ADDRESS.fullmatch(one) for one in row["mirrors"]):
            # what it has is not shown: it may be a login
            yield _row("registries", f"wants registries with their mirrors, addresses without login, and ca, a file; {safe(name)} has something else",
                       '{"registry.k8s.io": {mirrors: ["https://mirror"]}}')  # fmt: skip
    settings = given["settings"] or {}
    if not isinstance(settings, dict) or any(not isinstance(one, (bool, int, str)) or key in containerd.OURS for key, one in settings.items()):
        yield _row("settings", f"wants settings of the part that runs pods, each a text, a number or a switch, and none of "
                   f"{', '.join(containerd.OURS)}, not {safe(settings)}",
                   "{max_container_log_line_size: 16384}")  # fmt: skip


def _row(name, message, near):
    return _intent.conflict(None, f"container_runtime_{name}", message, near, source=None)
