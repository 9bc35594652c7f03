#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_facts
short_description: Observe a cloud
description:
  - Reads in one call what a plan and its proof want to know of a cloud, as one document. That is its projects and compute services, the servers, migrations
    and cards of hosts, flavors that ask for cards, aggregates, and limits of classes of cards.
  - It has no secret in it, and changes nothing.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
extends_documentation_fragment:
  - sovereign.ai_stack.cloud
  - sovereign.ai_stack.cloud.info
options:
  hosts:
    description:
      - The hosts that run services of the cloud, by short or full name. One without a compute service, as a controller, is only named as missing.
    type: list
    elements: str
    default: []
seealso:
  - module: sovereign.ai_stack.accelerator_facts
  - module: sovereign.ai_stack.plan
"""

EXAMPLES = r"""
- name: Observe the clouds of the site
  sovereign.ai_stack.cloud_facts:
    cloud: "{{ item.name }}"
    hosts: "{{ groups[item.hosts] }}"
  loop: "{{ ai_stack_clouds }}"
  run_once: true
  register: seen
"""

RETURN = r"""
observation:
  description: The document, of the schema C(sovereign.ai_stack/cloud/1).
  returned: success
  type: dict
  sample:
    schema: sovereign.ai_stack/cloud/1
    at: "2026-11-27T22:00:00Z"
    cloud: main
    projects: [admin, research]
    project_ids: {1a2b: admin, 9f8e: research}
    services:
      compute1: {status: enabled, reason: null, state: up, ours: false}
    hosts:
      compute1: {service_host: compute1, servers: [], migrations: []}
    missing: [controller]
    providers:
      compute1:
        "0000:17:00.0": {class: CUSTOM_H100, total: 1, reserved: 0, used: 0, traits: [COMPUTE_MANAGED_PCI_DEVICE, CUSTOM_GPU_H100], servers: []}
    host_traits:
      compute1: [CUSTOM_AI_STACK_GPU]
    without_allocation: []
    flavors:
      h100.1x.16c.192g.100d: {vcpus: 16, ram_mib: 196608, disk_gib: 100, is_public: false, extra_specs: {"pci_passthrough:alias": "h100:1"}, access: [research]}
    aggregates:
      ai-stack-gpu: {hosts: [compute1], metadata: {}}
    limits: {registered: {"class:CUSTOM_H100": 0}, projects: {research: {"class:CUSTOM_H100": 4}}}
    errors: []
calls:
  description: Requests that were made, beside login and discovery.
  returned: success
  type: int
  sample: 20
"""

import datetime

from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import whole, work

ARGUMENTS = {"hosts": {"type": "list", "elements": "str", "default": []}}


def main():
    module = work.start(ARGUMENTS)
    at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    cloud, hosts = module.params["cloud"], module.params["hosts"]
    work.observe(module, lambda session: {"observation": whole.observation(session, cloud, hosts, at)})


if __name__ == "__main__":
    main()
