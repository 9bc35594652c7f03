# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Sites of recorded hosts, planned by our own core for a release: everything that it would write becomes a case that the release must take."""

from __future__ import annotations

import json
import random

import judged_cases as cases
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.resolve import resolve
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools.functions import functions_of
from planner import RECORDED, TODAY

AMOUNT = 12
MODELS = {"h100-bookworm": "H100", "h100-bookworm-converged": "H100", "hgx-h100-bookworm": "H100", "mi300x-trixie": "MI300X"}
HOSTS = {name: json.loads((RECORDED / f"{name}.json").read_text()) for name in MODELS}
# what a recorded host cannot help: this is about text
WAIVED = ["NR-44", "NR-48", "NR-49", "NR-55", "NR-83", "NR-102", "ACC-83"]


def intent(chance, row):
    """(names of hosts, intent) of a site with one pool for each model of its hosts."""
    seen = chance.sample(sorted(HOSTS), chance.randint(1, 3))
    pools = []
    for model in sorted({MODELS[name] for name in seen}):
        whole = model == "H100" and "hgx-h100-bookworm" in seen
        shapes = [{"cards": 8 if whole else count, "vcpus": 16, "ram_gib": chance.choice([64, 192]), "disk_gib": 100}
                  for count in ([8] if whole else chance.sample([1, 2], chance.randint(1, 2)))]  # fmt: skip
        guest = {key: chance.choice(values) for key, values in (("cpus", ["shared", "dedicated"]), ("pages", ["small", "large", "any"]),
                 ("numa", ["required", "preferred", "legacy", "socket"])) if chance.random() < 0.4}  # fmt: skip
        tenants = {name: {} for name in chance.sample(["research", "health"], chance.randint(1, 2))}
        name = chance.choice(["h100", "H100-sxm.80", "cards of 2026", "gpu_%s" % model.lower()]) + model[-1]
        pools.append({"name": name, "hosts": "gpus", "use": "passthrough", "cloud": "main", "select": {"model": model},
                      "shapes": shapes, "tenants": tenants, "guest": guest})  # fmt: skip
    cloud = {"name": "main", "region": "RegionOne", "series": row["series"], "deployment": "packages", "nova": row["release"], "placement": row["placement"],
             "releaser": "controller"}  # fmt: skip
    waivers = [{"rule": rule, "scope": "site", "reason": "recorded hosts", "approver": "board", "until": "2027-01-31"} for rule in WAIVED]
    return seen, {"ai_stack_site": "oracle", "ai_stack_clouds": [cloud], "ai_stack_pools": pools, "ai_stack_waivers": waivers,
                  "ai_stack_confirm": ["report_in_placement on main", "unified limits on main"]}  # fmt: skip


def planned(index, row):
    """Plans without a conflict, with the documents of their hosts."""
    chance = random.Random(f"{cases.SEED} sites")
    for _at in range(AMOUNT):
        names, wanted = intent(chance, row)
        seen = {name: {**HOSTS[name], "host": name, "system": {**HOSTS[name]["system"], "cpu_vendor": "GenuineIntel"}} for name in names}
        plan = resolve(wanted, {name: ["gpus"] for name in names}, seen, index, {}, TODAY)
        assert plan["conflicts"] == [], plan["conflicts"]
        yield seen, plan


def values(plan, kind):
    return [{"id": one["id"], **{row["subject"]: row["value"] for row in one["decisions"]}} for one in plan["resources"] if one["kind"] == kind]


def of_host(sections, host):
    """The options of nova-compute of one host: device_spec differs from host to host."""
    return {section: {name: value[host] if isinstance(value, dict) else value for name, value in options.items()} for section, options in sections.items()}


def services(options, seen):
    """(name, case) of the configuration of each service; nova-compute has one a host."""
    for service, sections in sorted(options.items()):
        for host in sorted(seen) if service == "nova-compute" else [None]:
            mine = of_host(sections, host)
            functions = functions_of(seen[host]) if host else []
            yield f"{service}{' ' + host if host else ''}", {"ask": "service", "service": service, "options": mine, "functions": functions,
                                                             "devices": cases.judged(functions)}  # fmt: skip


def of_release(index, row):
    """{id: case} of all that the core writes for some sites on a release."""
    found = {}
    for at, (seen, plan) in enumerate(planned(index, row)):
        for cloud in values(plan, "nova_cloud"):
            for stage in ("settings.reporting", "settings"):
                for name, case in services(cloud.get(stage, {}), seen):
                    found[f"site-{at} {stage} {name}"] = {**case, "expected": cloud["providers"] if stage == "settings" else None}
            alias = cloud["settings"]["nova-api"]["pci"]["alias"]
            asked = "pci_in_placement" in cloud["settings"]["nova-api"].get("filter_scheduler", {})
            for one in values(plan, "flavor"):
                made = one["flavor"]
                found[f"site-{at} {one['id']}"] = {"ask": "flavor", "alias": alias, "placement": asked, "vcpus": made["vcpus"], "ram_mib": made["ram_mib"],
                                                   "extra_specs": made["extra_specs"], "expected": True}  # fmt: skip
        for one in values(plan, "image_properties"):
            found[f"site-{at} {one['id']}"] = {"ask": "image", "properties": {key: value for key, value in one.items() if key != "id"}}
    return found
