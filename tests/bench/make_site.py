#!/usr/bin/env python3
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Make a site of N recorded hosts with 8 cards each: an inventory, its intent, and one observation a host.

Usage: make_site.py FOLDER N

Two of three hosts wait for their driver, one has it. Every host has its own serial numbers and identities, as real ones do.
"""

from __future__ import annotations

import copy
import json
import pathlib
import sys
import uuid

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "unit" / "fixtures" / "observations"
CARDS = 8
INTENT = """\
ai_stack_site: bench
ai_stack_driver: {reboot: when_needed}
ai_stack_pools:
  - {name: all, hosts: gpu, use: host}
ai_stack_waivers:
  - {rule: ACC-4a, scope: site, reason: figures only, approver: bench, until: 2099-12-31}
"""


def template(name):
    """A fixture with one card, as the pattern of a host."""
    document = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    card = next(one for one in document["pci"] if one["vendor"] == "10de" and one["class"] == "030200")
    gpu = next(iter(document["nvml"]["gpus"]), None)
    return document, card, gpu


def host(pattern, number):
    """One host of its own: every identity differs."""
    document, card, gpu = pattern
    made = copy.deepcopy({key: value for key, value in document.items() if key not in ("pci", "nvml")})
    made["host"] = f"gpu{number:05d}"
    made["system"]["machine_id"] = uuid.uuid5(uuid.NAMESPACE_DNS, made["host"]).hex
    made["system"]["boot_id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, made["host"]))
    made["disk"] = {path: free - 4096 * number for path, free in made["disk"].items()}
    addresses = [f"0000:{0x10 + 0x10 * at:02x}:00.0" for at in range(CARDS)]
    made["pci"] = [{**card, "address": address, "iommu_group": 40 + at, "slot": str(at + 1)} for at, address in enumerate(addresses)]
    made["nvml"] = dict(document["nvml"], gpus=[_gpu(gpu, address, at, number) for at, address in enumerate(addresses)] if gpu else [])
    return made


def _gpu(gpu, address, at, number):
    serial = 1650000000000 + number * CARDS + at
    return {**gpu, "index": at, "address": address, "serial": str(serial), "uuid": f"GPU-{uuid.uuid5(uuid.NAMESPACE_OID, str(serial))}"}


def main(folder, count):
    root = pathlib.Path(folder)
    for name in ("group_vars", "observations"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "group_vars" / "all.yml").write_text(INTENT, encoding="utf-8")
    names = "".join(f"    gpu{number:05d}:\n" for number in range(count))
    (root / "hosts.yml").write_text(f"gpu:\n  hosts:\n{names}", encoding="utf-8")
    patterns = [template("h100-bookworm"), template("h100-bookworm"), template("h100-bookworm-converged")]
    for number in range(count):
        made = host(patterns[number % 3], number)
        (root / "observations" / f"{made['host']}.json").write_text(json.dumps(made), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3 or not sys.argv[2].isdigit():
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]))
