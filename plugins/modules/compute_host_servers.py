#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_host_servers
short_description: Name the servers and migrations of hosts, with their tenants
description:
  - Lists for each host the servers that are on it and the migrations to or from it that are not over. A resize that waits for its confirmation is not over.
  - So that nobody's server is stopped by surprise.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
extends_documentation_fragment:
  - sovereign.ai_stack.cloud
  - sovereign.ai_stack.cloud.info
options:
  hosts:
    description:
      - The hosts, by short or full name.
    type: list
    elements: str
    required: true
  missing:
    description:
      - What becomes of a host that has no compute service; V(ignore) only names it in RV(missing).
    type: str
    choices: [refuse, ignore]
    default: refuse
seealso:
  - module: sovereign.ai_stack.pci_view_info
"""

EXAMPLES = r"""
- name: Say who is on the host
  sovereign.ai_stack.compute_host_servers:
    cloud: main
    hosts: [compute1]
  register: there
"""

RETURN = r"""
hosts:
  description: For each host its compute service, its servers with the cards that they ask for by alias, and its migrations.
  returned: success
  type: dict
  sample:
    compute1:
      service_host: compute1
      status: disabled
      state: up
      servers:
        - {id: 0a1b, name: train-1, status: ACTIVE, project_id: 9f8e, project: research, flavor: h100.1x.16c.192g.100d, host: compute1,
           wants_cards: {h100: 1}}
      migrations: []
tenants:
  description: For each host the projects that have a server on it.
  returned: success
  type: dict
  sample: {compute1: [research]}
missing:
  description: Hosts without a compute service.
  returned: success
  type: list
  elements: str
  sample: []
calls:
  description: Requests that were made, beside login and discovery.
  returned: success
  type: int
  sample: 4
"""

from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import look, naming, servers, work
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud.session import CloudError

ARGUMENTS = {
    "hosts": {"type": "list", "elements": "str", "required": True},
    "missing": {"type": "str", "choices": ["refuse", "ignore"], "default": "refuse"},
}


def seen(session, module):
    services = {one["host"]: one for one in look.services(session)}
    found, mistakes = naming.hosts_of(module.params["hosts"], list(services), "compute service")
    if mistakes and module.params["missing"] == "refuse":
        raise CloudError("\n".join(mistakes))
    projects = look.projects(session)
    rows = {host: _host(session, services[real], projects) for host, real in found.items()}
    tenants = {host: sorted({one["project"] for one in row["servers"]}) for host, row in rows.items()}
    return {"hosts": rows, "tenants": tenants, "missing": [host for host in module.params["hosts"] if host not in found]}


def _host(session, service, projects):
    return {
        "service_host": service["host"],
        "status": service["status"],
        "state": service["state"],
        "servers": [servers.server_of(one, projects) for one in look.servers(session, host=service["host"])],
        "migrations": look.migrations(session, service["host"]),
    }


def main():
    module = work.start(ARGUMENTS)
    work.observe(module, lambda session: seen(session, module))


if __name__ == "__main__":
    main()
