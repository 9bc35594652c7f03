# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Run on the controller: cloud.py boot PROJECT NAME | delete PROJECT NAME | kept ADDRESS 0 or 1 (waits for it); each prints one JSON document."""

import json
import sys
import time

import openstack

MICROVERSION = "2.96"


def person(project):
    cloud = openstack.connect(cloud=project)
    cloud.compute.default_microversion = MICROVERSION
    return cloud


def cards():
    """{uuid of a provider: address}"""
    placement = openstack.connect(cloud="main").placement
    rows = placement.get("/resource_providers?required=HW_PCI_ONE_TIME_USE", microversion="1.36").json()["resource_providers"]
    return {row["uuid"]: row["name"].partition("_")[2].lower() for row in rows}


def boot(project, name):
    """The lab's Neutron has no agents."""
    cloud, begun = person(project), time.monotonic()
    (flavor,) = cloud.compute.flavors()
    server = cloud.compute.create_server(name=name, flavor_id=flavor.id, image_id=cloud.image.find_image("tiny").id, networks="none")
    while server.status not in ("ACTIVE", "ERROR") and time.monotonic() - begun < 240:
        time.sleep(1)
        server = cloud.compute.get_server(server.id)
    given = openstack.connect(cloud="main").placement.get("/allocations/" + server.id).json()["allocations"]
    names, fault = cards(), (server.fault or {}).get("message")
    addresses = [names[uuid] for uuid in given if uuid in names]
    return {"id": server.id, "status": server.status, "cards": addresses, "fault": fault, "seconds": round(time.monotonic() - begun)}


def delete(project, name):
    compute = person(project).compute
    server = compute.find_server(name, ignore_missing=False)
    compute.delete_server(server)
    compute.wait_for_delete(server, interval=1, wait=120)
    return {"id": server.id}


def kept(address, reserved):
    (uuid,) = [uuid for uuid, at in cards().items() if at == address]
    begun, found = time.monotonic(), None
    while time.monotonic() - begun < 180:
        placement = openstack.connect(cloud="main").placement
        (row,) = placement.get("/resource_providers/%s/inventories" % uuid).json()["inventories"].values()
        found = row["reserved"]
        if found == int(reserved):
            break
        time.sleep(2)
    return {"uuid": uuid, "reserved": found, "seconds": round(time.monotonic() - begun)}


print(json.dumps({"boot": boot, "delete": delete, "kept": kept}[sys.argv[1]](*sys.argv[2:])))
