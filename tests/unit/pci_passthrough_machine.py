# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A host for the program of the role: sysfs, GRUB and the tools around it, in a folder, and boots that happen as GRUB would make them."""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path

import yaml

ROLE = Path(__file__).resolve().parents[2] / "roles/pci_passthrough"
NAMES = ("place", "host", "ledger", "command", "kernels", "pci", "grub", "initramfs", "journal", "boot", "cli")
FIXTURE = Path(__file__).resolve().parent / "fixtures/outputs/boot/grub-debian12.cfg"
KERNEL = "6.1.0-56-cloud-amd64"
CARD, TWIN, BESIDE = "0000:01:00.0", "0000:02:00.0", "0000:01:00.1"
CONFIG = "/boot/grub/grub.cfg"


def packed_paths():
    """The files and folders that the role packs into its program."""
    task, = yaml.safe_load((ROLE / "tasks/install.yml").read_text())
    return [Path(os.path.normpath(ROLE / "files" / path.replace("{{ role_path }}", str(ROLE)))) for path in task["sovereign.ai_stack.host_program"]["src"]]


def program():
    """The program's modules, loaded anew, by name."""
    paths = [str(path if path.is_dir() else path.parent) for path in packed_paths()]
    sys.path[:0] = paths
    try:
        for name in NAMES:
            sys.modules.pop(name, None)
        return {name: importlib.import_module(name) for name in NAMES}
    finally:
        del sys.path[:len(paths)]
        for name in NAMES:
            sys.modules.pop(name, None)


