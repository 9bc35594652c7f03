# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Recorded hosts and what becomes of each: the right refusal, by rule, or the right decision."""

from __future__ import annotations

import pytest

# name of the recording: driver settings, rules that refuse it ([] = decided), decisions to look at
REFUSED = [
    ("kepler-noble", {"policy": "580"}, {"ACC-1a"}),
    ("kepler-noble", {"policy": "production"}, {"ACC-4a"}),
    ("v100-noble", {"policy": "595"}, {"ACC-1b"}),
    ("v100-noble", {"policy": "615"}, {"ACC-1b", "ACC-2b"}),
    ("gh200-bookworm", {"policy": "535", "flavour": "proprietary"}, {"ACC-2a"}),
    ("gh200-bookworm", {"policy": "535"}, {"ACC-2a", "ACC-27"}),
    ("hgx-h100-noble", {"policy": "595.99.02"}, {"ACC-9", "ACC-6a"}),
    ("hgx-h100-bookworm-no-fabric", {"policy": "535"}, {"ACC-12b"}),
    ("b200-trixie", {"policy": "newest"}, {"ACC-1c", "ACC-3a", "ACC-12b"}),
    ("mixed-noble", {"policy": "595", "flavour": "open"}, {"ACC-22", "ACC-1b"}),
    ("h100-run-file", {"policy": "535"}, {"ACC-43"}),
    ("h100-secure-boot", {"policy": "535"}, {"ACC-16d"}),
    ("h100-bookworm", {"policy": "production"}, {"ACC-4a"}),
    ("h100-trixie", {"policy": "production"}, {"ACC-4a", "ACC-4b"}),
    ("h100-trixie", {"policy": "550", "flavour": "open"}, {"ACC-29"}),
]

DECIDED = [
    ("kepler-noble", {"policy": "470"}, {"driver.version": "470.256.02", "driver.flavour": "proprietary", "driver.set": "nvidia-470-server"}),
    ("v100-noble", {}, {"driver.version": "580.178.04", "driver.flavour": "proprietary"}),
    ("a100-no-switch-noble", {}, {"driver.version": "595.91.07", "driver.flavour": "open", "fabric.manager": None}),
    ("hgx-h100-noble", {}, {"driver.version": "595.91.07", "fabric.manager": "595.91.07", "driver.set": "nvidia-595-server-open"}),
    ("hgx-h100-noble", {"policy": "580"}, {"driver.version": "580.178.04", "fabric.manager": "580.178.04"}),
    ("hgx-h100-noble", {"policy": "newest"}, {"driver.version": "615.71.09", "fabric.manager": "615.71.09"}),
    ("hgx-h100-bookworm", {"policy": "535"}, {"driver.version": "535.309.01", "fabric.manager": "535.309.01"}),
    ("h100-bookworm", {"policy": "535"}, {"driver.set": "nvidia-proprietary", "driver.flavour": "proprietary", "kernel.release": "6.1.0-56-amd64"}),
    ("h100-trixie", {"policy": "550"}, {"driver.set": "nvidia-proprietary", "driver.version": "550.163.01"}),
    ("mixed-noble", {}, {"driver.version": "580.178.04", "driver.flavour": "proprietary"}),
    ("mi300x-trixie", {}, {"driver.vendor": "amd", "driver.version": None, "driver.flavour": "in_kernel", "modules.blacklist": []}),
    ("h100-run-file", {"foreign": "adopt", "policy": "550"}, {"driver.set": None, "driver.version": "550.54.14", "driver.owner": "run_file"}),
]


def by_subject(plan, host):
    return {row["subject"]: row["value"] for row in plan["hosts"][host]["decisions"]}


@pytest.mark.parametrize(("name", "driver", "rules"), REFUSED, ids=[f"{name}-{'-'.join(driver.values())}" for name, driver, _rules in REFUSED])
def test_recorded_host_is_refused_by_these_rules(planner, name, driver, rules):
    seen = planner.recorded(name)
    plan = planner.plan(seen, intent=planner.intent(driver=driver))
    host = plan["hosts"][seen["host"]]
    assert rules <= {row["rule"] for row in plan["conflicts"]}
    assert all(row["path"].startswith("ai_stack_") and row["message"] and row["nearest"] and row["source"] for row in plan["conflicts"])
    assert (host["state"], host["changes"]) == ("refused", [])
    assert {row["subject"] for row in host["decisions"]} <= {"driver.candidates"}


