# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""One host's slice of the plan; see the module of the same name for its documentation."""

from __future__ import annotations

import os

from ansible.plugins.action import ActionBase

from ..plugin_utils import _intent, _lock, _look, _planner, _run, _site
from ..plugin_utils._edge import one_sentence

PARTS = ("state", "because", "cards", "decisions", "changes", "policy", "tenants", "conflicts", "messages", "plan_sha256")


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        spec = {"observation": {"type": "raw", "required": True}, "driver": {"type": "raw"}, "repositories": {"type": "raw"}, "signing": {"type": "raw"}}
        spec.update({name: {"type": "bool", "default": False} for name in ("settled", "planned")})
        dummy, arguments = self.validate_argument_spec(spec)
        with one_sentence(self._display, result, "The plan of this host"):
            self._host_plan(arguments, task_vars, result)
        return result

    def _host_plan(self, arguments, task_vars, result):
        host, folder = task_vars["inventory_hostname"], os.getcwd()
        site, dummy = _run.site_intent(self._templar, task_vars)
        reports = _site.Reports(_site.report_root(site, folder))
        mine = slice_of_this_run(reports, host)
        if arguments["planned"] and not mine:
            raise _site.SiteError(f"This run has no plan for {host}: the verb did not come to planning it. Nothing was changed.")
        result.update(changed=False, planned_by="verb" if mine else "role")
        mine = mine or self._alone(arguments, host, folder, reports, task_vars)
        result.update({part: mine[part] for part in PARTS})

    def _alone(self, arguments, host, folder, reports, task_vars):
        """No verb made a plan in this run: the same core decides for this host by its own variables."""
        intent, conflicts = _run.host_variables(self._templar, task_vars)
        driver = {key: value for key, value in (_run.plain(arguments["driver"]) or {}).items() if value is not None}
        if driver:
            intent["ai_stack_driver"] = {**(intent.get("ai_stack_driver") or {}), **driver}
        if arguments["repositories"] is not None:
            intent["ai_stack_repositories"] = _run.plain(arguments["repositories"])
        if arguments["signing"]:
            intent["ai_stack_module_signing"] = _run.plain(arguments["signing"])
        seen = _look.alone(host, _run.plain(arguments["observation"]), reports)
        record = _site.read_record(_site.record_place(task_vars.get("ansible_inventory_sources") or (), reports.root))
        plan = _planner.plan_alone(intent, host, task_vars["groups"], seen, record, _run.now(), folder, arguments["settled"])
        plan["conflicts"] = _intent.with_unread(conflicts, plan["conflicts"])
        dummy, mine = next(_planner.slices_of(plan, [host]))
        return {**mine, "plan_sha256": _intent.sha256(mine)}


def slice_of_this_run(reports, host):
    """The host's slice where this very ansible-playbook made the plan; an older one proves nothing about this run."""
    path = reports.slices / _site.file_of(host)
    if not path.exists():
        return None
    mine = _site.read_json(path)
    return mine if mine.get("run") == _lock.process_of_run() and all(part in mine for part in PARTS) else None
