#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: pci_out_of_service
short_description: Take single cards of a cloud out of service, and bring them back
description:
  - Tells Placement to keep a card for nobody, so that no server gets it. Nova leaves that number alone over restarts and reboots, but where cards
    are used once.
  - A card that is used once looks the same while it waits to be wiped. So that its worker leaves it alone, it stands in C(pci_one_time_use_out) of the role
    P(sovereign.ai_stack.pci_one_time_use#role) too.
  - That the card is out of service belongs into C(ai_stack_states) too; Placement cannot keep a reason.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
extends_documentation_fragment:
  - sovereign.ai_stack.cloud
  - sovereign.ai_stack.cloud.changes
options:
  cards:
    description:
      - The cards. Each by C(host) and C(address), or by C(serial).
    type: list
    elements: dict
    required: true
    suboptions:
      host:
        description: Host, by short or full name.
        type: str
      address:
        description: PCI address. A virtual function counts on the card that it is of.
        type: str
      serial:
        description: Serial number, of a card in O(known).
        type: str
  known:
    description:
      - What is known of the cards of the site, C(host), C(address) and C(serial) each; rows of the plan or the record may have more.
    type: list
    elements: dict
    default: []
  state:
    description:
      - Whether the cards are V(out) of service or V(in) it.
    type: str
    choices: [out, in]
    required: true
  in_use:
    description:
      - What becomes of a card to go out that a server has. V(keep) leaves it to that server, and nobody gets it after.
    type: str
    choices: [refuse, keep]
    default: refuse
  one_time_use:
    description:
      - What becomes of a card to come back that is used once. Whoever wipes it brings it back, so that is refused; V(return) does it here.
    type: str
    choices: [refuse, return]
    default: refuse
seealso:
  - module: sovereign.ai_stack.pci_view_info
"""

EXAMPLES = r"""
- name: Take a card out of service
  sovereign.ai_stack.pci_out_of_service:
    cloud: main
    cards:
      - {host: compute1, address: "0000:17:00.0"}
    state: out

- name: Bring it back by the number on it
  sovereign.ai_stack.pci_out_of_service:
    cloud: main
    cards:
      - {serial: "1652823052311"}
    known:
      - {host: compute1, address: "0000:17:00.0", serial: "1652823052311"}
    state: in
"""

RETURN = r"""
cards:
  description: The cards afterwards, as Placement has them.
  returned: success
  type: list
  elements: dict
  sample:
    - {host: compute1, address: "0000:17:00.0", serial: "1652823052311", provider: compute1_0000:17:00.0, uuid: 5d2f, class: CUSTOM_H100, total: 1,
       reserved: 1, used: 0, servers: []}
changes:
  description: What was changed, or would be, as sentences. After a failure what was changed before it.
  returned: always
  type: list
  elements: str
  sample: ["card 0000:17:00.0 of host compute1 goes out of service"]
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
  sample: 3
"""

from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import look, reserved, work

CARD = {"host": {"type": "str"}, "address": {"type": "str"}, "serial": {"type": "str"}}
ARGUMENTS = {
    "cards": {"type": "list", "elements": "dict", "required": True, "options": CARD},
    "known": {"type": "list", "elements": "dict", "default": []},
    "state": {"type": "str", "choices": ["out", "in"], "required": True},
    "in_use": {"type": "str", "choices": ["refuse", "keep"], "default": "refuse"},
    "one_time_use": {"type": "str", "choices": ["refuse", "return"], "default": "refuse"},
}


def seen(session, wanted):
    """(cards, mistakes)"""
    tree = look.tree(session)
    hosts, mistakes = tree.of(sorted({row["host"] for row in wanted}))
    serials = {(row["host"], row["address"]): row["serial"] for row in wanted}
    view = look.cards(session, tree, hosts, {}, names=set(serials))
    found = {(card["host"], card["address"]): card for card in view.cards if card["uuid"] in view.seen["generations"]}
    mistakes += [f"card {address} of host {host} is not in placement" for host, address in sorted(set(serials) - set(found)) if host in hosts]
    return [reserved.told(card, serials[place], view) for place, card in found.items()], mistakes


def main():
    module = work.start(ARGUMENTS)
    cards, mistakes = reserved.named(module.params["cards"], module.params["known"])
    if mistakes:
        module.fail_json(msg="\n".join(mistakes), mistakes=mistakes)

    def decide(found):
        rows, missing = found
        outcome = reserved.decide(rows, module.params["state"] == "out", module.params["in_use"] == "keep", module.params["one_time_use"] == "return")
        outcome.mistakes += missing
        return outcome, {"cards": [reserved.shown(row) for row in rows]}
    work.converge(module, lambda session: seen(session, cards), decide)


if __name__ == "__main__":
    main()