def test_refusal_speaks_of_what_a_waiver_can_free_and_lists_the_rest(planner):
    old = "4.4.0-210-generic"
    seen = planner.recorded("a100-no-switch-noble", kernel__next_boot=old, kernel__installed__0__release=old)
    plan = planner.plan(seen)
    assert {row["rule"] for row in plan["conflicts"]} == {"ACC-4a", "ACC-4b"}
    others = by_subject(plan, seen["host"])["driver.candidates"]
    assert any("ACC-16a" in rules for rules in others.values())
    assert all(rules for rules in others.values())



@pytest.mark.parametrize(("name", "driver", "wanted"), DECIDED, ids=[f"{name}-{'-'.join(driver.values())}" for name, driver, _wanted in DECIDED])
def test_recorded_host_gets_this_driver(planner, name, driver, wanted):
    seen = planner.recorded(name)
    plan = planner.plan(seen, intent=planner.intent(driver=driver))
    assert plan["conflicts"] == []
    found = by_subject(plan, seen["host"])
    assert {subject: found[subject] for subject in wanted} == wanted


def test_mismatch_names_the_fabric_manager_versions_that_there_are(planner):
    plan = planner.plan(planner.recorded("hgx-h100-noble"), intent=planner.intent(driver={"policy": "595.99.02"}))
    row = next(row for row in plan["conflicts"] if row["rule"] == "ACC-6a")
    assert "must be 595.99.02" in row["message"] and "595.91.07" in row["message"]
    assert "595.91.07 open (nvidia-dkms-595-server-open)" in row["nearest"]


def test_a_host_that_reaches_no_repository_is_told_so_once_for_all_sets(planner):
    """Recorded on a real H100: somebody else's driver runs it, and nothing can be had."""
    rows = [row for row in planner.plan(planner.recorded("h100-cut-off-noble"))["conflicts"] if row["rule"] == "ACC-26"]
    assert len(rows) == 1 and "all packages of any of these sets" in rows[0]["message"], rows
    assert (rows[0]["path"], rows[0]["nearest"]) == ("ai_stack_driver.source", "a repository that has it, in ai_stack_repositories")


def test_unknown_branch_names_the_versions_that_there_are(planner):
    row = planner.plan(planner.recorded("h100-bookworm"), intent=planner.intent(driver={"policy": "590"}))["conflicts"][0]
    assert (row["rule"], row["path"]) == ("ACC-26", "ai_stack_driver.policy")
    assert "535.309.01 proprietary (nvidia-kernel-dkms)" in row["nearest"]


@pytest.mark.parametrize(("driver", "path"), [({"flavour": "open"}, "flavour"), ({"source": "vendor"}, "source"), ({"policy": "535.999.1"}, "policy")])
def test_choice_that_shuts_everything_out_is_the_one_named(planner, driver, path):
    seen = planner.recorded("h100-bookworm")
    del seen["packages"]["sets"]["nvidia-open"]
    rows = planner.plan(seen, intent=planner.intent(driver=driver))["conflicts"]
    assert [row["path"] for row in rows] == [f"ai_stack_driver.{path}"]


def test_whole_number_is_a_branch(planner):
    plan = planner.plan(planner.recorded("h100-bookworm"), intent=planner.intent(driver={"policy": 535}))
    assert by_subject(plan, "gpu-h100-1")["driver.branch"] == "535"


def test_driver_of_a_pool_comes_before_the_sites(planner):
    pools = [{"name": "cards", "hosts": "gpus", "use": "host", "driver": {"policy": "580"}}]
    seen = planner.recorded("hgx-h100-noble")
    plan = planner.plan(seen, intent=planner.intent(driver={"policy": "595"}, pools=pools))
    assert by_subject(plan, seen["host"])["driver.branch"] == "580"


def test_packages_are_pinned_with_their_dependencies_and_only_driver_parts_are_held(planner):
    found = by_subject(planner.plan(planner.recorded("h100-bookworm"), intent=planner.intent(driver={"policy": "535"})), "gpu-h100-1")
    assert found["driver.packages"]["dkms"] == "3.0.10-8+deb12u1"
    assert "dkms" not in found["driver.holds"] and {"nvidia-kernel-dkms", "nvidia-smi", "libnvidia-cfg1"} <= set(found["driver.holds"])
    assert found["kernel.hold"] == ["linux-headers-amd64", "linux-image-6.1.0-56-amd64", "linux-image-amd64"]


