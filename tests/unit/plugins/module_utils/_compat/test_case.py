# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Hosts that are alike share one decision; a host that differs in anything that a rule reads is decided as if it were alone."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from planner import LIFE_CYCLE

V100, P100, UNKNOWN = "1db4", "15f8", "ffff"
RUN_FILE = {"kind": "run_file", "evidence": "/usr/bin/nvidia-uninstall", "version": "535.309.01"}
ADOPTED = {"driver__owners": [RUN_FILE], "driver__fabric_manager": {"version": "535.309.01"}, "driver__imex": {"version": "535.309.01"},
           "driver__nvlsm": {"version": "2025.1"}}  # fmt: skip
# Much that is read decides only where something else is wrong already: here everything is.
TROUBLE = {"disk": {"/": 1 << 40, "/boot": 1 << 20, "/var": 1 << 20}, "journal": {"open": {"plan": "ab"}, "last_good": None},
           "secure_boot": {"state": "enabled", "mok_enrolled": ["ab"]}, "packages__broken": ["dkms"], "packages__lock": "held by pid 812",
           "packages__held": ["nvidia-smi", "nvidia-kernel-dkms"], "driver__owners": [RUN_FILE],
           "units": {"nvidia-fabricmanager.service": {"load": "loaded", "active": "failed", "enabled": "enabled"}},
           "files": {"/etc/ai-stack/gpu-driver.json": {"sha256": "ab", "ours": True}}}  # fmt: skip
BUSY = {"nvml__gpus__0__processes": 3, "nvml__gpus__0__mig": {"current": "enabled", "pending": "enabled", "devices": [{"profile": "7g.80gb", "uuid": "MIG-1"}]}}
# recording, what is otherwise in it, settings of the driver, layout of the pool
HOSTS = [
    ("h100-bookworm", {}, {"policy": "535"}, None),
    ("h100-bookworm", {"pci__0__device": V100, "pci__1__device": P100}, {"flavour": "open"}, None),
    ("h100-bookworm", {"pci__1__device": UNKNOWN}, {"policy": "535", "reboot": "when_needed"}, None),
    ("h100-bookworm-converged", BUSY, {"policy": "535"}, {"7g.80gb": 1}),
    ("h100-bookworm-converged", TROUBLE, {"policy": "535"}, None),
    ("h100-run-file", TROUBLE, {"foreign": "adopt", "policy": "550"}, None),
    ("hgx-h100-bookworm", ADOPTED, {"foreign": "adopt", "policy": "535"}, None),
    ("b200-trixie", ADOPTED, {"foreign": "adopt", "policy": "newest"}, None),
    ("mi300x-trixie", TROUBLE, {}, None),
]
# trials of any host hold for every host
NOT_OF_ONE_HOST = ("schema", "host", "reachable", "at", "trials")
# mappings by the names of packages
ALIKE = (("installed",), ("tools",), ("sets",), ("versions",), ("install",), ("upgrade",), ("request",))
GONE = object()


def others(path, value):
    """What else could stand in a place: nothing known, no such key, another value of the same type, an empty one."""
    if len(path) == 2 and path[0] not in ("pci", "files", "units"):
        yield from (None, GONE)
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield from (0, value + 1)
    elif isinstance(value, str):
        yield value[:-1] + ("2" if value.endswith("1") else "1")
    elif value and isinstance(path[-1], str):
        yield type(value)()


def places(value, path=()):
    """(path, value) of everything in a document; of packages, versions and the like two stand for all."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    whole = isinstance(value, dict) and path[-1:] not in ALIKE or path == ("pci",)
    for key, item in [pair for pair in pairs if path or pair[0] not in NOT_OF_ONE_HOST][: None if whole else 2]:
        yield (*path, key), item
        yield from places(item, (*path, key))


def changed(document, path, value):
    made = copy.deepcopy(document)
    at = made
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    if value is GONE:
        del at[path[-1]]
    return made


def differing(document):
    """{name: the document with one thing changed}; as it is it comes first, so that what others wrongly share is its decision."""
    turned = copy.deepcopy(document)
    for function, address in zip(turned["pci"], [one["address"] for one in document["pci"]][::-1]):
        function["address"] = address
    found = {"0": document, "1 turned": turned}
    for path, value in places(document):
        found.update((f"{'.'.join(map(str, path))} {at}", changed(document, path, other)) for at, other in enumerate(others(path, value)))
    return {name: {**one, "host": name} for name, one in found.items()}


def of_host(plan, name):
    """All that a plan says of a host."""
    said = {part: [row for row in plan[part] if row["host"] == name] for part in ("conflicts", "warnings", "waived")}
    return {**said, "host": plan["hosts"][name], "record": plan["record"]["hosts"].get(name)}


@pytest.fixture(scope="module")
def index(tables):
    return Index(tables)


@pytest.mark.parametrize(("name", "more", "driver", "layout"), HOSTS, ids=[f"{row[0]}-{at}" for at, row in enumerate(HOSTS)])
def test_hosts_that_differ_in_one_thing_are_decided_as_each_would_be_alone(planner, index, name, more, driver, layout):
    pool = {"name": "cards", "hosts": "gpus", "use": "mig", "layout": layout} if layout else {"name": "cards", "hosts": "gpus", "use": "host"}
    seen = differing(planner.recorded(name, **more))
    how = {"intent": planner.intent(driver=driver, pools=[pool], ai_stack_waivers=[LIFE_CYCLE]), "tables": index}
    how["trials"] = planner.tried(planner.plan(seen["0"], **how), "built")
    together = planner.plan(*seen.values(), **how)
    assert [host for host, one in seen.items() if of_host(planner.plan(one, **how), host) != of_host(together, host)] == []


def test_a_waiver_of_one_host_is_not_said_of_another(planner):
    seen = [planner.recorded("h100-bookworm", host=host) for host in ("a", "b")]
    waivers = [{**LIFE_CYCLE, "scope": f"host {host}", "approver": f"who approved {host}"} for host in ("a", "b")]
    rows = planner.plan(*seen, intent=planner.intent(ai_stack_waivers=waivers))["waived"]
    assert {(row["host"], row["approver"]) for row in rows if row["rule"] == "ACC-4a"} == {("a", "who approved a"), ("b", "who approved b")}


def test_cards_of_one_name_and_two_rows_are_told_apart(planner):
    """Of the two B200 in the tables one is listed from a later branch on."""
    seen = [planner.recorded("mixed-noble", host=device, pci__0__device=device, pci__0__driver="nvidia") for device in ("2901", "2909")]
    pool = {"name": "cards", "hosts": "gpus", "use": "host", "select": {"model": "H100"}}
    rows = planner.plan(*seen, intent=planner.intent(driver={"policy": "580", "flavour": "open"}, pools=[pool]))["conflicts"]
    assert {(row["host"], row["rule"]) for row in rows} == {("2909", "ACC-84")}
