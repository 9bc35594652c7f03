# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Run on the controller: {project: names of the flavors that it sees}"""

import json

import openstack

print(json.dumps({name: [one.name for one in openstack.connect(cloud=name).compute.flavors()] for name in ("research", "health", "stranger")}))
