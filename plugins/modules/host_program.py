#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: host_program
short_description: Bring the program of a role to a host, packed into one file
description:
  - Packs Python files into one archive that runs as a command, and copies it where it differs. The same sources always give the same bytes.
  - One file takes one round trip where a folder takes two for each of its files, and a host has either all of a program or none of it.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  src:
    description:
      - Files, and folders of which every C(*.py) is taken, no two of one name; one of them is C(__main__.py).
      - A relative path is looked for in C(files/) of the role.
    type: list
    elements: path
    required: true
  dest:
    description: The archive on the host. Its folder is there.
    type: path
    required: true
attributes:
  action:
    support: full
    description: The archive is made on the controller.
  check_mode:
    support: full
    description: Says that it would change where the host has another program, or none.
  diff_mode:
    support: partial
    description: An archive is named, not shown.
seealso:
  - module: ansible.builtin.copy
"""

EXAMPLES = r"""
- name: Bring the program
  sovereign.ai_stack.host_program:
    src: [gpu_driver/]
    dest: /usr/local/sbin/ai-stack-gpu-driver
"""

RETURN = r""" # """
