#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: evidence
short_description: Prove what the plan promised
description:
  - Holds what was just observed of the hosts against C(plan.json) and writes C(evidence.json) and C(evidence.html).
  - Takes what the task before it registered as C(__ai_stack_observation). A host that did not answer is unknown, and unknown is no pass.
  - Looks at the hosts inside the limit. Runs on the controller, once.
  - Fails after writing when a check is C(fail) or C(unknown), or none is C(pass). A conflict of the site in the plan is a failed check, and so
    is a waiver that the plan relies on and that ended or was taken away since.
  - With C(ai_stack_observations) it says whether recorded files agree with the plan, which proves nothing of a host and is never signed.
  - A failed check whose rule a waiver covers today is C(waived), with approver and end.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  mode:
    description:
      - V(verify) looks at what is there now.
      - V(deploy) also writes C(changes.json), the changes that were predicted and those that were made, as the difference between
        what was observed when the plan was made and now; and gives the site lock back.
    type: str
    choices: [verify, deploy]
    default: verify
attributes:
  action:
    support: full
    description: All of it runs on the controller.
  bypass_host_loop:
    support: full
    description: It runs once for a play, whatever the number of hosts.
  check_mode:
    support: full
    description: Reports are written; they are what it is for.
  diff_mode:
    support: none
    description: It changes no host.
seealso:
  - module: sovereign.ai_stack.plan
"""

EXAMPLES = r"""
- name: Prove what the plan promised
  sovereign.ai_stack.evidence:
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
summary:
  description: Number of checks by status.
  returned: always
  type: dict
  sample: {pass: 240, fail: 0, unknown: 0, waived: 2, not_applicable: 1}
reports:
  description: Where the reports are. What is not proven is shown while the task runs and stands in C(evidence.json).
  returned: always
  type: dict
  sample: {evidence_json: reports/example/evidence.json, evidence_html: reports/example/evidence.html}
"""
