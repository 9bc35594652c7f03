#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: site_lock
short_description: Keep other runs away from a site
description:
  - Takes the lock of the site for this run of C(ansible-playbook), or fails and names the run that holds it. The lock of a run that
    ended on this controller is taken over.
  - C(sovereign.ai_stack.deploy) takes it with its plan; this is for verbs that make none.
  - In check mode nothing is locked, since nothing is changed.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  verb:
    description:
      - What the run does, for those who are refused meanwhile.
    type: str
    required: true
  state:
    description:
      - V(held) takes the lock, V(free) gives it back. A run that ends without giving it back leaves a stale one.
    type: str
    choices: [held, free]
    default: held
attributes:
  action:
    support: full
    description: All of it runs on the controller, once, whatever the number of hosts.
  check_mode:
    support: full
    description: Takes no lock.
  diff_mode:
    support: none
    description: There is nothing to show.
seealso:
  - module: sovereign.ai_stack.plan
"""

EXAMPLES = r"""
- name: Take the lock of the site
  sovereign.ai_stack.site_lock:
    verb: remove
  delegate_to: localhost
  run_once: true
"""

RETURN = r""" # """
