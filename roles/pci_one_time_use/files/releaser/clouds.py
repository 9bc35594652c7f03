# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the releaser asks Placement and Nova: plain requests of fixed microversions through openstacksdk, so that an old SDK does."""

from __future__ import annotations

import re

import ledger

ONCE = "HW_PCI_ONE_TIME_USE"
# what the first series with cards for one use has
_VERSIONS = {"compute": "2.61", "placement": "1.36"}
_CARD = re.compile(r"(.+)_([0-9A-Fa-f]{4}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7])$")
_TIMEOUT = 60
# of a server that no longer has its host's card
_OVER = "delete"
_MOVED = ("confirmed", "completed", "done")


class CloudError(ledger.Refused):
    """status: of the answer, where there was one."""

    def __init__(self, text, status=None):
        super().__init__(text)
        self.status = status


def connect(cloud, region):
    try:
        import openstack
    except ImportError:
        raise CloudError("the Python package openstacksdk is not there")
    try:
        return openstack.connect(cloud=cloud, **({"region_name": region} if region else {}))
    except Exception as error:  # the SDK and what it uses have no error in common
        raise CloudError("the cloud cannot be asked: %s" % error)


def count_of(specs, klass, aliases):
    """How many cards of a class a flavor asks for, by alias or by the class itself. An alias whose class nobody told counts for none."""
    found = 0
    for key, value in (specs or {}).items():
        if key == "pci_passthrough:alias":
            parts = [part.strip().partition(":") for part in str(value).split(",")]
            found += sum(int(count or 1) for name, _colon, count in parts if aliases.get(name) == klass and (count or "1").isdigit())
        elif re.match(r"resources[\w-]*:%s$" % re.escape(klass), key) and str(value).isdigit():
            found += int(value)
    return found


class Cloud:
    """calls: requests made."""

    def __init__(self, connection):
        self.connection, self.calls = connection, 0

    def ask(self, service, path, method="GET", body=None, missing=False):
        try:
            self.calls += 1
            answer = getattr(self.connection, service).request(
                path, method, raise_exc=False, timeout=_TIMEOUT, microversion=_VERSIONS[service], connect_retries=int(method == "GET"),
                **({"json": body} if body is not None else {}))  # fmt: skip
            document = answer.json() if answer.content else {}
        except Exception as error:  # the same: no error in common
            raise CloudError("%s cannot be asked: %s" % (service, (str(error).splitlines() or [type(error).__name__])[0]))
        if missing and answer.status_code == 404:
            return None
        if answer.status_code >= 400:
            raise CloudError("%s answers %d to %s %s" % (service, answer.status_code, method, path), answer.status_code)
        return document

    def listed(self, path, key):
        """Rows of compute, page by page."""
        rows = []
        while path:
            page = self.ask("compute", path)
            rows += page[key]
            links = [link["href"] for link in page.get(key + "_links") or [] if link["rel"] == "next"]
            path = path.partition("?")[0] + "?" + links[0].partition("?")[2] if links else None
        return rows

    def cards(self):
        """[{uuid, host, address}] of all cards that are used once; host: the name of the provider that has them."""
        if not self.ask("placement", "/traits?name=in:" + ONCE)["traits"]:
            return []
        named = [(row["uuid"], _CARD.match(row["name"])) for row in self.ask("placement", "/resource_providers?required=" + ONCE)["resource_providers"]]
        rows = [{"uuid": uuid, "host": found.group(1), "address": found.group(2).lower()} for uuid, found in named if found]
        return sorted(rows, key=lambda row: (row["host"], row["address"]))

    def look(self, uuid):
        """{inventories, generation, consumers, traits}, None for a provider that went. The generation is read before the rest, so that it is never younger."""
        there = self.ask("placement", "/resource_providers/%s/inventories" % uuid, missing=True)
        taken = there and self.ask("placement", "/resource_providers/%s/allocations" % uuid, missing=True)
        traits = taken and self.ask("placement", "/resource_providers/%s/traits" % uuid, missing=True)
        if not traits:
            return None
        return {"inventories": there["inventories"], "generation": there["resource_provider_generation"], "consumers": sorted(taken["allocations"]),
                "traits": traits["traits"]}  # fmt: skip

    def give_back(self, uuid, klass, row, generation):
        """Keep nothing of the card, if nothing became of it since that generation; False: something did. row: its inventory at that generation."""
        path = "/resource_providers/%s/inventories/%s" % (uuid, klass)
        try:
            self.ask("placement", path, "PUT", dict(row, reserved=0, resource_provider_generation=generation))
        except CloudError as error:
            if error.status != 409:
                raise
            return False
        return True

    def ended(self, consumer, host, since):
        """{id, how} of the server by which a consumer had a card of the host, None while it may still have it, or for none that Nova knows."""
        server = self.ask("compute", "/servers/" + consumer, missing=True)
        if server is None:
            actions = self.ask("compute", "/servers/%s/os-instance-actions" % consumer, missing=True)
            if actions is None:
                return self.moved(consumer, since)
            names = [row["action"] for row in actions["instanceActions"]]
            return {"id": consumer, "how": "deleted"} if _OVER in names else None
        return self.left(server["server"], host)

    @staticmethod
    def left(server, host):
        if server["status"] == "DELETED":
            return {"id": server["id"], "how": "deleted"}
        busy = server.get("OS-EXT-STS:task_state") or server["status"] in ("RESIZE", "VERIFY_RESIZE", "MIGRATING", "REVERT_RESIZE")
        return None if busy or server.get("OS-EXT-SRV-ATTR:hypervisor_hostname") == host else {"id": server["id"], "how": "elsewhere"}

    def moved(self, consumer, since):
        """While a server moves, the card that it leaves is kept by its migration."""
        rows = self.listed("/os-migrations?changes-since=" + since, "migrations")
        return next(({"id": row["instance_uuid"], "how": "moved"} for row in rows if row.get("uuid") == consumer and row["status"] in _MOVED), None)

    def deleted(self, host, klass, since, aliases):
        """{id: cards} of the servers of a host that asked for cards, deleted since then."""
        rows = self.listed("/servers/detail?all_tenants=1&deleted=true&changes-since=" + since, "servers")
        mine = [row for row in rows if row["status"] == "DELETED" and row.get("OS-EXT-SRV-ATTR:hypervisor_hostname") == host]
        counts = {row["id"]: count_of((row.get("flavor") or {}).get("extra_specs"), klass, aliases) for row in mine}
        return {identity: count for identity, count in counts.items() if count}
