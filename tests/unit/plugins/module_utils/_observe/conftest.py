# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Recorded trees: fixtures/trees/*.yml written below a folder, so that no test needs a machine with cards."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.root import Guard, Root

FIXTURES = Path(__file__).parents[3] / "fixtures"
STANZA = "Package: %s\nStatus: %s ok installed\nMaintainer: %s\nArchitecture: amd64\nVersion: %s\n\n"
SIMPLE = ("subsystem_device", "revision", "numa_node", "sriov_totalvfs", "sriov_numvfs", "driver_override")


def content(value):
    if isinstance(value, str):
        return value.encode()
    return base64.b64decode(value.get("base64", "")) + ((FIXTURES / "outputs" / value["output"]).read_bytes() if "output" in value else b"")


def vpd(text):
    body = text.encode()
    return bytes([0x82, len(body), 0]) + body + bytes([0x78])


def put(root, path, value):
    here = root / path.lstrip("/")
    here.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(value, dict) and "link" in value:
        here.symlink_to(value["link"])
    else:
        here.write_bytes(value if isinstance(value, bytes) else content(value))


def resource(sizes):
    lines = ["0x%016x 0x%016x 0x%016x" % ((number + 1) << 40, ((number + 1) << 40) + size - 1, 0x200) for number, size in enumerate(sizes)]
    return "\n".join(lines + ["0x0 0x0 0x0"] * (13 - len(lines))) + "\n"


def put_function(root, each):
    here = "/sys/bus/pci/devices/" + each["address"]
    put(root, here + "/class", "0x%s\n" % each["class"])
    for name in ("vendor", "device"):
        put(root, "%s/%s" % (here, name), "0x%s\n" % each[name])
    put(root, here + "/subsystem_vendor", "0x%s\n" % each["vendor"])
    for name in SIMPLE:
        if name in each:
            put(root, "%s/%s" % (here, name), "%s%s\n" % ("0x" if name in ("subsystem_device", "revision") else "", each[name]))
    put(root, here + "/resource", each.get("raw_resource") or resource(each.get("bars", [])))
    head = each.get("config", each["vendor"] + each["device"])
    put(root, here + "/config", bytes.fromhex(head) if set(head) <= set("0123456789abcdef") else b"zzzz")
    for name, value in each.get("more", {}).items():
        put(root, "%s/%s" % (here, name), value + "\n")
    if "vpd" in each:
        put(root, here + "/vpd", vpd(each["vpd"]))
    if "driver" in each:
        put(root, here + "/driver", {"link": "../../../../bus/pci/drivers/" + each["driver"]})
    if "iommu_group" in each:
        put(root, here + "/iommu_group", {"link": "../../../../kernel/iommu_groups/%d" % each["iommu_group"]})
        put(root, "/sys/kernel/iommu_groups/%d/devices/%s" % (each["iommu_group"], each["address"]), "")
    if "slot" in each:
        put(root, "/sys/bus/pci/slots/%s/address" % each["slot"], each["address"].rsplit(".", 1)[0] + "\n")


def build(root, name):
    tree = yaml.safe_load((FIXTURES / "trees" / (name + ".yml")).read_text(encoding="utf-8"))
    for each in tree.get("pci", []):
        put_function(root, each)
    for path, value in tree["files"].items():
        put(root, path, value)
    if "packages" in tree:
        text = "".join(
            STANZA % (package, each.get("want", "install"), each.get("maintainer", "x"), each["version"]) for package, each in tree["packages"].items()
        )
        put(root, "/var/lib/dpkg/status", text)
    return Root(str(root))


@pytest.fixture
def tree(tmp_path):
    """tree(name) -> Root of that recorded host."""
    return lambda name: build(tmp_path, name)


@pytest.fixture
def guard():
    return Guard()


@pytest.fixture
def options():
    """The module's options for a recorded tree."""
    return lambda root, **more: dict(
        {"root": root.path, "distributions": {}, "refusals": [], "addresses": [], "repositories": [], "decided": {},
         "simulate": "auto", "installed": "relevant", "programs": {}, "timeout": 5}, **more
    )


@pytest.fixture
def output():
    return lambda name: (FIXTURES / "outputs" / name).read_text(encoding="utf-8")
