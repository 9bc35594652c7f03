# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The whole observation of one host, part by part."""

from __future__ import annotations

import datetime

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import (
    boot,
    cluster_node,
    driver,
    host,
    kernel,
    nvml,
    owners,
    packages,
    pci,
    rocm,
    secure_boot,
)
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.root import Guard, Root
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import os_release, sets

SCHEMA = "sovereign.ai_stack/observation/1"


def _package_options(wanted, system, functions, kernels):
    """What the packages part must know: the distribution's own sets, and the headers of the kernel that boots next."""
    parts = next((wanted["distributions"][key] for key in os_release.set_keys(system) if key in wanted["distributions"]), {})
    target = kernels["next_boot"] or kernels["running"]
    headers = [parts["headers"].replace("{kernel}", target)] if parts.get("headers") and target else []
    return {"codename": system["codename"], "sets": sets.chosen(parts, pci.vendors(functions), target), "extra": list(parts.get("build_tools") or []) + headers,
            "components": list(parts.get("components") or []), "repositories": wanted["repositories"], "decided": wanted["decided"] or {},
            "cards": pci.cards(functions), "refusals": wanted["refusals"],
            "simulate": wanted["simulate"], "with_switch": pci.has_switch(functions), "everything": wanted["installed"] == "all", "seconds": wanted["timeout"],
            "programs": wanted["programs"]}


def _driver(root, installed, manager, kernels, files, guard):
    found = guard("driver", driver.observe, root, installed)
    if found is None:
        return None
    whose = guard("owners", owners.observe, root, manager, installed, found, kernels["installed"], files)
    return dict(found, **(whose or {"owners": None, "foreign": None}))


def observe(wanted):
    """wanted: the module's options. Total: what fails is in errors."""
    root, guard, seconds = Root(wanted["root"]), Guard(), wanted["timeout"]
    system = guard("system", host.system, root) or dict.fromkeys(
        ("distribution", "version", "codename", "family", "arch", "machine_id", "boot_id", "virtualization", "cpu_vendor"))
    installed = guard("package database", packages.installed, root) or {}
    functions = guard("pci", pci.observe, root, guard, wanted["addresses"]) or []
    kernels = kernel.observe(root, installed, guard)
    options = _package_options(wanted, system, functions, kernels)
    options.update(listed=host.touched_packages(root), proven=host.proven_packages(root))
    found = guard("packages", packages.observe, root, installed, options, guard) or dict(packages.NOTHING, manager=None)
    files = guard("files", owners.files, root, found["manager"]) or {}
    kernels["compiler"] = kernels["compiler"] or packages.compiler_to_come(found)
    offered = found.pop("offered", {})
    return {
        "schema": SCHEMA, "host": None, "reachable": True,
        "at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "system": system, "kernel": kernels, "boot": guard("boot", boot.observe, root), "pci": functions,
        "secure_boot": guard("secure boot", secure_boot.observe, root) or {"state": "unknown", "efi": None, "mok_enrolled": None},
        "driver": _driver(root, installed, found["manager"], kernels, files, guard),
        "nvml": guard("nvml", nvml.observe, root, functions, seconds, guard),
        "rocm": guard("rocm", rocm.observe, root, pci.vendors(functions), seconds, guard),
        "packages": found, "units": guard("units", host.units, root, seconds, guard), "files": files,
        "disk": guard("disk", host.disk, root), "journal": guard("journal", host.journal, root, guard) or {"open": None, "last_good": None, "drained": False},
        "openstack": host.openstack(installed), "passthrough": guard("passthrough", host.passthrough, root, guard),
        "machine": guard("machine", cluster_node.machine, root), "containerd": guard("containerd", cluster_node.containerd, root, seconds),
        "kubernetes": guard("kubernetes", cluster_node.kubernetes, root, offered, seconds), "trials": {}, "errors": guard.errors,
    }
