# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""From a host's few variables to the full description of its machine: pure, so that the same words give the same cards."""
from __future__ import annotations

import hashlib
import ipaddress
import uuid

NAMESPACE = uuid.UUID("6d1f4f6e-0b57-5b52-8f0e-6f2d2b9b7a11")
# keys of one entry of lab_cards
ENTRY = {"part", "at", "serials", "uuids", "dead", "vpd", "vfs"}
DEAD = (None, "bus", "driver")
# what a host of this suite is to a cloud
CLOUD = {"openstack-controller": "controller", "openstack-compute": "compute"}
# the suite of a host that runs pods
NODE = "kubernetes-node"
HOST = {"suite", "kernel", "address", "cards", "faults", "secure_boot", "early_nouveau", "run_file", "cmdline"}
# keys of lab_kubernetes
MIRROR = {"address", "versions"}
# and what it has only where the site says so
MORE = {"accelerators", "kueue"}


class Mistake(Exception):
    """Something in the inventory that the operator can put right."""


def host_facts(facts):
    """What a host is made of where its variables do not say so."""
    return {"kernel": "amd64", "cards": [], **facts}


def check_addresses(site):
    """Every host has an address of its own in the lab's network, and a suite."""
    network = ipaddress.ip_network(site["subnet"])
    taken = {site["repository"].get("address"): "the repository", site["kubernetes"].get("address"): "the mirror"}
    for name, facts in sorted(site["hosts"].items()):
        missing = [key for key in ("address", "suite") if not facts.get(key)]
        if missing:
            raise Mistake("%s: lab_%s is missing" % (name, ", lab_".join(missing)))
        if ipaddress.ip_address(facts["address"]) not in network or facts["address"] in taken:
            raise Mistake("%s: lab_address %s is outside %s or taken by %s" % (name, facts["address"], network, taken.get(facts["address"], "nobody")))
        taken[facts["address"]] = name


def check_mirror(settings):
    """The mirror that clusters are installed from is described whole, or there is none."""
    wrong = set(settings) - MIRROR - MORE or settings and not MIRROR <= set(settings)
    if wrong or not all(isinstance(settings.get(key, False), bool) for key in MORE):
        raise Mistake("lab_kubernetes is {address, versions} and, true or false, %s, not %s" % (", ".join(sorted(MORE)), settings))
    if settings.get("kueue") and not settings["versions"]:
        raise Mistake("lab_kubernetes has kueue, which is put together by a version of Kubernetes: name one in versions")


def cloud(hosts):
    """{controller: name, computes: [names]} where hosts are parts of an OpenStack, else None."""
    found = {}
    for name, facts in sorted(hosts.items()):
        if facts.get("suite") in CLOUD:
            found.setdefault(CLOUD[facts["suite"]], []).append(name)
    if found and (len(found.get("controller", [])) != 1 or not found.get("compute")):
        raise Mistake("a cloud is one host of the suite openstack-controller and at least one of openstack-compute, not %s"
                      % ", ".join("%s %s" % (kind, " ".join(names)) for kind, names in sorted(found.items())))
    return {"controller": found["controller"][0], "computes": found["compute"]} if found else None


def machine(name, host, parts, repository):
    """The description of one machine, as its process 1 reads it."""
    unknown = set(host) - HOST
    if unknown:
        raise Mistake("%s: unknown lab_%s, known are %s" % (name, ", lab_".join(sorted(unknown)), ", ".join("lab_" + key for key in sorted(HOST))))
    functions = [function for entry in host.get("cards", []) for function in _functions(name, entry, parts)]
    functions.sort(key=lambda function: function["address"])
    for n, function in enumerate(functions):
        function.setdefault("slot", str(n + 1))
        function["iommu_group"] = 16 + n
    secure = host.get("secure_boot") or {}
    if set(secure) - {"enabled", "enrolled"}:
        raise Mistake("%s: lab_secure_boot is {enabled: true or false, enrolled: [files of certificates]}" % name)
    return {
        "name": name, "repository": repository, "functions": functions, "faults": host.get("faults") or {}, "cmdline": host.get("cmdline", ""),
        "early_nouveau": bool(host.get("early_nouveau")),
        "run_file": host.get("run_file"), "archive": host.get("suite") if str(host.get("suite")).endswith("-like") else None,
        "secure_boot": {"firmware": bool(secure), "enabled": bool(secure.get("enabled")), "enrolled": secure.get("enrolled", [])},
    }


def _functions(name, entry, parts):
    unknown = set(entry) - ENTRY
    if unknown or not entry.get("at") or entry.get("part") not in parts or entry.get("dead") not in DEAD:
        raise Mistake("%s: lab_cards entry %s: keys are %s; parts are %s; dead is one of bus, driver"
                      % (name, entry, ", ".join(sorted(ENTRY)), ", ".join(sorted(parts))))
    part = parts[entry["part"]]
    for n, at in enumerate(entry["at"]):
        address = at if at.count(":") == 2 else "0000:" + at
        yield _function(name, address, part, dict(entry, **{key: (entry.get(key + "s") or [])[n:n + 1] for key in ("serial", "uuid")}))


def _function(name, address, part, entry):
    function = {key: value for key, value in part.items() if key != "nvml"}
    function.update(address=address, numa_node=int(address.split(":")[1], 16) >> 7, dead=entry.get("dead"))
    function.update({key: entry[key] for key in ("vpd", "vfs") if entry.get(key)})
    number = (entry["serial"] or [serial(name, address)])[0]
    if "nvml" in part:
        function["nvml"] = dict(part["nvml"], serial=number, uuid=(entry["uuid"] or ["GPU-%s" % uuid.uuid5(NAMESPACE, name + address)])[0])
    else:
        function["serial_number"] = number
    return function


def serial(name, address):
    """A serial number of the vendor's form that stays the same for this place."""
    return "165%010d" % (int(hashlib.sha256((name + address).encode()).hexdigest(), 16) % 10**10)