def test_fabric_manager_is_pinned_held_and_comes_from_its_repository(planner):
    seen = planner.recorded("hgx-h100-bookworm")
    for offer in seen["packages"]["sets"]["nvidia-proprietary"]["versions"]["nvidia-fabricmanager-535"]:
        offer["repository"] = "stand-in"
    found = by_subject(planner.plan(seen, intent=planner.intent(driver={"policy": "535"})), seen["host"])
    assert found["driver.packages"]["nvidia-fabricmanager-535"] == "535.309.01-1"
    assert "nvidia-fabricmanager-535" in found["driver.holds"]
    assert found["driver.repositories"] == ["stand-in"]


def test_source_takes_packages_of_that_repository_only(planner):
    seen = planner.recorded("h100-bookworm")
    module = seen["packages"]["sets"]["nvidia-proprietary"]["versions"]["nvidia-kernel-dkms"]
    module[0]["repository"] = "mirror"
    found = by_subject(planner.plan(seen, intent=planner.intent(driver={"policy": "535", "source": "mirror"})), seen["host"])
    assert (found["driver.source"], found["driver.owner"], found["driver.repositories"]) == ("mirror", "vendor_repository", ["mirror"])


@pytest.mark.parametrize(("today", "refused"), [("2026-06-30", False), ("2026-07-01", True)])
def test_branch_is_in_support_to_the_last_day_of_its_month(planner, today, refused):
    rows = planner.plan(planner.recorded("h100-bookworm"), today=today)["conflicts"]
    assert any("its support ended" in row["message"] for row in rows) == refused


def test_known_build_comes_before_the_preferred_flavour(planner):
    seen = planner.recorded("a100-no-switch-noble")
    version = "580.178.04-0ubuntu0.24.04.1"
    key = {"suite": "noble", "kernel": "6.8.0-87-generic", "package": "nvidia-dkms-580-server", "version": version, "compiler": "gcc 13.2.0"}
    trial = {"key": key, "mode": "full", "result": "built", "errors": [], "host": "other", "at": "2026-11-25T00:00:00Z"}
    found = by_subject(planner.plan(seen, trials=[trial]), seen["host"])
    assert (found["driver.version"], found["driver.flavour"], "driver.trial" in found) == ("580.178.04", "proprietary", False)


def test_failed_trial_of_another_host_refuses_its_equals_with_the_compilers_line(planner):
    seen = planner.recorded("h100-bookworm")
    key = {"suite": "bookworm", "kernel": "6.1.0-56-amd64", "package": "nvidia-kernel-dkms", "version": "535.309.01-0+deb12u1", "compiler": "gcc 12.2.0"}
    trial = {"key": key, "mode": "quick", "result": "failed", "errors": ["nv.c:1: error: gone"], "host": "web-1", "at": "now"}
    other = planner.recorded("no-card", trials={"k": trial})
    rows = planner.plan(seen, other, intent=planner.intent(driver={"policy": "535"}))["conflicts"]
    assert any(row["rule"] == "ACC-29" and "nv.c:1: error: gone" in row["message"] and row["host"] == "gpu-h100-1" for row in rows)
    assert any(row["rule"] == "ACC-29" and row["source"].startswith("trial on web-1") for row in rows)


def test_cards_of_two_vendors_on_a_host_are_refused(planner):
    seen = planner.recorded("h100-bookworm")
    seen["pci"] += planner.recorded("mi300x-trixie")["pci"]
    rows = planner.plan(seen)["conflicts"]
    assert any("cards of amd and nvidia are in pools of this host" in row["message"] for row in rows)


SITE, OTHER = "ab" * 32, "cd" * 32


def under_secure_boot(planner, enrolled=(), certificate=SITE):
    """A host under secure boot without compiler and headers, and modules that a build host signs."""
    seen = planner.recorded("h100-secure-boot", kernel__compiler=None, kernel__installed__0__headers=False, secure_boot__mok_enrolled=list(enrolled))
    more = {"ai_stack_module_signing": {"certificate": certificate}} if certificate else {}
    plan = planner.plan(seen, intent=planner.intent(driver={"policy": "535", "build": "packaged"}, **more))
    return plan, by_subject(plan, seen["host"]), plan["hosts"][seen["host"]]["changes"]


@pytest.mark.parametrize(
    ("enrolled", "certificate", "path", "words"),
    [
        ([], SITE, "ai_stack_module_signing.certificate", f"sha256 {SITE}) is not among"),
        ([OTHER], SITE, "ai_stack_module_signing.certificate", f"sha256 {SITE}) is not among"),
        ([SITE], None, "ai_stack_module_signing", "nothing says with which key"),
    ],
)
def test_secure_boot_host_is_refused_until_the_very_certificate_of_the_site_is_enrolled(planner, enrolled, certificate, path, words):
    plan, _found, changes = under_secure_boot(planner, enrolled, certificate)
    assert [row["path"] for row in plan["conflicts"] if row["rule"] == "ACC-16d" and words in row["message"]] == [path]
    assert changes == []


