# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What we hand over to kolla-ansible and OpenStack-Ansible is merged by their own published code, and read by the Nova and Placement of Debian's series.

Every option must come out with exactly the planned value, with options that may stand several times line by line; the gate must say so, and name what is
taken away.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import handover_tools as tools
import judged_sites as sites
import judges
import oracle_env
import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import handover

RELEASE = "31.0.0"
AMOUNT = 2
LINES = (["pci", "device_spec"], ["pci", "alias"])
THEIRS = '{"name": "theirs", "vendor_id": "8086", "product_id": "154d", "device_type": "type-VF"}'
GATE = oracle_env.ROOT / "plugins/plugin_utils/_handover_gate.py"
# {read: as the release reads the merged file, planned: as it reads the plan, said: what the gate says} of each case, all in one process
DRIVER = """\
import json, sys
sys.path[:0] = sys.argv[1:3]
import _handover_gate as gate
answers, sys.stdout = sys.stdout, sys.stderr
found = []
for case in json.load(sys.stdin):
    conf = gate.options_of(case["project"])
    planned = gate.as_read(conf, case["project"], case["wanted"])
    conf([], project=case["project"], default_config_files=[case["file"]], default_config_dirs=[])
    read = {key: gate.value_of(conf, *key) for key in planned}
    found.append({"read": sorted(map(list, read.items())), "planned": sorted(map(list, planned.items())),
                  "aliases": list(conf.pci.alias) if case["project"] == "nova" else None,
                  "said": gate.differing(case["project"], case["wanted"], case["file"], case.get("asks", "there"))})
print(json.dumps(found, default=str), file=answers)
"""


@pytest.fixture(scope="module")
def python():
    try:
        tools.environment()
        return oracle_env.python_of(judges.ROWS[RELEASE])
    except oracle_env.Unproven as why:
        pytest.skip(f"unproven: {why}")


@pytest.fixture(scope="module")
def clouds():
    """Clouds of planned sites: {settings, settings.reporting, ...}, and what the plan of a very large host adds."""
    found = [sites.values(plan, "nova_cloud")[0] for _seen, plan in sites.planned(judges.INDEX, judges.ROWS[RELEASE])]
    wide = sorted(found, key=lambda cloud: -len(json.dumps(cloud["settings"])))[:AMOUNT]
    assert max(len(lines) for cloud in wide for lines in cloud["settings"]["nova-compute"]["pci"]["device_spec"].values()) > 1
    wide[0]["settings"]["placement-api"] = {"placement": {"max_allocation_candidates": "1000", "allocation_candidates_generation_strategy": "breadth-first"}}
    return wide


