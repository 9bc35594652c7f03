# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Laws of passthrough pools: total, stable, and our own lines pass the lint that we hold others to."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import state
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.resolve import resolve
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import lint
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools.series import Series
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from planner import RECORDED, TODAY

from .conftest import DOORS, Cloudy

NAMES = ["a100-no-switch-noble", "b200-trixie", "h100-bookworm", "h100-bookworm-converged", "hgx-h100-bookworm", "mi300x-trixie", "mixed-noble", "no-card"]
HOSTS = {name: json.loads((RECORDED / f"{name}.json").read_text()) for name in NAMES}
SERIES = ["zed", "2023.1", "2024.1", "2025.1", "2025.2", "2026.1", "2026.2", "2027.1", None]
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=40)


@pytest.fixture(scope="module")
def index(tables):
    return Index(tables)


counts = some.integers(0, 9)
sizes = {"cards": some.integers(1, 9), "vcpus": some.integers(1, 64), "ram_gib": some.integers(1, 512), "disk_gib": counts}
shapes = some.lists(some.fixed_dictionaries(sizes), max_size=3)
tenant = {"max": counts, "guaranteed": counts, "until": some.sampled_from(["2026-01-01", "2027-01-01"])}
tenants = some.dictionaries(some.sampled_from(["research", "health", "x"]), some.fixed_dictionaries({}, optional=tenant), max_size=3)
pools = some.lists(
    some.fixed_dictionaries(
        {"use": some.sampled_from(["passthrough", "passthrough", "host"]), "cloud": some.sampled_from(["main", "other", "nowhere", None])},
        optional={"select": some.fixed_dictionaries({}, optional={"model": some.sampled_from(["H100", "A100"]), "count": some.integers(1, 9)}),
                  "shapes": shapes, "tenants": tenants, "spare": counts},
    ),
    max_size=3,
)  # fmt: skip
clouds = some.tuples(some.sampled_from(SERIES), some.sampled_from([None, "31.0.0-6+deb13u2", "34.0.0", "x"]), some.booleans())
sites = some.tuples(some.lists(some.sampled_from(NAMES), unique=True, min_size=1, max_size=3), pools, clouds)


def plan_of(index, names, rows, cloud, record=None, hosts=HOSTS):
    seen = {name: {**hosts[name], "host": name} for name in names}
    series, nova, confirmed = cloud
    row = {key: value for key, value in {"series": series, "nova": nova}.items() if value}
    pools = [{"name": f"pool{at}", "hosts": "gpus", **{key: value for key, value in one.items() if value is not None}} for at, one in enumerate(rows)]
    intent = {"ai_stack_site": "test", "ai_stack_clouds": [{"name": "main", **row}, {"name": "other", **row}], "ai_stack_pools": pools,
              "ai_stack_confirm": [door.replace("main", name) for door in DOORS for name in ("main", "other")] if confirmed else []}  # fmt: skip
    return resolve(intent, {host: ["gpus"] for host in seen}, seen, index, record or {}, TODAY)


@shared
@given(sites)
def test_order_of_hosts_does_not_matter(index, site):
    names, *rest = site
    assert plan_of(index, names, *rest) == plan_of(index, names[::-1], *rest)


@shared
@given(sites)
def test_planning_again_with_the_record_gives_the_same_plan(index, site):
    first = plan_of(index, *site)
    again = plan_of(index, *site, record=first["record"])
    assert again == {**first, "warnings": again["warnings"]}


@shared
@given(sites)
def test_every_refusal_says_where_why_and_what_instead(index, site):
    plan = plan_of(index, *site)
    json.dumps(plan)
    for row in plan["conflicts"]:
        assert row["rule"] and row["message"] and row["nearest"] and row["source"] and row["path"].startswith("ai_stack_")
    # nothing is half-planned
    refused = {row["path"] for row in plan["conflicts"] if row["host"] is None and row["path"].startswith("ai_stack_clouds[0]")}
    assert not (refused and [one for one in plan["resources"] if one["id"].split("/")[0] == "main"])


@shared
@given(sites)
def test_changes_are_the_difference_that_was_predicted(index, site):
    plan = plan_of(index, *site)
    for name in site[0]:
        about, before = plan["hosts"][name], state.of(HOSTS[name])
        if about["state"] in ("planned", "converged"):
            after = state.wanted(about["decisions"], HOSTS[name])
            assert {row["resource"]: row["after"] for row in about["changes"]} == {row["resource"]: row["after"] for row in state.difference(before, after)}


