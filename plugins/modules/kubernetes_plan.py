#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_plan
short_description: What each host of a Kubernetes cluster is asked to be
description:
  - Decides versions and settings of one cluster by the same core as M(sovereign.ai_stack.plan), for all of its hosts at once, and gives for each the
    documents of kubeadm, the policies of the API server, and files. Changes nothing.
  - Runs on the controller, as an action plugin.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  cluster:
    description:
      - A row of C(ai_stack_clusters). Where the site has one of that name, what it says counts before this, but for C(kubernetes).
      - C(kubernetes) and C(control_plane) are needed.
    type: raw
  issuers:
    description: Identity providers, as rows of C(jwt) of an AuthenticationConfiguration.
    type: raw
  repositories:
    description:
      - Repositories as in C(ai_stack_repositories); they are looked at, and nothing else.
    type: raw
  others:
    description:
      - Result of a task that looped M(sovereign.ai_stack.accelerator_facts) over hosts of the cluster that are not in this play. What speaks against those
        stops nobody.
    type: raw
  conntrack:
    description: Whether kube-proxy sizes the table of connections.
    type: str
    choices: [manage, keep]
    default: manage
  judges:
    description: Whether rules of clusters are asked; a host that is taken out needs to fulfil none.
    type: bool
    default: true
  restores:
    description: Whether the control plane is made of a set; its nodes have joined a cluster that is lost, and say nothing of the new one.
    type: bool
    default: false
  program:
    description: Where the program of the role is on the hosts.
    type: path
    required: true
  observed_as:
    description:
      - Name of the variable in which each host has what M(sovereign.ai_stack.accelerator_facts) returned as C(observation).
    type: str
    required: true
attributes:
  check_mode:
    support: full
    description: It never changes anything.
  diff_mode:
    support: none
    description: It never changes anything.
"""

EXAMPLES = r"""
- name: Decide what each host of the cluster is asked to be
  sovereign.ai_stack.kubernetes_plan:
    cluster:
      name: ai
      kubernetes: "1.37"
      control_plane: control
      nodes: workers
    program: /usr/local/sbin/ai-stack-kubernetes
    observed_as: observation
  register: result
  run_once: true
"""

RETURN = r"""
hosts:
  description: For each host of the cluster what its program is asked; empty where something is wrong.
  returned: always
  type: dict
  sample: {cp1: {part: control_plane, first: true, version: 1.37.2}}
unseen:
  description: Hosts of the cluster that are not in this play and were not looked at; control planes alone where nobody judges the others.
  returned: always
  type: list
  elements: str
first:
  description: The control plane that makes the cluster, or is all that it has; none where several have it.
  returned: always
  type: str
control:
  description: All control planes of the cluster.
  returned: always
  type: list
  elements: str
living:
  description: Those of them that were seen to have joined a cluster.
  returned: always
  type: list
  elements: str
bare:
  description: Those of them that were seen to have joined none; whoever is in neither list nobody could ask.
  returned: always
  type: list
  elements: str
conflicts:
  description: What is wrong with what was given, as in a plan.
  returned: always
  type: list
  elements: dict
messages:
  description: The same as sentences.
  returned: always
  type: list
  elements: str
"""
