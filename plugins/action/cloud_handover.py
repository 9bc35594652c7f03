# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The hand-over of a cloud to the tool that deploys it; see the module of the same name for its documentation."""

from __future__ import annotations

import os
import pathlib

from ansible.plugins.action import ActionBase

from ..module_utils._pools import handover
from ..plugin_utils import _handover, _run, _site
from ..plugin_utils._edge import one_sentence
from . import cloud_plan

SPEC = {"cloud": {"type": "str", "required": True}, "plan": {"type": "path"}, "plan_sha256": {"type": "str"}, "dest": {"type": "path"}}


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        dummy, given = self.validate_argument_spec(SPEC)
        with one_sentence(self._display, result, "The hand-over"):
            site, dummy = _run.site_intent(self._templar, task_vars)
            reports = _site.Reports(_site.report_root(site, os.getcwd()))
            # commands name it
            folder = pathlib.Path(given["dest"] or reports.root / "handover" / given["cloud"]).resolve()
            made, files = _made(pathlib.Path(given["plan"] or reports.path("plan.json")), given["plan_sha256"], given["cloud"], folder)
            self._write(folder, files, result)
            result.update(folder=str(folder), tool=_handover.tool_of(made), **{part: made[part] for part in ("steps", "gates", "back")})
        return result

    def _write(self, folder, files, result):
        """Make the folder hold these files; what is not ours in it stops everything before anything is written."""
        there = _handover.read_folder(folder)
        result["diff"] = [
            {"before": there.get(path, ""), "after": files.get(path, ""), "before_header": str(folder / path), "after_header": str(folder / path)}
            for path in sorted({*files, *there})
            if there.get(path) != files.get(path)
        ]
        result["changed"] = bool(result["diff"])
        if not self._task.check_mode:
            for path in sorted(path for path in files if files[path] != there.get(path)):
                _site.write(folder / path, [files[path]], 0o644)
            for path in sorted(set(there) - set(files)):
                _site.remove(folder / path)


def _made(path, digest, name, folder):
    plan, (states, conflicts) = cloud_plan.read(path, digest, name), cloud_plan.states(path)
    if conflicts:
        which = ", ".join(dict.fromkeys(f"{row['rule']} {row['path'] or ''}".strip() for row in conflicts))
        raise _site.SiteError(f"The cloud {name} is not handed over: the plan has conflicts ({which}). Mend them and plan again. Nothing was changed.")
    knobs = {key: value for key, value in plan["handover"].items() if key != "kept"}
    told = _handover.told_before(folder)
    try:
        made = handover.of_cloud(
            plan["deployment"],
            plan["settings"],
            plan["settings_reporting"],
            {"cloud": name, "folder": str(folder), **knobs},
            plan["handover"].get("kept"),
            _carried(plan, states, told),
        )
    except handover.NotHanded as why:
        raise _site.SiteError(f"The cloud {name} is not handed over: {why}. Nothing was changed.") from None
    return made, _handover.files_of(name, made, plan["settings"], told)


def _carried(plan, states, told):
    """{host: what it was told before} of those that report their cards, and for which nothing is decided now."""
    aside = [host for host in plan["reporting"] if states.get(host) in ("left_out", "refused", "unknown") and host not in plan["computes"]]
    for host in aside:
        if host not in told:
            raise handover.NotHanded(f"nothing is decided for {host} now, and the report folder does not know what it was told: its cards would be taken away")
    return {host: told[host] for host in aside}
