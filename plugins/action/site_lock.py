# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The site lock for a verb that makes no plan; see the module of the same name for its documentation."""

from __future__ import annotations

import os

from ansible.plugins.action import ActionBase

from ..plugin_utils import _lock, _run, _site
from ..plugin_utils._edge import one_sentence


class ActionModule(ActionBase):
    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        states = {"type": "str", "choices": ["held", "free"], "default": "held"}
        dummy, arguments = self.validate_argument_spec({"verb": {"type": "str", "required": True}, "state": states})
        with one_sentence(self._display, result, "The lock of the site"):
            self._lock(arguments, task_vars, result)
        return result

    def _lock(self, arguments, task_vars, result):
        intent, dummy = _run.site_variables(self._templar, task_vars)
        root = _site.Reports(_site.report_root(intent, os.getcwd())).root
        result.update(changed=False)
        if self._task.check_mode:
            return
        if arguments["state"] == "free":
            _lock.release(root)
            return
        stale = _lock.take(root, arguments["verb"], _run.now())
        if stale:
            self._display.warning(stale)
