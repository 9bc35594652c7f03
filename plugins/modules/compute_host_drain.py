#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_host_drain
short_description: Get the servers of tenants out of the way of a host's change, and bring them back
description:
  - Refuses, stops, moves or waits for the servers that are on hosts, and waits until none is in the way. A migration that is not over is in the way too.
  - A server that is stopped is locked first, with a reason that begins with C(ai-stack), a colon and a space, so that its tenant does not start it in
    between. O(state=resumed) starts and unlocks what has such a reason, and nothing else.
  - A server that somebody else stopped stays stopped.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
extends_documentation_fragment:
  - sovereign.ai_stack.cloud
attributes:
  check_mode:
    description: Says what would be done first, and changes nothing.
    details: What follows depends on what the cloud makes of it.
    support: partial
  diff_mode:
    description: Shows what differs.
    details: Only O(state=resumed) does.
    support: partial
options:
  hosts:
    description:
      - The hosts, by short or full name. One without a compute service has no servers.
    type: list
    elements: str
    required: true
  state:
    description:
      - Whether servers go out of the way, or come back.
    type: str
    choices: [drained, resumed]
    required: true
  how:
    description:
      - What becomes of the servers. V(refuse) fails where there is one; V(stop) stops them; V(cold_migrate) moves them to other hosts, as the scheduler
        finds them, and confirms the move; V(wait) waits until their tenants are done.
    type: str
    choices: [refuse, stop, cold_migrate, wait]
    default: refuse
  scope:
    description:
      - Which servers are in the way, all of them or those whose flavors ask for cards.
    type: str
    choices: [all, with_cards]
    default: all
  wait:
    description:
      - Seconds to wait until none is in the way.
    type: int
    default: 1800
seealso:
  - module: sovereign.ai_stack.compute_service_status
  - module: sovereign.ai_stack.compute_host_servers
"""

EXAMPLES = r"""
- name: Stop what runs there
  sovereign.ai_stack.compute_host_drain:
    cloud: main
    hosts: [compute1]
    state: drained
    how: stop

- name: Start it again
  sovereign.ai_stack.compute_host_drain:
    cloud: main
    hosts: [compute1]
    state: resumed
"""

RETURN = r"""
changes:
  description: What was done, or would be first, as sentences. After a failure what was done before it.
  returned: always
  type: list
  elements: str
  sample: ["server train-1 of project research is locked", "server train-1 of project research is stopped"]
calls:
  description: Requests that were made, beside login and discovery.
  returned: always
  type: int
  sample: 9
"""

import time

from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import drain, look, servers, work
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud.naming import hosts_of
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud.session import CloudError

ARGUMENTS = {
    "hosts": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["drained", "resumed"], "required": True},
    "how": {"type": "str", "choices": ["refuse", "stop", "cold_migrate", "wait"], "default": "refuse"},
    "scope": {"type": "str", "choices": ["all", "with_cards"], "default": "all"},
    "wait": {"type": "int", "default": 1800},
}
PAUSE = 3


def _there(session, module):
    """The names that the compute services of the hosts have."""
    return sorted(hosts_of(module.params["hosts"], [one["host"] for one in look.services(session)], "compute service")[0].values())


def _in_the_way(session, module):
    """(rows of servers, {id: (migration, row)}) of now."""
    with_cards = module.params["scope"] == "with_cards"
    there, moving = [], {}
    for host in _there(session, module):
        there += look.servers(session, drain.LOCKS, host=host)
        for one in servers.going_on(session.listed("compute", f"/os-migrations?host={host}", "migrations")):
            moving[one["server_id"]] = one
    rows = {one["id"]: one for one in there}
    for identity in set(moving) - set(rows):
        rows[identity] = (session.get("compute", f"/servers/{identity}", missing=True, version=drain.LOCKS) or {}).get("server")
    kept = {identity for identity, one in rows.items() if one and (not with_cards or servers.asked(one["flavor"].get("extra_specs")))}
    return [one for one in there if one["id"] in kept], {identity: (one, rows[identity]) for identity, one in moving.items() if identity in kept}


def drained(session, module, done):
    """Look, act and look again until nobody is in the way; what was done is in done."""
    one, end = drain.Drain(module.params["how"], look.projects(session)), time.monotonic() + module.params["wait"]
    while True:
        outcome, left = one.look(*_in_the_way(session, module))
        if outcome.mistakes:
            raise CloudError("\n".join(outcome.mistakes))
        if module.check_mode:
            done += outcome.changes
            return
        if not left:
            return
        if time.monotonic() >= end:
            raise CloudError(f"after {module.params['wait']} seconds still in the way: {left}")
        for call in outcome.calls:
            session.send(call, {})
            done += call.says
        time.sleep(PAUSE)


def resumed(session, module):
    return drain.resumed(look.servers(session, drain.LOCKS, locked="true"), _there(session, module), look.projects(session)), {}


def main():
    module = work.start(ARGUMENTS)
    if module.params["state"] == "resumed":
        work.converge(module, lambda session: session, lambda session: resumed(session, module))
    else:
        work.go_on(module, lambda session, done: drained(session, module, done))


if __name__ == "__main__":
    main()
