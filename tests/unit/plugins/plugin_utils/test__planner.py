# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""From intent and observations to plan.json: what surrounds the core."""

from __future__ import annotations

import hashlib
import json
import ssl
from pathlib import Path

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.resolve import resolve
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _planner, _recorded, _site

NOW = "2026-11-25T20:00:00Z"
POOL = {"name": "h100", "hosts": "gpu", "use": "host", "select": {"model": "H100"}}


@pytest.fixture
def seen(root):
    """Two hosts as the fixtures have them."""
    found, folder = _planner.Seen(), root / "tests/unit/fixtures/observations"
    for host, name in (("gpu1", "h100-bookworm"), ("gpu2", "h100-bookworm-converged")):
        document = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        found.documents[host] = _recorded.Shelf().check({**document, "host": host}, name, host)
        found.about[host] = {"sha256": "0" * 64, "at": "2026-11-25T19:00:00Z"}
    return found


def plan(seen, *pools, groups=None, record=None, **intent):
    groups = groups or {"all": ["gpu1", "gpu2"], "gpu": ["gpu1", "gpu2"], "ungrouped": []}
    return _planner.plan_site({"ai_stack_site": "example", "ai_stack_pools": list(pools or [POOL]), **intent}, groups, seen, record or {}, NOW)


PASSED = {"name": "h100", "hosts": "gpu", "use": "passthrough", "cloud": "main", "shapes": [{"cards": 1, "vcpus": 8, "ram_gib": 64, "disk_gib": 10}],
          "tenants": {"research": {}}}  # fmt: skip
CLOUD = {"name": "main", "series": "2025.1", "nova": "31.3.1"}


@pytest.mark.parametrize("acting", [False, True])
@pytest.mark.parametrize("more, rule", [({"hosts": "gpu"}, None), ({}, "INT-4"), ({"hosts": "gpu", "deployment": "files"}, "INT-7")])
def test_a_passthrough_pool_is_planned_and_a_deploy_refuses_what_no_verb_acts_on(seen, acting, more, rule):
    cloud = {**CLOUD, **more}
    intent = {"ai_stack_site": "example", "ai_stack_pools": [PASSED], "ai_stack_clouds": [cloud], "ai_stack_confirm": ["report_in_placement on main"]}
    groups = {"all": ["gpu1", "gpu2"], "gpu": ["gpu1", "gpu2"]}
    for document in seen.documents.values():
        document["nvml"] = None
    made = _planner.plan_site(intent, groups, seen, {}, NOW, acting=acting)
    assert made["hosts"]["gpu1"]["state"] == "planned" and "passthrough.bind" in [row["subject"] for row in made["hosts"]["gpu1"]["decisions"]]
    assert {"nova_cloud", "flavor", "aggregate", "image_properties"} <= {one["kind"] for one in made["resources"]}
    assert rules(made["conflicts"]) == ([rule] if acting and rule else [])
    assert (rule in rules(made["warnings"])) is (not acting) or rule is None
    assert _planner.summary_of(made)["reboots"] == 2  # what a host gives away is proven by a boot


WRONG = [{"nodes": "nobody"}, {"kubernetes": 1.37}, {"unknown": 1}, {"nodes": {"cloud": "main", "project": "ai", "count": 3}}, {"feature_gates": ["A"]}]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_cluster_that_cannot_be_read_is_not_half_planned(seen, wrong):
    """Nothing follows from the mistake but its own conflict, and another cluster is planned."""
    whole = {"kubernetes": "1.37", "control_plane": "gpu1"}
    rows = [{"name": "ai", **whole, "nodes": "gpu", **wrong}, {"name": "other", **whole}]
    made = plan(seen, ai_stack_clusters=rows, ai_stack_clouds=[CLOUD])
    mine = [row for row in made["conflicts"] if row["path"].startswith("ai_stack_clusters[0]")]
    assert len(mine) == 1 and mine[0]["rule"].startswith("INT-"), mine
    assert [row for row in made["conflicts"] if row["path"].startswith("ai_stack_clusters[1]")]
    assert not [one for one in made["resources"] if one["kind"] == "cluster"]


def rules(rows, host=None):
    return [row["rule"] for row in rows if row["host"] == host]