def test_secure_boot_host_gets_modules_from_the_build_host_once_its_key_is_enrolled(planner):
    plan, found, changes = under_secure_boot(planner, [OTHER, SITE])
    assert plan["conflicts"] == []
    assert (found["driver.build"], found["driver.set"], found["driver.signed_by"]) == ("packaged", "nvidia-proprietary", SITE)
    assert not {"nvidia-kernel-dkms", "dkms", "linux-headers-amd64"} & set(found["driver.packages"])
    assert "module:6.1.0-56-amd64" in {row["resource"] for row in changes}


def test_module_that_a_build_host_cannot_compile_either_is_refused(planner):
    rows = planner.plan(planner.recorded("h100-trixie"), intent=planner.intent(driver={"policy": "550", "flavour": "open", "build": "packaged"}))["conflicts"]
    assert "ACC-29" in {row["rule"] for row in rows}


def test_packages_of_another_maker_that_we_installed_are_ours(planner):
    """The packages of a mirror or a folder name its maker, not the distribution."""
    owner = {"kind": "vendor_repository", "evidence": "package nvidia-kernel-dkms", "version": "535.309.01"}
    intent = planner.intent(driver={"policy": "535"})
    seen = planner.recorded("h100-bookworm-converged", driver__owners=[owner])
    plan = planner.plan(seen, intent=intent)
    assert plan["conflicts"] == []
    assert planner.checks(seen, plan["hosts"][seen["host"]]["decisions"])["one_owner"]["status"] == "pass"
    assert {row["rule"] for row in planner.plan({**seen, "files": {}}, intent=intent)["conflicts"]} == {"ACC-43"}


def beside(planner, policy, drivers=("nvidia", "nvidia"), **more):
    """A host with a V100 and an H100 of which only the H100 is in a pool."""
    seen = planner.recorded("mixed-noble", pci__0__driver=drivers[0], pci__1__driver=drivers[1])
    pool = {"name": "cards", "hosts": "gpus", "use": "host", "select": {"model": "H100"}}
    plan = planner.plan(seen, intent=planner.intent(driver={"policy": policy, "reboot": "when_needed"}, pools=[pool], **more))
    return plan, by_subject(plan, seen["host"]), plan["hosts"][seen["host"]]["changes"]


def test_one_way_door_is_refused_until_it_is_confirmed_by_the_name_that_the_plan_gives_it(planner):
    plan, found, changes = beside(planner, "595")
    assert changes == [] and {row["path"] for row in plan["conflicts"] if row["rule"] == "ACC-84"} == {"ai_stack_confirm"}
    plan, found, changes = beside(planner, "595", ai_stack_confirm=["branch 595 drops V100"])
    assert plan["conflicts"] == [] and found["driver.drops"] == ["Tesla V100-PCIE-32GB"]
    assert {row["resource"] for row in changes if row["irreversible"]} == {"loaded", "module:6.8.0-87-generic"}


def test_confirmation_of_another_branch_opens_no_door(planner):
    assert "ACC-84" in {row["rule"] for row in beside(planner, "595", ai_stack_confirm=["branch 615 drops V100"])[0]["conflicts"]}


@pytest.mark.parametrize(("policy", "drivers"), [("580", ("nvidia", "nvidia")), ("595", (None, "nvidia")), ("595", ("vfio-pci", "nvidia"))])
def test_card_that_loses_nothing_is_no_one_way_door(planner, policy, drivers):
    plan, found, changes = beside(planner, policy, drivers)
    assert plan["conflicts"] == [] and "driver.drops" not in found
    assert not [row for row in changes if row["irreversible"]]


def test_without_a_branch_asked_for_the_card_beside_the_pools_is_kept(planner):
    assert beside(planner, "production")[1]["driver.branch"] == "580"


def nearest(plan, rule):
    return [row["nearest"] for row in plan["conflicts"] if row["rule"] == rule]


def test_no_branch_is_named_that_the_cards_refuse(planner):
    (text,) = nearest(planner.plan(planner.recorded("kepler-noble")), "ACC-4a")
    assert "580" not in text and text.startswith("no branch in support takes Tesla K80: ") and text.endswith("or a waiver of ACC-4a")


