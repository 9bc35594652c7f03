# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""One case for each enforced rule: it must go red when the rule's row leaves the register.

A case is a function under the id of its rule. It gets the planner and gives back what the rule is the cause of: a row
{rule, ...} of conflicts, warnings, decisions or checks, and the words that an operator reads in it.
"""

from __future__ import annotations

import inspect

import pytest
from planner import Cases, named, refused

case = Cases()
H100 = "h100-bookworm"
CONVERGED = "h100-bookworm-converged"
NOBLE = "a100-no-switch-noble"


def warned(plan, identity, words):
    assert named(plan["warnings"], identity, words)["nearest"]


def decided(plan, identity, subject, value):
    rows = [row for host in plan["hosts"].values() for row in host["decisions"] if row["subject"] == subject]
    assert [(row["value"], row["rule"]) for row in rows] == [(value, identity)]


def pci(device, vendor="10de", **more):
    return {"address": "0000:41:00.0", "class": "030200", "vendor": vendor, "device": device, "subsystem_vendor": vendor, "subsystem_device": "0000",
            "present": True, **more}  # fmt: skip


def one_card(planner, name, device, **changes):
    return planner.recorded(name, pci=[pci(device)], **changes)


# Cards and branches


@case("ACC-1a")
def kepler_refuses_any_branch_after_its_last(planner):
    plan = planner.plan(planner.recorded("kepler-noble"), intent=planner.intent(driver={"policy": "580"}))
    refused(plan, "ACC-1a", "Tesla K80 needs branch 470", "ai_stack_driver.policy", "470.256.02 proprietary")


@case("ACC-1b")
def volta_refuses_a_branch_that_dropped_it(planner):
    plan = planner.plan(planner.recorded("v100-noble"), intent=planner.intent(driver={"policy": "595"}))
    refused(plan, "ACC-1b", "needs branch 580 or older", "ai_stack_driver.policy", "580.178.04 proprietary")


@case("ACC-1c")
def blackwell_refuses_a_branch_that_does_not_know_it(planner):
    plan = planner.plan(planner.recorded("b200-trixie"))
    refused(plan, "ACC-1c", "NVIDIA B200 is Blackwell, which branch 550 does not know", "ai_stack_driver.policy", "580")


@case("ACC-2a")
def gh200_refuses_proprietary_modules(planner):
    plan = planner.plan(planner.recorded("gh200-bookworm"), intent=planner.intent(driver={"flavour": "proprietary"}))
    refused(plan, "ACC-2a", "takes only the open kernel modules", "ai_stack_driver.flavour", "flavour open")


@case("ACC-2b")
def volta_refuses_open_modules(planner):
    plan = planner.plan(planner.recorded("v100-noble"), intent=planner.intent(driver={"policy": "580", "flavour": "open"}))
    refused(plan, "ACC-2b", "takes only the proprietary kernel modules", "ai_stack_driver.flavour", "proprietary")


@case("ACC-2c")
def branch_without_proprietary_modules_gives_none(planner):
    seen = planner.recorded(NOBLE)
    server = seen["packages"]["sets"]["nvidia-615-server-open"]
    server["definition"] = {**server["definition"], "flavour": "proprietary"}
    plan = planner.plan(seen, intent=planner.intent(driver={"policy": "615", "flavour": "proprietary"}))
    refused(plan, "ACC-2c", "branch 615 has no proprietary modules", "ai_stack_driver.flavour", "flavour open")


@case("ACC-3a")
def card_refuses_a_release_from_before_its_id(planner):
    plan = planner.plan(one_card(planner, H100, "2335"), intent=planner.intent(driver={"policy": "535"}))
    refused(plan, "ACC-3a", "NVIDIA H200 is listed from 550.90.07 on", "ai_stack_driver.policy", "550.90.07")


@case("ACC-3b")
def hgx_b200_refuses_a_release_below_the_floor_of_its_board(planner):
    plan = planner.plan(planner.recorded("b200-trixie"))
    refused(plan, "ACC-3b", "works from 570.133.20 on", "ai_stack_driver.policy", "570.133.20")


@case("ACC-3c")
def t4_refuses_open_modules_from_before_they_listed_it(planner):
    plan = planner.plan(one_card(planner, "h100-trixie", "1eb8"), intent=planner.intent(driver={"policy": "550", "flavour": "open"}))
    refused(plan, "ACC-3c", "is known to the open modules from 575.51.02 on", "ai_stack_driver.policy", "575.51.02")


@case("ACC-4a")
def production_refuses_a_branch_past_its_end(planner):
    plan = planner.plan(planner.recorded(H100))
    refused(plan, "ACC-4a", "its support ended 2026-06", "ai_stack_driver.policy", "waiver of ACC-4a")


@case("ACC-4b")
def production_refuses_a_branch_of_unknown_kind(planner):
    plan = planner.plan(planner.recorded("h100-trixie"))
    refused(plan, "ACC-4b", "branch 550 is of unknown type", "ai_stack_driver.policy", "580 or 595")


# Fabric


def hgx(planner, **driver):
    return planner.plan(planner.recorded("hgx-h100-noble"), intent=planner.intent(driver=driver))


@case("ACC-6a")
def switch_host_refuses_a_driver_without_its_fabric_manager(planner):
    seen = planner.recorded("hgx-h100-bookworm")
    for one in seen["packages"]["sets"].values():
        one["versions"]["nvidia-fabricmanager-535"] = [{"version": "535.261.03-1", "origin": "stand-in"}]
    plan = planner.plan(seen)
    refused(plan, "ACC-6a", "the fabric manager must be 535.309.01 like the driver", "ai_stack_driver.policy", "535.261.03")


@case("ACC-6b")
def evidence_compares_fabric_manager_and_loaded_driver(planner):
    row = fabric_checks(planner, driver__fabric_manager={"version": "535.261.03"})["fabric_manager"]
    assert (row["rule"], row["status"]) == ("ACC-6b", "fail")


@case("ACC-7a")
def switch_function_brings_a_fabric_manager(planner):
    decided(hgx(planner, policy="595"), "ACC-7a", "fabric.manager", "595.91.07")


@case("ACC-7b")
def bridge_function_brings_a_fabric_manager(planner):
    decided(b200(planner), "ACC-7b", "fabric.manager", "595.91.07")


@case("ACC-7c")
def host_without_switch_has_no_fabric_manager_running(planner):
    unit = {"load": "loaded", "active": "failed", "enabled": "enabled"}
    row = proof(planner, units__nvidia_fabricmanager=None, units={"nvidia-fabricmanager.service": unit})["no_fabric_manager"]
    assert (row["rule"], row["status"], row["observed"]) == ("ACC-7c", "fail", "enabled")


@case("ACC-7d")
def enabled_fabric_manager_without_switch_is_refused(planner):
    unit = {"load": "loaded", "active": "failed", "enabled": "enabled"}
    seen = planner.recorded(H100, units={"nvidia-fabricmanager.service": unit})
    refused(planner.plan(seen), "ACC-7d", "this host has no switch", "ai_stack_pools", "systemctl disable --now nvidia-fabricmanager.service")
    assert not [row for row in hgx(planner, policy="595")["conflicts"] if row["rule"] == "ACC-7d"]


@case("ACC-8a")
def bridge_function_brings_a_subnet_manager(planner):
    decided(b200(planner), "ACC-8a", "fabric.nvlsm", "2025.03.1")


@case("ACC-8b")
def bridge_function_brings_a_module_and_programs(planner):
    decided(b200(planner), "ACC-8b", "fabric.modules", ["ib_umad"])
    decided(b200(planner), "ACC-8b", "fabric.programs", ["ibstat"])


def b200(planner, waivers=None):
    """An HGX B200 board on a distribution that has its driver, and a repository that has nvlsm."""
    waivers = [BY_HAND] if waivers is None else waivers
    seen = planner.recorded("hgx-h100-noble")
    seen["pci"] = planner.recorded("b200-trixie")["pci"]
    for one in seen["packages"]["sets"].values():
        one["versions"]["nvlsm"] = [{"version": "2025.03.1-1", "origin": "vendor"}]
    return planner.plan(seen, intent=planner.intent(driver={"policy": "595"}, ai_stack_waivers=waivers))


BY_HAND = {"rule": "ACC-85", "scope": "site", "reason": "set up by hand", "approver": "board", "until": "2027-01-31"}


@case("ACC-85")
def fabric_that_wants_more_than_this_version_sets_up_is_refused(planner):
    refused(b200(planner, []), "ACC-85", "the kernel modules ib_umad", "ai_stack_pools", "a waiver of ACC-85")
    refused(b200(planner, []), "ACC-85", "the programs ibstat", "ai_stack_pools", "a waiver of ACC-85")
    refused(rack(planner, []), "ACC-85", "nvidia-imex.service with the list of the nodes", "ai_stack_pools", "a waiver of ACC-85")
    assert not [row for plan in (hgx(planner), rack(planner)) for row in plan["conflicts"]]


@case("ACC-9")
def switch_host_refuses_desktop_packages(planner):
    seen = planner.recorded("hgx-h100-noble")
    seen["packages"]["sets"] = {name: one for name, one in seen["packages"]["sets"].items() if name in ("nvidia-595-open", "nvidia-595-server-open")}
    plan = planner.plan(seen, intent=planner.intent(driver={"policy": "595.99.02"}))
    refused(plan, "ACC-9", "it follows the -server packages", "ai_stack_driver.policy", "595.91.07 open")


@case("ACC-12b")
def needed_part_that_no_repository_has_is_named(planner):
    plan = planner.plan(planner.recorded("hgx-h100-bookworm-no-fabric"), intent=planner.intent(driver={"policy": "535"}))
    refused(plan, "ACC-12b", "the fabric manager is needed (LS10 at 0000:07:00.0)", "ai_stack_repositories", "the fabric manager 535.309.01")


@case("ACC-81")
def rack_scale_card_brings_imex(planner):
    decided(rack(planner), "ACC-81", "fabric.imex", "595.91.07")


def rack(planner, waivers=None):
    """A node of a GB200 rack."""
    waivers = [BY_HAND] if waivers is None else waivers
    return planner.plan(one_card(planner, NOBLE, "2941"), intent=planner.intent(driver={"policy": "595"}, ai_stack_waivers=waivers))


# Packages


@case("ACC-10a")
def name_that_installs_another_branch_is_refused(planner):
    plan = planner.plan(planner.recorded(NOBLE), intent=planner.intent(driver={"policy": "570"}))
    refused(plan, "ACC-10a", "there is no branch 570 here: nvidia-driver-570 installs nvidia-driver-580", "ai_stack_driver.policy", "branch 580")


@case("ACC-10b")
def simulation_of_another_version_is_refused(planner):
    seen = planner.recorded(H100)
    one = seen["packages"]["sets"]["nvidia-proprietary"]
    one["simulation"]["install"]["nvidia-kernel-dkms"] = "535.261.03-1"
    refused(planner.plan(seen), "ACC-10b", "the package manager would install 535.261.03-1", "ai_stack_driver.policy", "version 535.261.03")


def prebuilt(planner, **changes):
    """An Ubuntu host whose one set is of modules that are built for its kernel."""
    seen = planner.recorded(NOBLE)
    one = seen["packages"]["sets"]["nvidia-580-server-open"]
    name = "linux-modules-nvidia-580-server-open-6.8.0-87-generic"
    one["definition"].update(module=name, build="prebuilt", packages=[name] + one["definition"]["packages"][1:])
    one["versions"][name] = [{"version": "580.178.04-0ubuntu0.24.04.1", "origin": "noble-updates"}]
    one["versions"].update(changes)
    one["simulation"]["install"] = {}
    seen["packages"]["sets"] = {"nvidia-580-server-open": one}
    return planner.plan(seen, intent=planner.intent(driver={"policy": "580"}))


@case("ACC-11a")
def prebuilt_modules_of_another_driver_are_refused(planner):
    plan = prebuilt(planner, **{"nvidia-utils-580-server": [{"version": "580.95.05-0ubuntu0.24.04.1", "origin": "noble"}]})
    refused(plan, "ACC-11a", "nvidia-utils-580-server is 580.95.05", "ai_stack_driver.policy", "one version")


@case("ACC-11b")
def prebuilt_modules_that_are_not_there_for_the_kernel_are_refused(planner):
    plan = prebuilt(planner, **{"linux-modules-nvidia-580-server-open-6.8.0-87-generic": []})
    refused(plan, "ACC-11b", "the modules for 6.8.0-87-generic, cannot be had", "ai_stack_driver.build", "build dkms")


@case("ACC-12c")
def firmware_of_another_version_is_refused(planner):
    plan = planner.plan(planner.recorded(H100), intent=planner.intent(driver={"policy": "535", "flavour": "open"}))
    refused(plan, "ACC-12c", "firmware-nvidia-gsp is 535.309.01-0+deb12u1 here, but the module is 535.261.03-1", "ai_stack_driver.policy", "535.309.01")


@case("ACC-13")
def kernel_beyond_what_was_tested_wants_a_full_build(planner):
    newer = "6.17.3+deb13-amd64"
    plan = planner.plan(planner.recorded("h100-trixie", kernel__next_boot=newer, kernel__installed__0__release=newer))
    refused(plan, "ACC-13", "was tested up to kernel 6.15", "ai_stack_driver.policy", "a full trial build")


@case("ACC-14a")
def rhel_9_chooses_a_branch_by_a_stream(planner):
    plan = planner.plan(rhel(planner, "9.6", stream=None))
    refused(plan, "ACC-14a", "names no dnf module stream", "ai_stack_driver.source", "nvidia-driver:580-open")


@case("ACC-14b")
def rhel_10_has_no_streams(planner):
    plan = planner.plan(rhel(planner, "10.1", stream="nvidia-driver:580-open"))
    refused(plan, "ACC-14b", "wants the module stream nvidia-driver:580-open", "ai_stack_driver.source", "versionlock")


def rhel(planner, version, stream):
    seen = planner.recorded(NOBLE, system__distribution="rhel", system__version=version, system__family="rhel", system__codename=None)
    one = seen["packages"]["sets"]["nvidia-580-server-open"]
    one["definition"]["stream"] = stream
    seen["packages"].update(manager="dnf", sets={"nvidia-580-open": one})
    return seen


@case("ACC-15d")
def user_space_of_another_version_is_refused(planner):
    plan = planner.plan(planner.recorded(H100), intent=planner.intent(driver={"policy": "535", "flavour": "open"}))
    refused(plan, "ACC-15d", "here are libcuda1 535.309.01-0+deb12u1", "ai_stack_driver.policy", "535.309.01")


@case("ACC-26")
def missing_package_is_named_with_what_there_is(planner):
    seen = planner.recorded(H100)
    seen["packages"]["sets"]["nvidia-proprietary"]["versions"]["nvidia-smi"] = []
    del seen["packages"]["sets"]["nvidia-proprietary"]["simulation"]["install"]["nvidia-smi"]
    refused(planner.plan(seen), "ACC-26", "no repository of this host has nvidia-smi", "ai_stack_driver.source", "ai_stack_repositories")


@case("ACC-27")
def set_that_the_package_manager_refuses_is_refused(planner):
    plan = planner.plan(planner.recorded(H100), intent=planner.intent(driver={"policy": "535", "flavour": "open"}))
    refused(plan, "ACC-27", "Depends: firmware-nvidia-gsp (= 535.261.03)", "ai_stack_driver.policy", "535.309.01")


@case("ACC-44")
def hold_of_somebody_else_is_not_lifted(planner):
    seen = planner.recorded(H100, packages__held=["nvidia-smi"])
    seen["packages"]["installed"]["nvidia-smi"] = "535.261.03-1"
    refused(planner.plan(seen), "ACC-44", "somebody holds nvidia-smi at 535.261.03-1", "ai_stack_driver.policy", "policy 535.261.03")


@case("ACC-68")
def amd_card_without_firmware_package_is_refused(planner):
    seen = planner.recorded("mi300x-trixie")
    one = seen["packages"]["sets"]["amd-in-kernel"]
    one["versions"]["firmware-amd-graphics"] = []
    del one["simulation"]["install"]["firmware-amd-graphics"]
    refused(planner.plan(seen), "ACC-68", "firmware-amd-graphics, the firmware of AMD Instinct MI300X", "ai_stack_repositories", "non-free-firmware")


@case("ACC-21a")
def amdgpu_and_rocm_that_are_no_pair_are_refused(planner):
    seen = planner.recorded("mi300x-trixie")
    names = {"amdgpu-dkms": "30.30.3-1", "rocm": "6.1.0-1"}
    seen["packages"]["sets"] = {"amd-vendor": {
        "definition": {"vendor": "amd", "flavour": "in_kernel", "module": None, "build": None, "packages": [], "companions": list(names)},
        "versions": {name: [{"version": version, "origin": "vendor"}] for name, version in names.items()}, "simulation": None}}  # fmt: skip
    refused(planner.plan(seen), "ACC-21a", "amdgpu 30.30.3-1 and ROCm 6.1.0-1 are no pair", "ai_stack_driver.policy", "ROCm 7.2.x")


@case("ACC-21b")
def amd_card_without_a_cell_for_the_distribution_is_refused(planner):
    seen = planner.recorded("mi300x-trixie", pci=[pci("740f", "1002", **{"class": "120000"})])
    refused(planner.plan(seen), "ACC-21b", "MI210 has no row for debian 13", "ai_stack_pools", "ubuntu 24.04")


def gaudi(planner, device):
    seen = planner.recorded(H100, pci=[pci(device, "1da3", **{"class": "120000"})])
    what = {"vendor": "habana", "flavour": "in_kernel", "module": "habanalabs-dkms", "build": "dkms", "packages": ["habanalabs-dkms"], "companions": []}
    offers = {"habanalabs-dkms": [{"version": "1.23.0-1", "origin": "vendor"}]}
    seen["packages"]["sets"] = {"habana": {"definition": what, "versions": offers, "simulation": None}}
    return planner.plan(seen)


@case("ACC-21c")
def gaudi_on_debian_is_refused(planner):
    refused(gaudi(planner, "1020"), "ACC-21c", "Gaudi 2 has no row for debian 12", "ai_stack_pools", "ubuntu 24.04")


@case("ACC-21e")
def first_gaudi_refuses_new_software(planner):
    refused(gaudi(planner, "1000"), "ACC-21e", "is not named for software 1.23", "ai_stack_driver.policy", "software 1.21")


# Choice


@case("ACC-22")
def two_generations_want_one_driver(planner):
    plan = planner.plan(planner.recorded("mixed-noble"), intent=planner.intent(driver={"policy": "595", "flavour": "open"}))
    refused(plan, "ACC-22", "does for NVIDIA H100 PCIe but not for Tesla V100", "ai_stack_driver.policy", "every card of the host")


@case("ACC-23")
def card_that_no_table_names_gets_no_driver(planner):
    refused(planner.plan(one_card(planner, H100, "2332")), "ACC-23", "(10de:2332", "ai_stack_pools[0].select", "nearest known model is H100")


@case("ACC-24")
def card_of_an_unverified_row_is_warned_about(planner, own_tables):
    for row in own_tables["accelerators"]["rows"]:
        row["verified"] = False
    warned(planner.plan(planner.recorded(H100), tables=own_tables), "ACC-24", "the row about NVIDIA H100 PCIe is not verified")


@case("ACC-25")
def version_below_the_security_floor_is_refused(planner):
    plan = planner.plan(planner.recorded(H100), intent=planner.intent(driver={"flavour": "open", "policy": "535"}))
    refused(plan, "ACC-25", "is below 535.309.01, the security floor", "ai_stack_driver.policy", "535.309.01 proprietary")


@case("ACC-28")
def vendor_without_packages_here_is_refused(planner):
    seen = planner.recorded(H100, pci=[pci("56c0", "8086", **{"class": "038000"})])
    refused(planner.plan(seen), "ACC-28", "no package set for intel cards is known on debian 12", "ai_stack_pools", "another vendor")


@case("ACC-83")
def platform_that_no_test_ever_ran_is_refused(planner):
    plan = planner.plan(planner.recorded(NOBLE), intent={**planner.intent(), "ai_stack_waivers": []})
    refused(plan, "ACC-83", "nvidia cards on ubuntu 24.04 are decided only", "ai_stack_pools", "scope: host NAME")


@case("ACC-84")
def card_beside_the_pools_keeps_its_driver_unless_confirmed(planner):
    refused(beside(planner), "ACC-84", "Tesla V100", "ai_stack_confirm", 'ai_stack_confirm: ["branch 595 drops V100"]')


def beside(planner, driver="nvidia", **more):
    """A pool of the H100s of a host that has a V100 at work too."""
    seen = planner.recorded("mixed-noble")
    for function in seen["pci"]:
        function["driver"] = driver
    pool = {"name": "cards", "hosts": "gpus", "use": "host", "select": {"model": "H100"}}
    return planner.plan(seen, intent=planner.intent(driver={"policy": "595", "reboot": "when_needed"}, pools=[pool], **more))


# Build and kernel


@case("ACC-29")
def flavour_that_does_not_build_is_refused_with_the_compilers_line(planner):
    plan = planner.plan(planner.recorded("h100-trixie"), intent=planner.intent(driver={"flavour": "open", "policy": "550"}))
    refused(plan, "ACC-29", "too few arguments to function pci_resize_resource", "ai_stack_driver.policy", "550.163.01 proprietary")


@case("ACC-30")
def unknown_build_asks_for_a_trial(planner):
    plan = planner.plan(planner.recorded(NOBLE))
    warned(plan, "ACC-30", "nobody tried")
    key = {"suite": "noble", "kernel": "6.8.0-87-generic", "package": "nvidia-dkms-595-server-open", "version": "595.91.07-0ubuntu0.24.04.1",
           "compiler": "gcc 13.2.0"}  # fmt: skip
    decided(plan, "ACC-30", "driver.trial", key)


def test_where_no_trial_follows_what_is_unknown_is_refused(planner):
    plan = planner.plan(planner.recorded(NOBLE), settled=True)
    refused(plan, "ACC-30", "nobody tried", "ai_stack_driver.policy", "a full trial build")


def test_a_waiver_takes_an_unknown_module_without_a_trial(planner):
    accepted = planner.intent(ai_stack_waivers=[{"rule": "ACC-30", "scope": "site", "reason": "x", "approver": "board", "until": "2099-01-01"}])
    plan = planner.plan(planner.recorded(NOBLE), intent=accepted, settled=True)
    assert "ACC-30" in {row["rule"] for row in plan["waived"]} and plan["conflicts"] == [] and planner.tried(plan, "built") == []


def test_what_is_still_to_be_tried_does_not_enter_the_record(planner):
    seen = planner.recorded(NOBLE)
    first = planner.plan(seen)
    assert first["record"]["hosts"] == {}
    second = planner.plan(seen, record=first["record"], trials=planner.tried(first, "failed", "x.c: error"))
    assert second["conflicts"] == [] and planner.tried(second, "built") != planner.tried(first, "built"), "the next candidate is planned"


def trial(planner, mode, result, **key):
    known = {"suite": "noble", "kernel": "6.8.0-87-generic", "package": "nvidia-dkms-595-server-open", "version": "595.91.07-0ubuntu0.24.04.1",
             "compiler": "gcc 13.2.0"}  # fmt: skip
    one = {"key": {**known, **key}, "mode": mode, "result": result, "errors": [], "host": "a", "at": "2026-11-25T00:00:00Z"}
    return planner.plan(planner.recorded(NOBLE), trials=[one])


@case("ACC-31")
def yes_of_a_quick_trial_leaves_the_module_unknown(planner):
    warned(trial(planner, "quick", "built"), "ACC-31", "compiles one file only")


@case("ACC-33")
def result_of_another_compiler_does_not_count(planner):
    warned(trial(planner, "full", "built", compiler="gcc 12.2.0"), "ACC-33", "with gcc 12.2.0")


@case("ACC-32")
def host_whose_next_kernel_cannot_be_told_is_refused(planner):
    seen = planner.recorded(H100, kernel__next_boot=None, kernel__next_boot_because="two entries are the default")
    refused(planner.plan(seen), "ACC-32", "two entries are the default", "ai_stack_driver", "boot entry")


@case("ACC-34")
def host_without_headers_is_refused(planner):
    seen = planner.recorded(H100, kernel__installed__0__headers=False)
    refused(planner.plan(seen), "ACC-34", "the headers of 6.1.0-56-amd64", "ai_stack_driver.build", "install the headers")


@case("ACC-16a")
def branch_refuses_a_kernel_that_is_too_old(planner):
    old = "4.4.0-210-generic"
    plan = planner.plan(planner.recorded(NOBLE, kernel__next_boot=old, kernel__installed__0__release=old), intent=planner.intent(driver={"policy": "580"}))
    refused(plan, "ACC-16a", "needs kernel 4.15 or newer", "ai_stack_driver.policy", "4.15")


@case("ACC-16b")
def release_candidate_kernel_is_refused(planner):
    refused(planner.plan(planner.recorded(H100, kernel__next_boot="7.3.0-rc7-amd64")), "ACC-16b", "is a release candidate", "ai_stack_driver", "released")


@case("ACC-16c")
def host_without_compiler_is_refused(planner):
    refused(planner.plan(planner.recorded(H100, kernel__compiler=None)), "ACC-16c", "has no compiler", "ai_stack_driver.build", "gcc")
    unasked = planner.recorded("kepler-noble", kernel__compiler=None)
    for offered in unasked["packages"]["sets"].values():
        offered["simulation"] = None
    assert "ACC-16c" not in {row["rule"] for row in planner.plan(unasked)["conflicts"]}, "what was not simulated brings what nobody knows"


@case("ACC-16d")
def unsigned_build_under_secure_boot_is_refused(planner):
    refused(planner.plan(planner.recorded("h100-secure-boot")), "ACC-16d", "secure boot is on", "ai_stack_driver.build", "build packaged")


# Host


@case("ACC-39")
def half_configured_packages_are_refused(planner):
    plan = planner.plan(planner.recorded(H100, packages__broken=["nvidia-kernel-dkms"]))
    refused(plan, "ACC-39", "nvidia-kernel-dkms", "ai_stack_driver", "dpkg --configure -a")


@case("ACC-40")
def locked_package_manager_is_said(planner):
    warned(planner.plan(planner.recorded(H100, packages__lock="held by pid 812 (apt-get)")), "ACC-40", "held by pid 812")


@case("ACC-41")
def silent_repository_of_a_set_is_refused(planner):
    seen = planner.recorded(H100)
    seen["packages"]["repositories"][1].update(reachable=False, message="timed out")
    refused(planner.plan(seen), "ACC-41", "repository debian-security does not answer: timed out", "ai_stack_repositories", "mirror")


@case("ACC-42")
def full_disk_is_refused(planner):
    refused(planner.plan(planner.recorded(H100, disk={"/boot": 20 << 20, "/var": 50 << 30})), "ACC-42", "/boot has 0.0 GiB free", "ai_stack_driver", "/boot")


@case("ACC-43")
def driver_of_somebody_else_is_refused(planner):
    refused(planner.plan(planner.recorded("h100-run-file")), "ACC-43", "run_file (/usr/bin/nvidia-uninstall)", "ai_stack_driver.foreign", "adopt")


# MIG


def mig(planner, layout, name=CONVERGED, device=None, driver=None, tables=None, **changes):
    seen = planner.recorded(name, **changes)
    if device:
        seen["pci"] = [pci(device)]
        seen["nvml"]["gpus"] = []
    pools = [{"name": "cards", "hosts": "gpus", "use": "mig", **({} if layout is None else {"layout": layout})}]
    return planner.plan(seen, intent=planner.intent(pools=pools, driver=driver, ai_stack_waivers=[planner.waiver]), tables=tables)


LAYOUT = "ai_stack_pools[0].layout"


@case("ACC-18a")
def layout_with_too_many_slices_is_refused(planner):
    refused(mig(planner, {"3g.40gb": 2, "2g.20gb": 1}), "ACC-18a", "has 7 compute slices; the layout wants 8", LAYOUT, "at most 7")


@case("ACC-18b")
def layout_with_too_much_memory_is_refused(planner):
    refused(mig(planner, {"1g.20gb": 4, "1g.10gb": 1}), "ACC-18b", "has 8 memory slots; the layout wants 9", LAYOUT, "at most 8")


@case("ACC-18c")
def second_media_engine_is_refused(planner):
    refused(mig(planner, {"1g.10gb+me": 2}), "ACC-18c", "2 instances with media engines", LAYOUT, "one +me")


@case("ACC-52")
def layout_for_a_card_without_mig_is_refused(planner):
    refused(mig(planner, {"1g.10gb": 7}, NOBLE, "26b9"), "ACC-52", "NVIDIA L40S at", LAYOUT, "H100")


@case("ACC-53")
def profile_of_another_card_is_refused(planner):
    refused(mig(planner, {"1g.5gb": 7}), "ACC-53", "has no profile 1g.5gb", LAYOUT + ".1g.5gb", "1g.10gb")


@case("ACC-54")
def more_instances_than_the_card_takes_are_refused(planner):
    refused(mig(planner, {"3g.40gb": 3}), "ACC-54", "takes 2 instances of 3g.40gb, not 3", LAYOUT + ".3g.40gb", "3g.40gb: 2")


@case("ACC-55")
def instances_without_a_place_are_refused(planner):
    refused(mig(planner, {"4g.20gb": 1, "3g.20gb": 1, "1g.5gb": 1}, NOBLE, "20b0"), "ACC-55", "find no place", LAYOUT, "4g.20gb at [0]")


@case("ACC-56")
def profile_that_came_later_than_the_branch_is_refused(planner, own_tables):
    for row in own_tables["mig"]["rows"]:
        row["min_branch"] = "550"
    refused(mig(planner, {"1g.10gb": 7}, tables=own_tables), "ACC-56", "profile 1g.10gb needs branch 550", LAYOUT + ".1g.10gb", "branch 550")


@case("ACC-57")
def card_whose_mig_came_after_the_driver_is_refused(planner):
    seen = planner.recorded(NOBLE, pci=[pci("2bb5")])
    one = seen["packages"]["sets"]["nvidia-580-server-open"]
    for offers in one["versions"].values():
        offers[:] = [{"version": "575.57.08-0ubuntu1", "origin": "noble"}]
    one["simulation"]["install"] = {}
    seen["packages"]["sets"] = {"one": one}
    pools = [{"name": "cards", "hosts": "gpus", "use": "mig", "layout": {"1g.24gb": 4}}]
    plan = planner.plan(seen, intent=planner.intent(pools=pools, driver={"policy": "newest"}))
    refused(plan, "ACC-57", "has no MIG with driver 575.57.08", LAYOUT, "newer than 575.57.08")


@case("ACC-58")
def vbios_below_the_floor_of_mig_is_refused(planner):
    seen = planner.recorded(NOBLE, pci=[pci("2bb1")])
    seen["nvml"]["gpus"] = [{"address": "00000000:41:00.0", "vbios": "98.02.50.00.00", "mig": {}}]
    pools = [{"name": "cards", "hosts": "gpus", "use": "mig", "layout": {"1g.24gb": 4}}]
    refused(planner.plan(seen, intent=planner.intent(pools=pools)), "ACC-58", "needs VBIOS 98.02.55.00.00; it has 98.02.50.00.00", LAYOUT, "98.02.55.00.00")


@case("ACC-59")
def layout_of_a_card_in_use_is_not_changed(planner):
    refused(mig(planner, {"1g.10gb": 7}, nvml__gpus__0__processes=3), "ACC-59", "runs 3 processes", LAYOUT, "drain")


@case("ACC-87")
def layout_under_an_adopted_driver_is_refused_until_somebody_made_it(planner):
    adopt = {"foreign": "adopt", "policy": "550"}
    found = mig(planner, {"1g.10gb": 7}, "h100-run-file", driver=adopt)
    refused(found, "ACC-87", "is somebody else's and adopted", LAYOUT, "nvidia-smi mig")
    assert [row["rule"] for row in found["conflicts"]] == ["ACC-87"] and {one["state"] for one in found["hosts"].values()} == {"refused"}
    there = {"pending": "enabled", "current": "enabled", "devices": [{"profile": "1g.10gb"}] * 7}
    gpus = [dict(gpu, mig=there) for gpu in planner.recorded("h100-run-file")["nvml"]["gpus"]]
    found = mig(planner, {"1g.10gb": 7}, "h100-run-file", driver=adopt, nvml__gpus=gpus)
    assert gpus and found["conflicts"] == [] and {one["state"] for one in found["hosts"].values()} == {"converged"}


@case("ACC-86")
def card_in_mig_mode_is_not_given_whole(planner):
    def whole(mode):
        return planner.plan(planner.recorded(CONVERGED, nvml__gpus__0__mig__current=mode))

    refused(whole("enabled"), "ACC-86", "is in MIG mode, and pool", "ai_stack_pools[0].use", "-mig 0")
    assert not [row for mode in ("disabled", None) for row in whole(mode)["conflicts"] if row["rule"] == "ACC-86"]


@case("ACC-62")
def mig_without_a_layout_is_refused(planner):
    refused(mig(planner, None), "ACC-62", "names no layout", LAYOUT, "1g.10gb")


# Pools


def pools(planner, *rows, name=CONVERGED, record=None, **changes):
    rows = [{"name": f"pool{at}", "hosts": "gpus", "use": "host", **row} for at, row in enumerate(rows)]
    return planner.plan(planner.recorded(name, **changes), intent=planner.intent(pools=rows, ai_stack_waivers=[planner.waiver]), record=record)


@case("ACC-63")
def swapped_card_waits_for_consent(planner):
    record = pools(planner, {})["record"]
    plan = pools(planner, {}, record=record, nvml__gpus__0__serial="9999", nvml__gpus__0__uuid="GPU-other")
    refused(plan, "ACC-63", "serial 9999, GPU-other, the record says H100, serial 16522330000", "ai_stack_accept_cards", '"gpu-h100-1 0000:17:00.0"')


@case("ACC-64")
def unknown_model_is_refused_with_the_nearest(planner):
    refused(pools(planner, {"select": {"model": "H-100"}}), "ACC-64", "no card model is called H-100", "ai_stack_pools[0].select.model", "H100")


@case("ACC-65")
def more_cards_than_there_are_is_refused(planner):
    plan = pools(planner, {"select": {"model": "H100", "count": 3}})
    refused(plan, "ACC-65", "wants 3 cards of this host; 2 can be given", "ai_stack_pools[0].select.count", "count 2")


@case("ACC-66")
def card_of_two_pools_is_refused(planner):
    plan = pools(planner, {}, {"select": {"model": "H100"}})
    refused(plan, "ACC-66", "pools pool0 and pool1 both claim the cards at 0000:17:00.0", "ai_stack_pools[1].select", "slots")


@case("ACC-67")
def pool_that_needs_the_dead_card_is_refused(planner):
    plan = pools(planner, {"select": {"count": 2}}, name="h100-dead-card")
    refused(plan, "ACC-67", "1 are well, dead: 0000:65:00.0", "ai_stack_pools[0].select.count", "count 1")


@case("ACC-79")
def pool_of_an_unknown_group_is_refused(planner):
    refused(pools(planner, {"hosts": "gpuz"}), "ACC-79", "no inventory group or host is called gpuz", "ai_stack_pools[0].hosts", "gpus")


@case("ACC-80")
def pools_of_a_host_that_want_two_drivers_are_refused(planner):
    plan = pools(planner, {"select": {"slots": ["1"]}, "driver": {"policy": "535"}}, {"select": {"slots": ["2"]}, "driver": {"policy": "550"}})
    refused(plan, "ACC-80", "want different drivers", "ai_stack_pools[1].driver.policy", "one value of policy")


# Evidence


def proof(planner, layout=None, **changes):
    """The checks of a host that is as it should be, but for the changes."""
    good = planner.recorded(CONVERGED)
    pools = [{"name": "cards", "hosts": "gpus", "use": "mig", "layout": layout}] if layout else None
    plan = planner.plan(good, intent=planner.intent(pools=pools, ai_stack_waivers=[planner.waiver]))
    changes = {path: value for path, value in changes.items() if value is not None or "fabricmanager" not in path}
    return planner.checks(planner.recorded(CONVERGED, **changes), plan["hosts"][good["host"]]["decisions"])


def fabric_checks(planner, **changes):
    version = "535.309.01"
    good = {"driver__fabric_manager": {"version": version}, "driver__loaded": {"nvidia": {"version": version, "flavour": "proprietary"}},
            "units": {"nvidia-fabricmanager.service": {"load": "loaded", "active": "active", "enabled": "enabled"}},
            "nvml": {"status": "ok", "gpus": [{"address": "00000000:18:00.0", "fabric": {"state": "in_progress", "status": None}}]}}  # fmt: skip
    seen = planner.recorded("hgx-h100-bookworm")
    plan = planner.plan(seen, intent=planner.intent(ai_stack_waivers=[planner.waiver]))
    return planner.checks(planner.recorded("hgx-h100-bookworm", **{**good, **changes}), plan["hosts"][seen["host"]]["decisions"])


# rule: (check, what is broken on the host, the status that says so)
BROKEN = {
    "ACC-15a": ("loaded_equals_user_space", {"driver__loaded": {"nvidia": {"version": "535.261.03", "flavour": "proprietary"}}}, "fail"),
    "ACC-15b": ("firmware_equals_driver", {"driver__firmware": {"gsp": ["535.261.03"], "amdgpu": False}}, "fail"),
    "ACC-15c": ("one_flavour", {"driver__loaded": {"nvidia": {"version": "535.309.01", "flavour": "open"}}}, "fail"),
    "ACC-35": ("module_for_next_kernel", {"kernel__installed__0__modules": {}}, "fail"),
    "ACC-36": ("kernel_held", {"packages__held": []}, "fail"),
    "ACC-45": ("conflicting_modules_absent", {"driver__loaded": {"nouveau": {"version": None, "flavour": "in_kernel"}}}, "fail"),
    "ACC-47": ("nvml_answers", {"nvml__status": "mismatch"}, "fail"),
    "ACC-48": ("cards_listed", {"nvml__gpus__1__error": "GPU is lost"}, None),
    "ACC-49": ("nvml_in_time", {"nvml__status": "hung"}, "unknown"),
    "ACC-50": ("packages_held", {"packages__held": []}, "fail"),
}


def _broken(identity, name, changes, status):
    def look(planner):
        row = proof(planner, **changes)[name]
        assert row["rule"] == identity
        assert row["status"] == status or status is None
        assert row["expected"] is not None and row["how"] and row["observed_at"]

    return look


for _identity, _case in BROKEN.items():
    case(_identity)(_broken(_identity, *_case))


@case("ACC-46")
def fabric_that_is_not_complete_fails(planner):
    row = fabric_checks(planner)["fabric.0000:18:00.0"]
    assert (row["rule"], row["status"], row["observed"]["state"]) == ("ACC-46", "fail", "in_progress")


MIG = {"current": "enabled", "pending": "enabled", "devices": [{"profile": "1g.10gb", "uuid": "MIG-1"}]}


@case("ACC-18d")
def layout_without_a_unit_at_boot_fails(planner):
    row = proof(planner, {"1g.10gb": 7}, units={})["mig_unit"]
    assert (row["rule"], row["status"]) == ("ACC-18d", "fail")


@case("ACC-60")
def pending_mig_mode_fails(planner):
    row = proof(planner, {"1g.10gb": 7}, nvml__gpus__0__mig={**MIG, "current": "disabled"})["mig_mode.0000:17:00.0"]
    assert (row["rule"], row["status"], row["observed"]) == ("ACC-60", "fail", "disabled")


@case("ACC-61")
def half_made_layout_fails(planner):
    row = proof(planner, {"1g.10gb": 7}, nvml__gpus__0__mig=MIG)["mig_layout.0000:17:00.0"]
    assert (row["rule"], row["status"], row["observed"]) == ("ACC-61", "fail", {"1g.10gb": 1})


@pytest.mark.parametrize("identity", sorted(case))
def test_rule(identity, planner, request):
    # Copying the tables costs more than a case: only those that change a row get a copy.
    wanted = inspect.signature(case[identity]).parameters
    case[identity](**{name: planner if name == "planner" else request.getfixturevalue(name) for name in wanted})


def test_every_enforced_rule_has_a_case(tables):
    enforced = {row["id"] for row in tables["rules"]["rows"] if row["status"] == "enforced" and "_compat" in (row["test"] or "")}
    assert enforced - set(case) == set()
