# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Whole observations of recorded hosts."""

from __future__ import annotations

import json
import pathlib

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import host, run
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.host_document import observe

TREES = ["hgx-h100", "b200-bridge", "run-file", "container", "mi300x", "broken"]
KEYS = [
    "at",
    "boot",
    "containerd",
    "disk",
    "driver",
    "errors",
    "files",
    "host",
    "journal",
    "kernel",
    "kubernetes",
    "machine",
    "nvml",
    "openstack",
    "packages",
    "passthrough",
    "pci",
    "reachable",
    "rocm",
    "schema",
    "secure_boot",
    "system",
    "trials",
    "units",
]


@pytest.fixture
def seen(tree, options):
    return lambda name, **more: observe(options(tree(name), **more))


@pytest.mark.parametrize("name", TREES)
def test_every_recorded_host_gives_a_whole_document(seen, name):
    found = seen(name)
    assert sorted(found) == KEYS
    assert (found["schema"], found["reachable"], found["host"]) == ("sovereign.ai_stack/observation/1", True, None)
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("name", TREES)
def test_below_a_root_no_program_runs(seen, monkeypatch, name):
    monkeypatch.setattr(run.subprocess, "Popen", lambda *words, **more: pytest.fail("ran %s" % (words,)))
    found = seen(name)
    assert (found["nvml"], found["rocm"], found["units"], found["disk"], found["packages"]["lock"]) == (None, None, None, None, None)


@pytest.mark.parametrize("name", TREES)
def test_a_recorded_tree_is_left_as_it_is(seen, tmp_path, name):
    def listing():
        return sorted((str(path), path.lstat().st_mtime_ns, path.lstat().st_size) for path in tmp_path.rglob("*"))

    seen(name)
    before = listing()
    observe({"root": str(tmp_path), "distributions": {}, "refusals": [], "addresses": [], "repositories": [], "decided": {},
         "simulate": "auto", "installed": "all", "programs": {}, "timeout": 5})
    assert listing() == before


def test_a_broken_host_has_errors_and_unknowns_but_no_traceback(seen):
    found = seen("broken")
    assert found["system"]["distribution"] is None
    assert (found["secure_boot"]["state"], found["secure_boot"]["mok_enrolled"]) == ("unknown", [])
    assert found["driver"]["loaded"] == {}
    assert found["pci"][0]["vendor"] is None
    assert "Traceback" not in json.dumps(found)
    assert [each["what"] for each in found["errors"]] == [
        "modinfo /lib/modules/6.1.0-56-amd64/updates/nvidia-current.ko.xz",
        "/var/lib/ai-stack/gpu_driver/journal.json",
    ]
    assert found["journal"] == {"open": {"plan": None, "owner": None, "step": None, "at": None}, "last_good": None, "drained": False}


def test_the_system_is_told(seen):
    assert seen("hgx-h100")["system"] == {
        "distribution": "debian",
        "version": "12",
        "codename": "bookworm",
        "family": "debian",
        "arch": "x86_64",
        "machine_id": "0123456789abcdef0123456789abcdef",
        "boot_id": "3c000000-0000-4000-8000-000000000001",
        "virtualization": "none",
        "cpu_vendor": None,
    }


@pytest.mark.parametrize("name, virtualization", [("hgx-h100", "none"), ("b200-bridge", "kvm"), ("run-file", None)])
def test_a_virtual_machine_is_told_from_a_real_one(seen, name, virtualization):
    assert seen(name)["system"]["virtualization"] == virtualization


@pytest.mark.parametrize(
    "name, state, efi, keys",
    [
        (
            "hgx-h100",
            "enabled",
            True,
            ["f4ded858c08fb297e75dc56f70aa4bb0940f0d5176f8705262117b09ab031798", "d08f258278b009fa2600c4e081f00bb036d088056eae6eb30efa26471c116dba"],
        ),
        ("b200-bridge", "disabled", False, []),
        ("run-file", "unknown", None, None),
        ("broken", "unknown", True, []),
    ],
)
def test_secure_boot_that_cannot_be_seen_is_unknown(seen, name, state, efi, keys):
    found = seen(name)["secure_boot"]
    assert (found["state"], found["efi"], found["mok_enrolled"]) == (state, efi, keys)


@pytest.mark.parametrize(
    "name, loaded",
    [
        ("hgx-h100", {"nvidia": {"version": "535.309.01", "flavour": "proprietary"}}),
        ("b200-bridge", {"nvidia": {"version": "580.105.08", "flavour": "open"}}),
        ("run-file", {"nouveau": {"version": None, "flavour": "in_kernel"}}),
        ("mi300x", {"amdgpu": {"version": "6.10.5", "flavour": None}, "i915": {"version": None, "flavour": "in_kernel"}}),
    ],
)
def test_the_loaded_driver_is_told_with_its_flavour(seen, name, loaded):
    assert seen(name)["driver"]["loaded"] == loaded


