#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_quotas_info
short_description: Read the quotas that Nova keeps, as limits that Keystone can take
description:
  - Before Nova counts by unified limits, every default and every quota of a project needs an equal limit, or tenants that have nothing to do with cards
    get others than before. This reads them in the shape that M(sovereign.ai_stack.identity_limits) takes.
  - Quotas of networks have no limit, and are left out.
  - Where Nova counts by unified limits already, it tells these here; so the same call compares before and after.
options:
  compared:
    description:
      - Whether to hold the quotas against the limits that Keystone has. This reads limits of all projects, with the same login for the whole system as
        M(sovereign.ai_stack.identity_limits).
    type: bool
    default: false
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
extends_documentation_fragment:
  - sovereign.ai_stack.cloud
  - sovereign.ai_stack.cloud.info
seealso:
  - module: sovereign.ai_stack.identity_limits
"""

EXAMPLES = r"""
- name: Read the quotas of all projects
  sovereign.ai_stack.compute_quotas_info:
    cloud: main
    compared: true
  register: quotas

- name: Give each that has none an equal limit
  sovereign.ai_stack.identity_limits:
    cloud: main
    registered: "{{ quotas.unequal.registered }}"
    projects: "{{ quotas.unequal.projects }}"
"""

RETURN = r"""
registered:
  description: The defaults for every project, by the name of the limit. -1 is no limit.
  returned: success
  type: dict
  sample: {servers: 10, "class:VCPU": 20, "class:MEMORY_MB": 51200}
projects:
  description: What projects have otherwise than the defaults, by name, or by id where several have that name.
  returned: success
  type: dict
  sample: {research: {servers: 100}}
unequal:
  description: Quotas that have no equal limit in Keystone yet, as M(sovereign.ai_stack.identity_limits) takes them.
  returned: with O(compared=true)
  type: dict
  sample: {registered: {servers: 10}, projects: {research: {servers: 100}}}
doubts:
  description:
    - What a limit would not hold as the quota did, as sentences. Flavors that pin CPUs count as cores in a quota, and as a class of their own in limits,
      where a class without a registered limit has no end.
  returned: with O(compared=true)
  type: list
  elements: str
  sample: []
calls:
  description: Requests that were made, beside login and discovery. One for each project, since Nova shows one at a time.
  returned: success
  type: int
  sample: 52
"""

from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import look, quotas, work


def seen(session, compared):
    projects = look.projects(session)
    defaults = quotas.as_limits(look.quota(session, "os-quota-class-sets/default", "quota_class_set"))
    rows = {one: quotas.as_limits(look.quota(session, f"os-quota-sets/{one}", "quota_set")) for one in projects.rows}
    found = {"registered": defaults, "projects": named(projects, {one: quotas.difference(row, defaults) for one, row in rows.items()})}
    if compared:
        there = look.limits(session, "compute")
        registered, own = quotas.unequal(defaults, rows, there)
        found["unequal"] = {"registered": registered, "projects": named(projects, own)}
        found["doubts"] = list(quotas.doubts(defaults, there, look.flavors(session)))
    return found


def named(projects, rows):
    return dict(sorted((projects.key(identity), row) for identity, row in rows.items() if row))


def main():
    module = work.start({"compared": {"type": "bool", "default": False}})
    work.observe(module, lambda session: seen(session, module.params["compared"]))


if __name__ == "__main__":
    main()
