# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Bring the program of a role to a host, packed into one file; see the module of the same name for its documentation."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

SPEC = {"src": {"type": "list", "elements": "path", "required": True}, "dest": {"type": "path", "required": True}}
# The same sources always give the same bytes: the oldest time that a zip archive can tell, and nothing compressed, which every zlib does
# in its own way.
NO_TIME = (1980, 1, 1, 0, 0, 0)
RUN_BY = b"#!/usr/bin/python3\n"


def packed(paths):
    """-> bytes of an archive that Python runs; PATHS: files, and folders of which every *.py goes in, all of them at its top."""
    files = [file for path in map(Path, paths) for file in (sorted(path.glob("*.py")) if path.is_dir() else [path])]
    names = [file.name for file in files]
    if len(set(names)) != len(names):
        raise AnsibleActionFail("two files of one name: %s" % ", ".join(str(file) for file in files if names.count(file.name) > 1))
    archive = io.BytesIO()
    archive.write(RUN_BY)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as into:
        for file in sorted(files, key=lambda file: file.name):
            into.writestr(zipfile.ZipInfo(file.name, NO_TIME), file.read_bytes())
    return archive.getvalue()


class ActionModule(ActionBase):
    TRANSFERS_FILES = True
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        dummy, given = self.validate_argument_spec(SPEC)
        with tempfile.TemporaryDirectory(prefix="ai-stack-") as folder:
            archive = Path(folder, Path(given["dest"]).name)
            archive.write_bytes(packed(self._find_needle("files", path) for path in given["src"]))
            task = self._task.copy()
            task.args = {"src": str(archive), "dest": given["dest"], "mode": "0755"}
            copy = self._shared_loader_obj.action_loader.get(
                "ansible.legacy.copy", task=task, connection=self._connection, play_context=self._play_context, loader=self._loader,
                templar=self._templar, shared_loader_obj=self._shared_loader_obj)  # fmt: skip
            result.update(copy.run(task_vars=task_vars))
        return result