def test_no_branch_is_named_that_the_policy_refuses(planner):
    plan = planner.plan(planner.recorded("b200-trixie"))
    assert set(nearest(plan, "ACC-1c")) == {"branch 580 or 595"}
    assert nearest(plan, "ACC-2a") == ["flavour open, of branch 580 or 595"]
    assert all(text.endswith(", of branch 580 or 595") for text in nearest(plan, "ACC-3a"))
    assert set(nearest(planner.plan(planner.recorded("b200-trixie"), intent=planner.intent(driver={"policy": "newest"})), "ACC-1c")) == {
        "branch 580 or 590 or 595 or 615"}  # fmt: skip


def test_what_a_host_offers_is_no_way_out_where_another_rule_refuses_it(planner):
    flavour = {"flavour": "open"}
    seen = planner.recorded("h100-bookworm")
    for driver, waivers, there in ((flavour, (), False), ({**flavour, "policy": "535"}, (), True), (flavour, (planner.waiver,), True)):
        plan = planner.plan(seen, intent=planner.intent(driver=driver, ai_stack_waivers=waivers))
        assert nearest(plan, "ACC-25") and all(("available here: 535.309.01 proprietary" in text) is there for text in nearest(plan, "ACC-25"))
    assert nearest(planner.plan(seen, intent=planner.intent(driver=flavour)), "ACC-25") == ["version 535.309.01 or newer, of branch 580 or 595"]


def test_a_source_that_was_named_after_a_host_was_looked_at_wants_another_look(planner):
    (text,) = nearest(planner.plan(planner.recorded("h100-bookworm"), intent=planner.intent(driver={"source": "mirror"})), "ACC-26")
    assert text.startswith("observe again, if that repository was named after this host was looked at; ")
    assert "535.309.01" not in text


def test_a_pool_that_gets_no_card_is_told_which_pool_has_them(planner):
    pools = [{"name": "few", "hosts": "gpus", "use": "host", "select": {"count": 1}}, {"name": "all", "hosts": "gpus", "use": "host"}]
    plan = planner.plan(planner.recorded("h100-bookworm"), intent=planner.intent(pools=pools))
    assert [(row["message"], row["nearest"]) for row in plan["conflicts"] if row["rule"] == "ACC-65"] == [
        ("pool few wants 1 card of this host; 0 can be given", "other cards; here: H100 (2); pool all has 2 of them")]  # fmt: skip


def test_cards_of_a_vendor_without_mig_are_offered_no_list_of_models(planner):
    pools = [{"name": "cut", "hosts": "gpus", "use": "mig", "layout": {"1g.10gb": 7}}]
    assert set(nearest(planner.plan(planner.recorded("mi300x-trixie"), intent=planner.intent(pools=pools)), "ACC-52")) == {"use host"}


def test_cards_that_are_alike_share_a_conflict(planner):
    pools = [{"name": "cut", "hosts": "gpus", "use": "mig", "layout": {"3g.40gb": 7}}]
    plan = planner.plan(planner.recorded("a100-no-switch-noble"), intent=planner.intent(pools=pools))
    rows = [row for row in plan["conflicts"] if row["path"].startswith("ai_stack_pools[0].layout")]
    assert len(rows) == len({row["rule"] for row in rows}) == 3
    assert all("at 0000:18:00.0, 0000:2a:00.0, 0000:3a:00.0, 0000:5d:00.0 " in row["message"] for row in rows)


def test_cards_that_two_pools_claim_share_a_conflict(planner):
    pools = [{"name": name, "hosts": "gpus", "use": "host"} for name in ("one", "other")]
    plan = planner.plan(planner.recorded("h100-bookworm"), intent=planner.intent(pools=pools))
    assert [row["message"] for row in plan["conflicts"] if row["rule"] == "ACC-66"] == [
        "pools one and other both claim the cards at 0000:17:00.0, 0000:65:00.0"
    ]


def test_gh200_is_refused_where_the_one_flavour_that_it_takes_does_not_build(planner):
    seen, other = planner.recorded("h100-trixie"), planner.recorded("gh200-bookworm")
    ids = next({key: one[key] for key in ("device", "subsystem_vendor", "subsystem_device")} for one in other["pci"] if one["vendor"] == "10de")
    for one in seen["pci"]:
        one.update(ids if one["vendor"] == "10de" else {})
    plan = planner.plan(seen, intent=planner.intent(driver={"policy": "550"}))
    assert plan["hosts"][seen["host"]]["state"] == "refused" and plan["hosts"][seen["host"]]["changes"] == []
    said = {row["rule"]: row["message"] for row in plan["conflicts"]}
    assert "too few arguments to function pci_resize_resource" in said["ACC-29"] and "ACC-2a" in said, said
