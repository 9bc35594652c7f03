#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_plan
short_description: Read a cloud's part of the plan of this run
description:
  - Gives what M(sovereign.ai_stack.plan) decided for one cloud, in the words of the role C(nova_pci_passthrough) and of the modules that act on a cloud.
  - Refuses a plan that was written by another run, and a cloud for which the plan has nothing.
  - Runs on the controller and changes nothing.
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
  - module: sovereign.ai_stack.plan
"""

EXAMPLES = r"""
- name: Plan the site
  sovereign.ai_stack.plan:
  register: plan

- name: Take the part of one cloud
  sovereign.ai_stack.cloud_plan:
    cloud: main
    plan: "{{ plan.reports.plan_json }}"
    plan_sha256: "{{ plan.plan_sha256 }}"
  register: main
"""

RETURN = r"""
settings:
  description: Options of each service, as the role C(nova_pci_passthrough) takes them.
  returned: success
  type: dict
settings_reporting:
  description: The same while hosts report their cards and nobody asks for them by Placement yet; empty where Placement does not count cards.
  returned: success
  type: dict
reporting:
  description: Hosts that report their cards already, by the record.
  returned: success
  type: list
  elements: str
computes:
  description: Hosts whose cards the cloud gets.
  returned: success
  type: list
  elements: str
providers:
  description: For each host and address what Placement must show.
  returned: success
  type: dict
out_of_service:
  description: Host and address of each card that nobody is to get.
  returned: success
  type: list
  elements: dict
counts_cards:
  description: Whether limits count cards.
  returned: success
  type: bool
aggregates:
  description: Aggregates with hosts, metadata, and the tenant that a filter leaves in.
  returned: success
  type: list
  elements: dict
host_traits:
  description: Traits of the providers of hosts.
  returned: success
  type: dict
registered:
  description: Registered limits by name.
  returned: success
  type: dict
projects:
  description: Limits of projects.
  returned: success
  type: dict
flavors:
  description: Flavors, without a word on who may use them.
  returned: success
  type: list
  elements: dict
access:
  description: The same flavors, with the projects that may.
  returned: success
  type: list
  elements: dict
"""
