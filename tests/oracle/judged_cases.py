# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Cases for the judges: the vectors, and generated ones. The same seed makes the same cases for every release.

A case is what judge.py takes, with what our own core is asked beside it. Generated text is right, or wrong in one or two of the ways in which people
and programs get it wrong.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import yaml
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import names

HERE = Path(__file__).resolve().parent
SEED = 20261126
VECTORS = yaml.safe_load((HERE.parent / "unit" / "fixtures" / "nova" / "vectors.yml").read_text())
AMOUNTS = {"spec": 150, "alias": 150, "flavor": 100, "host": 100}
CARDS = [("10de", "2330"), ("10de", "2331"), ("1002", "74a1")]
VF = "233a"


def function(address, vendor, device, physfn=None, vfs=0, driver="vfio-pci"):
    """A function of a host as an observation has it."""
    return {"address": address, "vendor": vendor, "device": device, "class": "030200", "driver": driver, "physfn": physfn, "sriov_totalvfs": vfs,
            "iommu_group": 1, "bars": []}  # fmt: skip


def judged(functions):
    """The same for the judge."""
    return [{key: one[key] for key in ("address", "vendor", "device", "physfn")} | {"type": names.device_type(one)} for one in functions]


def host(chance):
    """One to four cards; some can have VFs, and some of these have them."""
    found = []
    for bus in chance.sample(["1a", "3b", "5e", "9c", "ff"], chance.randint(1, 4)):
        vendor, device = chance.choice(CARDS)
        kind = chance.choice(["plain", "plain", "capable", "split"])
        place = f"0000:{bus}:00.0"
        found.append(function(place, vendor, device, vfs=0 if kind == "plain" else 4, driver=chance.choice(["vfio-pci", "vfio-pci", "nvidia"])))
        if kind == "split":
            found += [function(f"0000:{bus}:00.{at}", vendor, VF, physfn=place) for at in range(1, chance.randint(2, 4))]
    return found


VECTOR_HOST = [function("0000:1a:00.0", "10de", "2330")]
IDS = ["0x10de", "10DE", "de", "*", "", " 10de ", "zzzz", "110de", "10de*", 4318, None, True, ["10de"]]
ADDRESSES = ["*", "*:*:*.*", "0000:*:00.*", ":1a:", "1a:00.*", "1A:00.0", "0000:1a:00", "00.0", "0", "0000:1a:00.8", "0000:1a:20.0", "0000:1a1:00.0",
             "10000:1a:00.0", "0:0:1a:00.0", "0000:zz:00.0", " 0000:1a:00.0", "0000:1a:00. 0", "0000:1a:00.0 ", "", "1a_:00.0", "+1a:00.0", "0x1a:00.0", 26,
             None, [], {}, ["0000:1a:00.0"], {"bus": "1a$"}, {"bus": "1"}, {"bus": "(1a|3b)$", "slot": "00$"}, {"bus": "["}, {"bus": 26}, {"bus": None},
             {"buss": "1a$"}, {"domain": ".*$", "bus": ".*$", "slot": ".*$", "function": ".*$"}, {"function": "[0-2]$"},
             {"domain": "", "bus": "", "slot": "", "function": ""}]  # fmt: skip
SWITCHES = ["yes", "no", "true", "false", "maybe", "", "1", "on", "Yes", " no ", True, False, 1, 0, None, []]
TAGS = {
    "managed": SWITCHES,
    "live_migratable": SWITCHES,
    "one_time_use": SWITCHES,
    "resource_class": ["h100-80g", "CUSTOM_H100", "custom_h100", "PGPU", "pgpu", "VGPU", "NET_PACKET_RATE_KILOPACKET_PER_SEC", "", "Ünï", "a b", "x" * 300,
                       5, None, True, []],
    "traits": ["A,B", "A, B", "HW_GPU_API_VULKAN", "hw_gpu_api_vulkan", "CUSTOM_X", "custom_x", "", ",", "x y", 5, None, ["A"], "A" * 300],
    "physical_network": ["net1", None, ""],
    "trusted": ["true", "false", "maybe", True],
    "remote_managed": ["true", "false", "maybe", True, False],
    "devname": ["eth0", "", None],
    "resource-class": ["X"],
    "unknown": [1],
}  # fmt: skip


def broken(chance, text):
    """Text that is no JSON object, or one in another shape."""
    return chance.choice([text.replace('"', "'"), text[:-1] + ",}", f"[{text}]", f"[{text}, {text}]", f"[[{text}]]", text + text, text[:-1], "", "null", "[]",
                          "{}", "5", '"text"', "NaN", f" {text}\t", f"# {text}", text.replace(":", "=", 1)])  # fmt: skip