class Machine:
    """Two network cards of one model, each alone in its group, and what boots them."""

    def __init__(self, root):
        self.root, self.calls, self.fails, self.enabled, self.iommu, self.drivers_off, self.rebooted = root, [], {}, set(), True, set(), 0
        self.hangs, self.ssh = False, True
        for at, address in enumerate((CARD, TWIN)):
            self.function(address, group=at + 1)
        self.write(CONFIG, FIXTURE.read_text().replace('set default="${saved_entry}"', 'set default="0"'))
        self.write("/boot/grub/grubenv", "# GRUB Environment Block\n")
        self.write("/boot/initrd.img-" + KERNEL, "image of before\n")
        self.write("/etc/initramfs-tools/initramfs.conf", "MODULES=most\n")
        self.write("/proc/net/route", "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\nens3\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\n")
        self.write("/proc/sys/kernel/random/boot_id", "boot-0\n")
        self.write("/proc/sys/kernel/osrelease", KERNEL + "\n")
        self.write("/proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz root=/dev/vda1 ro\n")
        self.listen(22)

    def at(self, path):
        return Path(self.root + path)

    def write(self, path, text):
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).write_text(text)

    def read(self, path):
        return self.at(path).read_text() if self.at(path).exists() else None

    def listen(self, *ports):
        rows = "".join(f"   0: 00000000:{port:04X} 00000000:0000 0A\n" for port in ports)
        self.write("/proc/net/tcp", "  sl  local_address rem_address   st\n" + rows)

    def link(self, path, target):
        self.at(path).parent.mkdir(parents=True, exist_ok=True)
        self.at(path).unlink(missing_ok=True)
        self.at(path).symlink_to(target)

    def function(self, address, vendor="8086", device="10c9", driver="igb", group=None, kind="020000"):
        here = "/sys/devices/pci0000:00/" + address
        for name, text in (("vendor", "0x" + vendor), ("device", "0x" + device), ("class", "0x" + kind), ("driver_override", "(null)")):
            self.write(f"{here}/{name}", text + "\n")
        self.link("/sys/bus/pci/devices/" + address, "../../../devices/pci0000:00/" + address)
        self.bind(address, driver)
        if group is not None:
            self.link(f"{here}/iommu_group", f"../../../kernel/iommu_groups/{group}")
            self.link(f"/sys/kernel/iommu_groups/{group}/devices/{address}", "../../../../devices/pci0000:00/" + address)

    def bind(self, address, driver):
        place = self.at(f"/sys/devices/pci0000:00/{address}/driver")
        place.unlink(missing_ok=True)
        if driver:
            place.symlink_to("../../../bus/pci/drivers/" + driver)

    def driver(self, address):
        place = self.at(f"/sys/devices/pci0000:00/{address}/driver")
        return os.path.basename(os.readlink(place)) if place.is_symlink() else None

    def unload(self, module):
        folder = self.at("/sys/module/" + module)
        if folder.exists():
            folder.rmdir()

    def environment(self):
        return dict(line.split("=", 1) for line in self.read("/boot/grub/grubenv").splitlines() if "=" in line)

    def files(self):
        """What is on the disk that a boot reads."""
        folders = [self.at(name) for name in ("/boot", "/etc")]
        return {str(path)[len(self.root):]: path.read_text() for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()}

    def boot(self):
        """What GRUB and the kernel make of what is on the disk; gives back whether the trial was taken."""
        self.rebooted += 1
        self.write("/proc/sys/kernel/random/boot_id", f"boot-{self.rebooted}\n")
        wanted, text = self.environment().get("next_entry"), self.read(CONFIG)
        self.write("/boot/grub/grubenv", "# GRUB Environment Block\n")
        taken = wanted is not None and f"--id '{wanted}'" in (self.read("/boot/grub/custom.cfg") or "")
        text = self.read("/boot/grub/custom.cfg") if taken else text
        kernel, arguments = re.search(r"^\s*linux\s+(\S+) (.*)$", text, re.M).groups()
        image = re.search(r"^\s*initrd\s+(\S+)", text, re.M).group(1)
        self.write("/proc/cmdline", f"BOOT_IMAGE={kernel} {arguments}\n")
        said = re.search(r"modules_load=(\S+)", arguments)
        named = said.group(1).split(",") if said else (self.read("/etc/modules-load.d/ai-stack-pci-passthrough.conf") or "").splitlines()[1:]
        for path in self.at("/sys/module").glob("*"):
            path.rmdir()
        for name in named:
            self.at("/sys/module/" + name).mkdir(parents=True, exist_ok=True)
        off = {word for word in arguments.split() if word == "intel_iommu=off"}
        self.listen(*([22] if self.ssh and "systemd.mask=ssh.service" not in arguments else []))
        binds = self.read(image) or ""
        for address in (CARD, TWIN):
            keep = f"keep {address} 8086 10c9" in binds and not off
            self.bind(address, "vfio-pci" if keep and self.read(f"/sys/devices/pci0000:00/{address}/device") == "0x10c9\n" else "igb")
        return taken

    def run(self, command, check=True, timeout=0, environment=None):
        self.calls.append(command)
        code, out = self.fails.get(command[0]) or getattr(self, "_" + command[0].replace("-", "_"))(command[1:])
        if check and code:
            raise self.Refused(f"'{' '.join(command)}' ended with {code}: {out}")
        return code, out

    def _grub_reboot(self, arguments):
        self.write("/boot/grub/grubenv", f"# GRUB Environment Block\nnext_entry={arguments[0]}\n")
        return 0, ""

    def _grub_editenv(self, arguments):
        assert arguments == [self.root + "/boot/grub/grubenv", "unset", "next_entry"]
        self.write("/boot/grub/grubenv", "# GRUB Environment Block\n")
        return 0, ""

    def _update_grub(self, arguments):
        text = FIXTURE.read_text().replace('set default="${saved_entry}"', 'set default="0"')
        said = re.search(r'GRUB_CMDLINE_LINUX="\$GRUB_CMDLINE_LINUX (.*)"', self.read("/etc/default/grub.d/zz-ai-stack-pci-passthrough.cfg") or "")
        self.write(CONFIG, text.replace("root=/dev/vda1 ro", "root=/dev/vda1 ro " + said.group(1)) if said else text)
        return 0, ""

    def _image(self, folder):
        scripts = [path for path in sorted(Path(folder).rglob("scripts/**/*")) if path.is_file()]
        return "image\n" + "".join(f"[{path.relative_to(folder)}]\n{path.read_text()}" for path in scripts)

    def _mkinitramfs(self, arguments):
        assert arguments[0] == "-d" and arguments[2] == "-o" and arguments[4] == KERNEL
        Path(arguments[3]).write_text(self._image(arguments[1]))
        return 0, ""

    def _update_initramfs(self, arguments):
        assert arguments[:2] == ["-u", "-k"] and arguments[2] in (KERNEL, "all")
        self.write("/boot/initrd.img-" + KERNEL, self._image(self.root + "/etc/initramfs-tools"))
        return 0, ""

    def _lsinitramfs(self, arguments):
        return 0, "\n".join(re.findall(r"^\[(.*)\]$", Path(arguments[0]).read_text(), re.M))

    def _systemctl(self, arguments):
        if arguments[0] == "reboot":
            self.asked = True
        if arguments[0] == "enable":
            self.enabled.add(arguments[1])
        if arguments[0] == "disable":
            self.enabled.discard(arguments[1])
        return 0, ""
