# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a loaded driver shows of itself: /proc/driver/nvidia, /sys/module, and the facts that the stand-in NVML answers from."""
from __future__ import annotations

from pathlib import Path

KIND = {"open": "NVIDIA UNIX Open Kernel Module for x86_64", "proprietary": "NVIDIA UNIX x86_64 Kernel Module"}
CONFIG = Path("/etc/mock-nvml/config.yaml")


def proc_driver(root, module, functions, drivers):
    """Below ROOT what the module keeps in /proc/driver/nvidia."""
    root = Path(root)
    (root / "gpus").mkdir(parents=True)
    (root / "version").write_text("NVRM version: %s  %s  Release Build\nGCC version:\n" % (KIND[module["flavour"]], module["version"]))
    (root / "params").write_text("DeviceFileUID: 0\nDeviceFileGID: 0\nDeviceFileMode: 438\nModifyDeviceFiles: 1\n")
    (root / "capabilities/mig").mkdir(parents=True)
    for minor, function in enumerate(held(functions, drivers)):
        nvml = function.get("nvml", {})
        here = root / "gpus" / function["address"]
        here.mkdir()
        (here / "information").write_text(
            "Model: \t\t %s\nIRQ:   \t\t 0\nGPU UUID: \t %s\nVideo BIOS: \t %s\nBus Type: \t PCIe\nDMA Size: \t 52 bits\nDMA Mask: \t 0xfffffffffffff\n"
            "Bus Location: \t %s\nDevice Minor: \t %d\nGPU Firmware: \t %s\nGPU Excluded:\t No\n"
            % (nvml.get("name", ""), nvml.get("uuid", ""), nvml.get("vbios_version", "N/A"), function["address"], minor, module["version"]))


def sys_module(root, modules):
    """/sys/module for the loaded ones: {name: modinfo}."""
    for name, info in modules.items():
        here = Path(root, name.replace("-", "_"))
        (here / "parameters").mkdir(parents=True, exist_ok=True)
        (here / "initstate").write_text("live\n")
        (here / "refcnt").write_text("0\n")
        (here / "taint").write_text("%s\n" % ("" if info.get("intree") == "Y" else "OE" if info.get("flavour") == "open" else "POE"))
        for key in ("version", "srcversion"):
            if info.get(key):
                (here / key).write_text(info[key] + "\n")


def proc_modules(modules):
    return "".join("%s %s 0 - Live 0x0000000000000000\n" % (name.replace("-", "_"), 1 << 20) for name in modules)


def held(functions, drivers):
    """The cards that the driver holds, in the order of addresses, which is that of their minor numbers."""
    return sorted((function for function in functions if drivers.get(function["address"]) == "nvidia"), key=lambda function: function["address"])


def config(description, drivers):
    """The stand-in's facts: one `gpuN.key: value` for each card that the driver holds."""
    cards, faults = held(description["functions"], drivers), description["faults"]
    lines = ["# written by the lab at each start: the cards that the loaded driver holds", "gpu_count: %d" % len(cards)]
    lines += ["cuda.%s: %d" % item for item in sorted(description["cuda"].items())]
    lines += ["%s: %s" % item for item in sorted(faults.get("nvml", {}).items())]
    lines += ["fault.hang: 1"] if faults.get("hang") else []
    for n, function in enumerate(cards):
        facts = dict(function.get("nvml", {}), bus_id="0000" + function["address"].upper(), numa_node=max(0, function.get("numa_node", 0)))
        facts["pci_device_id"] = "0x%s%s" % (function["device"].upper(), function["vendor"].upper())
        facts["pci_subsystem_id"] = "0x%s%s" % (function["subsystem_device"].upper(), function["subsystem_vendor"].upper())
        if function.get("dead") == "driver":
            facts["fault"] = 15
        lines += ['gpu%d.%s: "%s"' % (n, key, value) for key, value in sorted(facts.items())]
    return "\n".join(lines) + "\n"


def write_config(content):
    CONFIG.parent.mkdir(parents=True, exist_ok=True)
    CONFIG.write_text(content)
