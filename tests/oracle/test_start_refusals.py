# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What would stop nova-compute, nova-scheduler or nova-api is named by the judge of the role nova_pci_passthrough, with file and line.

The judge is the role's own, the Nova that it asks is a published one; every rule with which a release refuses to start has its case.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import oracle_env
import pytest

ROLE = Path(__file__).resolve().parents[2] / "roles/nova_pci_passthrough/files/nova_pci_passthrough"
OURS, MAIN = "/etc/nova/nova.conf.d/50-ai-stack-pci.conf", "/etc/nova/nova.conf"
# all documents in one process: loading Nova is what costs
DRIVER = """\
import json, sys
sys.path.insert(0, sys.argv[1])
import judge
documents, answers, sys.stdout = json.load(sys.stdin), sys.stdout, sys.stderr
print(json.dumps([judge.judge(document) for document in documents]), file=answers)
"""
PF = {"address": "0000:17:00.0", "vendor_id": "10de", "product_id": "2331", "dev_type": "type-PF", "parent_addr": None}
VFS = [dict(PF, address=f"0000:17:00.{at}", dev_type="type-VF", parent_addr=PF["address"]) for at in (4, 5)]
REPORT = "report_in_placement = true\n"
WANTED = {"pci": {"report_in_placement": "true"}}


def spec(address=PF["address"], **tags):
    return "device_spec = " + json.dumps({"address": address, "vendor_id": "10de", "product_id": "2331", **tags}) + "\n"


def alias(name="h100", **more):
    return "alias = " + json.dumps({"name": name, "vendor_id": "10de", "product_id": "2331", "device_type": "type-PF", **more}) + "\n"


# case: (service, our drop-in, the main file, options that are ours, the host's functions, first release that refuses it, part of the sentence)
CASES = {
    "a card beside its VFs": (
        "nova-compute",
        "[pci]\n" + spec() + spec(VFS[0]["address"]) + REPORT,
        "",
        WANTED,
        [PF, *VFS],
        26,
        f"{OURS} line 3: Nova does not take 0000:17:00.4: Configuring both",
    ),
    "classes of one PF": (
        "nova-compute",
        "[pci]\n" + spec(VFS[0]["address"], resource_class="A") + spec(VFS[1]["address"], resource_class="B") + REPORT,
        "",
        WANTED,
        VFS,
        26,
        f"{OURS} line 3: Nova does not take 0000:17:00.5: VFs from the same PF cannot be configured with different 'resource_class'",
    ),
    "traits of one PF": (
        "nova-compute",
        "[pci]\n" + spec(VFS[0]["address"], traits="CUSTOM_A") + spec(VFS[1]["address"], traits="CUSTOM_B") + REPORT,
        "",
        WANTED,
        VFS,
        26,
        f"{OURS} line 3: Nova does not take 0000:17:00.5: VFs from the same PF cannot be configured with different set of 'traits'",
    ),
    "a VF without its PF": (
        "nova-compute",
        "[pci]\n" + spec() + REPORT,
        "",
        WANTED,
        [dict(VFS[0], address=PF["address"], parent_addr=None)],
        26,
        f"{OURS} line 2: Nova does not take {PF['address']}",
    ),
    "one-time use of a VF": (
        "nova-compute",
        "[pci]\n" + spec(VFS[0]["address"], one_time_use="false") + REPORT,
        "",
        WANTED,
        VFS,
        32,
        f"{OURS} line 2: Nova does not take 0000:17:00.4: Failed to gather or report PCI resources to Placement: Only type-PCI and type-PF",
    ),
    "one-time use without reports": (
        "nova-compute",
        "[pci]\n" + spec(one_time_use="true"),
        "",
        {},
        [PF],
        32,
        "one_time_use=true requires pci.report_in_placement",
    ),
    "reports turned off": ("nova-compute", "[libvirt]\nnum_pcie_ports = 20\n", "[pci]\nreport_in_placement = false\n", {}, [PF], 26, f"{MAIN} line 2: "),
    "a device by its name": ("nova-compute", '[pci]\ndevice_spec = {"devname": "none0"}\n' + REPORT, "", WANTED, [PF], 26, "does not support 'devname'"),
    "no JSON": ("nova-compute", "[pci]\ndevice_spec = {'address': 1}\n", "", {}, [PF], 26, f"{OURS} line 2: Nova does not take this device_spec"),
    "a number for an id": (
        "nova-compute",
        '[pci]\ndevice_spec = {"vendor_id": 4318}\n',
        "",
        {},
        [PF],
        26,
        f"{OURS} line 2: Nova does not take this device_spec",
    ),
    "an address beyond PCI": ("nova-compute", "[pci]\n" + spec("0000:17:20.0"), "", {}, [PF], 26, f"{OURS} line 2: Nova does not take this device_spec"),
    "an alias that is no JSON": ("nova-api", "[pci]\nalias = {\n", "", {}, [], 26, f"{OURS} line 2: Nova does not take this alias"),
    "an alias with a key that nobody knows": ("nova-api", "[pci]\n" + alias(colour="red"), "", {}, [], 26, f"{OURS} line 2: Nova does not take this alias"),
    "two kinds under one alias": ("nova-api", "[pci]\n" + alias() + alias(device_type="type-VF"), "", {}, [], 26, "Device type mismatch for alias 'h100'"),
    "two NUMA policies under one alias": (
        "nova-api",
        "[pci]\n" + alias() + alias(numa_policy="required"),
        "",
        {},
        [],
        26,
        "NUMA policy mismatch for alias 'h100'",
    ),
    "two products under one alias": (
        "nova-compute",
        "[filter_scheduler]\npci_in_placement = true\n[pci]\n" + alias() + alias(product_id="2330"),
        "",
        {},
        [],
        32,
        "only supports one spec per alias",
    ),
    "an alias by class before its time": (
        "nova-api",
        '[pci]\nalias = {"name": "a", "resource_class": "A"}\n',
        "",
        {},
        [],
        32,
        "does not have vendor_id and product_id",
    ),
    "a filter that is gone": (
        "nova-scheduler",
        "[filter_scheduler]\nenabled_filters = ComputeFilter,NoSuchFilter\n",
        "",
        {"filter_scheduler": {"enabled_filters": "ComputeFilter,NoSuchFilter"}},
        [],
        26,
        f"{OURS} line 2: this release has no filter NoSuchFilter",
    ),
    "a value that is none": (
        "nova-compute",
        "[pci]\nreport_in_placement = perhaps\n",
        "",
        {"pci": {"report_in_placement": "perhaps"}},
        [],
        26,
        f"{OURS} line 2: [pci]",
    ),
    "a quota driver that is none": ("nova-api", "[quota]\ndriver = mine\n", "", {"quota": {"driver": "mine"}}, [], 26, f"{OURS} line 2: [quota] driver = mine"),
    "an option that is none": ("nova-compute", "[pci]\nno_such = 1\n", "", {"pci": {"no_such": "1"}}, [], 26, "this release has no option [pci] no_such"),
    "a file that is none": ("nova-compute", "[pci]\n" + spec(), "broken\n", {}, [PF], 26, f"cannot be read: Failed to parse {MAIN}: at {MAIN}:1"),
    "a value that the main file takes away": (
        "nova-scheduler",
        "[filter_scheduler]\nenabled_filters = ComputeFilter\n",
        "\n[filter_scheduler]\nenabled_filters = NUMATopologyFilter\n",
        {"filter_scheduler": {"enabled_filters": "ComputeFilter"}},
        [],
        26,
        f"{MAIN} line 3: [filter_scheduler] enabled_filters = NUMATopologyFilter beats our {OURS}",
    ),
    "an alias in two files": ("nova-api", "[pci]\n" + alias(), "[pci]\n" + alias(), {}, [], 26, f"{MAIN} line 2: alias h100 stands in our {OURS} too"),
    "a card that two lines take": ("nova-compute", "[pci]\n" + spec(), '[pci]\ndevice_spec = {"vendor_id": "10de"}\n', {}, [PF], 26, f"as {MAIN} line 2 does"),
    "a line that takes nothing": ("nova-compute", "[pci]\n" + spec("0000:99:00.0"), "", {}, [PF], 26, f"{OURS} line 2: it takes no device of this host"),
}
# what no release refuses: the same words where they are right
ACCEPTED = {
    "a card": ("nova-compute", "[pci]\n" + spec(resource_class="CUSTOM_H100", traits="CUSTOM_A") + alias() + REPORT, "", WANTED, [PF]),
    "VFs of one kind": ("nova-compute", "[pci]\n" + spec("0000:17:00.*") + REPORT, "", WANTED, VFS),
    "the same value in the main file": ("nova-compute", "[pci]\n" + REPORT, "[pci]\nreport_in_placement = True\n", WANTED, []),
    "other people's cards": ("nova-compute", "[pci]\n" + spec() + REPORT, '[pci]\ndevice_spec = {"vendor_id": "8086"}\n', {}, [PF]),
    "other people's aliases": ("nova-api", "[pci]\n" + alias(), "[pci]\n" + alias("other"), {}, []),
    "filters": ("nova-scheduler", "[filter_scheduler]\nenabled_filters = ComputeFilter,PciPassthroughFilter\n", "", {}, []),
}
ROWS = {row["release"]: row for row in oracle_env.releases() if "release" in row}


