# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Run on the controller, what tenants see and get: {flavors: {project: [names]}, servers: {name: [status, host, cards]}, fault: why the last one has none}"""

import json

import openstack

CARDS = 4
CLOUD = openstack.connect(cloud="main")
PEOPLE = {name: openstack.connect(cloud=name) for name in ("research", "health", "stranger")}
for one in (CLOUD, *PEOPLE.values()):
    one.compute.default_microversion = "2.96"


def boot(project, name):
    """A server of this tenant, once it runs or failed; the lab's Neutron has no agents."""
    person = PEOPLE[project]
    compute, image = person.compute, person.image.find_image("tiny")
    (flavor,) = compute.flavors()
    server = compute.create_server(name=name, flavor_id=flavor.id, image_id=image.id, networks="none")
    try:
        server = compute.wait_for_server(server, interval=1, wait=240)
    except openstack.exceptions.ResourceFailure:
        server = compute.get_server(server.id)
    seen = CLOUD.compute.get_server(server.id)
    given = CLOUD.placement.get("/allocations/" + server.id).json()["allocations"]
    cards = sum(count for one in given.values() for kind, count in one["resources"].items() if kind.startswith("CUSTOM_"))
    return seen.status, seen.compute_host, cards, (seen.fault or {}).get("message", "")


wanted = [(project, "%s-%d" % (project, at)) for project, count in (("research", CARDS + 1), ("health", 1)) for at in range(count)]
servers = {name: boot(project, name) for project, name in wanted}
found = {
    "flavors": {name: [flavor.name for flavor in person.compute.flavors()] for name, person in PEOPLE.items()},
    "servers": {name: row[:3] for name, row in servers.items()},
    "fault": servers["research-%d" % CARDS][3],
}
for project in ("research", "health"):
    compute = PEOPLE[project].compute
    going = list(compute.servers())
    for server in going:
        compute.delete_server(server)
    for server in going:
        compute.wait_for_delete(server, interval=1, wait=120)
print(json.dumps(found))
