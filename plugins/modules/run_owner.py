#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: run_owner
short_description: Say in whose name a host is changed
description:
  - Names this run of C(ansible-playbook) by user, controller and process, so that a host's journal tells it from every other run.
  - Says whether the run that left a change open on the host is certainly over, which only the controller it ran on can know.
  - Runs on the controller and changes nothing.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  owner:
    description:
      - A name to take instead, for runs that may go on with one another's change although their controllers come and go.
      - Empty for the name of this run.
    type: str
  journal:
    description:
      - The change that is open on the host, C(journal.open) of what M(sovereign.ai_stack.accelerator_facts) returned.
    type: raw
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
  - module: sovereign.ai_stack.host_plan
"""

EXAMPLES = r"""
- name: Observe the host
  sovereign.ai_stack.accelerator_facts:
  register: seen

- name: Say which run this is
  sovereign.ai_stack.run_owner:
    journal: "{{ seen.observation.journal.open }}"
  register: mine
"""

RETURN = r"""
owner:
  description: Name of this run, C(USER@CONTROLLER#PROCESS.START), or the name that was given.
  returned: always
  type: str
  sample: root@controller#4711.1234567
instead_of:
  description: Owner of the open change if its run is certainly over, else null.
  returned: always
  type: str
  sample: null
options:
  description: The same for the command line of the program on the host.
  returned: always
  type: list
  elements: str
  sample: ["--owner", "root@controller#4711.1234567"]
"""
