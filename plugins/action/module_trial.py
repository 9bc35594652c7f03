# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Controller side of module_trial: adds the repositories of the site, keeps their secrets apart, hands back data."""

from __future__ import annotations

import json

from ansible.plugins.action import ActionBase
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.sovereign.ai_stack.plugins.action.accelerator_facts import distributions, site_repositories, split
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils._orphan import ended_with_controller

MODULE = "sovereign.ai_stack.module_trial"


class ActionModule(ActionBase):
    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        plain, secret = split(site_repositories(self, task_vars))
        arguments = dict(self._task.args, distributions=self._task.args.get("distributions") or distributions(), repositories=plain)
        if secret:
            arguments["credentials"] = json.dumps(secret)
        with ended_with_controller():
            result.update(self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars))
        if isinstance(result.get("trial"), dict):
            result["trial"] = wrap_var(dict(result["trial"], host=task_vars["inventory_hostname"]))
        return result