def entry(chance, functions):
    """An entry as we write it for a function, then changed in up to two places."""
    one = chance.choice(functions)
    found = {"address": one["address"], "vendor_id": one["vendor"], "product_id": one["device"]}
    for key in chance.sample(sorted(found), chance.randint(0, 2)):
        del found[key]
    if chance.random() < 0.5:
        found["resource_class"] = chance.choice(["CUSTOM_H100", "CUSTOM_H100", "CUSTOM_A100"])
    for what in chance.choices(["nothing", "id", "address", "tag"], [2, 1, 2, 3], k=chance.randint(0, 2)):
        if what == "id":
            found[chance.choice(["vendor_id", "product_id"])] = chance.choice(IDS)
        elif what == "address":
            found["address"] = chance.choice(ADDRESSES)
        elif what == "tag":
            key = chance.choice(sorted(TAGS))
            found[key] = chance.choice(TAGS[key])
    return json.dumps(found)


def specs(chance):
    for _at in range(AMOUNTS["spec"]):
        functions = host(chance)
        line = entry(chance, functions)
        line = broken(chance, line) if chance.random() < 0.15 else line
        yield {"ask": "device_spec", "report": chance.random() < 0.6, "lines": [line], "functions": functions}


def hosts(chance):
    """Several lines on one host, so that they meet."""
    for _at in range(AMOUNTS["host"]):
        functions = host(chance)
        lines = [entry(chance, functions) for _line in range(chance.randint(1, 4))]
        yield {"ask": "device_spec", "report": chance.random() < 0.8, "lines": lines, "functions": functions}


ALIAS = {
    "name": ["h100", "a b", " h100 ", "", "x" * 256, "x" * 257, 5, None, "ä"],
    "vendor_id": IDS,
    "product_id": ["2330", "2330 ", "0x2330", "233", 2330, None],
    "device_type": ["type-PCI", "type-PF", "type-VF", "vdpa", "", None, 1],
    "numa_policy": ["legacy", "preferred", "required", "socket", "strict", "", None],
    "capability_type": ["pci", "usb", None],
    "resource_class": ["CUSTOM_H100", "h100", "", 5, None],
    "traits": ["CUSTOM_A", "A, B", "a", "", ["A"], None],
    "live_migratable": SWITCHES,
    "foo": [1],
}


def alias_lines(chance):
    found = []
    for _line in range(chance.choice([1, 1, 1, 2, 2, 3])):
        one = {"name": chance.choice(["h100", "h100", "a100"]), "device_type": chance.choice(["type-PF", "type-PF", "type-PCI"])}
        one.update({"resource_class": "CUSTOM_H100"} if chance.random() < 0.4 else {"vendor_id": "10de", "product_id": chance.choice(["2330", "2331"])})
        for _change in range(chance.choice([0, 0, 1, 1, 2])):
            key = chance.choice(sorted(ALIAS))
            if chance.random() < 0.2:
                one.pop(key, None)
            else:
                one[key] = chance.choice(ALIAS[key])
        found.append(broken(chance, json.dumps(one)) if chance.random() < 0.08 else json.dumps(one))
    return found


def aliases(chance):
    for _at in range(AMOUNTS["alias"]):
        yield {"ask": "alias", "lines": alias_lines(chance), "placement": chance.random() < 0.5}


EXTRA = {
    "pci_passthrough:alias": ["h100:1", "h100:4", "h100:5", "h100:0", "h100:-1", "h100:x", "h100", "h100:", "h100:1,", "nope:1", "h100:1,h100:2", "h100: 1",
                              " h100:1", "h100:1:2", ""],
    "hw:numa_nodes": ["1", "2", "3", "0", "-1", "x", "17"],
    "hw:pci_numa_affinity_policy": ["preferred", "required", "legacy", "socket", "strict", ""],
    "hw:cpu_policy": ["dedicated", "shared", "mixed", "pinned"],
    "hw:mem_page_size": ["large", "small", "any", "1GB", "2MB", "2048", "huge"],
    "hw:locked_memory": ["true", "false", "maybe"],
    "hw:hide_hypervisor_id": ["true", "yes", "maybe"],
    "hw:maxphysaddr_mode": ["passthrough"],
    "hw:maxphysaddr_bits": ["42"],
    "hw:pci_numa_afinity_policy": ["preferred"],
    "group_policy": ["none", "isolate", "both"],
    "resources:CUSTOM_H100": ["1", "0", "x"],
    "resources:custom_h100": ["1"],
    "trait:CUSTOM_AI_STACK_GPU": ["required", "forbidden", "wanted"],
    "trait:ai_stack": ["required"],
    "foo:bar": ["1"],
    "foo": ["1"],
}  # fmt: skip
FLAVOR_ALIAS = '{"name": "h100", "vendor_id": "10de", "product_id": "2330", "device_type": "type-PF"}'


