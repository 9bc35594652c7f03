# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Run on the controller, what its people see: {tokens: [projects], services: {"binary host": state}, server: status, host: where it ran, left: [servers]}"""

import json
import time

import openstack

TENANTS = ("research", "health", "stranger")
cloud = openstack.connect(cloud="main")
people = {name: openstack.connect(cloud=name) for name in TENANTS}
found = {
    "tokens": [person.current_project.name for person in people.values()],
    "services": {"%s %s" % (one.binary, one.host): one.state for one in cloud.compute.services()},
}
for one in (cloud, *people.values()):
    one.compute.default_microversion = "2.96"
flavor = cloud.compute.create_flavor(name="plain", vcpus=1, ram=64, disk=1)
compute = people["research"].compute
# the lab's Neutron has no agents
server = compute.create_server(name="plain", flavor_id=flavor.id, image_id=people["research"].image.find_image("tiny").id, networks="none")
server = compute.wait_for_server(server, interval=1, wait=120)
found.update(server=server.status, host=cloud.compute.get_server(server.id).compute_host)
compute.delete_server(server)
compute.wait_for_delete(server, interval=1, wait=120)
cloud.compute.delete_flavor(flavor)
# its owner hears "gone" a moment before the administrator does
for _second in range(60):
    found["left"] = [one.name for one in cloud.compute.servers(all_projects=True)]
    if not found["left"]:
        break
    time.sleep(1)
print(json.dumps(found))
