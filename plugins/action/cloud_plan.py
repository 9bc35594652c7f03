# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The clouds' parts of the plan of this run; see the module of the same name for its documentation."""

from __future__ import annotations

import os
import pathlib

from ansible.plugins.action import ActionBase

from ..module_utils._pools import once
from ..plugin_utils import _clouds, _look, _run, _site
from ..plugin_utils._edge import one_sentence
from .host_plan import slice_of_this_run

SPEC = {"cloud": {"type": "str"}, "plan": {"type": "path"}, "plan_sha256": {"type": "str"}, "planned": {"type": "bool", "default": False}}


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        dummy, given = self.validate_argument_spec(SPEC, required_together=[("plan", "plan_sha256")])
        with one_sentence(self._display, result, "The cloud's part of the plan"):
            path, wanted = given["plan"], given["plan_sha256"]
            if path is None or given["planned"]:
                path, wanted = self._of_this_run(path, wanted, given["planned"], task_vars)
            found = read(pathlib.Path(path), wanted, given["cloud"])
            if given["cloud"] is not None:
                found["one_time_use"] = self._noted(given["cloud"], found["one_time_use"], task_vars)
            result.update(changed=False, **found)
        return result

    def _noted(self, name, about, task_vars):
        """What the releaser wants to see of each card: noted by the record, or in this run while nobody had it."""
        site, dummy = _run.site_intent(self._templar, task_vars)
        reports = _site.Reports(_site.report_root(site, os.getcwd()))
        record = _site.read_record(_look.record_place(site, task_vars, reports, os.getcwd())) or {}
        shown = {host: told.get("cards") or {} for host, told in _run.used_once(task_vars, about["cards"]).items()}
        seen = _run.clouds_seen(task_vars, [name]).get(name, (None, None))[0]
        notes = (record.get("clouds") or {}).get(name, {}).get("used_once") or ()
        return {**about, "cards": once.expected(about["cards"], notes, shown, seen)}

    def _of_this_run(self, path, wanted, planned, task_vars):
        """(path, digest or None) of the plan in the report folder; planned: of none but the one that this run made, by the slice of its host."""
        site, dummy = _run.site_intent(self._templar, task_vars)
        reports, host = _site.Reports(_site.report_root(site, os.getcwd())), task_vars["inventory_hostname"]
        mine = slice_of_this_run(reports, host) if planned else None
        if planned and (not mine or wanted not in (None, mine["plan_sha256"])):
            raise _site.SiteError(f"This run has no plan for {host}: the verb did not come to planning it. Nothing was changed.")
        return path or reports.path("plan.json"), mine["plan_sha256"] if mine else wanted


def states(path):
    """({host: its state}, conflicts of the site) of a plan."""
    plan = _site.read_json(path)
    return {host: about["state"] for host, about in plan.get("hosts", {}).items()}, [row for row in plan.get("conflicts", ()) if row["host"] is None]


def read(path, wanted, cloud=None):
    """{clouds: {name: slice}}, and the slice of one cloud beside it. wanted: digest of the plan; None: whichever is there."""
    data = _site.read(path, _site.PLAN_CAP)
    digest = _site.sha256(data)
    if wanted not in (None, digest):
        raise _site.SiteError(f"{path} is not the plan of this run: another one was written since. Nothing was changed.")
    plan = _site.parse(path, data)
    try:
        return {"plan_sha256": digest, "clouds": _clouds.acted_on(plan), **(_clouds.slice_of(plan, cloud) if cloud is not None else {})}
    except _clouds.NotPlanned as why:
        raise _site.SiteError(f"{why} Nothing was changed.") from None
