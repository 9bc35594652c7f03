# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""One host's slice of the plan held against what is there; see the module of the same name for its documentation."""

from __future__ import annotations

import os

from ansible.plugins.action import ActionBase

from ..plugin_utils import _look, _prover, _run
from ..plugin_utils._edge import one_sentence


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec({part: {"type": "raw", "required": True} for part in ("observation", "plan")})
        with one_sentence(self._display, result, "The proof of this host", "What was done before is not proven."):
            self._host_proof(_run.plain(arguments["observation"]), _run.plain(arguments["plan"]), task_vars, result)
        return result

    def _host_proof(self, observation, plan, task_vars, result):
        host, folder = task_vars["inventory_hostname"], os.getcwd()
        waivers, extra = _prover.of_site(_run.host_variables(self._templar, task_vars)[0], folder)
        seen = _look.alone(host, observation)
        evidence = _prover.evidence_of({"hosts": {host: plan}}, seen, [host], waivers, _run.now(), extra, task_vars["groups"])
        missing, counts = _prover.text_of(evidence["checks"]), _prover.counts_of(evidence)
        result.update(changed=False, checks=evidence["checks"], summary=evidence["summary"], failed=bool(missing))
        result["msg"] = "\n".join([f"{'Not proven' if missing else 'Proven'}: {counts}", *missing])
