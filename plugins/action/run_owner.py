# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""In whose name a host is changed; see the module of the same name for its documentation."""

from __future__ import annotations

from ansible.plugins.action import ActionBase

from ..plugin_utils import _lock, _run
from ..plugin_utils._edge import one_sentence


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec({"owner": {"type": "str"}, "journal": {"type": "raw"}})
        with one_sentence(self._display, result, "The name of this run"):
            journal = _run.plain(arguments["journal"])
            theirs = journal.get("owner") if isinstance(journal, dict) else None
            owner = arguments["owner"] or _lock.name_of_run()
            gone = theirs if _lock.is_over(theirs) else None
            result.update(changed=False, owner=owner, instead_of=gone, options=["--owner", owner, *(["--instead-of", gone] if gone else [])])
        return result
