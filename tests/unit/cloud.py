# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A small cloud for unit tests: it answers the requests of our modules as the services do, and keeps what they change."""

from __future__ import annotations

import copy
import json
import re
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote, urlsplit

PROJECTS = {"p-research": "research", "p-health": "health", "p-admin": "admin"}
ROUTES = []


def route(service, method, pattern):
    def keep(function):
        ROUTES.append((service, method, re.compile(pattern + "$"), function))
        return function

    return keep


class Refuse(Exception):
    """An answer that is no success."""


class Cloud:
    """asked: (service, method, path, body) of every request. broken: {(method, part of a path): (status, text)}, each once."""

    def __init__(self):
        self.asked, self.versions, self.broken, self.number, self.quotas, self.full = [], [], {}, 0, {}, False
        self.projects = [{"id": key, "name": name, "domain_id": "default"} for key, name in PROJECTS.items()]
        self.flavors, self.access, self.aggregates, self.servers, self.migrations = {}, {}, {}, [], []
        service = {"binary": "nova-compute", "status": "enabled", "disabled_reason": None, "state": "up"}
        self.services = [dict(service, id=f"s-{host}", host=host) for host in ("compute1", "compute2")]
        self.catalog = [{"id": "s-nova", "type": "compute", "name": "nova"}, {"id": "s-keystone", "type": "identity", "name": "keystone"}]
        self.endpoints = [{"id": "e-1", "service_id": "s-nova", "region_id": "RegionOne"}, {"id": "e-2", "service_id": "s-keystone", "region_id": "RegionOne"}]
        self.registered, self.limits, self.whole = {}, {}, True
        self.providers, self.inventories, self.allocations, self.traits = {}, {}, {}, {}
        # most: servers that Nova allows a tenant; stuck: servers do not go; slow: they do not come in time
        self.images, self.most, self.stuck, self.slow = ["tiny"], None, False, False
        self.known_traits, self.generations = {"COMPUTE_MANAGED_PCI_DEVICE"}, {}
        for host in ("compute1", "compute2"):
            self.provider(host)

    def new(self, kind):
        self.number += 1
        return f"{kind}-{self.number}"

    def provider(self, name, parent=None):
        self.providers[name] = {"uuid": name, "name": name, "root_provider_uuid": parent or name, "parent_provider_uuid": parent, "generation": 0}
        self.inventories[name], self.allocations[name], self.traits[name], self.generations[name] = {}, {}, set(), 0

    def card(self, host, address, klass="CUSTOM_H100", total=1, traits=("CUSTOM_GPU_H100",)):
        name = f"{host}_{address}"
        self.provider(name, host)
        row = {"total": total, "reserved": 0, "min_unit": 1, "max_unit": total, "step_size": 1, "allocation_ratio": 1.0}
        self.inventories[name] = {klass: row}
        self.traits[name] = {"COMPUTE_MANAGED_PCI_DEVICE", *traits}
        self.known_traits |= self.traits[name]
        return name

    def server(self, identity, host, project="p-research", wants="", card=None, flavor="f", klass="CUSTOM_H100"):
        specs = {"pci_passthrough:alias": wants} if wants else {}
        embedded = {"original_name": flavor, "extra_specs": specs}
        row = {"id": identity, "name": f"name-of-{identity}", "status": "ACTIVE", "tenant_id": project, "OS-EXT-SRV-ATTR:host": host, "flavor": embedded}
        self.servers.append(row)
        if card:
            self.allocations[card][identity] = {"resources": {klass: 1}}

    def writes(self):
        return [(method, path) for _service, method, path, _body in self.asked if method != "GET"]

    def request(self, service, path, method, body, system):
        self.asked.append((service, method, path, body))
        for (verb, part), answer in list(self.broken.items()):
            if verb == method and part in path:
                del self.broken[verb, part]
                return answer
        parts = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        for name, verb, pattern, function in ROUTES:
            found = pattern.match(parts.path)
            if (name, verb) == (service, method) and found:
                try:
                    return 200, copy.deepcopy(function(self, *found.groups(), query=dict(query, system=system), body=body))
                except Refuse as refused:
                    return refused.args
        raise AssertionError(f"no such request: {service} {method} {path}")

    def move(self, uuid, body):
        """A write in Placement: only with the generation of today."""
        if body["resource_provider_generation"] != self.generations[uuid]:
            raise Refuse(409, {"errors": [{"title": "Conflict", "detail": "resource provider generation conflict"}]})
        self.generations[uuid] += 1
        return {}


