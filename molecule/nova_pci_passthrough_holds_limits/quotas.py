# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Run on the controller: quotas that an operator changed long before anybody spoke of limits."""

import openstack

CLOUD = openstack.connect(cloud="main")
STRANGER = CLOUD.identity.find_project("stranger").id

for path, key, values in (
    ("os-quota-class-sets/default", "quota_class_set", {"server_groups": 4}),
    (f"os-quota-sets/{STRANGER}", "quota_set", {"instances": 3, "ram": -1}),
):
    CLOUD.compute.put(f"/{path}", json={key: values}, microversion="2.56").raise_for_status()
