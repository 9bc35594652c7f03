#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_handover
short_description: Write what kolla-ansible or OpenStack-Ansible is to bring to a cloud
description:
  - Makes a folder of what M(sovereign.ai_stack.plan) decided for one cloud, for the tool that deploys that cloud, C(deployment) in C(ai_stack_clouds); what
    C(handover) has there is about that tool. C(README.md) has the steps with their exact commands, C(put.sh) brings the files of a stage to where the tool
    reads them and refuses where somebody else's file is in the way, C(report/), C(switch/), C(limits/) and C(back/) are these files, and C(gates/) are scripts
    that ask Nova and Placement inside of their containers or environments.
  - Touches nothing of the cloud and of the other tool. Each command is run by whoever deploys that cloud.
  - Runs on the controller.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  cloud:
    description: Name of the cloud in C(ai_stack_clouds).
    type: str
    required: true
  plan:
    description: Path of the plan, C(reports.plan_json) of what M(sovereign.ai_stack.plan) returned. Without it the one in the report folder.
    type: path
  plan_sha256:
    description: Its digest, C(plan_sha256) of the same. Without it whichever is there.
    type: str
  dest:
    description:
      - The folder. Without it C(handover/CLOUD) in the report folder.
      - A file in it that is not of a hand-over is refused; files of an earlier one go.
    type: path
attributes:
  action:
    support: full
    description: All of it runs on the controller.
  check_mode:
    support: full
    description: Says which files would change.
  diff_mode:
    support: full
    description: Shows each file before and after.
seealso:
  - module: sovereign.ai_stack.cloud_plan
"""

EXAMPLES = r"""
- name: Plan the site
  sovereign.ai_stack.plan:
  register: plan

- name: Write what kolla-ansible is to bring
  sovereign.ai_stack.cloud_handover:
    cloud: main
    plan: "{{ plan.reports.plan_json }}"
    plan_sha256: "{{ plan.plan_sha256 }}"
"""

RETURN = r"""
folder:
  description: The folder.
  returned: success
  type: str
steps:
  description:
    - The steps in order, with C(n), C(stage), C(round), C(what), C(commands), C(gates) and C(costs).
    - A step is done when each of its gates holds. The first one with a gate that does not is to be done now.
  returned: success
  type: list
  elements: dict
back:
  description: The step that takes the options away again, with the same keys.
  returned: success
  type: dict
gates:
  description: By name where a gate is asked (C(hosts), C(host), C(service)), what must stand there (C(wanted)), and its C(command).
  returned: success
  type: dict
tool:
  description: What the tool is called.
  returned: success
  type: str
"""
