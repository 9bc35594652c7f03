#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: host_proof
short_description: Hold one host against its slice of the plan
description:
  - Makes the checks that M(sovereign.ai_stack.evidence) makes for a site, for one host and without a report, so that a role can tell
    whether what it did is there.
  - Fails where a check fails or cannot be made and no waiver of C(ai_stack_waivers) accepts it; then the role leads its host back.
  - Runs on the controller and changes nothing.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  observation:
    description:
      - What M(sovereign.ai_stack.accelerator_facts) returned as C(observation), made after the last change.
    type: raw
    required: true
  plan:
    description:
      - What M(sovereign.ai_stack.host_plan) returned, before the first change.
    type: raw
    required: true
attributes:
  action:
    support: full
    description: All of it runs on the controller.
  check_mode:
    support: full
    description: It never changes anything.
  diff_mode:
    support: none
    description: It never changes anything.
seealso:
  - module: sovereign.ai_stack.evidence
  - module: sovereign.ai_stack.host_plan
"""

EXAMPLES = r"""
- name: Observe the host
  sovereign.ai_stack.accelerator_facts:
  register: seen

- name: Decide
  sovereign.ai_stack.host_plan:
    observation: "{{ seen.observation }}"
  register: mine

- name: Prove what is there
  sovereign.ai_stack.host_proof:
    observation: "{{ seen.observation }}"
    plan: "{{ mine }}"
"""

RETURN = r"""
checks:
  description: The checks as in C(evidence.json).
  returned: always
  type: list
  elements: dict
  sample: [{id: gpu_driver.nvml_answers, host: gpu-1, status: pass}]
summary:
  description: How many checks came to what.
  returned: always
  type: dict
  sample: {pass: 17, fail: 0, unknown: 0, waived: 0, not_applicable: 3}
msg:
  description: The same in words, with each check that is not proven.
  returned: always
  type: str
  sample: "Proven: 17 pass, 3 not_applicable"
"""