@pytest.fixture(scope="module", params=[pytest.param(name, marks=[pytest.mark.long] if row["long"] else []) for name, row in ROWS.items()])
def judged(request, tmp_path_factory):
    """(major release, {case: refusals}) of one release."""
    try:
        python = oracle_env.python_of(ROWS[request.param])
    except oracle_env.Unproven as why:
        pytest.skip(f"unproven: {why}")
    names, documents = [], []
    for name, (service, ours, main, wanted, devices, *_rest) in {**CASES, **ACCEPTED}.items():
        names.append(name)
        documents.append(document(tmp_path_factory.mktemp("host"), service, ours, main, wanted, devices))
    done = subprocess.run([python, "-c", DRIVER, ROLE], input=json.dumps(documents), text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return int(request.param.split(".")[0]), {name: answer["refusals"] for name, answer in zip(names, json.loads(done.stdout))}


def document(folder, service, ours, main, wanted, devices):
    """A host with its main file and our drop-in, as the role's program gives it to the judge."""
    for path, text in ((OURS, ours), (MAIN, main)):
        place = Path(f"{folder}{path}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    named = [] if service == "nova-api" else [f"--config-file={folder}{MAIN}"]
    given = {"project": "nova", "args": named, "files": [f"{folder}{MAIN}"], "dirs": [f"{folder}/etc/nova/nova.conf.d"], "ours": f"{folder}{OURS}"}
    services = {service: {**given, "wanted": wanted, "keys": []}}
    return {"prefix": str(folder), "devices": devices, "reported": True, "what": "all", "services": services}


@pytest.mark.parametrize("case", CASES)
def test_what_would_stop_a_service_is_named(judged, case):
    release, refusals = judged
    service, *_given, first, message = CASES[case]
    if release < first:
        pytest.skip(f"Nova {release} does not refuse it")
    said = refusals[case]
    assert [line for line in said if line.startswith(f"{service}: ") and message in line], said


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_is_right_is_not_refused(judged, case):
    assert judged[1][case] == []
