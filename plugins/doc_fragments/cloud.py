# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cloud:
    description:
      - Entry of C(clouds.yaml). Without it the C(OS_*) variables of the environment say where the cloud is and who asks.
    type: str
  region:
    description:
      - Region of the cloud, where its entry does not say it or has several.
    type: str
  interface:
    description:
      - Which endpoints are asked, where the entry of the cloud does not say it.
    type: str
    choices: [public, internal, admin]
  timeout:
    description:
      - Seconds that one request may take.
    type: int
    default: 60
requirements:
  - openstacksdk, where the module runs
attributes:
  action_group:
    description: Use C(group/sovereign.ai_stack.cloud) in C(module_defaults) to set options of all modules of clouds at once.
    support: full
    membership:
      - sovereign.ai_stack.cloud
"""

    DOMAIN = r"""
options:
  domain:
    description:
      - Name or id of the domain of the projects that are named. Without it a name has to be the only one in all domains. The id of a project is taken too.
    type: str
"""

    CHANGES = r"""
attributes:
  check_mode:
    description: Says what would change and changes nothing.
    support: full
  diff_mode:
    description: Shows what differs, before and after.
    support: full
"""

    INFO = r"""
attributes:
  check_mode:
    description: It never changes anything.
    support: full
  diff_mode:
    description: It never changes anything.
    support: none
"""
