#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: accelerators_plan
short_description: What a Kubernetes cluster is told so that pods get the cards of its pools
description:
  - Decides by the same core as M(sovereign.ai_stack.plan), from C(ai_stack_clusters) and C(ai_stack_pools) of the inventory, which cards each node has, what
    tenants may hold, and gives the documents of the API that say so. Changes nothing.
  - Runs on the controller, as an action plugin.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  cluster:
    description: Name of a row of C(ai_stack_clusters).
    type: str
    required: true
  observed_as:
    description:
      - Name of the variable in which each host has what M(sovereign.ai_stack.accelerator_facts) returned as C(observation).
    type: str
    required: true
  others:
    description:
      - Result of a task that looped M(sovereign.ai_stack.accelerator_facts) over hosts of the cluster that are not in this play. What speaks against those
        stops nobody.
    type: raw
attributes:
  check_mode:
    support: full
    description: It never changes anything.
  diff_mode:
    support: none
    description: It never changes anything.
"""

EXAMPLES = r"""
- name: Decide what the cluster is told about cards
  sovereign.ai_stack.accelerators_plan:
    cluster: ai
    observed_as: observation
  register: result
  run_once: true
"""

RETURN = r"""
first:
  description: The control plane that is told.
  returned: always
  type: str
control:
  description: All control planes; each of them can be asked and told.
  returned: always
  type: list
  elements: str
cards:
  description: For each node with cards how many pods can have, by the names by which they ask.
  returned: always
  type: dict
  sample: {w1: {nvidia.com/gpu: 2}}
documents:
  description: Documents of the API, in the order in which they are made; empty where something is wrong.
  returned: always
  type: list
  elements: dict
canaries:
  description: For each node with cards the pod that looks for one, by which name it asks, and the addresses of the cards that it may find.
  returned: always
  type: dict
by_operator:
  description: Whether device plugins and CDI come from an operator that the site applies, and not from the documents.
  returned: always
  type: bool
plugin:
  description: Where device plugins or DRA drivers are, C(namespace) and C(selector), what one is, C(called), and what is said of a node without one, C(lacks).
  returned: always
  type: dict
unseen:
  description: Hosts of the cluster of which nothing is known.
  returned: always
  type: list
  elements: str
conflicts:
  description: What is wrong with what the site says, as in a plan.
  returned: always
  type: list
  elements: dict
messages:
  description: The same as sentences.
  returned: always
  type: list
  elements: str
"""