@pytest.mark.parametrize(
    "name, user_space, gsp, amdgpu, fabric",
    [
        ("hgx-h100", {"version": "535.309.01"}, ["535.309.01"], False, {"version": "535.309.01"}),
        ("run-file", {"version": "550.90.07"}, [], False, None),
        ("mi300x", None, [], True, None),
        ("b200-bridge", None, [], False, None),
    ],
)
def test_user_space_firmware_and_fabric_manager_are_told(seen, name, user_space, gsp, amdgpu, fabric):
    found = seen(name)["driver"]
    assert (found["user_space"], found["firmware"], found["fabric_manager"]) == (user_space, {"gsp": gsp, "amdgpu": amdgpu}, fabric)


@pytest.mark.parametrize(
    "name, owners",
    [
        ("hgx-h100", [("distribution", "package nvidia-kernel-dkms", "535.309.01")]),
        ("run-file", [("run_file", "/usr/bin/nvidia-uninstall", "550.90.07")]),
        ("container", [("container", "/run/nvidia/driver", "570.148.08")]),
        ("mi300x", [("vendor_repository", "package amdgpu-dkms", "6.10.5")]),
        ("b200-bridge", [("unknown", "the module nvidia is loaded", "580.105.08")]),
    ],
)
def test_whose_the_driver_is_is_told_with_evidence(seen, name, owners):
    assert [(each["kind"], each["evidence"], each["version"]) for each in seen(name)["driver"]["owners"]] == owners


def test_a_folder_that_an_operator_left_empty_is_no_driver_of_a_container(tree, options):
    """Its device plugin makes it on every node, where the driver is the host's too."""
    root = tree("hgx-h100")
    pathlib.Path(root.path, "run/nvidia/driver").mkdir(parents=True)
    assert [each["kind"] for each in observe(options(root))["driver"]["owners"]] == ["distribution"]


@pytest.mark.parametrize(
    "name, foreign",
    [
        ("hgx-h100", []),
        ("container", ["/run/nvidia/driver"]),
        (
            "run-file",
            [
                "/usr/bin/nvidia-uninstall",
                "/usr/bin/nvidia-installer",
                "/var/log/nvidia-installer.log",
                "/usr/src/nvidia-550.90.07/dkms.conf",
                "/etc/driverctl.d/0000:17:00.0",
                "/etc/modprobe.d/nvidia-installer-disable-nouveau.conf",
            ],
        ),
    ],
)
def test_what_others_left_is_told_and_what_packages_brought_is_not(seen, name, foreign):
    assert [each["path"] for each in seen(name)["driver"]["foreign"]] == foreign


def test_our_files_are_told_from_others(seen):
    assert {path: each["ours"] for path, each in seen("hgx-h100")["files"].items()} == {
        "/etc/ai-stack/gpu-driver.json": True,
        "/etc/modprobe.d/ai-stack-gpu-driver.conf": True,
    }


def test_installed_packages_are_the_relevant_ones_and_those_of_our_journal(seen):
    found = seen("hgx-h100")["packages"]
    assert sorted(found["installed"]) == [
        "gcc-12",
        "libnvidia-ml1",
        "linux-image-6.1.0-50-amd64",
        "nvidia-fabricmanager-535",
        "nvidia-kernel-dkms",
        "update-glx",
    ]
    assert (found["manager"], found["held"], found["broken"]) == ("apt", ["libnvidia-ml1"], [])


def test_all_installed_packages_are_told_when_asked(seen):
    assert seen("hgx-h100", installed="all")["packages"]["installed"]["bash"] == "5.2.15-2"


def test_the_journal_is_told_in_the_words_of_the_role(seen):
    under_way = {"plan": "p1", "owner": "c1", "step": "packages", "at": "2026-11-25T19:00:00Z"}
    assert seen("hgx-h100")["journal"] == {"open": under_way, "last_good": None, "drained": True}


def test_credentials_in_a_hosts_own_sources_are_not_observed(seen):
    found = seen("hgx-h100")
    assert found["packages"]["repositories"][0]["uri"] == "http://mirror.example.org/debian"
    assert "secret" not in json.dumps(found)


def test_versionlocks_are_holds(seen):
    assert seen("container")["packages"]["held"] == ["kernel-core"]


@pytest.mark.parametrize(
    "packages, version",
    [
        ({"nova-common": "2:31.0.0-6+deb13u2", "nova-compute": "2:31.0.0-6+deb13u2"}, "2:31.0.0-6+deb13u2"),
        ({"openstack-nova-common": "1:31.0.0-1.el9s"}, "1:31.0.0-1.el9s"),
        ({"python3-novaclient": "2:18.9.0-1"}, None),
    ],
)
def test_the_nova_of_packages_is_told(packages, version):
    assert host.openstack({name: {"version": one} for name, one in packages.items()}).get("nova") == version
