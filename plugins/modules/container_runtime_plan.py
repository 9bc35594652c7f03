#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: container_runtime_plan
short_description: What containerd of a node is told, as files
description:
  - Gives the root file, our drop-in and the file of each registry for a version of containerd, and what its own dump has to show of them. Changes nothing.
  - Runs on the controller, as an action plugin.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  version:
    description: Version of containerd, which decides about the version of its files.
    type: str
    required: true
  sandbox:
    description: Image that holds the namespaces of a pod.
    type: str
    required: true
  observation:
    description:
      - What M(sovereign.ai_stack.accelerator_facts) returned as C(observation); rules about containerd are asked of it.
    type: raw
  repositories:
    description:
      - Repositories as in C(ai_stack_repositories); they are looked at, and nothing else.
    type: raw
  registries:
    description:
      - For each registry, by its name with the port, or V(*) for all others, its C(mirrors) as addresses and C(ca), a file on the node. A registry that is
        named is never asked itself.
    type: dict
  settings:
    description: More settings of the part of containerd that runs pods.
    type: dict
attributes:
  check_mode:
    support: full
    description: It never changes anything.
  diff_mode:
    support: none
    description: It never changes anything.
"""

EXAMPLES = r"""
- name: Decide what containerd is told
  sovereign.ai_stack.container_runtime_plan:
    version: "{{ container_runtime_version }}"
    sandbox: "{{ container_runtime_sandbox }}"
    registries:
      "*": {mirrors: ["https://mirror.example.org"]}
  register: result
"""

RETURN = r"""
files:
  description: Text of each file by its path; empty where something is wrong.
  returned: always
  type: dict
  sample: {/etc/containerd/config.toml: "version = 4"}
expected:
  description: Settings that the daemon's own dump has to show, by their path with / between.
  returned: always
  type: dict
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
