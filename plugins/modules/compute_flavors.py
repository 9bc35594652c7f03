#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_flavors
short_description: Make many flavors of Nova, with extra specs and access, in one call
description:
  - Makes flavors that are missing, gives them exactly the extra specs that are named, and opens them to exactly the projects that are named.
  - A flavor that is there under a name with another size is refused, since Nova cannot change a size, and another flavor wants another name.
  - Flavors that are not named are left alone.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
extends_documentation_fragment:
  - sovereign.ai_stack.cloud
  - sovereign.ai_stack.cloud.domain
  - sovereign.ai_stack.cloud.changes
options:
  flavors:
    description:
      - The flavors, as the plan has them. With O(state=absent) only their names are looked at.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the flavor.
        type: str
        required: true
      vcpus:
        description: Number of virtual processors.
        type: int
      ram_mib:
        description: Memory in MiB.
        type: int
      disk_gib:
        description: Root disk in GiB.
        type: int
      is_public:
        description: Whether every project sees it.
        type: bool
        default: false
      extra_specs:
        description: All extra specs that it has; others are taken away.
        type: dict
        default: {}
      access:
        description:
          - Projects that may use it, by name or id; others lose it. An empty list opens it to nobody.
          - Without it the access list is neither read nor changed, so that access can be given last.
        type: list
        elements: str
  state:
    description:
      - V(absent) removes the flavors. One that a server uses is refused, and server and project are named.
    type: str
    choices: [present, absent]
    default: present
  whole:
    description:
      - Whether this run saw all hosts of the site. Without it nothing is taken away or removed; what would have been is told as RV(kept).
    type: bool
    default: true
seealso:
  - module: sovereign.ai_stack.identity_limits
  - module: openstack.cloud.compute_flavor
"""

EXAMPLES = r"""
- name: Make the flavors, for nobody yet
  sovereign.ai_stack.compute_flavors:
    cloud: main
    flavors:
      - name: h100.1x.16c.192g.100d
        vcpus: 16
        ram_mib: 196608
        disk_gib: 100
        extra_specs: {"pci_passthrough:alias": "h100:1", "hw:numa_nodes": "1"}

- name: Open one of them, once the limits are there
  sovereign.ai_stack.compute_flavors:
    cloud: main
    flavors:
      - name: h100.1x.16c.192g.100d
        vcpus: 16
        ram_mib: 196608
        disk_gib: 100
        extra_specs: {"pci_passthrough:alias": "h100:1", "hw:numa_nodes": "1"}
        access: [research]
"""

RETURN = r"""
flavors:
  description: The flavors afterwards; C(id) is null where check mode did not make it, C(access) is null where it was not asked for.
  returned: success
  type: list
  elements: dict
  sample: [{name: h100.1x.16c.192g.100d, id: 7b1d63a2-8f14-4d5e-b9f7-0d0ef5c2a5f1, access: [research]}]
changes:
  description: What was changed, or would be, as sentences. After a failure what was changed before it.
  returned: always
  type: list
  elements: str
  sample: ["flavor h100.1x.16c.192g.100d is made"]
kept:
  description: What was not taken away since O(whole=false).
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

from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import flavors, look, work

FLAVOR = {
    "name": {"type": "str", "required": True},
    "vcpus": {"type": "int"},
    "ram_mib": {"type": "int"},
    "disk_gib": {"type": "int"},
    "is_public": {"type": "bool", "default": False},
    "extra_specs": {"type": "dict", "default": {}},
    "access": {"type": "list", "elements": "str"},
}
ARGUMENTS = {
    "flavors": {"type": "list", "elements": "dict", "required": True, "options": FLAVOR},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "whole": {"type": "bool", "default": True},
    "domain": {"type": "str"},
}


def seen(session, module):
    wanted = {row["name"]: row for row in module.params["flavors"]}
    mine = [one for one in look.flavors(session) if one["name"] in wanted]
    if module.params["state"] == "absent":
        return {"flavors": mine, "servers": {one["id"]: look.servers(session, flavor=one["id"]) for one in mine}}, look.projects(session)
    access = look.access(session, [one for one in mine if wanted[one["name"]]["access"] is not None])
    names = sorted({name for row in wanted.values() for name in row["access"] or ()})
    return {"flavors": mine, "access": access}, look.projects(session, module.params["domain"], names if names or access else None)


def main():
    module = work.start(ARGUMENTS)
    sizes = ("vcpus", "ram_mib", "disk_gib")
    short = [row["name"] for row in module.params["flavors"] if None in [row[key] for key in sizes]]
    if module.params["state"] == "present" and short:
        module.fail_json(msg="\n".join(f"flavor {name} needs vcpus, ram_mib and disk_gib" for name in short))
    decide = getattr(flavors, module.params["state"])
    work.converge(module, lambda session: seen(session, module), lambda found: decide(module.params["flavors"], *found, module.params["whole"]))


if __name__ == "__main__":
    main()
