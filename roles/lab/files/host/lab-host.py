# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""lab-host.py first | again | boot | apply

first and again, then boot, are run by the host's process 1 at each start; apply by the lab after a change of the description."""
import json
import os
import pathlib
import shutil
import sys
import uuid

from lab_host import amd, driver_view, drivers, faults, firmware, kernel, leftovers, mounts, pci, silicon

DESCRIPTION = pathlib.Path("/lab/host.json")
# the controller reads it without asking the host
OUTCOME = pathlib.Path("/lab/outcome.json")
STATE = mounts.STATE


def read():
    description = json.loads(DESCRIPTION.read_text())
    for function in description["functions"]:
        function["modalias"] = pci.modalias(function)
    return description


def kernel_starts(description):
    """A new boot id, the release that would boot next, its command line; modprobe reads the latter."""
    release = kernel.take_next()
    mounts.text("/proc/sys/kernel/random/boot_id", "%s\n" % uuid.uuid4())
    if release:
        mounts.text("/proc/sys/kernel/osrelease", release + "\n")
        mounts.text("/proc/cmdline", "%s %s\n" % (kernel.command_line(release), description.get("cmdline", "")))
    print("kernel", release)
    return release


def show(description, outcome):
    """The trees and files of this start, put over the machine's own."""
    functions = description["functions"]
    root, proc = STATE / "sys", STATE / "proc-driver"
    pci.write(root, functions, outcome["drivers"])
    driver_view.sys_module(root / "module", outcome["modules"])
    (root / "module").mkdir(exist_ok=True)
    proc.mkdir()
    if "nvidia" in outcome["modules"]:
        driver_view.proc_driver(proc / "nvidia", outcome["modules"]["nvidia"], functions, outcome["drivers"])
    firmware_folder = STATE / "firmware"
    # a machine with a BIOS has this one; the folder of EFI stands beside it where there is EFI
    (firmware_folder / "acpi").mkdir(parents=True)
    if description["secure_boot"]["firmware"]:
        firmware.write(firmware_folder / "efi", description["secure_boot"])
    for source, target in ((root / "bus/pci", "/sys/bus/pci"), (root / "kernel/iommu_groups", "/sys/kernel/iommu_groups"),
                           (root / "module", "/sys/module"), (proc, "/proc/driver"), (firmware_folder, "/sys/firmware")):
        mounts.over(source, target)
    amd.show(root, functions, outcome["drivers"])
    mounts.text("/proc/modules", driver_view.proc_modules(outcome["modules"]))


def boot():
    OUTCOME.unlink(missing_ok=True)
    description = read()
    for name in ("sys", "proc-driver", "firmware"):
        shutil.rmtree(STATE / name, ignore_errors=True)
    silicon.prepare()
    leftovers.prepare(description, kernel.releases())
    release = kernel_starts(description)
    outcome = drivers.decide(release, description["functions"], description["secure_boot"]) if release else {"drivers": {}, "modules": {}, "log": []}
    show(description, outcome)
    driver_view.write_config(driver_view.config(description, outcome["drivers"]))
    faults.apply(description["faults"], description["repository"])
    print("\n".join(outcome["log"]))
    OUTCOME.write_text(json.dumps({"release": release, "shown": sorted(os.listdir("/sys/bus/pci/devices")), **outcome}, indent=1))


def apply():
    description = read()
    outcome = json.loads(OUTCOME.read_text())
    silicon.place()
    driver_view.write_config(driver_view.config(description, outcome["drivers"]))
    faults.apply(description["faults"], description["repository"])
    faults.package_lock(bool(description["faults"].get("package_lock")))


if __name__ == "__main__":
    {"first": mounts.remember, "again": mounts.clear, "boot": boot, "apply": apply}[sys.argv[1]]()
