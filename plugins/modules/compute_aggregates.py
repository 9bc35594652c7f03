#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_aggregates
short_description: Make host aggregates of Nova with hosts, metadata and tenants, in one call
description:
  - Makes aggregates that are missing and gives them exactly the hosts that are named.
  - Metadata that is not named is left alone, but for C(filter_tenant_id) and its suffixed forms where O(aggregates[].filter_tenant_id) is given.
  - Aggregates that are not named are left alone.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
extends_documentation_fragment:
  - sovereign.ai_stack.cloud
  - sovereign.ai_stack.cloud.domain
  - sovereign.ai_stack.cloud.changes
options:
  aggregates:
    description:
      - The aggregates, as the plan has them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the aggregate.
        type: str
        required: true
      hosts:
        description:
          - Hosts, by short or full name. With O(state=absent) those that leave; with none named all leave.
        type: list
        elements: str
        default: []
      metadata:
        description: Metadata that it has.
        type: dict
        default: {}
      filter_tenant_id:
        description:
          - The project, or a list of the projects, that these hosts are for, by name or id.
        type: raw
  state:
    description:
      - V(absent) takes the hosts out and removes an aggregate that then has none.
    type: str
    choices: [present, absent]
    default: present
  whole:
    description:
      - Whether this run saw all hosts of the site. Without it no host and no project is taken out and nothing is removed; what would have been
        is told as RV(kept).
    type: bool
    default: true
seealso:
  - module: sovereign.ai_stack.placement_providers
  - module: openstack.cloud.host_aggregate
"""

EXAMPLES = r"""
- name: Keep plain servers away from hosts with cards, and others away from those of one tenant
  sovereign.ai_stack.compute_aggregates:
    cloud: main
    aggregates:
      - name: ai-stack-gpu
        hosts: [compute1, compute2]
        metadata: {"trait:CUSTOM_AI_STACK_GPU": required}
      - name: ai-stack-tenant-research
        hosts: [compute1]
        filter_tenant_id: research
"""

RETURN = r"""
aggregates:
  description: The aggregates afterwards, with the names that Nova has for the hosts; C(id) is null where check mode did not make it.
  returned: success
  type: list
  elements: dict
  sample: [{name: ai-stack-gpu, id: 3, hosts: [compute1, compute2], metadata: {"trait:CUSTOM_AI_STACK_GPU": required}}]
changes:
  description: What was changed, or would be, as sentences. After a failure what was changed before it.
  returned: always
  type: list
  elements: str
  sample: ["host compute2 joins aggregate ai-stack-gpu"]
kept:
  description: What was not taken away.
  returned: success
  type: list
  elements: str
  sample: []
mistakes:
  description: All that is wrong with what was asked for, as sentences.
  returned: where something is
  type: list
  elements: str
  sample: []
calls:
  description: Requests that were made, beside login and discovery.
  returned: always
  type: int
  sample: 3
"""

from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import aggregates, look, work

AGGREGATE = {
    "name": {"type": "str", "required": True},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "metadata": {"type": "dict", "default": {}},
    "filter_tenant_id": {"type": "raw"},
}
ARGUMENTS = {
    "aggregates": {"type": "list", "elements": "dict", "required": True, "options": AGGREGATE},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "whole": {"type": "bool", "default": True},
    "domain": {"type": "str"},
}


def seen(session, module):
    there = look.aggregates(session)
    if module.params["state"] == "absent":
        return {"aggregates": there}, None
    wanted = sorted({name for row in module.params["aggregates"] for name in aggregates.tenants_of(row) or ()})
    return {"aggregates": there, "hosts": [one["host"] for one in look.services(session)]}, look.projects(session, module.params["domain"], wanted or None)


def main():
    module = work.start(ARGUMENTS)
    for row in module.params["aggregates"]:
        if not isinstance(row["filter_tenant_id"], (str, list, type(None))):
            module.fail_json(msg=f"filter_tenant_id of aggregate {row['name']} is neither a project nor a list of projects")
    decide = getattr(aggregates, module.params["state"])
    work.converge(module, lambda session: seen(session, module), lambda found: decide(module.params["aggregates"], *found, module.params["whole"]))


if __name__ == "__main__":
    main()
