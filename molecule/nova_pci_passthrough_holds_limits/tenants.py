# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Run on the controller, what tenants see and get:
{flavors: {project: [names]}, servers: {name: [status, cards]}, refused: {project: [status, text]}, most: {project: servers}, seconds: {name: a boot}}"""

import json
import time

import openstack

LIMITS = {"research": 2, "health": 1}
CLOUD = openstack.connect(cloud="main")
PEOPLE = {name: openstack.connect(cloud=name) for name in (*LIMITS, "stranger")}
for one in (CLOUD, *PEOPLE.values()):
    one.compute.default_microversion = "2.96"


def ask(project, name):
    """The lab's Neutron has no agents."""
    compute = PEOPLE[project].compute
    (flavor,) = compute.flavors()
    return compute.create_server(name=name, flavor_id=flavor.id, image_id=PEOPLE[project].image.find_image("tiny").id, networks="none")


def boot(project, name):
    begun = time.monotonic()
    server = PEOPLE[project].compute.wait_for_server(ask(project, name), interval=1, wait=240)
    given = CLOUD.placement.get("/allocations/" + server.id).json()["allocations"]
    cards = sum(count for one in given.values() for kind, count in one["resources"].items() if kind.startswith("CUSTOM_"))
    return [server.status, cards], round(time.monotonic() - begun)


found = {"servers": {}, "refused": {}, "seconds": {}}
found["flavors"] = {name: [flavor.name for flavor in person.compute.flavors()] for name, person in PEOPLE.items()}
for project, count in LIMITS.items():
    for name in (f"{project}-{at}" for at in range(count)):
        found["servers"][name], found["seconds"][name] = boot(project, name)
    try:
        ask(project, project + "-more")
    except openstack.exceptions.HttpException as error:
        found["refused"][project] = [error.status_code, error.message, error.details]
found["most"] = {name: person.compute.get("/limits").json()["limits"]["absolute"]["maxTotalInstances"] for name, person in PEOPLE.items()}
for project in LIMITS:
    compute = PEOPLE[project].compute
    for server in compute.servers():
        compute.delete_server(server)
        compute.wait_for_delete(server, interval=1, wait=120)
print(json.dumps(found))
