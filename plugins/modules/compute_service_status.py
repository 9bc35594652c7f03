#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_service_status
short_description: Keep new servers away from hosts for a while, without undoing what an admin did
description:
  - Disables compute services of Nova with a reason, and enables those that it disabled.
  - The reason that Nova keeps begins with C(ai-stack), a colon and a space. A service that is disabled for another reason is somebody else's,
    and stays disabled.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
extends_documentation_fragment:
  - sovereign.ai_stack.cloud
  - sovereign.ai_stack.cloud.changes
options:
  hosts:
    description:
      - The hosts, by short or full name.
    type: list
    elements: str
    required: true
  state:
    description:
      - Whether the services take new servers.
    type: str
    choices: [enabled, disabled]
    required: true
  reason:
    description:
      - Why they do not. Needed for O(state=disabled).
    type: str
  missing:
    description:
      - What becomes of a host that has no compute service; V(ignore) only names it in RV(missing).
    type: str
    choices: [refuse, ignore]
    default: refuse
seealso:
  - module: sovereign.ai_stack.compute_host_servers
  - module: openstack.cloud.compute_service_info
"""

EXAMPLES = r"""
- name: Keep new servers away while the host changes
  sovereign.ai_stack.compute_service_status:
    cloud: main
    hosts: [compute1]
    state: disabled
    reason: bindings of its cards change

- name: Take new servers again
  sovereign.ai_stack.compute_service_status:
    cloud: main
    hosts: [compute1]
    state: enabled
"""

RETURN = r"""
services:
  description: The services afterwards. C(ours) says whether it is disabled by this module, C(state) whether it reports.
  returned: success
  type: list
  elements: dict
  sample: [{host: compute1, service_host: compute1.example.org, status: disabled, reason: "ai-stack: bindings of its cards change", ours: true, state: up}]
left_alone:
  description: Hosts that somebody else disabled.
  returned: success
  type: list
  elements: str
  sample: []
missing:
  description: Hosts without a compute service.
  returned: success
  type: list
  elements: str
  sample: []
changes:
  description: What was changed, or would be, as sentences. After a failure what was changed before it.
  returned: always
  type: list
  elements: str
  sample: ["compute service of compute1 is disabled"]
kept:
  description: Always empty; it is there for all modules of clouds.
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
  sample: 2
"""

from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import look, services, work

ARGUMENTS = {
    "hosts": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["enabled", "disabled"], "required": True},
    "reason": {"type": "str"},
    "missing": {"type": "str", "choices": ["refuse", "ignore"], "default": "refuse"},
}


def main():
    module = work.start(ARGUMENTS)
    hosts, state, reason, missing = [module.params[name] for name in ("hosts", "state", "reason", "missing")]
    work.converge(module, look.services, lambda seen: services.decide(hosts, state, reason, seen, missing == "ignore"))


if __name__ == "__main__":
    main()
