# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a cluster is told about cards, without a verb; see the module of the same name for its documentation."""

from __future__ import annotations

import os
import re

from ansible.plugins.action import ActionBase

from ..module_utils._compat import resolve
from ..plugin_utils import _clusters, _intent, _planner, _prover, _run, _tables
from ..plugin_utils._edge import one_sentence

# what else a site says is asked by other roles
ASKED = ("ai_stack_site", "ai_stack_clusters", "ai_stack_pools", "ai_stack_states", "ai_stack_waivers", "ai_stack_driver")
NOTHING = {"first": None, "control": [], "cards": {}, "documents": [], "canaries": {}, "by_operator": False, "plugin": _clusters.PLUGIN}


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        spec = {name: {"type": "str", "required": True} for name in ("cluster", "observed_as")}
        dummy, given = self.validate_argument_spec(dict(spec, others={"type": "raw"}))
        with one_sentence(self._display, result, "What a cluster is told about cards"):
            self._decide(given, task_vars, result)
        return result

    def _decide(self, given, task_vars, result):
        intent, dummy = _run.host_variables(self._templar, task_vars)
        inventory, variables = _run.inventory_of(task_vars["groups"]), task_vars["hostvars"]
        tables = _tables.load(_prover.of_site(intent, os.getcwd())[1])
        # what is asked may name what is not: a cloud, a repository
        conflicts, usable = _intent.check(intent, host=inventory, group=task_vars["groups"], rule=_planner.rules_of(tables))
        conflicts = [row for row in conflicts if re.match(r"\w*", row["path"])[0] in ASKED]
        wanted, dummy = _intent.squeezed(_intent.public({key: usable[key] for key in ASKED if usable.get(key) is not None}))
        inside = set(task_vars["ansible_play_hosts"])
        observations = {host: _run.plain(variables[host].get(given["observed_as"])) or None for host in inside.intersection(inventory)}
        observations.update(_run.observed_elsewhere(_run.plain(given["others"]), inside))
        plan = resolve.resolve(wanted, inventory, observations, tables, {}, _run.now()[:10], settled=True)
        # what speaks against a host that is not in this run stops nobody
        conflicts += [row for row in plan["conflicts"] if str(row["rule"]).startswith("K8S-") and row["host"] in {None, *inside}]
        rows = [one for one in wanted.get("ai_stack_clusters") or () if one["name"] == given["cluster"]]
        result["unseen"] = sorted(host for host in _hosts(rows, task_vars["groups"]) if not observations.get(host))
        made = [one for one in _clusters.of_plan(plan) if one["id"] == given["cluster"]]
        if not conflicts and not rows:
            near = ", ".join(one["name"] for one in wanted.get("ai_stack_clusters") or ()) or "a row of ai_stack_clusters"
            conflicts.append(_intent.conflict(None, "kubernetes_accelerators_cluster", "names no cluster of the site", near, source=None))
        elif not conflicts and not made:
            what = "cannot be decided while nobody knows all of its hosts: %s" % ", ".join(result["unseen"])
            conflicts.append(_intent.conflict(None, "kubernetes_accelerators_cluster", what, "a run without --limit", source=None))
        if made:
            conflicts += _clusters.unserved(made[0])
        asked = {"first": _first(intent, given["cluster"], task_vars["groups"], observations)}
        decided = _clusters.accelerators(made[0]) if made and not conflicts else asked
        result.update({**NOTHING, **decided}, changed=False, conflicts=conflicts, messages=_planner.text_of(conflicts))


def _first(site, name, groups, observations):
    """The control plane that can be asked whatever else is wrong with what the site says; one that is known to rule before others; None: nobody knows any."""
    rows, ruling = _run.plain(site.get("ai_stack_clusters")), []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("name") == name and isinstance(row.get("control_plane"), str):
            ruling += _hosts([{"control_plane": row["control_plane"]}], groups)
    joined = [host for host in ruling if ((observations.get(host) or {}).get("kubernetes") or {}).get("joined")]
    return min(joined or ruling, default=None)


def _hosts(rows, groups):
    """Hosts of a cluster."""
    named = [row[key] for row in rows for key in ("control_plane", "nodes") if row.get(key)]
    return {host for name in named for host in groups.get(name, [name] if name in groups["all"] else ())}
