# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Laws that hold for any site: order does not matter, a plan is stable, a new row breaks nothing, data stays data."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import state, verify
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.resolve import resolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from planner import LIFE_CYCLE, PLATFORM, RECORDED, TODAY

NAMES = sorted(path.stem for path in RECORDED.glob("*.json"))
HOSTS = {name: json.loads((RECORDED / f"{name}.json").read_text()) for name in NAMES}
POLICIES = ["production", "newest", "470", "535", "550", "580", "595", "615", "595.99.02"]
# The tables are shared by all examples, and nothing changes them.
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=30)


@pytest.fixture(scope="module")
def index(tables):
    return Index(tables)


drivers = some.fixed_dictionaries({
    "policy": some.sampled_from(POLICIES), "flavour": some.sampled_from(["auto", "open", "proprietary"]),
    "foreign": some.sampled_from(["refuse", "adopt"]), "reboot": some.sampled_from(["never", "when_needed"])})  # fmt: skip
pools = some.lists(
    some.fixed_dictionaries(
        {"use": some.sampled_from(["host", "mig", "passthrough"])},
        optional={"select": some.fixed_dictionaries({}, optional={"model": some.sampled_from(["H100", "V100", "nothing"]), "count": some.integers(1, 9)}),
                  "layout": some.dictionaries(some.sampled_from(["1g.10gb", "3g.40gb", "7g.80gb", "x"]), some.integers(1, 8), min_size=1)},
    ),
    max_size=3,
)  # fmt: skip
sites = some.tuples(some.lists(some.sampled_from(NAMES), unique=True, min_size=1, max_size=4), drivers, pools, some.booleans())


def intent_of(driver, rows, waived):
    pools = [{"name": f"pool{at}", "hosts": "gpus", **row} for at, row in enumerate(rows)]
    return {"ai_stack_site": "test", "ai_stack_driver": driver, "ai_stack_pools": pools, "ai_stack_waivers": [PLATFORM, LIFE_CYCLE] if waived else [PLATFORM]}


def plan_of(index, names, driver, rows, waived, record=None):
    seen = {HOSTS[name]["host"] + name: HOSTS[name] for name in names}
    return resolve(intent_of(driver, rows, waived), {host: ["gpus", "all"] for host in seen}, seen, index, record or {}, TODAY)


@shared
@given(sites)
def test_order_of_hosts_does_not_matter(index, site):
    names, *rest = site
    assert plan_of(index, names, *rest) == plan_of(index, names[::-1], *rest)


@shared
@given(sites)
def test_host_is_decided_alike_alone_and_among_others(index, site):
    names, driver, rows, waived = site
    rows = [row for row in rows if "count" not in row.get("select", {})]
    together = plan_of(index, names, driver, rows, waived)
    for name in names:
        host = HOSTS[name]["host"] + name
        assert plan_of(index, [name], driver, rows, waived)["hosts"][host] == together["hosts"][host]


@shared
@given(sites)
def test_resolving_again_with_the_produced_record_gives_the_same_plan(index, site):
    first = plan_of(index, *site)
    again = plan_of(index, *site, record=first["record"])
    assert again["record"] == first["record"]
    for part in ("conflicts", "waived", "steps", "artefacts"):
        assert again[part] == first[part]
    for host, about in first["hosts"].items():
        assert again["hosts"][host]["state"] == about["state"] and again["hosts"][host]["changes"] == about["changes"]


@shared
@given(sites)
def test_every_refusal_says_where_why_and_what_instead(index, site):
    plan = plan_of(index, *site)
    for row in plan["conflicts"]:
        assert row["rule"] and row["message"] and row["nearest"] and row["path"].startswith("ai_stack_")
    for host, about in plan["hosts"].items():
        mine = [row for row in plan["conflicts"] if row["host"] == host]
        assert (about["state"] == "refused") == bool(mine)
        # what else is offered, and why not, is all that a refused host is told
        assert about["state"] != "refused" or not about["changes"] and {row["subject"] for row in about["decisions"]} <= {"driver.candidates"}
        assert about["because"]