class Answer:
    def __init__(self, status, document):
        self.status_code, self.content = status, b"x" if document is not None else b""
        self._document = document

    def json(self):
        if isinstance(self._document, str):
            raise ValueError(self._document)
        return json.loads(json.dumps(self._document))


class Client:
    """What the SDK gives for a service."""

    def __init__(self, cloud, service):
        self.cloud, self.service = cloud, service

    def request(self, path, method, raise_exc, timeout, microversion, connect_retries, json=None, auth=None):
        assert raise_exc is False and timeout and (method == "GET" or connect_retries == 0)
        self.cloud.versions.append(microversion)
        return Answer(*self.cloud.request(self.service, path, method, json, auth is not None))


def connection(cloud, region="RegionOne"):
    login = {"auth": {"system_scope": "all"}, "auth_type": "password"}
    config = SimpleNamespace(get_region_name=lambda: region, config=login)
    return SimpleNamespace(config=config, **{service: Client(cloud, service) for service in ("compute", "identity", "image", "placement")})


# compute


@route("compute", "GET", "/flavors/detail")
def _flavors(cloud, query, body):
    return {"flavors": list(cloud.flavors.values())}


@route("compute", "GET", "/flavors")
def _flavors_of_tenant(cloud, query, body):
    return {"flavors": [{"id": one["id"], "name": one["name"]} for one in cloud.flavors.values()]}


@route("compute", "POST", "/flavors")
def _make_flavor(cloud, query, body):
    one = dict(body["flavor"], id=cloud.new("f"), extra_specs={}, swap="", **{"OS-FLV-EXT-DATA:ephemeral": 0})
    cloud.flavors[one["id"]], cloud.access[one["id"]] = one, []
    return {"flavor": one}


@route("compute", "DELETE", "/flavors/([^/]+)")
def _remove_flavor(cloud, identity, query, body):
    del cloud.flavors[identity]


@route("compute", "POST", "/flavors/([^/]+)/os-extra_specs")
def _specs(cloud, identity, query, body):
    cloud.flavors[identity]["extra_specs"].update(body["extra_specs"])
    return body


@route("compute", "DELETE", "/flavors/([^/]+)/os-extra_specs/(.+)")
def _no_spec(cloud, identity, key, query, body):
    del cloud.flavors[identity]["extra_specs"][unquote(key)]


@route("compute", "GET", "/flavors/([^/]+)/os-flavor-access")
def _access(cloud, identity, query, body):
    return {"flavor_access": [{"flavor_id": identity, "tenant_id": one} for one in cloud.access[identity]]}


@route("compute", "POST", "/flavors/([^/]+)/action")
def _grant(cloud, identity, query, body):
    (action, row), = body.items()
    getattr(cloud.access[identity], {"addTenantAccess": "append", "removeTenantAccess": "remove"}[action])(row["tenant"])
    return {"flavor_access": []}


@route("compute", "GET", "/os-aggregates")
def _aggregates(cloud, query, body):
    return {"aggregates": list(cloud.aggregates.values())}


@route("compute", "POST", "/os-aggregates")
def _make_aggregate(cloud, query, body):
    cloud.number += 1
    cloud.aggregates[cloud.number] = {"id": cloud.number, "name": body["aggregate"]["name"], "hosts": [], "metadata": {}}
    return {"aggregate": cloud.aggregates[cloud.number]}


@route("compute", "DELETE", "/os-aggregates/([0-9]+)")
def _remove_aggregate(cloud, identity, query, body):
    if cloud.aggregates[int(identity)]["hosts"]:
        raise Refuse(409, {"conflictingRequest": {"message": "Cannot remove host aggregate: it has hosts."}})
    del cloud.aggregates[int(identity)]


@route("compute", "POST", "/os-aggregates/([0-9]+)/action")
def _change_aggregate(cloud, identity, query, body):
    (action, row), = body.items()
    one = cloud.aggregates[int(identity)]
    if action == "set_metadata":
        one["metadata"] = {key: value for key, value in dict(one["metadata"], **row["metadata"]).items() if value is not None}
    else:
        getattr(one["hosts"], {"add_host": "append", "remove_host": "remove"}[action])(row["host"])
    return {"aggregate": one}


@route("compute", "GET", "/os-services")
def _services(cloud, query, body):
    return {"services": cloud.services}


