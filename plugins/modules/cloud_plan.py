#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_plan
short_description: Read the clouds' parts of the plan of this run
description:
  - Gives what M(sovereign.ai_stack.plan) decided for clouds, in the words of the role C(nova_pci_passthrough) and of the modules that act on a cloud.
  - Refuses a plan that was written by another run, and a cloud that is named and for which the plan has nothing.
  - Runs on the controller and changes nothing.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  cloud:
    description: Name of the cloud in C(ai_stack_clouds) whose part is returned by itself too.
    type: str
  plan:
    description: Path of the plan, C(reports.plan_json) of what M(sovereign.ai_stack.plan) returned; without it that of the report folder.
    type: path
  plan_sha256:
    description: Its digest, C(plan_sha256) of the same.
    type: str
  planned:
    description: Whether only a plan that this very run made will do, which its verb knows by the host for which the task runs.
    type: bool
    default: false
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

- name: Take the parts of all clouds that this run acts on
  sovereign.ai_stack.cloud_plan:
    planned: true
  run_once: true
  register: all
"""

RETURN = r"""
plan_sha256:
  description: Digest of the plan that was read.
  returned: success
  type: str
  sample: 4d7a9f...
clouds:
  description: For each cloud that a run acts on all that follows. It is one that packages deployed, and whose C(hosts) the site says.
  returned: success
  type: dict
hosts:
  description: Hosts that run services of the cloud, whatever the limit.
  returned: when O(cloud) is given
  type: list
  elements: str
admin:
  description: Host that has C(clouds.yaml) and the SDK.
  returned: when O(cloud) is given
  type: str
region:
  description: Region of the cloud; null where the site does not say it.
  returned: when O(cloud) is given
  type: str
settings:
  description: Options of each service, as the role C(nova_pci_passthrough) takes them.
  returned: when O(cloud) is given
  type: dict
settings_reporting:
  description: The same while hosts report their cards and nobody asks for them by Placement yet; empty where Placement does not count cards.
  returned: when O(cloud) is given
  type: dict
reporting:
  description: Hosts that report their cards already, by the record.
  returned: when O(cloud) is given
  type: list
  elements: str
computes:
  description: Hosts whose cards the cloud gets.
  returned: when O(cloud) is given
  type: list
  elements: str
providers:
  description: For each host and address what Placement must show.
  returned: when O(cloud) is given
  type: dict
out_of_service:
  description: Host and address of each card that nobody is to get.
  returned: when O(cloud) is given
  type: list
  elements: dict
not_enforced:
  description: What Nova of the cloud does not hold, in plain words.
  returned: when O(cloud) is given
  type: list
  elements: str
back_in_service:
  description: Host and address of each card that an earlier run kept from everybody, and that is in service again.
  returned: when O(cloud) is given
  type: list
  elements: dict
releaser:
  description: Host that gives cards back which are used once; null where nobody does.
  returned: when O(cloud) is given
  type: str
one_time_use:
  description:
    - Whether any pool is used once (C(wanted)), aliases with their classes, cards out of service, and for each C(host) and C(address) what the releaser wants
      to see - ids, and link and firmware where the record has them, or a run saw them while nobody had the card.
  returned: when O(cloud) is given
  type: dict
compute_ids:
  description: Ids by which Nova knows its computes, by the record.
  returned: when O(cloud) is given
  type: dict
counts_cards:
  description: Whether limits count cards.
  returned: when O(cloud) is given
  type: bool
aggregates:
  description: Aggregates with hosts, metadata, and the tenant that a filter leaves in.
  returned: when O(cloud) is given
  type: list
  elements: dict
host_traits:
  description: Traits of the providers of hosts.
  returned: when O(cloud) is given
  type: dict
registered:
  description: Registered limits by name.
  returned: when O(cloud) is given
  type: dict
projects:
  description: Limits of projects.
  returned: when O(cloud) is given
  type: dict
flavors:
  description: Flavors, without a word on who may use them.
  returned: when O(cloud) is given
  type: list
  elements: dict
access:
  description: The same flavors, with the projects that may.
  returned: when O(cloud) is given
  type: list
  elements: dict
"""
