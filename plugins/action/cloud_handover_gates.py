# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The gates of a hand-over, asked on one host in one call; see the module of the same name for its documentation."""

from __future__ import annotations

import pathlib
import re

from ansible.plugins.action import ActionBase

from ..module_utils._pools import handover
from ..plugin_utils import _run, _site
from ..plugin_utils._edge import one_sentence

SPEC = {
    "folder": {"type": "path", "required": True},
    "gates": {"type": "dict", "required": True},
    "names": {"type": "list", "elements": "str", "required": True},
}
_END = "end of the gate"


class ActionModule(ActionBase):
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        dummy, given = self.validate_argument_spec(SPEC)
        gates, mine, scripts = _run.plain(given["gates"]), [], ""
        with one_sentence(self._display, result, "The gates of the hand-over"):
            mine = [name for name in given["names"] if gates[name]["host"] in (None, task_vars["inventory_hostname"])]
            scripts = "".join(_asked(pathlib.Path(given["folder"]), name) for name in mine)
        if result.get("failed"):
            return result
        # it only reads; a host that does not answer is Ansible's to tell
        self._task.check_mode = False
        told = self._execute_module("ansible.builtin.command", {"_raw_params": "sh -s", "stdin": scripts}, task_vars=task_vars) if mine else {}
        result.update(changed=False, **handover.stands(gates, _answers(mine, told)))
        return result


def _asked(folder, name):
    text = _site.read(folder / f"gates/{name}.sh").decode()
    return f"sh -s <<'END_OF_GATE' 2>&1\n{text}END_OF_GATE\necho \"{_END} {name} $?\"\n"


def _answers(names, told):
    """{name: (exit status, what it said)}"""
    found, rest = {}, told.get("stdout", "")
    for name in names:
        said, mark, rest = rest.partition(f"{_END} {name} ")
        code, _newline, rest = rest.partition("\n")
        why = said.strip() or _first_line(told.get("stderr") or told.get("msg"))
        found[name] = (int(code) if mark and code.isdigit() else 1, why)
    return found


def _first_line(text):
    return re.sub(r"\s+", " ", text or "it did not answer").strip()[:300]
