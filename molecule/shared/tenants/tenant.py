# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Run on the controller as tenant.py boot | look | delete: one server of the project research, as its tenant and an administrator see it.

look: {status, host, locked: of the server, or none; services: {host: [status, state]}, flavors, aggregates: names that an administrator sees,
traits: {host: those of ours}, cards: {host: providers below it}}
"""

import json
import sys
import time

import openstack

NAME = "train-1"
CLOUD, TENANT = openstack.connect(cloud="main"), openstack.connect(cloud="research").compute
ADMIN = CLOUD.compute
ADMIN.default_microversion, TENANT.default_microversion = "2.73", "2.73"


def asked(path):
    return CLOUD.placement.get(path, microversion="1.36").json()


if sys.argv[1] == "boot":
    image = openstack.connect(cloud="research").image.find_image("tiny")
    (flavor,) = TENANT.flavors()
    TENANT.wait_for_server(TENANT.create_server(name=NAME, flavor_id=flavor.id, image_id=image.id, networks="none"), interval=1, wait=240)
server = TENANT.find_server(NAME)
if sys.argv[1] == "delete":
    TENANT.delete_server(server)
    TENANT.wait_for_delete(server, interval=1, wait=120)
    # that is content with the status; Nova lists the server until its compute has let go of it
    for _second in range(120):
        if not TENANT.find_server(NAME):
            break
        time.sleep(1)
    else:
        sys.exit(f"{NAME} is still listed")
else:
    seen = ADMIN.get_server(server.id) if server else None
    providers = asked("/resource_providers")["resource_providers"]
    hosts = [one for one in providers if one["parent_provider_uuid"] is None]
    print(
        json.dumps(
            {
                **({"status": seen.status, "host": seen.compute_host, "locked": seen.is_locked} if seen else {"status": None, "host": None, "locked": None}),
                "services": {one.host: [one.status, one.state] for one in ADMIN.services(binary="nova-compute")},
                "flavors": sorted(one.name for one in ADMIN.flavors(is_public=None)),
                "aggregates": sorted(one.name for one in ADMIN.aggregates()),
                "traits": {
                    one["name"]: [trait for trait in asked("/resource_providers/%s/traits" % one["uuid"])["traits"] if trait.startswith("CUSTOM_AI_STACK")]
                    for one in hosts
                },
                "cards": {host["name"]: sum(one["root_provider_uuid"] == host["uuid"] for one in providers) - 1 for host in hosts},
            }
        )
    )
