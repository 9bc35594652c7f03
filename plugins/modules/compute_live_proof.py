#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_live_proof
short_description: Boot servers from a flavor as its tenant does, and tell what came of it
description:
  - Asks for servers of a flavor with the login of a tenant, one after another, until one is refused or fails or there are O(count). Tells for each the host,
    and the cards that Placement allocated to it; then takes all of them away.
  - Ask for one more than the tenant may have, and it tells what happens then.
  - Servers that a run left behind which was cut off are known by their names, which begin with C(ai-stack-live-proof-), and go first.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
extends_documentation_fragment:
  - sovereign.ai_stack.cloud
attributes:
  check_mode:
    description: Asks for no server, and takes none away.
    support: full
  diff_mode:
    description: Nothing stays changed.
    support: none
options:
  login:
    description:
      - Entry of C(clouds.yaml) with the login of the tenant. O(cloud) is an administrator's, who sees hosts and allocations.
    type: str
    required: true
  flavor:
    description:
      - Name of the flavor.
    type: str
    required: true
  count:
    description:
      - How many servers to ask for.
    type: int
    default: 1
  image:
    description:
      - Name of the image that the servers boot from. The tenant has to see exactly one of that name.
    type: str
    required: true
  networks:
    description:
      - V(none), V(auto), or ids of networks with commas between them.
    type: str
    default: none
  wait:
    description:
      - Seconds until a server runs, or is gone.
    type: int
    default: 300
seealso:
  - module: sovereign.ai_stack.pci_view_info
"""

EXAMPLES = r"""
- name: See two servers of the tenant with cards, and a third one refused
  sovereign.ai_stack.compute_live_proof:
    cloud: main
    login: research
    flavor: research.1x.16c.192g.100d
    count: 3
    image: debian-13
  register: proof
"""

RETURN = r"""
seen:
  description: Whether the tenant sees the flavor.
  returned: success
  type: bool
  sample: true
servers:
  description: Those that were asked for and not refused at once. C(cards) are the allocations beside that of the host itself.
  returned: success
  type: list
  elements: dict
  sample:
    - {status: ACTIVE, host: compute1, cards: {"compute1_0000:17:00.0": {CUSTOM_RESEARCH: 1}}, fault: null}
    - {status: ERROR, host: null, cards: {}, fault: No valid host was found.}
refused:
  description: How Nova refused the next one, null where it refused none.
  returned: success
  type: dict
  sample: {status: 403, says: "Cloud research: compute answers 403 to POST /servers: Quota exceeded"}
left:
  description: Names of servers that did not go in time.
  returned: success
  type: list
  elements: str
  sample: []
calls:
  description: Requests that were made with both logins, beside login and discovery.
  returned: success
  type: int
  sample: 12
"""

from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import work
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud.proof import Try, nothing
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud.session import CloudError

ARGUMENTS = {
    "login": {"type": "str", "required": True},
    "flavor": {"type": "str", "required": True},
    "count": {"type": "int", "default": 1},
    "image": {"type": "str", "required": True},
    "networks": {"type": "str", "default": "none"},
    "wait": {"type": "int", "default": 300},
}


def proven(admin, module):
    given = module.params
    tenant = work.connect(given["login"], given["region"], given["interface"], given["timeout"])
    one = Try(tenant, admin, given["image"], given["networks"], given["wait"])
    found = nothing(one.sees(given["flavor"]) is not None) if module.check_mode else one.run(given["flavor"], given["count"])
    admin.calls += tenant.calls
    if found["left"]:
        raise CloudError("%s: servers did not go within %d seconds: %s" % (tenant.name, given["wait"], ", ".join(found["left"])))
    return found


def main():
    module = work.start(ARGUMENTS)
    work.observe(module, lambda session: proven(session, module))


if __name__ == "__main__":
    main()
