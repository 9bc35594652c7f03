# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Run on the controller as tenant.py boot | look | delete: one server of the project research, as its tenant and an administrator see it."""

import json
import sys

import openstack

NAME = "train-1"
ADMIN, TENANT = (openstack.connect(cloud=name).compute for name in ("main", "research"))
ADMIN.default_microversion, TENANT.default_microversion = "2.73", "2.73"

if sys.argv[1] == "boot":
    image = openstack.connect(cloud="research").image.find_image("tiny")
    (flavor,) = TENANT.flavors()
    TENANT.wait_for_server(TENANT.create_server(name=NAME, flavor_id=flavor.id, image_id=image.id, networks="none"), interval=1, wait=240)
server = TENANT.find_server(NAME)
if sys.argv[1] == "delete":
    TENANT.delete_server(server)
    TENANT.wait_for_delete(server, interval=1, wait=120)
else:
    seen = ADMIN.get_server(server.id)
    services = {one.host: one.status for one in ADMIN.services(binary="nova-compute")}
    print(json.dumps({"status": seen.status, "host": seen.compute_host, "locked": seen.is_locked, "services": services}))