@route("compute", "PUT", "/os-services/(.+)")
def _service(cloud, identity, query, body):
    one = next(one for one in cloud.services if one["id"] == identity)
    one.update({"disabled_reason": None}, **body)
    return {"service": one}


@route("compute", "GET", "/servers/detail")
def _servers(cloud, query, body):
    """Two a page."""
    rows = [one for one in cloud.servers if query.get("host") in (None, one["OS-EXT-SRV-ATTR:host"]) and ("locked" not in query or one.get("locked"))]
    if "flavor" in query:
        rows = [one for one in rows if one["flavor"]["original_name"] == cloud.flavors[query["flavor"]]["name"]]
    at = int(query.get("marker", 0))
    link = {"rel": "next", "href": f"http://192.0.2.1/v2.1/servers/detail?all_tenants=1&host={query.get('host', '')}&marker={at + 2}"}
    return dict({"servers": rows[at : at + 2]}, **({"servers_links": [link]} if rows[at + 2 :] else {}))


@route("compute", "GET", "/servers")
def _servers_by_name(cloud, query, body):
    return {"servers": [{"id": one["id"], "name": one["name"]} for one in cloud.servers if re.search(query["name"], one["name"])]}


@route("compute", "POST", "/servers")
def _boot(cloud, query, body):
    """On the first free card, if the limit of the tenant allows it."""
    if cloud.most is not None and len(cloud.servers) >= cloud.most:
        raise Refuse(403, {"forbidden": {"message": "Quota exceeded"}})
    identity, asked = cloud.new("s"), body["server"]
    free = [uuid for uuid, row in cloud.inventories.items() for name in row if name.startswith("CUSTOM_") and _free(cloud, uuid, name)]
    cloud.server(identity, cloud.providers[free[0]]["parent_provider_uuid"] if free else None, card=free[0] if free else None)
    cloud.servers[-1].update(name=asked["name"], **({} if free else {"status": "ERROR", "fault": {"message": "No valid host was found."}}))
    if cloud.slow:
        cloud.servers[-1]["status"] = "BUILD"
    return {"server": {"id": identity}}


@route("compute", "DELETE", "/servers/([^/]+)")
def _remove_server(cloud, identity, query, body):
    if cloud.stuck:
        return
    cloud.servers[:] = [one for one in cloud.servers if one["id"] != identity]
    for each in cloud.allocations.values():
        each.pop(identity, None)


@route("compute", "GET", "/servers/([^/]+)")
def _server(cloud, identity, query, body):
    return {"server": next(one for one in cloud.servers if one["id"] == identity)}


@route("compute", "POST", "/servers/([^/]+)/action")
def _act_on_server(cloud, identity, query, body):
    """A move is finished at the next look, unless no other host takes it."""
    (action, row), = body.items()
    one = next(one for one in cloud.servers if one["id"] == identity)
    if action == "lock":
        one.update(locked=True, **row)
    elif action == "unlock":
        one.update(locked=False, locked_reason=None)
    elif action in ("os-stop", "os-start"):
        one["status"] = {"os-stop": "SHUTOFF", "os-start": "ACTIVE"}[action]
    elif action == "migrate" and not cloud.full:
        here, other = one["OS-EXT-SRV-ATTR:host"], next(each["host"] for each in cloud.services if each["host"] != one["OS-EXT-SRV-ATTR:host"])
        one.update({"status": "VERIFY_RESIZE", "OS-EXT-SRV-ATTR:host": other})
        moving = {"id": 1, "uuid": "m", "instance_uuid": identity, "status": "finished", "migration_type": "migration"}
        cloud.migrations.append({**moving, "source_compute": here, "dest_compute": other})
    elif action == "confirmResize":
        one["status"] = "ACTIVE"
        cloud.migrations[:] = [each for each in cloud.migrations if each["instance_uuid"] != identity]


@route("compute", "GET", "/os-migrations")
def _migrations(cloud, query, body):
    return {"migrations": [one for one in cloud.migrations if query["host"] in (one["source_compute"], one["dest_compute"])]}


@route("compute", "GET", "/os-quota-(class-sets|sets)/(.+)")
def _quota(cloud, kind, project, query, body):
    found = {"instances": 10, "cores": 20, "ram": 51200, "injected_files": 5, "server_groups": 10, "floating_ips": -1, "id": project}
    return {"quota_class_set" if kind == "class-sets" else "quota_set": dict(found, **cloud.quotas.get(project, {}))}


