#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: host_plan
short_description: Take one host's slice of the plan
description:
  - Hands a role the decisions for its host. Where a verb made the plan in this run of C(ansible-playbook), that plan's slice
    is taken; a role that is used alone gets a plan of this host, from the host's own variables and its observation, by the same core.
  - Runs on the controller, changes nothing and does not fail at conflicts; a role refuses them before it touches anything.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  observation:
    description:
      - What M(sovereign.ai_stack.accelerator_facts) returned as C(observation).
    type: raw
    required: true
  driver:
    description:
      - Settings of the role, with the keys of C(ai_stack_driver); they count only where no verb made the plan, and keys that are
        null are left out.
    type: raw
  repositories:
    description:
      - Repositories of the role, as in C(ai_stack_repositories); they count only where no verb made the plan. Passwords in them are
        checked and handed on to nothing.
    type: raw
  signing:
    description:
      - With what a build host signs modules for this role, with the keys C(certificate) and C(key) of C(ai_stack_module_signing); empty
        for unsigned modules. It counts only where no verb made the plan.
    type: raw
  settled:
    description:
      - No trial build follows, so a module that is not known to build is refused. It counts only where no verb made the plan.
    type: bool
    default: false
  planned:
    description:
      - A verb made the plan in this run. Without its slice of this host the task fails, where it would otherwise plan for the host alone.
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
- name: Observe the host
  sovereign.ai_stack.accelerator_facts:
  register: seen

- name: Take the host's slice of the plan
  sovereign.ai_stack.host_plan:
    observation: "{{ seen.observation }}"
    driver: {policy: production, reboot: never}
  register: mine
"""

RETURN = r"""
planned_by:
  description: Whether a V(verb) made the plan in this run, or this task for a V(role) that is used alone.
  returned: always
  type: str
  sample: verb
state:
  description: One of planned, converged, refused, left_out, unknown, no_accelerator and not_ours.
  returned: always
  type: str
  sample: planned
because:
  description: Why the host is in that state.
  returned: always
  type: str
  sample: 12 changes
cards:
  description: The accelerators of the host, with pool and status.
  returned: always
  type: list
  elements: dict
  sample: []
decisions:
  description: Decisions by their subject.
  returned: always
  type: dict
  sample: {driver.branch: "535", reboot: true}
changes:
  description: What will change, each with resource, before and after.
  returned: always
  type: list
  elements: dict
  sample: [{resource: "package:nvidia-smi", before: null, after: 535.309.01-1}]
policy:
  description: How the driver of this host may be changed, a pool's own word before the site's; C(reboot), C(drain) and C(lock_timeout).
  returned: always
  type: dict
  sample: {reboot: when_needed, drain: /usr/local/bin/drain, lock_timeout: 300}
tenants:
  description: Servers of tenants in the way of what this host gets, and the approved time that is now; null where the host is of no cloud that gets cards.
  returned: always
  type: dict
  sample: {cloud: main, scope: all, servers: [{id: 0a1b, name: train-1, project: research}], how: cold_migrate, until: "2026-11-27T23:00Z", reason: new cards}
conflicts:
  description: Conflicts of this host and of the site.
  returned: always
  type: list
  elements: dict
  sample: []
messages:
  description: The same conflicts as text for people.
  returned: always
  type: list
  elements: str
  sample: []
plan_sha256:
  description: Digest of the plan that this is a slice of.
  returned: always
  type: str
  sample: 4d7a9f...
"""