def test_a_plan_has_the_parts_of_its_contract(seen):
    made = plan(seen)
    assert {"schema", "site", "inputs", "hosts", "resources", "steps", "artefacts", "conflicts", "warnings", "waived"} <= set(made)
    assert made["schema"] == "sovereign.ai_stack/plan/1" and made["site"] == "example"
    assert {"generated_at", "collection", "core", "intent_sha256", "tables", "observations"} <= set(made["inputs"])
    assert made["inputs"]["observations"]["gpu1"] == seen.about["gpu1"] and set(made["inputs"]["tables"]) >= {"accelerators", "rules"}
    assert json.loads("".join(_site.lines({key: made[key] for key in made if key != "record"})))["hosts"] == made["hosts"]


def test_conflicts_of_inventory_and_of_hosts_come_at_once(seen):
    made = plan(seen, POOL, {"name": "h100", "hosts": "gpu", "use": "host", "select": {"model": "H1000"}}, ai_stack_poools=[])
    assert {"INT-1", "INT-6"} <= set(rules(made["conflicts"])) and any(rule.startswith("ACC-") for rule in rules(made["conflicts"], "gpu1"))


def test_a_conflict_of_the_core_points_at_the_row_that_the_inventory_has(seen):
    made = plan(seen, {"name": "bad name!", "hosts": "gpu", "use": "host"}, POOL, {**POOL, "name": "typo", "select": {"model": "H1000"}})
    paths = [row["path"] for row in made["conflicts"] if "H1000" in row["message"]]
    assert paths and all(path.startswith("ai_stack_pools[2]") for path in paths)


MISTAKES = [{"use": "hst"}, {"select": {"model": "H1OO", "count": "two"}}, {"layout": {"1g.10gb": 0}, "use": "mig"}, {"use": "vgpu"}]


@pytest.mark.parametrize("wrong", MISTAKES)
def test_names_of_a_pool_with_another_mistake_are_checked_too_and_nothing_is_guessed_from_it(seen, wrong):
    bad = {"name": "bad", "hosts": "gpuu", "use": "host", "select": {"model": "H1OO"}, **wrong}
    made = plan(seen, bad)
    assert {row["path"] for row in made["conflicts"] if row["rule"] in ("ACC-79", "ACC-64")} == {"ai_stack_pools[0].hosts", "ai_stack_pools[0].select.model"}
    assert any(row["rule"].startswith("INT-") for row in made["conflicts"])
    assert {host["state"] for host in made["hosts"].values()} == {"refused"} and "ai_stack_pools[0]" in made["hosts"]["gpu1"]["because"]
    assert not [row for row in made["warnings"] if "in no pool" in row["message"]]


@pytest.mark.parametrize("wrong", [{"hosts": "gpuu"}, {"select": {"model": "H1OO"}}])
def test_a_name_that_nobody_knows_is_one_conflict_and_nothing_is_guessed_from_it(seen, wrong):
    made = plan(seen, {**POOL, **wrong})
    assert [row["path"] for row in made["conflicts"]] == [f"ai_stack_pools[0].{'hosts' if 'hosts' in wrong else 'select.model'}"]
    assert {host["state"] for host in made["hosts"].values()} == {"refused"} and made["warnings"] == []


def test_a_pool_with_a_mistake_hides_nothing_of_hosts_that_are_not_its_own(seen):
    groups = {"all": ["gpu1", "gpu2"], "one": ["gpu1"], "two": ["gpu2"]}
    made = plan(seen, {"name": "bad", "hosts": "one", "use": "hst"}, groups=groups)
    assert (made["hosts"]["gpu1"]["state"], made["hosts"]["gpu2"]["state"]) == ("refused", "not_ours")
    assert [row["host"] for row in made["warnings"] if "in no pool" in row["message"]] == ["gpu2"]


def test_a_plan_says_whether_it_was_made_from_recorded_files(seen):
    assert plan(seen)["inputs"]["observed"] == "live" and plan(seen, ai_stack_observations="DIR")["inputs"]["observed"] == "recorded"


def test_a_file_that_cannot_be_read_is_a_conflict_of_its_host(seen):
    seen.wrong["gpu1"] = "observations/gpu1.json is not JSON."
    del seen.documents["gpu1"]
    made = plan(seen)
    assert "SITE-1" in rules(made["conflicts"], "gpu1") and made["hosts"]["gpu1"]["state"] == "unknown"


