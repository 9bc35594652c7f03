#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: passthrough_plan
short_description: Say what a host gives away to guests
description:
  - Hands the role C(pci_passthrough) what its host is to keep, and what differs. Where a verb made the plan in this run of
    C(ansible-playbook), that plan's slice is taken; a role that is used alone gets it from its own variables, by the same rules.
  - Says everything that speaks against it at once, also what keeps another boot entry from being tried once.
  - Runs on the controller, changes nothing and does not fail at conflicts; a role refuses them before it touches anything.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  observation:
    description:
      - What M(sovereign.ai_stack.accelerator_facts) returned as C(observation), with the addresses of the cards among its C(addresses).
    type: raw
    required: true
  cards:
    description:
      - Cards by PCI address, each with C(vendor) and C(device). They count only where no verb made the plan.
    type: raw
  arguments:
    description:
      - Arguments for the kernel. They count only where no verb made the plan.
    type: raw
  modules:
    description:
      - Modules to load at boot beside those of the tables. They count only where no verb made the plan.
    type: raw
  keep_off:
    description:
      - Drivers that this host keeps off. They count only where no verb made the plan.
    type: raw
  pages:
    description:
      - Numbers of pages to keep from the boot on, by their size.
    type: raw
  console:
    description:
      - A console of the host is at hand, for hosts where it cannot be proven that a boot is tried only once.
    type: bool
    default: false
  planned:
    description:
      - A verb made the plan in this run. Without its slice of this host the task fails.
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
  - module: sovereign.ai_stack.host_plan
"""

EXAMPLES = r"""
- name: Observe the host
  sovereign.ai_stack.accelerator_facts:
    addresses: ["0000:17:00.0"]
  register: seen

- name: Say what it gives away
  sovereign.ai_stack.passthrough_plan:
    observation: "{{ seen.observation }}"
    cards: {"0000:17:00.0": {vendor: "10de", device: "2331"}}
  register: mine
"""

RETURN = r"""
planned_by:
  description: Whether a V(verb) made the plan in this run, or this task for a V(role) that is used alone.
  returned: always
  type: str
  sample: role
want:
  description: What the host is to keep, C(cards), C(arguments), C(modules) and C(keep_off); null where it gives nothing away.
  returned: always
  type: dict
  sample: {arguments: [intel_iommu=on], keep_off: [nouveau]}
changes:
  description: What differs, each with resource, before and after.
  returned: always
  type: list
  elements: dict
  sample: [{resource: "override:0000:17:00.0", before: nouveau, after: vfio-pci}]
policy:
  description: How this host may be changed, by the plan of a verb; null for a role that is used alone.
  returned: always
  type: dict
  sample: {reboot: when_needed, drain: /usr/local/bin/drain, lock_timeout: 300}
tenants:
  description: Servers of tenants in the way of what this host gets, and the approved time that is now; null where the host is of no cloud that gets cards.
  returned: always
  type: dict
  sample: {cloud: main, scope: all, servers: [{id: 0a1b, name: train-1, project: research}], how: cold_migrate, until: "2026-11-27T23:00Z", reason: new cards}
conflicts:
  description: Everything that speaks against it.
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
warnings_said:
  description: What is said and stops nothing, as text for people.
  returned: always
  type: list
  elements: str
  sample: []
plan_sha256:
  description: Digest of what is to be done.
  returned: always
  type: str
  sample: 4d7a9f...
"""
