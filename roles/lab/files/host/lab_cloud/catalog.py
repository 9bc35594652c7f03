# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the cloud's APIs know from the start, and whether its services answer; all by the SDK of the distribution, in one process."""
from __future__ import annotations

import datetime
import socket
import sys
import time

from . import settings

SERVICES = ("nova-conductor", "nova-scheduler")


def _cloud():
    # computes have no SDK
    import openstack
    return openstack.connect(cloud="main")


def _until(seconds, ask):
    """What ASK returns of a connection, once it does not fail; each try has a fresh one, since one remembers what it could not find."""
    end = time.monotonic() + seconds
    while True:
        try:
            return ask(_cloud())
        except Exception as error:  # noqa: BLE001  a service that starts fails in every way there is
            if time.monotonic() > end:
                sys.exit("no answer in %d s: %s: %s" % (seconds, type(error).__name__, error))
        time.sleep(0.5)


def fill(address, secrets):
    """Users of the services, the catalog, the tenants."""
    identity = _until(120, lambda cloud: cloud.identity.find_role("admin", ignore_missing=False) and cloud.identity)
    admin, reader, member = (identity.find_role(name, ignore_missing=False) for name in ("admin", "reader", "member"))
    service = identity.find_role("service") or identity.create_role(name="service")
    project = identity.create_project(name="service", domain_id="default")
    for name, (kind, port, path) in settings.APIS.items():
        user = identity.create_user(name=name, password=secrets["services"], domain_id="default")
        for role in (admin, service):
            identity.assign_project_role_to_user(project, user, role)
        # oslo.limit asks for the limits of the system
        identity.assign_system_role_to_user(user, reader, "all")
        entry = identity.create_service(name=name, type=kind)
        for interface in ("public", "internal", "admin"):
            identity.create_endpoint(service_id=entry.id, interface=interface, region_id=settings.REGION, url="http://%s:%d%s" % (address, port, path))
    for name in settings.TENANTS:
        tenant = identity.create_project(name=name, domain_id="default")
        identity.assign_project_role_to_user(tenant, identity.create_user(name=name, password=secrets["tenants"], domain_id="default"), member)


def stock():
    """An image to boot from, once Glance answers."""
    _until(120, lambda cloud: cloud.image.create_image("tiny", container_format="bare", disk_format="raw", data=b"\0" * 512, visibility="public"))


def missing(services, providers, controller, computes, since):
    """Sentences. SERVICES: rows of GET /os-services; PROVIDERS: names in Placement; SINCE: seconds of the epoch."""
    wanted = [(name, controller) for name in SERVICES] + [("nova-compute", host) for host in computes]
    found = {(one["binary"], one["host"]): one for one in services}
    wrong = []
    for name, host in wanted:
        one = found.get((name, host))
        if not one or one["state"] != "up" or not one["updated_at"] or _epoch(one["updated_at"]) < since:
            wrong.append("%s of %s %s" % (name, host, "does not report" if one else "is not known"))
    return wrong + ["Placement has no provider of %s" % host for host in computes if host not in providers]


def _epoch(text):
    return datetime.datetime.fromisoformat(text[:19]).replace(tzinfo=datetime.timezone.utc).timestamp()


def wait(since, seconds, computes):
    def ask(cloud):
        # the last two only have to answer
        list(cloud.image.images(limit=1)), list(cloud.network.networks(limit=1))
        wrong = missing(cloud.compute.get("/os-services").json()["services"],
                        {one["name"] for one in cloud.placement.get("/resource_providers").json()["resource_providers"]}, socket.gethostname(), computes, since)
        if wrong:
            raise RuntimeError("; ".join(wrong))
        return True

    _until(seconds, ask)