def test_a_dark_host_is_a_warning_that_says_how_old_its_observation_is(seen):
    seen.dark["gpu1"] = "did not answer"
    made = plan(seen)
    assert any(row["host"] == "gpu1" and "did not answer; it counts with what was seen of it 1 hour ago" in row["message"] for row in made["warnings"])
    assert made["inputs"]["observations"]["gpu1"]["reachable"] is False
    assert [card["model"] for card in made["hosts"]["gpu1"]["cards"]] == ["H100"] * len(made["hosts"]["gpu1"]["cards"]) != []


def test_a_host_that_was_never_seen_is_unknown_and_stops_no_other(seen):
    del seen.documents["gpu1"], seen.about["gpu1"]
    seen.dark["gpu1"] = "did not answer"
    made = plan(seen)
    assert made["hosts"]["gpu1"]["state"] == "unknown" and any("was never seen" in row["message"] for row in made["warnings"])
    assert rules(made["conflicts"], "gpu1") == [] and made["hosts"]["gpu2"]["cards"]


def test_tables_of_a_site_that_cannot_be_read_are_a_conflict(seen, tmp_path):
    (tmp_path / "accelerators.yml").write_text("[")
    assert rules(plan(seen, ai_stack_extra_tables=[str(tmp_path)])["conflicts"])[:1] == ["SITE-3"]
    assert rules(plan(seen, ai_stack_extra_tables=["/absent"])["conflicts"])[:1] == ["SITE-3"]


def test_secrets_do_not_reach_the_plan(seen):
    repository = {"name": "cuda", "type": "deb", "uris": ["https://mirror.example.org"], "suites": ["./"], "login": "site", "password": "xyzzy"}
    assert "xyzzy" not in json.dumps(plan(seen, ai_stack_repositories=[repository]), default=str)


DER = b"\x30\x03\x02\x01\x01"
PEM = ssl.DER_cert_to_PEM_cert(DER).encode()


@pytest.mark.parametrize("written", [DER, PEM, b"Subject: x\n" + PEM], ids=["der", "pem", "text"])
def test_the_core_gets_the_digest_of_the_certificate_and_no_key(seen, tmp_path, monkeypatch, written):
    given = {}
    monkeypatch.setattr(_planner.resolve, "resolve", lambda intent, *more, **how: given.update(intent) or resolve(intent, *more, **how))
    (tmp_path / "mok").write_bytes(written)
    made = plan(seen, ai_stack_module_signing={"certificate": str(tmp_path / "mok"), "key": "/root/xyzzy"})
    assert given["ai_stack_module_signing"] == {"certificate": hashlib.sha256(DER).hexdigest()}
    assert "xyzzy" not in json.dumps(made, default=str)


@pytest.mark.parametrize("written, words", [(None, "No such file"), (PEM[:40], "wants a certificate"), (b"key", "neither DER nor PEM")])
def test_a_certificate_that_cannot_be_read_is_a_conflict(seen, tmp_path, written, words):
    if written:
        (tmp_path / "mok").write_bytes(written)
    made = plan(seen, ai_stack_module_signing={"certificate": str(tmp_path / "mok"), "key": "/root/key"})
    assert [words in row["message"] for row in made["conflicts"] if row["path"] == "ai_stack_module_signing.certificate"] == [True]


@pytest.mark.parametrize("rule, known", [("ACC-4", True), ("ACC-4a", True), ("ACC-4z", False), ("ACC", False)])
def test_a_waiver_names_a_rule_or_all_parts_of_one(seen, rule, known):
    waiver = {"rule": rule, "scope": "site", "reason": "x", "approver": "board", "until": "2099-01-01"}
    assert ("INT-5" not in rules(plan(seen, ai_stack_waivers=[waiver])["conflicts"])) is known


AGES = [
    ("2026-11-25T20:00:00Z", "just now"),
    ("2026-11-25T19:59:01Z", "just now"),
    ("2026-11-25T19:59:00Z", "1 minute ago"),
    ("2026-11-25T18:00:01Z", "1 hour ago"),
    ("2026-11-22T20:00:00Z", "3 days ago"),
    ("soon", "at an unknown time"),
    (None, "at an unknown time"),
    ("2026-11-22T20:00:00", "at an unknown time"),
]


@pytest.mark.parametrize("then, words", AGES)
def test_an_age_is_told_in_words(then, words):
    assert _planner.age(then, NOW) == words