@shared
@given(sites)
def test_what_is_written_passes_the_lint(index, site):
    """What the core accepts for itself it accepts of anybody: no conflict on its own lines, and each line takes one card."""
    plan = plan_of(index, *site)
    for one in plan["resources"]:
        if one["kind"] == "nova_cloud":
            values = {row["subject"]: row["value"] for row in one["decisions"]}
            series, pci = Series(index, index.series[values["series"]]), values["settings"].get("nova-compute", {}).get("pci", {})
            assert lint.alias(pci.get("alias", []), series, bool(series.knows("option", "pci_in_placement"))) == ([], [])
            for lines in pci.get("device_spec", {}).values():
                assert lint.device_spec(lines, series, "report_in_placement" in pci) == ([], [])
                assert len({json.loads(line)["address"] for line in lines}) == len(lines)


JUNK = [None, True, -1, 10**30, "", "x", "{{ 7 * 7 }}", "\x1b[2J\x00", "9" * 6000, [], {}, [{}], {"a": []}]
FIXED = ("vendor", "device", "address", "class", "reachable", "host")


def planted(value, junk, depth=0):
    """The document with junk for every scalar of its PCI functions, system and kernel, but for what makes a card what it is."""
    if isinstance(value, dict):
        return {key: item if key in FIXED else planted(item, junk, depth + 1) for key, item in value.items()}
    if isinstance(value, list) and depth < 6 and value and isinstance(value[0], dict):
        return [planted(item, junk, depth + 1) for item in value]
    return copy.deepcopy(junk)


@pytest.mark.parametrize("junk", JUNK, ids=[repr(junk)[:12] for junk in JUNK])
@pytest.mark.parametrize("series", ["zed", "2025.1", "2026.2"])
def test_junk_in_every_field_is_a_conflict_and_no_exception(index, junk, series):
    hosts = {"hgx-h100-bookworm": copy.deepcopy(HOSTS["hgx-h100-bookworm"]), "h100-bookworm": copy.deepcopy(HOSTS["h100-bookworm"])}
    for one in hosts.values():
        one["pci"] = [{**planted(each, junk), "present": True, "identity": None, "vpd": None} for each in one["pci"]]
        one["system"]["cpu_vendor"], one["openstack"] = junk, {"nova": junk}
        one["kernel"]["cmdline"] = junk
    pool = Cloudy.pool(shapes=[{"cards": 8, "vcpus": 1, "ram_gib": 1, "disk_gib": 0}], tenants={"a": {}, "b": {}})
    pool = {key: value for key, value in pool.items() if key not in ("name", "hosts")}
    plan = plan_of(index, list(hosts), [pool], (series, None, True), hosts=hosts)
    for row in plan["conflicts"] + plan["warnings"]:
        assert row["message"].isprintable() and len(row["message"]) < 4000


@pytest.mark.parametrize("junk", JUNK, ids=[repr(junk)[:12] for junk in JUNK])
def test_junk_lines_are_judged_and_never_raise(index, junk):
    series, line = Series(index, index.series["2026.2"]), json.dumps({"address": junk, "traits": junk, "resource_class": junk, "x": junk})
    for text in (junk, line, json.dumps([junk]), json.dumps(junk)):
        if isinstance(text, str):
            assert lint.device_spec([text], series, True)[0]
            assert lint.alias([text], series, True)[0]
            lint.selected([text], series, True, HOSTS["hgx-h100-bookworm"])
    lint.selected([], series, True, junk)
    lint.flavor(index, {"name": junk, "is_public": junk, "extra_specs": junk}, {})
    lint.flavor(index, {"extra_specs": {"pci_passthrough:alias": junk}}, {"x": None})


@pytest.mark.parametrize("pattern", ["(a+)+$", "[", "*$", "(?P<a", "\\"])
def test_expressions_that_cannot_be_read_select_nothing(index, pattern):
    line = json.dumps({"address": {"bus": pattern}})
    conflicts, dummy = lint.selected([line], Series(index, index.series["2026.2"]), True, HOSTS["h100-bookworm"])
    assert [row["rule"] for row in conflicts] == ["NR-08"]
