# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What our core accepts published Nova accepts; what it refuses Nova refuses, or stricter.yml says why we are stricter."""

from __future__ import annotations

import json
import re

import judged_cases as cases
import judged_sites as sites
import pytest
import yaml
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import address, lint, names
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import spec as specs
from judges import CASES, INDEX, JUDGES, ROWS

STRICTER = yaml.safe_load((cases.HERE / "stricter.yml").read_text())
KNOWN = {"h100": 4}
MANAGED, ONCE = "COMPUTE_MANAGED_PCI_DEVICE", "HW_PCI_ONE_TIME_USE"


def ids(ask, *starts):
    return [name for name, case in CASES.items() if case["ask"] == ask and name.startswith(starts or "")]


def of_device_spec(judge, case):
    """What our core says of lines for a host, first of each alone and then of what they do together."""
    alone = lint.device_spec(case["lines"], judge.series, case["report"])[0]
    return alone, alone + lint.selected(case["lines"], judge.series, case["report"], {"pci": case["functions"]})[0]


def of_flavor(case):
    document = {"name": "f", "is_public": False, "vcpus": case["vcpus"], "ram_mib": case["ram_mib"], "extra_specs": case["extra_specs"]}
    return lint.flavor(INDEX, document, KNOWN, {"CUSTOM_H100"}, {"h100": "type-PF"})[0]


def of_core(judge, case):
    if case["ask"] == "device_spec":
        return of_device_spec(judge, case)[1]
    return of_flavor(case) if case["ask"] == "flavor" else lint.alias(case["lines"], judge.series, case["placement"])[0]


def reasons(conflict):
    """The rows that say why we are stricter."""
    return [row for row in STRICTER if row["rule"] == conflict["rule"] and re.search(row.get("words", ""), conflict["message"])]


def agree(judge, name):
    case, said = judge.cases[name], judge.said[name]
    ours = of_core(judge, case)
    if not ours:
        assert said["ok"], f"our core accepts what Nova {judge.row['release']} refuses ({said['why']}): {case}"
    elif said["ok"]:
        unexplained = [f"{row['rule']}: {row['message']}" for row in ours if not reasons(row)]
        assert not unexplained, f"our core refuses what Nova {judge.row['release']} accepts: {unexplained}"
    return case, said


def selected(judge, case):
    """The place of the entry that takes each function, as our core sees it."""
    lines = [one for text in case["lines"] for one in specs.of(text, judge.series, case["report"])]
    return [next((at for at, one in enumerate(lines) if address.selects(one.value, each)), None) for each in case["functions"]]


@pytest.mark.parametrize("name", ids("device_spec"))
def test_device_spec(judge, name):
    case, said = agree(judge, name)
    if said["ok"] and not of_device_spec(judge, case)[0]:
        assert said["taken"] == selected(judge, case)


@pytest.mark.parametrize("name", ids("alias"))
def test_alias(judge, name):
    agree(judge, name)


@pytest.mark.parametrize("name", ids("flavor"))
def test_flavor(judge, name):
    agree(judge, name)


def claimed(judge, vector):
    """Whether a vector says that this release takes it."""
    accepted = [row["accepted_there"] for row in cases.VECTORS["other_releases"]["nova"] if judge.row["release"] in row["release"] and "accepted_there" in row]
    return vector["ok"] or any(vector["id"] in names for names in accepted)


@pytest.mark.parametrize("vector", [*cases.VECTORS["nova_alias"], *cases.VECTORS["nova_device_spec"]["cases"]], ids=lambda vector: vector["id"])
def test_vector_is_what_the_release_says(judge, vector):
    if vector.get("placement") and not judge.placement:
        pytest.skip("the series has no pci_in_placement")
    assert judge.said[vector["id"]]["ok"] is claimed(judge, vector), judge.said[vector["id"]]["why"]


@pytest.mark.parametrize("name", ids("name"))
def test_name(judge, name):
    case, said = CASES[name], judge.said[name]
    standard = INDEX.nova[("behaviour", "standard resource classes")]["values"]
    if name.startswith("class"):
        made = names.resource_class(case["resource_class"], case["vendor"], case["device"], standard)
        assert said["resource_class"] == made == case["expected"]
    else:
        assert sorted({*said["traits"]} - {MANAGED}) == sorted(case["expected"])


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("start-")])
def test_a_start_in_the_middle_of_a_change(judge, name):
    """Why aliases and pci_in_placement go to all services in one step (NR-40)."""
    if not judge.placement:
        pytest.skip("the series has no pci_in_placement")
    checks = judge.series.has_fix("alias-check")
    assert judge.said[name]["ok"] is (not checks or name.endswith("asked")), judge.said[name]["why"]


