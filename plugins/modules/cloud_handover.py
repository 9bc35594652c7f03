#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_handover
short_description: Write what kolla-ansible or OpenStack-Ansible is to bring to a cloud
description:
  - Makes a folder of what M(sovereign.ai_stack.plan) decided for one cloud, for the tool that deploys that cloud. C(README.md) has the steps with their exact
    commands, C(put.sh) brings the files of a stage to where the tool reads them and refuses where somebody else's file is in the way, C(report/), C(switch/)
    and C(limits/) are these files, and C(gates/) are scripts that ask Nova and Placement inside of their containers or environments.
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
    description: Path of the plan, C(reports.plan_json) of what M(sovereign.ai_stack.plan) returned.
    type: path
    required: true
  plan_sha256:
    description: Its digest, C(plan_sha256) of the same.
    type: str
    required: true
  deployment:
    description: What deploys the cloud.
    type: str
    required: true
    choices: [kolla, openstack_ansible]
  dest:
    description:
      - The folder, absolute, since commands name it; C(handover/CLOUD) in the report folder is a good place.
      - A file in it that is not of a hand-over is refused; files of an earlier one go.
    type: path
    required: true
  config:
    description:
      - Where the tool reads what overrides its own templates.
      - Without it C(/etc/kolla/config) or C(/etc/openstack_deploy).
    type: path
  inventory:
    description: Inventory of kolla-ansible. Without it C(/etc/kolla/inventory). Hosts have the same names there as here.
    type: path
  playbooks:
    description: Where the playbooks of OpenStack-Ansible lie. Without it C(/opt/openstack-ansible/playbooks).
    type: path
  engine:
    description: What runs the containers of kolla-ansible. Without it C(docker).
    type: str
    choices: [docker, podman]
  kept:
    description:
      - 'Lines of the site that stand beside ours, by service, section and option, as in V({nova-compute: {pci: {device_spec: [LINE]}}}).'
      - Both tools take one place for the other, so lines of C(device_spec) and C(alias) for other devices have to be in one file with ours.
    type: dict
    default: {}
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
    deployment: kolla
    dest: "{{ plan.reports.plan_json | dirname | realpath }}/handover/main"
    inventory: /etc/kolla/multinode
"""

RETURN = r"""
folder:
  description: The folder.
  returned: success
  type: str
steps:
  description:
    - The steps in order, with C(n), C(stage), C(what), C(commands), C(gates) and C(costs).
    - A step is done when each of its gates holds. The first one with a gate that does not is to be done now.
  returned: success
  type: list
  elements: dict
gates:
  description: By name where a gate is asked (C(hosts), C(service)), what must stand there (C(wanted)), and its C(command).
  returned: success
  type: dict
"""