def test_equal_conflicts_are_told_once_with_their_hosts():
    rows = [
        {"rule": "ACC-1", "host": f"gpu{number}", "path": "ai_stack_driver.policy", "message": "no", "source": "s", "nearest": "580"} for number in range(11)
    ]
    (text,) = _planner.text_of(rows)
    assert text.splitlines() == [
        "ACC-1 on gpu0, gpu1, gpu2, gpu3, gpu4, gpu5, gpu6, gpu7 and 3 more: ai_stack_driver.policy: no",
        "  nearest allowed: 580",
        "  source: s",
    ]


def test_nothing_in_a_conflict_moves_the_cursor():
    (text,) = _planner.text_of([{"rule": "ACC-1", "host": "gpu1", "path": None, "message": "\x1b[2J\r\nevil", "source": None, "nearest": "\x07"}])
    assert all(line.isprintable() for line in text.splitlines())


def test_a_slice_holds_the_conflicts_of_its_host_and_of_the_site(seen):
    made = plan(seen)
    made["conflicts"] = [{"rule": None, "host": host, "path": None, "message": str(host), "source": None, "nearest": None} for host in (None, "gpu1", "gpu2")]
    slices = dict(_planner.slices_of(made, ["gpu1"]))
    assert list(slices) == ["gpu1"] and [row["host"] for row in slices["gpu1"]["conflicts"]] == [None, "gpu1"]
    assert set(slices["gpu1"]) == {"state", "because", "cards", "changes", "decisions", "policy", "tenants", "conflicts", "messages"}


def alone(seen, **intent):
    groups = {"all": ["gpu1", "gpu2"], "gpu": ["gpu1", "gpu2"], "other": ["gpu2"]}
    return _planner.plan_alone(intent, "gpu1", groups, seen, {}, NOW)


def test_a_role_alone_plans_all_cards_of_its_host_where_no_site_is_described(seen):
    made = alone(seen)
    assert list(made["hosts"]) == ["gpu1"] and {card["pool"] for card in made["hosts"]["gpu1"]["cards"]} == {"this-host"}
    assert [rule for rule in rules(made["conflicts"]) if rule.startswith("INT")] == []


def test_a_role_alone_takes_the_sites_pools_that_its_host_is_in(seen):
    pools = [{"name": "elsewhere", "hosts": "other", "use": "host"}, POOL]
    states = [{"host": "gpu2", "state": "retired", "reason": "x"}]
    made = alone(seen, ai_stack_site="example", ai_stack_pools=pools, ai_stack_states=states)
    assert {card["pool"] for card in made["hosts"]["gpu1"]["cards"]} == {"h100"}
    assert [row for row in made["conflicts"] if row["host"] is None] == []


def test_a_role_alone_takes_a_mig_layout_from_a_pool_and_checks_it(seen):
    pool = {"name": "cut", "hosts": "gpu", "use": "mig", "layout": {"1g.10gb": 7}}
    decisions = {row["subject"]: row["value"] for row in alone(seen, ai_stack_pools=[pool], ai_stack_driver={"policy": "535"})["hosts"]["gpu1"]["decisions"]}
    assert set(map(str, decisions["mig.layout"].values())) == {"{'1g.10gb': 7}"}
    assert "ACC-53" in rules(alone(seen, ai_stack_pools=[{**pool, "layout": {"1g.11gb": 7}}])["conflicts"], "gpu1")


def test_a_role_alone_and_the_verb_decide_the_same(seen):
    whole, mine = plan(seen), alone(seen, ai_stack_site="example", ai_stack_pools=[POOL])
    assert mine["hosts"]["gpu1"] == whole["hosts"]["gpu1"]


@pytest.mark.parametrize("rows", [[{"name": "a", "hosts": "nobody", "use": "host"}], {}])
def test_a_page_of_the_collection_is_named_on_the_terminal_by_where_it_is(seen, rows):
    made = _planner.plan_site({"ai_stack_site": "x", "ai_stack_pools": rows}, {"all": ["gpu1"]}, seen, {}, NOW)
    pages = [line.split()[1] for text in _planner.text_of(made["conflicts"]) for line in text.splitlines() if line.startswith("  source: /")]
    assert pages and all(Path(page).is_file() for page in pages)
    assert all(row["source"].startswith("docs/") for row in made["conflicts"] if row["rule"] in ("INT-2", "ACC-79"))
