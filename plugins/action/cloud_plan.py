# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A cloud's part of the plan of this run; see the module of the same name for its documentation."""

from __future__ import annotations

import pathlib

from ansible.plugins.action import ActionBase

from ..plugin_utils import _clouds, _site
from ..plugin_utils._edge import one_sentence

SPEC = {name: {"type": kind, "required": True} for name, kind in (("cloud", "str"), ("plan", "path"), ("plan_sha256", "str"))}


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        dummy, given = self.validate_argument_spec(SPEC)
        with one_sentence(self._display, result, "The cloud's part of the plan"):
            result.update(changed=False, **read(pathlib.Path(given["plan"]), given["plan_sha256"], given["cloud"]))
        return result


def read(path, wanted, cloud):
    data = _site.read(path, _site.PLAN_CAP)
    if _site.sha256(data) != wanted:
        raise _site.SiteError(f"{path} is not the plan of this run: another one was written since. Nothing was changed.")
    try:
        return _clouds.slice_of(_site.parse(path, data), cloud)
    except _clouds.NotPlanned as why:
        raise _site.SiteError(f"{why} Nothing was changed.") from None
