#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: pci_view_info
short_description: Show the cards of a cloud with plan, providers, allocations and servers joined
description:
  - Nova has no API that shows which server has which card. This joins what Placement has of the cards with the servers that have them, and with the plan.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
extends_documentation_fragment:
  - sovereign.ai_stack.cloud
  - sovereign.ai_stack.cloud.info
options:
  hosts:
    description:
      - The hosts, by short or full name. Without it those of O(providers), and without these every host that has cards in Placement.
    type: list
    elements: str
  providers:
    description:
      - What Placement must show, as the plan has it; by host and address a dictionary of C(class), C(total) and C(traits).
    type: dict
    default: {}
seealso:
  - module: sovereign.ai_stack.placement_providers
"""

EXAMPLES = r"""
- name: See who has which card
  sovereign.ai_stack.pci_view_info:
    cloud: main
  register: view
"""

RETURN = r"""
cards:
  description: The cards. C(traits) are those that the plan names, and C(COMPUTE_MANAGED_PCI_DEVICE) and C(HW_PCI_ONE_TIME_USE); C(planned) is null
    for what is not planned.
  returned: success
  type: list
  elements: dict
  sample:
    - {host: compute1, address: "0000:17:00.0", provider: compute1_0000:17:00.0, uuid: 5d2f, class: CUSTOM_H100, total: 1, reserved: 0, used: 1,
       traits: [COMPUTE_MANAGED_PCI_DEVICE], planned: null, servers: [{id: 0a1b, name: train-1, status: ACTIVE, project_id: 9f8e, project: research}]}
without_allocation:
  description: Servers on these hosts that ask for more cards than they have in Placement.
  returned: success
  type: list
  elements: dict
  sample: [{id: 0a1c, name: old-1, status: ACTIVE, host: compute1, project_id: 9f8e, project: research, wants_cards: {h100: 1}, has_cards: 0}]
differences:
  description: Differences to the plan, as of M(sovereign.ai_stack.placement_providers). Without a plan only servers without allocations.
  returned: success
  type: list
  elements: dict
  sample: []
calls:
  description: Requests that were made, beside login and discovery.
  returned: success
  type: int
  sample: 12
"""

from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import cards, look, work

ARGUMENTS = {"hosts": {"type": "list", "elements": "str"}, "providers": {"type": "dict", "default": {}}}


def seen(session, asked, planned):
    tree = look.tree(session)
    wanted = asked or sorted(planned) or tree.with_cards()
    hosts, mistakes = tree.of(wanted)
    view = look.cards(session, tree, hosts, planned)
    unknown = dict(zip([host for host in wanted if host not in hosts], mistakes))
    return {"cards": view.cards, "without_allocation": list(view.without_allocation()), "differences": cards.differences(view, unknown)}


def main():
    module = work.start(ARGUMENTS)
    wrong = cards.wrong(module.params["providers"])
    if wrong:
        module.fail_json(msg="\n".join(wrong))
    work.observe(module, lambda session: seen(session, module.params["hosts"], module.params["providers"]))


if __name__ == "__main__":
    main()
