# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Controller side of site_repositories: keys come along, logins travel apart, folders of packages are copied."""

from __future__ import annotations

import json

from ansible.plugins.action import ActionBase
from ansible_collections.sovereign.ai_stack.plugins.action.accelerator_facts import split
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import repository_files

MODULE = "sovereign.ai_stack.site_repositories"


class ActionModule(ActionBase):
    TRANSFERS_FILES = True
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        given = self._task.args
        plain, secret = split(given.get("repositories"))
        # what an index says is for those that look; here the packages themselves go
        arguments = {"repositories": [{key: row[key] for key in row if key != "index"} for row in plain], "manager": given.get("manager")}
        if secret:
            arguments["credentials"] = json.dumps(secret)
        copied = [self._folder(row, task_vars) for row in plain if row.get("type") == "folder"]
        failed = next((one for one in copied if one.get("failed")), None)
        result.update(failed or self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars))
        result["changed"] = bool(result.get("changed") or any(one.get("changed") for one in copied))
        return result

    def _folder(self, row, task_vars):
        task = self._task.copy()
        task.args = {"src": "%s/" % row["path"], "dest": "%s/%s/" % (repository_files.FOLDERS, row["name"]), "owner": "root", "group": "root", "mode": "0644",
                     "directory_mode": "0755"}  # fmt: skip
        copy = self._shared_loader_obj.action_loader.get(
            "ansible.legacy.copy", task=task, connection=self._connection, play_context=self._play_context, loader=self._loader,
            templar=self._templar, shared_loader_obj=self._shared_loader_obj)  # fmt: skip
        return copy.run(task_vars=task_vars)
