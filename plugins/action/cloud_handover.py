# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The hand-over of a cloud to the tool that deploys it; see the module of the same name for its documentation."""

from __future__ import annotations

import pathlib

from ansible.plugins.action import ActionBase

from ..module_utils._pools import handover
from ..plugin_utils import _handover, _site
from ..plugin_utils._edge import one_sentence
from . import cloud_plan

SPEC = {
    "cloud": {"type": "str", "required": True},
    "plan": {"type": "path", "required": True},
    "plan_sha256": {"type": "str", "required": True},
    "deployment": {"type": "str", "required": True, "choices": [handover.KOLLA, handover.OSA]},
    "dest": {"type": "path", "required": True},
    "config": {"type": "path"},
    "inventory": {"type": "path"},
    "playbooks": {"type": "path"},
    "engine": {"type": "str", "choices": ["docker", "podman"]},
    "kept": {"type": "dict", "default": {}},
}
KNOBS = ("config", "inventory", "playbooks", "engine")


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        dummy, given = self.validate_argument_spec(SPEC)
        with one_sentence(self._display, result, "The hand-over"):
            made, files = _made(given)
            self._write(pathlib.Path(given["dest"]), files, result)
            result.update(folder=given["dest"], steps=made["steps"], gates=made["gates"])
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


def _made(given):
    plan = cloud_plan.read(pathlib.Path(given["plan"]), given["plan_sha256"], given["cloud"])
    knobs = {"folder": given["dest"], **{name: given[name] for name in KNOBS if given[name]}}
    try:
        settings = handover.beside(plan["settings"], given["kept"])
        reporting = handover.beside(plan["settings_reporting"], given["kept"], strict=False)
        made = handover.of_cloud(given["deployment"], settings, reporting, plan["reporting"], knobs)
    except handover.NotHanded as why:
        raise _site.SiteError(f"The cloud {given['cloud']} is not handed over: {why}. Nothing was changed.") from None
    return made, _handover.files_of(given["cloud"], made, settings)
