#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: identity_limits
short_description: Set registered limits and limits of projects in Keystone, many in one call
description:
  - Limits are made for a service in a region, the one of its endpoint exactly. Limits without a region are made by nobody here, since no service reads them.
  - Limits that are not named are left alone.
  - Keystone shows limits of other projects only to a login for the whole system up to 2025.2, so the list is read with the same login for the whole
    system. It needs the role reader there. A cloud entry that has C(system_scope) is taken as it is.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
extends_documentation_fragment:
  - sovereign.ai_stack.cloud
  - sovereign.ai_stack.cloud.domain
  - sovereign.ai_stack.cloud.changes
options:
  registered:
    description:
      - Defaults for every project, by name of the resource, such as C(servers) or a resource class with C(class) and a colon before it.
        -1 is no limit.
    type: dict
    default: {}
  projects:
    description:
      - Limits by project, by name or id, and name of the resource. Each needs a registered limit, named here or there already.
    type: dict
    default: {}
  service_type:
    description:
      - Type of the service that reads them.
    type: str
    default: compute
  state:
    description:
      - V(absent) removes the named ones, whatever their values. A registered limit is refused while projects that are not named have limits of it.
    type: str
    choices: [present, absent]
    default: present
  whole:
    description:
      - Whether this run saw all hosts of the site. Without it nothing is lowered or removed; what would have been is told as RV(kept).
    type: bool
    default: true
seealso:
  - module: sovereign.ai_stack.compute_flavors
  - module: openstack.cloud.quota
"""

EXAMPLES = r"""
- name: Limit the cards of each tenant
  sovereign.ai_stack.identity_limits:
    cloud: main
    region: RegionOne
    registered: {"class:CUSTOM_H100_PASSTHROUGH": 0}
    projects:
      research: {"class:CUSTOM_H100_PASSTHROUGH": 8}
      health: {"class:CUSTOM_H100_PASSTHROUGH": 4}
"""

RETURN = r"""
limits:
  description: The named limits afterwards.
  returned: success
  type: dict
  sample: {registered: {"class:CUSTOM_H100_PASSTHROUGH": 0}, projects: {research: {"class:CUSTOM_H100_PASSTHROUGH": 8}}}
changes:
  description: What was changed, or would be, as sentences. After a failure what was changed before it.
  returned: always
  type: list
  elements: str
  sample: ["limit class:CUSTOM_H100_PASSTHROUGH of project research is 8, it was 4"]
kept:
  description: What was not lowered or removed since O(whole=false).
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
  sample: 5
"""

from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import limits, look, work

ARGUMENTS = {
    "registered": {"type": "dict", "default": {}},
    "projects": {"type": "dict", "default": {}},
    "service_type": {"type": "str", "default": "compute"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "whole": {"type": "bool", "default": True},
    "domain": {"type": "str"},
}


def seen(session, module):
    rows = look.limits(session, module.params["service_type"])
    return rows, look.projects(session, module.params["domain"], list(module.params["projects"]))


def main():
    module = work.start(ARGUMENTS)
    registered, projects = module.params["registered"], module.params["projects"]
    wrong = [name for name, values in projects.items() if not isinstance(values, dict)]
    if wrong:
        module.fail_json(msg="\n".join(f"limits of project {name} are no dictionary of names and numbers" for name in wrong))
    decide = getattr(limits, module.params["state"])
    work.converge(module, lambda session: seen(session, module), lambda found: decide(registered, projects, *found, module.params["whole"]))


if __name__ == "__main__":
    main()