@route("image", "GET", "/images")
def _images(cloud, query, body):
    return {"images": [{"id": f"i-{one}", "name": one} for one in cloud.images if one == query["name"]]}


# identity


@route("identity", "GET", "/(projects|domains|services|endpoints)")
def _list(cloud, kind, query, body):
    rows = {"projects": cloud.projects, "domains": [{"id": "default", "name": "Default"}], "services": cloud.catalog, "endpoints": cloud.endpoints}[kind]
    return {kind: [one for one in rows if query.get("name") in (None, one.get("name"))]}


@route("identity", "GET", "/(registered_limits|limits)")
def _limits(cloud, kind, query, body):
    rows = cloud.registered if kind == "registered_limits" else cloud.limits
    return {kind: [one for one in rows.values() if one["service_id"] == query["service_id"]], "links": {"next": None}}


@route("identity", "POST", "/(registered_limits|limits)")
def _make_limits(cloud, kind, query, body):
    rows = cloud.registered if kind == "registered_limits" else cloud.limits
    for one in body[kind]:
        identity = cloud.new("l")
        rows[identity] = dict(one, id=identity)
    return body


@route("identity", "PATCH", "/(registered_limits|limits)/(.+)")
def _change_limit(cloud, kind, identity, query, body):
    (cloud.registered if kind == "registered_limits" else cloud.limits)[identity].update(body[kind[:-1]])
    return body


@route("identity", "DELETE", "/(registered_limits|limits)/(.+)")
def _remove_limit(cloud, kind, identity, query, body):
    del (cloud.registered if kind == "registered_limits" else cloud.limits)[identity]


# placement


@route("placement", "GET", "/resource_providers")
def _providers(cloud, query, body):
    rows = list(cloud.providers.values())
    if "required" in query:
        rows = [one for one in rows if query["required"] in cloud.traits[one["uuid"]]]
    if "resources" in query:
        name, _colon, count = query["resources"].partition(":")
        rows = [one for one in rows if _free(cloud, one["uuid"], name) >= int(count)]
    return {"resource_providers": rows}


def _free(cloud, uuid, name):
    row = cloud.inventories[uuid].get(name, {"total": 0, "reserved": 0})
    return row["total"] - row["reserved"] - sum(each["resources"].get(name, 0) for each in cloud.allocations[uuid].values())


@route("placement", "GET", "/resource_providers/([^/]+)")
def _provider(cloud, uuid, query, body):
    return cloud.providers[uuid]


@route("placement", "DELETE", "/resource_providers/([^/]+)")
def _remove_provider(cloud, uuid, query, body):
    del cloud.providers[uuid]


@route("placement", "GET", "/resource_providers/([^/]+)/(inventories|allocations|traits)")
def _of_provider(cloud, uuid, kind, query, body):
    rows = {"inventories": cloud.inventories, "allocations": cloud.allocations, "traits": cloud.traits}[kind][uuid]
    return {kind: sorted(rows) if kind == "traits" else rows, "resource_provider_generation": cloud.generations[uuid]}


@route("placement", "PUT", "/resource_providers/([^/]+)/traits")
def _set_traits(cloud, uuid, query, body):
    if set(body["traits"]) - cloud.known_traits:
        raise Refuse(400, {"errors": [{"title": "Bad Request", "detail": "No such trait"}]})
    cloud.move(uuid, body)
    cloud.traits[uuid] = set(body["traits"])
    return body


@route("placement", "PUT", "/resource_providers/([^/]+)/inventories/(.+)")
def _set_inventory(cloud, uuid, name, query, body):
    cloud.move(uuid, body)
    cloud.inventories[uuid][name] = {key: value for key, value in body.items() if key != "resource_provider_generation"}
    return body


@route("placement", "GET", "/allocations/(.+)")
def _allocations(cloud, consumer, query, body):
    return {"allocations": {uuid: rows[consumer] for uuid, rows in cloud.allocations.items() if consumer in rows}}


@route("placement", "GET", "/traits")
def _traits(cloud, query, body):
    how, _colon, names = query["name"].partition(":")
    return {"traits": sorted(one for one in cloud.known_traits if (one in names.split(",") if how == "in" else one.startswith(names)))}


@route("placement", "PUT", "/traits/(.+)")
def _make_trait(cloud, name, query, body):
    cloud.known_traits.add(name)


@route("placement", "DELETE", "/traits/(.+)")
def _remove_trait(cloud, name, query, body):
    cloud.known_traits.remove(name)