@pytest.mark.parametrize("report", [True, False])
def test_reports_are_never_turned_off(judge, report):
    """Why a host that reported once is told to report for ever (NR-42)."""
    assert judge.said[f"restart-{report}"]["ok"] is report


def of_site(judge, at):
    return {name: case for name, case in judge.cases.items() if name.startswith(f"site-{at} ")}


def provided(said, host):
    """{ADDRESS: what nova-compute reports of it} in our own words."""
    found = {}
    for name, (made, total, traits) in said["providers"].items():
        found[name.removeprefix(f"{host}_")] = {"class": made, "total": total, "traits": sorted({*traits} - {MANAGED, ONCE})}
    return found


@pytest.mark.parametrize("at", range(sites.AMOUNT))
def test_site_is_taken_as_it_was_meant(judge, at):
    """Every option of every service, flavors and image properties that the core writes; providers are those of the plan."""
    mine = of_site(judge, at)
    assert {case["ask"] for case in mine.values()} == {"service", "flavor", "image"}
    for name, case in mine.items():
        said = judge.said[name]
        assert said["ok"], f"{name}: {said['why']}: {case}"
        if case["ask"] == "flavor":
            assert_flavor(judge, case, said)
        elif case["ask"] == "image":
            assert said["known"] == sorted(case["properties"])
        elif case["service"] == "nova-compute" and case["expected"] is not None:
            assert provided(said, "host") == case["expected"].get(name.split()[-1], {})
        elif case["service"] == "nova-scheduler" and "filters" in said and "enabled_filters" in case["options"]["filter_scheduler"]:
            assert said["filters"] == case["options"]["filter_scheduler"]["enabled_filters"].split(",")


def assert_flavor(judge, case, said):
    wanted = case["extra_specs"]
    asked = [part.split(":") for part in wanted["pci_passthrough:alias"].split(",")]
    assert said["requests"] == [[name, int(count)] for name, count in asked]
    assert (said["numa_nodes"], said["policy"]) == (int(wanted["hw:numa_nodes"]), wanted["hw:pci_numa_affinity_policy"])
    counts = judge.series.knows("behaviour", "unified limits count pci_passthrough:alias")
    classes = {json.loads(line)["name"]: json.loads(line).get("resource_class") for line in case["alias"]}
    counted = {classes[name]: int(count) for name, count in asked}
    assert {key: value for key, value in said["counted"].items() if key in classes.values()} == (counted if counts else {})


def test_tables_are_what_the_release_has(judge):
    said, series = judge.said["release"], judge.series
    assert said["ok"], said["why"]
    rows = {place: row for place, row in INDEX.nova.items() if row["section"]}
    for (where, name), row in rows.items():
        assert ([row["section"], name] in said[where]) is series.knows(where, name), (where, name)
    for where, found in (("alias", said["alias"]), ("image_property", said["images"]), ("extra_spec", said["extra_specs"])):
        known = {name for place, name in INDEX.nova if place == where}
        assert {name for name in known if series.knows(where, name)} == known & set(found), where
    assert set(said["alias"]) == set(series.keys("alias"))
    major = int(series.row["nova"])
    there = {row["filter"] for row in INDEX.filters if row["until"] is None or int(row["until"]) > major}
    assert there == {row["filter"] for row in INDEX.filters} & set(said["filters"])
    assert [row["filter"] for row in INDEX.filters if row["use"] == "default"] == said["default_filters"]
    assert set(said["classes"]) == set(INDEX.nova[("behaviour", "standard resource classes")]["values"])
    assert said["checked_at_start"] is bool(series.has_fix("alias-check"))


def test_there_are_enough_cases(judge):
    assert sum(name.split("-")[0] in cases.AMOUNTS for name in judge.cases) >= 300
    assert len({json.dumps(case, sort_keys=True) for case in cases.generated().values()}) > 300


def test_the_same_seed_makes_the_same_cases():
    assert cases.generated() == cases.generated()


def test_every_reason_to_be_stricter_is_needed():
    if len(JUDGES) < len([row for row in ROWS.values() if not row["long"]]):
        pytest.skip("not every release of this run was asked")
    used = []
    for judge in JUDGES.values():
        for name in ids("device_spec") + ids("alias") + ids("flavor"):
            if judge.said[name]["ok"]:
                used += [row for conflict in of_core(judge, judge.cases[name]) for row in reasons(conflict)]
    assert [row["rule"] for row in STRICTER if row not in used] == []
