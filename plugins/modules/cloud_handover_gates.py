#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: cloud_handover_gates
short_description: Ask the gates of a hand-over on a host
description:
  - Reads the configuration of Nova and Placement inside of the containers of kolla-ansible or the environments of OpenStack-Ansible on the host, as the
    service beside it reads it, and says what of the hand-over is not there. Changes nothing.
  - What all hosts of a service get is asked where that service is; what one host gets is asked there.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  folder:
    description: The folder of the hand-over, C(folder) of what M(sovereign.ai_stack.cloud_handover) returned.
    type: path
    required: true
  gates:
    description: C(gates) of the same.
    type: dict
    required: true
  names:
    description: Which of them are asked, C(gates) of a step.
    type: list
    elements: str
    required: true
attributes:
  action:
    support: full
    description: The scripts lie on the controller, and run on the host.
  check_mode:
    support: full
    description: Changes nothing.
  diff_mode:
    support: none
    description: There is nothing to show.
seealso:
  - module: sovereign.ai_stack.cloud_handover
"""

EXAMPLES = r"""
- name: Ask whether everything was brought
  sovereign.ai_stack.cloud_handover_gates:
    folder: "{{ handover.folder }}"
    gates: "{{ handover.gates }}"
    names: "{{ (handover.steps | last).gates }}"
  register: stands
"""

RETURN = r"""
acts:
  description: Whether a gate does not hold.
  returned: success
  type: bool
differs:
  description: What is not as it is wanted, a sentence for each gate.
  returned: success
  type: list
  elements: str
due:
  description: Empty. The role C(nova_pci_passthrough) names services there that did not read their options yet.
  returned: success
  type: list
  elements: str
failing:
  description: The names of the gates that do not hold.
  returned: success
  type: list
  elements: str
refused:
  description: What the release on the host would refuse, or nothing.
  returned: success
  type: str
services:
  description: Services that answered.
  returned: success
  type: list
  elements: str
"""
