# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""judge.py: what published Nova and Placement say of generated text, without a service or a database.

Runs with the Python of one release (see tools/oracle_env.py) and imports nothing of this collection. Reads a JSON list of cases {id, ask, ...} on
standard input, and writes one JSON line for each: {id, ok, why} and what Nova made of the text. A refusal is any exception of Nova's own code.
"""

from __future__ import annotations

import functools
import json
import sys
import tempfile

import nova.conf
import placement.conf
from nova import objects
from nova.api.validation.extra_specs import validators
from nova.compute import pci_placement_translator as translator
from nova.compute import provider_tree
from nova.objects import image_meta
from nova.pci import request, utils, whitelist
from nova.scheduler import filters, host_manager
from nova.scheduler import utils as scheduler_utils
from nova.virt import hardware
from oslo_config import cfg

CONF = nova.conf.CONF
HYPERVISOR = "host"
ROOT, CARD = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
# the start of nova-api and nova-compute asks it from 31.3.1 and 32.0.0 on, and it is public since then
ALIASES = getattr(request, "get_alias_from_config", None)
CHECKED_AT_START = ALIASES is not None or hasattr(request, "_validate_aliases")
ASKED = {}


def asked(function):
    ASKED[function.__name__] = function
    return function


def configure(options, conf=CONF, project="nova"):
    """Load {section: {option: text or lines}} as a configuration file; no other file is read."""
    lines = []
    for section, values in sorted(options.items(), key=lambda pair: pair[0] != "DEFAULT"):
        lines.append("[%s]" % section)
        lines += ["%s = %s" % (name, text) for name, value in values.items() for text in (value if isinstance(value, list) else [value])]
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        conf([], project=project, default_config_files=[file.name], default_config_dirs=[])
    forget = getattr(ALIASES, "cache_clear", None)
    if forget:
        forget()
    return [read(conf, section, name) for section, values in options.items() for name in values]


def read(conf, section, name):
    """The value of an option as the release reads it; an option that it does not know, or a value that it does not take, is an exception."""
    return conf[name] if section == "DEFAULT" else conf[section][name]


def aliases():
    return (ALIASES or request._get_alias_from_config)()


def device(one):
    """A function of a host as the tracker of nova-compute holds it."""
    parent = one.get("physfn")
    made = objects.PciDevice(vendor_id=one["vendor"], product_id=one["device"], address=one["address"], dev_type=one["type"], parent_addr=parent,
                             status="available", instance_uuid=None, extra_info={})  # fmt: skip
    return made


def sysfs(devices):
    """Nova looks into the sysfs of the machine that it runs on: here it sees the functions of the case."""
    physical = {one["address"] for one in devices if one["type"] == "type-PF"}
    utils.is_physical_function = lambda domain, bus, slot, function: "%s:%s:%s.%s" % (domain, bus, slot, function) in physical


def taken(specs, devices):
    """For each function the place of the entry that takes it, or null."""
    found = [specs.get_devspec(device(one)) for one in devices]
    return [None if one is None else next(at for at, spec in enumerate(specs.specs) if spec is one) for one in found]


def providers(specs, devices):
    """{name: [class, total, traits]} that nova-compute would report; raises where it refuses to start."""
    translator.ensure_no_dev_spec_with_devname(specs.specs)
    view = translator.PlacementView(HYPERVISOR, [])
    for one in devices:
        made = device(one)
        spec = specs.get_devspec(made)
        if spec:
            view.process_dev(made, spec)
    return {name: [one.resource_class, len(one.devs), sorted(one.traits)] for name, one in view.rps.items() if one.resource_class}


@asked
def device_spec(case):
    """Lines of [pci] device_spec beside functions of a host."""
    configure({"pci": {"report_in_placement": str(case["report"]).lower(), "device_spec": case["lines"]}})
    sysfs(case["devices"])
    specs = whitelist.Whitelist(CONF.pci.device_spec)
    return {"taken": taken(specs, case["devices"]), "providers": providers(specs, case["devices"]) if case["report"] else {}}


@asked
def alias(case):
    """Lines of [pci] alias, then a server that asks for each of them."""
    configure({"pci": {"alias": case["lines"]}, "filter_scheduler": {"pci_in_placement": "true"} if case["placement"] else {}})
    names = sorted(aliases())
    for name in names:
        request.get_pci_requests_from_flavor(objects.Flavor(extra_specs={"pci_passthrough:alias": "%s:1" % name}))
    return {"names": names}


@asked
def name(case):
    """The class and traits that an entry with these tags gets for a function."""
    tags = {key: case[key] for key in ("resource_class", "traits") if case.get(key)}
    one = objects.PciDevice(vendor_id=case["vendor"], product_id=case["device"], address="0000:1b:00.0")
    return {"resource_class": translator._get_rc_for_dev(one, tags), "traits": sorted(translator._get_traits_for_dev(tags))}


def flavor_of(case):
    sizes = {"vcpus": case["vcpus"], "memory_mb": case["ram_mib"], "root_gb": 1, "ephemeral_gb": 0, "swap": 0}
    return objects.Flavor(name="f", flavorid="f", extra_specs=case["extra_specs"], **sizes)


def counted(made):
    """{class: amount} that unified limits count for a server of a flavor."""
    if hasattr(scheduler_utils, "request_spec_for_limits"):
        return scheduler_utils.ResourceRequest.from_request_spec(scheduler_utils.request_spec_for_limits(made, False)).merged_resources()
    return scheduler_utils.resources_for_limits(made, False)


@asked
def flavor(case):
    """A flavor as the API checks it, and as nova-api reads it when a server is asked for."""
    configure({"pci": {"alias": case["alias"]}, **({"filter_scheduler": {"pci_in_placement": "true"}} if case["placement"] else {})})
    for key, value in sorted(case["extra_specs"].items()):
        validators.validate(key, value)
    made, image = flavor_of(case), objects.ImageMeta.from_dict({"properties": {}})
    requests = request.get_pci_requests_from_flavor(made).requests
    numa = hardware.numa_get_constraints(made, image)
    hardware.get_locked_memory_constraint(made, image)
    return {"requests": [[one.alias_name, one.count] for one in requests], "numa_nodes": len(numa.cells) if numa else 0,
            "policy": hardware.get_pci_numa_policy_constraint(made, image), "counted": dict(counted(made))}  # fmt: skip


@asked
def image(case):
    """Properties of an image: which of them the release knows; a value that it does not take is an exception."""
    objects.ImageMeta.from_dict({"properties": case["properties"]})
    return {"known": sorted(set(case["properties"]) & set(image_meta.ImageMetaProps.fields))}


def chosen_filters():
    """The filters that nova-scheduler takes from its configuration; raises for one that is not there."""
    manager = host_manager.HostManager.__new__(host_manager.HostManager)
    classes = filters.HostFilterHandler().get_matching_classes(CONF.filter_scheduler.available_filters)
    manager.filter_cls_map, manager.filter_obj_map = {one.__name__: one for one in classes}, {}
    return [type(one).__name__ for one in manager._choose_host_filters(manager._load_filters())]


@asked
def service(case):
    """The configuration of one service, and what it checks at its start."""
    if case["service"] == "placement-api":
        conf = cfg.ConfigOpts()
        placement.conf.register_opts(conf)
        # the one option without which placement says nothing at all
        configure({**case["options"], "placement_database": {"connection": "sqlite://"}}, conf, "placement")
        return {}
    configure(case["options"])
    found = {"aliases": sorted(aliases()) if CHECKED_AT_START and case["service"] in ("nova-api", "nova-compute") else []}
    if case["service"] == "nova-scheduler":
        found["filters"] = chosen_filters()
    if case["service"] == "nova-compute":
        sysfs(case["devices"])
        specs = whitelist.Whitelist(CONF.pci.device_spec)
        found.update(taken=taken(specs, case["devices"]), providers=providers(specs, case["devices"]) if CONF.pci.report_in_placement else {})
    return found


@asked
def restart(case):
    """nova-compute of a host whose cards are in placement already."""
    configure({"pci": {"report_in_placement": str(case["report"]).lower()}})
    tree = provider_tree.ProviderTree()
    tree.new_root(HYPERVISOR, ROOT)
    tree.new_child("card", ROOT, uuid=CARD)
    tree.add_traits(CARD, translator.os_traits.COMPUTE_MANAGED_PCI_DEVICE)
    if not translator._is_placement_tracking_enabled():
        translator.ensure_tracking_was_not_enabled_before(tree)
    return {}


@asked
def release(case):
    """What the release has of what our tables name."""
    conf = cfg.ConfigOpts()
    placement.conf.register_opts(conf)
    known = {"option": [], "placement_option": []}
    for where, section, option in case["options"]:
        try:
            read(conf if where == "placement_option" else CONF, section, option)
            known[where].append([section, option])
        except (cfg.NoSuchOptError, cfg.NoSuchGroupError):
            pass
    handler = filters.HostFilterHandler()
    standard = translator.os_resource_classes.STANDARDS
    return {**known, "alias": sorted(request._ALIAS_SCHEMA["properties"]), "filters": sorted(one.__name__ for one in handler.get_all_classes()),
            "default_filters": list(CONF.filter_scheduler.enabled_filters), "classes": list(standard), "images": sorted(image_meta.ImageMetaProps.fields),
            "extra_specs": sorted(validators.VALIDATORS), "checked_at_start": CHECKED_AT_START}  # fmt: skip


def verdict(case):
    try:
        return {"id": case["id"], "ok": True, "why": None, **ASKED[case["ask"]](case)}
    except Exception as error:  # a traceback at the start of a service is a refusal too
        return {"id": case["id"], "ok": False, "why": "%s: %s" % (type(error).__name__, error)}


def main():
    objects.register_all()
    configure({})
    say = functools.partial(print, file=sys.stdout, flush=True)
    for case in json.load(sys.stdin):
        say(json.dumps(verdict(case)))


if __name__ == "__main__":
    main()
