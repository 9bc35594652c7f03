#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: placement_providers
short_description: Give hosts traits in Placement, and hold its cards against the plan
description:
  - Adds traits of our own to the providers of hosts and leaves all others there.
  - With O(state=compared) it is the gate before cards are asked for through Placement. It changes nothing, and fails naming every difference between
    the plan and the providers, classes, totals and traits that are there, and each server that asks for cards and has no allocation of them.
  - Providers of cards are made and kept up by nova-compute, their traits too; so nothing is written there. What nova-compute left behind can be removed.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
extends_documentation_fragment:
  - sovereign.ai_stack.cloud
  - sovereign.ai_stack.cloud.changes
options:
  host_traits:
    description:
      - Traits by host, by short or full name. They begin with C(CUSTOM_).
    type: dict
    default: {}
  providers:
    description:
      - What Placement must show, as the plan has it; by host and address a dictionary of C(class), C(total) and C(traits).
      - With O(state=absent) the cards that are to leave; their values are not looked at. With O(state=present) it is not taken.
    type: dict
    default: {}
  servers:
    description:
      - With O(state=compared), whether servers without allocations count.
    type: bool
    default: true
  state:
    description:
      - V(present) adds O(host_traits), and makes their names where they are new.
      - V(absent) takes O(host_traits) away, and their names where no provider has them any more; and removes O(providers) that were left behind. A card
        that is in use is refused, and server and project are named; so is one that Placement keeps for nobody, since nova-compute, where it still has the
        card, makes its provider anew and for everybody.
      - V(compared) compares O(providers) and O(host_traits).
    type: str
    choices: [present, absent, compared]
    default: present
seealso:
  - module: sovereign.ai_stack.pci_view_info
  - module: openstack.cloud.trait
"""

EXAMPLES = r"""
- name: Mark the hosts with cards
  sovereign.ai_stack.placement_providers:
    cloud: main
    host_traits: {compute1: [CUSTOM_AI_STACK_GPU], compute2: [CUSTOM_AI_STACK_GPU]}

- name: Go on only if Placement shows what was planned
  sovereign.ai_stack.placement_providers:
    cloud: main
    state: compared
    providers:
      compute1:
        "0000:1B:00.0": {class: CUSTOM_H100, total: 1, traits: [CUSTOM_GPU_H100]}
  register: gate
  until: gate is succeeded
  retries: 20
  delay: 5
"""

RETURN = r"""
differences:
  description: Each difference; C(what) is one of missing, unexpected, class, total, traits, host_trait, no_provider and no_allocation.
  returned: O(state=compared), also when it fails
  type: list
  elements: dict
  sample:
    - {host: compute1, address: "0000:1B:00.0", what: total, planned: 1, seen: 0,
       message: "card 0000:1B:00.0 of host compute1 counts 0 in placement, planned 1"}
changes:
  description: What was changed, or would be, as sentences. After a failure what was changed before it.
  returned: O(state=present) and O(state=absent)
  type: list
  elements: str
  sample: ["host compute1 gets the trait CUSTOM_AI_STACK_GPU"]
kept:
  description: Always empty; it is there for all modules of clouds.
  returned: O(state=present) and O(state=absent)
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

from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import cards, look, traits, work
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud.outcome import Outcome

ARGUMENTS = {
    "host_traits": {"type": "dict", "default": {}},
    "providers": {"type": "dict", "default": {}},
    "servers": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent", "compared"], "default": "present"},
}


def named(wanted):
    return {trait for each in wanted.values() for trait in each}


def present(session, wanted, planned):
    tree, having = look.tree(session), look.having(session, named(wanted))
    hosts, mistakes = tree.of(list(wanted))
    lacks = traits.lacking(wanted, hosts, tree, having)
    outcome = traits.present(lacks, look.traits_of(session, [one for one, dummy in lacks.values()]), having)
    outcome.mistakes += mistakes
    return outcome


def absent(session, wanted, planned):
    """Hosts and cards that are gone already are no mistake."""
    tree, having = look.tree(session), look.having(session, named(wanted))
    has = traits.carrying(wanted, tree.of(list(wanted))[0], tree, having)
    hosts = tree.of(list(planned))[0]
    left = []
    if hosts:
        places = {(host, address.upper()) for host in hosts for address in planned[host]}
        left = look.cards(session, tree, hosts, {}, names=places).cards
    return traits.absent(has, look.traits_of(session, [one for one, dummy in has.values()]), having, left)


def compared(session, wanted, planned, servers):
    tree = look.tree(session)
    hosts, unknown = tree.of(sorted(set(planned) | set(wanted)))
    view = look.cards(session, tree, {host: real for host, real in hosts.items() if host in planned}, planned)
    absent_hosts = dict(zip([host for host in sorted(set(planned) | set(wanted)) if host not in hosts], unknown))
    lacks = traits.lacking(wanted, hosts, tree, look.having(session, named(wanted)))
    return cards.differences(view, absent_hosts, servers) + [cards.lacks_trait(name, each) for name, (dummy, each) in sorted(lacks.items())]


def gate(module, wanted, planned):
    """Nothing is acted on, so the outcome has no calls."""
    def look_at(session):
        return compared(session, wanted, planned, module.params["servers"])

    def decide(differences):
        outcome = Outcome()
        outcome.mistakes += [row["message"] for row in differences]
        return outcome, {"differences": differences}
    work.converge(module, look_at, decide)


def main():
    module = work.start(ARGUMENTS)
    wanted, planned, state = [module.params[name] for name in ("host_traits", "providers", "state")]
    wrong = cards.wrong(planned, values=state == "compared") + traits.wrong(wanted)
    if planned and state == "present":
        wrong.append("providers are not taken with state present: nova-compute makes them")
    if wrong:
        module.fail_json(msg="\n".join(wrong), mistakes=wrong)
    if state == "compared":
        gate(module, wanted, planned)
    act = {"present": present, "absent": absent}[state]
    work.converge(module, lambda session: act(session, wanted, planned), lambda outcome: (outcome, {}))


if __name__ == "__main__":
    main()
