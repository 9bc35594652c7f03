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

from lab_host import amd, driver_view, drivers, faults, firmware, kernel, leftovers, menu, mounts, node, pci, silicon

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
    entry = kernel.take_next()
    mounts.text("/proc/sys/kernel/random/boot_id", "%s\n" % uuid.uuid4())
    if entry:
        mounts.text("/proc/sys/kernel/osrelease", entry["release"] + "\n")
        mounts.text("/proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz-%s %s %s\n" % (entry["release"], entry["arguments"], description.get("cmdline", "")))
    print("kernel", entry)
    return entry


def show_cards(functions, entry):
    """The functions as the kernel finds them, before a driver is there; -> what the initramfs wants them to have."""
    root = STATE / "sys"
    pci.write(root, functions, {})
    for name in ("bus/pci", "kernel/iommu_groups"):
        mounts.over(root / name, "/sys/" + name)
    if entry and entry["initrd"]:
        menu.run_own_scripts(kernel.BOOT, entry["initrd"])
    return pci.overrides(root)


def show(description, outcome):
    """The trees and files of this start, put over the machine's own."""
    functions = description["functions"]
    root, proc = STATE / "sys", STATE / "proc-driver"
    pci.bind(root, outcome["drivers"])
    pci.doors(root, "/dev/vfio")
    driver_view.sys_module(root / "module", outcome["modules"])
    (root / "module").mkdir(exist_ok=True)
    proc.mkdir()
    if "nvidia" in outcome["modules"]:
        driver_view.proc_driver(proc / "nvidia", outcome["modules"]["nvidia"], functions, outcome["drivers"])
    node.show(proc, driver_view.held(functions, outcome["drivers"]))
    firmware_folder = STATE / "firmware"
    # a machine with a BIOS has this one; the folder of EFI stands beside it where there is EFI
    (firmware_folder / "acpi").mkdir(parents=True)
    if description["secure_boot"]["firmware"]:
        firmware.write(firmware_folder / "efi", description["secure_boot"])
    for source, target in ((root / "module", "/sys/module"), (proc, "/proc/driver"), (firmware_folder, "/sys/firmware")):
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
    entry = kernel_starts(description)
    overrides, release = show_cards(description["functions"], entry), entry and entry["release"]
    outcome = {"drivers": {}, "modules": {}, "log": []}
    if release:
        outcome = drivers.decide(release, description["functions"], description["secure_boot"], overrides)
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