@shared
@given(sites)
def test_decided_host_changes_nothing_more_once_it_is_as_decided(index, site):
    plan = plan_of(index, *site)
    names = site[0]
    for name in names:
        about = plan["hosts"][HOSTS[name]["host"] + name]
        before = state.of(HOSTS[name])
        after = state.wanted(about["decisions"], HOSTS[name])
        if about["state"] in ("planned", "converged"):
            assert {row["resource"]: row["after"] for row in about["changes"]} == {row["resource"]: row["after"] for row in state.difference(before, after)}


@pytest.mark.parametrize("name", NAMES)
def test_host_differs_in_nothing_from_itself(name):
    assert state.difference(state.of(HOSTS[name]), state.of(HOSTS[name])) == []


@shared
@given(site=sites, at=some.integers(0, 10**6), device=some.from_regex(r"[0-9a-f]{4}", fullmatch=True))
def test_new_row_of_a_table_breaks_no_accepted_plan(tables, index, site, at, device):
    """A new card, branch, build or distribution row speaks about what was not there before."""
    first = plan_of(index, *site)
    more = {name: {**table, "rows": list(table["rows"])} for name, table in tables.items()}
    card = copy.deepcopy(more["accelerators"]["rows"][at % len(more["accelerators"]["rows"])])
    if (card["vendor"], device) not in index.devices:
        more["accelerators"]["rows"].append({**card, "device": device, "name": "A new card", "model": "NEW", "subsystems": []})
    more["driver_branches"]["rows"].append({**more["driver_branches"]["rows"][0], "branch": "999", "eol": "2099-01", "type": "production"})
    more["module_builds"]["rows"].append({**more["module_builds"]["rows"][0], "version": "999.1.1-1", "result": "failed"})
    more["distributions"]["rows"].append({**more["distributions"]["rows"][0], "package": "nvidia-new", "ships": "999.1.1-1"})
    again = plan_of(Index(more), *site, record=first["record"])
    for host, about in first["hosts"].items():
        if about["state"] in ("planned", "converged"):
            assert again["hosts"][host]["changes"] == about["changes"]


# What a host says is data.

HOSTILE = ["{{ 7 * 7 }}", "{% for a in b %}", "%s%s%n", "${jndi:x}", "<script>alert(1)</script>", "\x1b[2J\x00", "9" * 6000, "1" * 5000 + ".2",
           "1.1" * 3000, "../../etc", "A" * 100000, ""]  # fmt: skip


def planted(value, text):
    """The document with a text in every string field, but for what makes a host and a card what it is."""
    if isinstance(value, dict):
        return {key: item if key in ("class", "vendor", "device", "address", "reachable", "definition") else planted(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [planted(item, text) for item in value]
    return text if isinstance(value, str) else value


def with_keys(value, text):
    """The names of packages, units and files are strings of the host too."""
    for part in ("installed", "sets"):
        value["packages"][part] = {**value["packages"][part], text: next(iter(value["packages"][part].values()), "1")}
    value["units"] = {**(value["units"] or {}), text: {"enabled": text}}
    value["driver"]["loaded"] = {text: {"version": text, "flavour": text}}
    return value


@pytest.mark.parametrize("text", HOSTILE, ids=[repr(text[:12]) for text in HOSTILE])
@pytest.mark.parametrize("name", ["h100-bookworm-converged", "hgx-h100-noble", "h100-run-file", "mi300x-trixie"])
def test_hostile_text_in_every_field_is_only_ever_text(index, name, text):
    seen = with_keys(planted(copy.deepcopy(HOSTS[name]), text), text)
    plan = resolve(intent_of({"policy": "newest", "foreign": "adopt"}, [{"use": "host"}], True), {"a": ["gpus"]}, {"a": seen}, index, {}, TODAY)
    verify.checks("a", plan["hosts"]["a"]["decisions"] or {"driver.vendor": "nvidia"}, seen, index, TODAY)
    for row in plan["conflicts"] + plan["warnings"]:
        assert row["message"].isprintable() and len(row["message"]) < 4000
        assert "49" not in row["message"] or "{{" not in text