def read(python, cases):
    done = subprocess.run([python, "-W", "ignore", "-c", DRIVER, GATE.parent, oracle_env.ORACLE], input=json.dumps(cases), text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def put(folder, made, stage):
    """The override tree as the operator has it after a stage: files of an earlier one that this one does not write stay."""
    for one in made["stages"]:
        for path, text in one["files"].items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        if one["name"] == stage:
            return folder
    raise AssertionError(stage)


def cases_of(merged, settings):
    """[(service, host), case] for whatever a service of a host is to read."""
    for (service, host), path in sorted(merged.items()):
        name = "nova-conductor" if service == "nova-super-conductor" else service
        wanted = handover.of_host(settings.get(name, {}), host)
        if wanted and (service != "nova-compute" or host != "control1"):
            yield (service, host), {"project": name.partition("-")[0], "wanted": wanted, "file": str(path)}


MERGE = {handover.KOLLA: tools.merged_by_kolla, handover.OSA: tools.merged_by_osa}


# one site a tool in each run
SITES = [pytest.param((tool, at), id=f"{tool}-{at}", marks=[pytest.mark.long] if at else []) for tool in MERGE for at in range(AMOUNT)]


@pytest.fixture(scope="module", params=SITES)
def handed(request, clouds, tmp_path_factory):
    """(tool, cloud, {stage: merged files})."""
    (tool, at), found = request.param, {}
    cloud = clouds[at]
    made = handover.of_cloud(tool, cloud["settings"], cloud["settings.reporting"])
    hosts = sorted(handover.split(cloud["settings"]["nova-compute"])[1])
    for stage in ("report", "switch"):
        folder = tmp_path_factory.mktemp(f"{tool}-{stage}")
        found[stage] = MERGE[tool](folder, put(folder / "tree", made, stage), hosts)
    return tool, cloud, found


def test_merged_configuration_has_exactly_the_planned_values(handed, python):
    tool, cloud, merged = handed
    cases = dict(cases_of(merged["switch"], cloud["settings"]))
    assert {service for service, _host in cases} >= set(cloud["settings"])
    for name, said in zip(cases, read(python, list(cases.values()))):
        # config_template writes the lines of an option in the order of their text
        assert [(key, sorted(there) if key in LINES else there) for key, there in said["read"]] == [
            (key, sorted(planned) if key in LINES else planned) for key, planned in said["planned"]], name  # fmt: skip
        assert said["said"] == []


def test_hosts_that_only_report_ask_for_nothing_yet(handed, python):
    tool, cloud, merged = handed
    cases = dict(cases_of(merged["report"], {"nova-compute": cloud["settings.reporting"]["nova-compute"]}))
    for said in read(python, list(cases.values())):
        assert said["read"] and said["said"] == [] and said["aliases"] == [THEIRS]
    late = dict(cases_of(merged["report"], cloud["settings"]))
    for (service, _host), said in zip(late, read(python, list(late.values()))):
        assert any("alias" in line or "pci_in_placement" in line for line in said["said"]) or service == "placement-api"


def test_a_line_that_is_taken_away_is_named(handed, python):
    _tool, cloud, merged = handed
    (_name, case), *_rest = [pair for pair in cases_of(merged["switch"], cloud["settings"]) if pair[0][0] == "nova-compute"]
    lost = case["wanted"]["pci"]["device_spec"][0]
    path = case["file"] + ".damaged"
    text = Path(case["file"]).read_text().replace(f"device_spec = {lost}\n", "").replace("pci_in_placement = true", "pci_in_placement = false")
    Path(path).write_text(text)
    (said,) = read(python, [{**case, "file": path}])
    assert said["said"] == ["[filter_scheduler] pci_in_placement is False, not True", f"[pci] device_spec lacks {lost}"]


def test_a_line_that_nobody_wants_any_more_is_named_where_ours_is_the_whole_and_on_the_way_back(handed, python):
    _tool, cloud, merged = handed
    (_name, case), *_rest = [pair for pair in cases_of(merged["switch"], cloud["settings"]) if pair[0][0] == "nova-compute"]
    lines = {key: case["wanted"]["pci"][key] for _section, key in LINES}
    path = case["file"] + ".more"
    Path(path).write_text(Path(case["file"]).read_text() + f"[pci]\nalias = {THEIRS}\n")
    cases = [{**case, "file": path, "asks": asks} for asks in ("there", "exactly")]
    back = {**case, "asks": "gone", "wanted": {"pci": lines}}
    there, exactly, gone = read(python, [*cases, back])
    assert there["said"] == [] and exactly["said"] == [f"[pci] alias has {THEIRS} too"]
    assert sorted(gone["said"]) == sorted(f"[pci] {key} still has {line}" for key, each in lines.items() for line in each)


# what the site says beside ours: (tool, file, text, what the gate of nova-compute must say first)
OTHERS = {
    "site": (handover.OSA, "user_variables.yml", f"nova_nova_conf_overrides_site: {{pci: {{alias: {{'{THEIRS}': null}}}}}}\n", None),
    "user": (handover.OSA, "user_variables.yml", "nova_nova_conf_overrides: {DEFAULT: {debug: true}}\n", "[DEFAULT] ram_allocation_ratio is 16.0, not 1.0"),
    "late": (handover.KOLLA, "nova/HOST/nova-compute.conf", "[pci]\nreport_in_placement = false\n", "[pci] report_in_placement is False, not True"),
    "early": (handover.KOLLA, "nova.conf", f"[pci]\nreport_in_placement = false\nalias = {THEIRS}\n", None),
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_others_say_is_combined_or_named(clouds, python, tmp_path, other):
    tool, path, text, message = OTHERS[other]
    made = handover.of_cloud(tool, clouds[0]["settings"], clouds[0]["settings.reporting"])
    hosts = sorted(handover.split(clouds[0]["settings"]["nova-compute"])[1])
    place = put(tmp_path / "tree", made, "switch") / path.replace("HOST", hosts[0])
    place.write_text(text)
    cases = dict(cases_of(MERGE[tool](tmp_path, tmp_path / "tree", hosts), clouds[0]["settings"]))
    (said,) = read(python, [cases["nova-compute", hosts[0]]])
    assert (said["said"] or [None])[0] == message, said["said"]
    assert (THEIRS in said["aliases"]) == (other in ("site", "user"))