def flavors(chance):
    for _at in range(AMOUNTS["flavor"]):
        specs = {"pci_passthrough:alias": "h100:%d" % chance.randint(1, 4), "hw:numa_nodes": "1", "hw:pci_numa_affinity_policy": "preferred",
                 "trait:CUSTOM_AI_STACK_GPU": "required"}  # fmt: skip
        for _change in range(chance.choice([0, 1, 1, 2])):
            key = chance.choice(sorted(EXTRA))
            specs[key] = chance.choice(EXTRA[key])
        yield {"ask": "flavor", "alias": [FLAVOR_ALIAS], "placement": chance.random() < 0.5, "vcpus": chance.choice([1, 2, 16]), "ram_mib": 8192,
               "extra_specs": specs}  # fmt: skip


OWN = [  # (lines, report): what chance does not bring up in every run
    (["[]"], True),
    (['{"address": "0000:1a:00.0", "resource_class": "h100-80g"}'], True),
    (['{"address": "0000:1a:00.0", "managed": "no"}'], True),
    (['{"address": "0000:3b:00.1", "resource_class": "CUSTOM_A"}', '{"address": "0000:3b:00.2", "resource_class": "CUSTOM_B"}'], False),
    (['{"address": "0000:3b:00.0"}'], False),
    (['{"address": "0000:3b:00.0", "product_id": "2330"}'], True),
    (['{"address": "*:3b:00.0"}'], True),
    (['{"address": "0000:1a:00.0", "devname": ""}'], False),
    (['{"address": "0000:1a:00.0", "physical_network": null}'], False),
    (['{"address": "0000:5e:00.0", "remote_managed": "true"}'], True),
]  # fmt: skip
OWN_ALIAS = [  # lines with placement
    ['{"name": "h100", "device_type": "type-PF", "resource_class": "A"}', '{"name": " h100 ", "device_type": "type-PF", "resource_class": "B"}'],
    ['{"name": "h100", "device_type": "type-PF", "resource_class": "A"}', '{"name": " h100", "device_type": "type-PCI", "resource_class": "A"}'],
    ['{"name": "h100", "device_type": "type-PF", "resource_class": "A", "traits": null}'],
]
OWN_HOST = [function("0000:1a:00.0", "10de", "2330", driver="nvidia"), function("0000:3b:00.0", "10de", "2330", vfs=4),
            function("0000:5e:00.0", "10de", "2330", vfs=4),
            function("0000:3b:00.1", "10de", VF, physfn="0000:3b:00.0"), function("0000:3b:00.2", "10de", VF, physfn="0000:3b:00.0")]  # fmt: skip


def own():
    found = {f"own-alias-{at}": {"ask": "alias", "lines": lines, "placement": True} for at, lines in enumerate(OWN_ALIAS)}
    for at, (lines, report) in enumerate(OWN):
        found[f"own-{at}"] = {"ask": "device_spec", "report": report, "lines": lines, "functions": OWN_HOST, "devices": judged(OWN_HOST)}
    return found


def generated():
    """{id: case}, the same for every release."""
    found = {}
    for kind, make in (("spec", specs), ("host", hosts), ("alias", aliases), ("flavor", flavors)):
        for at, case in enumerate(make(random.Random(f"{SEED} {kind}"))):
            found[f"{kind}-{at}"] = {**case, **({"devices": judged(case["functions"])} if "functions" in case else {})}
    return found


ONE_CLASS = ['{"name": "h100", "resource_class": "CUSTOM_H100", "device_type": "type-PF"}']


def named():
    """{id: case} of names as Nova makes them, from the vectors and for every standard class."""
    found = {}
    for at, case in enumerate(VECTORS["nova_names"]["resource_class"]):
        found[f"class-{at}"] = {"ask": "name", "vendor": case["vendor"], "device": case["product"], "resource_class": case["given"], "expected": case["result"]}
    for at, case in enumerate(VECTORS["nova_names"]["traits"]):
        found[f"traits-{at}"] = {"ask": "name", "vendor": "10de", "device": "2330", "traits": case["given"], "expected": case["result"]}
    return found


def starts():
    """{id: case} of services in the middle of a change: an alias by class where placement is not asked yet, and where it is; reports turned off."""
    found = {f"restart-{report}": {"ask": "restart", "report": report} for report in (True, False)}
    for service in ("nova-api", "nova-compute"):
        for asked in (False, True):
            options = {"pci": {"alias": ONE_CLASS}, **({"filter_scheduler": {"pci_in_placement": "true"}} if asked else {})}
            found[f"start-{service}-{'asked' if asked else 'early'}"] = {"ask": "service", "service": service, "options": options, "devices": []}
    return found


def vectors():
    """{id: case} of the vectors that were run once by hand."""
    found = {}
    for case in VECTORS["nova_alias"]:
        found[case["id"]] = {"ask": "alias", "lines": case["value"], "placement": case["placement"]}
    for case in VECTORS["nova_device_spec"]["cases"]:
        found[case["id"]] = {"ask": "device_spec", "report": case["report"], "lines": [case["value"]], "functions": VECTOR_HOST, "devices": judged(VECTOR_HOST)}
    return found
