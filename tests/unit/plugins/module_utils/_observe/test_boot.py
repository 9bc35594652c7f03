# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What is told about the boot loader: which entry boots, and whether another one can be tried once."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import boot, host
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.root import Guard, Root

CONFIG = (Path(__file__).resolve().parents[3] / "fixtures/outputs/boot/grub-debian12.cfg").read_text()
DEBIAN = CONFIG.replace('set default="${saved_entry}"', 'set default="0"')
MOUNTS = "1 0 254:1 / / rw - ext4 /dev/vda1 rw\n2 1 254:2 / /boot rw - {} /dev/vda2 rw\n3 1 0:5 / /boots rw - tmpfs tmpfs rw\n"


class Disk:
    """A root folder that is filled file by file."""

    def __init__(self, folder):
        self.folder, self.root = folder, Root(str(folder))

    def write(self, path, text=""):
        target = self.folder / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


@pytest.fixture
def disk(tmp_path):
    found = Disk(tmp_path)
    found.write("/boot/grub/grub.cfg", DEBIAN)
    found.write("/boot/grub/grubenv", "# GRUB Environment Block\n")
    found.write("/boot/initrd.img-6.1.0-56-cloud-amd64", "12345")
    found.write("/proc/self/mountinfo", MOUNTS.format("ext4"))
    found.write("/proc/cmdline", "ro\n")
    return found


def test_a_plain_host_can_try_an_entry_once(disk):
    disk.write("/usr/sbin/update-grub")
    disk.write("/usr/bin/grub-editenv")
    assert boot.observe(disk.root) == {
        "firmware": "bios", "image_bytes": 5, "tools": ["grub-editenv", "update-grub"], "watchdog": False, "trial": False,
        "grub": {"config": "/boot/grub/grub.cfg", "entry": {"kernel": "6.1.0-56-cloud-amd64", "arguments": ["root=/dev/vda1", "ro"]}, "environment": True,
                 "writable": True, "takes_once": True, "reads_custom": True, "custom": None, "next_entry": None},
    }  # fmt: skip


def grub(disk, name):
    return boot.observe(disk.root)["grub"][name]


@pytest.mark.parametrize("kind, writable", [("ext4", True), ("xfs", True), ("vfat", True), ("btrfs", False), ("zfs", False)])
def test_what_grub_can_write_depends_on_the_file_system(disk, kind, writable):
    disk.write("/proc/self/mountinfo", MOUNTS.format(kind))
    assert grub(disk, "writable") is writable


@pytest.mark.parametrize("part, writable", [("dm/name", False), ("md/level", False), ("size", True)])
def test_grub_writes_to_no_volume_or_array(disk, part, writable):
    disk.write("/sys/dev/block/254:2/" + part)
    assert grub(disk, "writable") is writable


def test_without_mounts_nothing_is_promised(disk):
    disk.write("/proc/self/mountinfo", "")
    assert grub(disk, "writable") is None


@pytest.mark.parametrize("text, owner", [("# managed by sovereign.ai_stack\n", "ours"), ("menuentry mine {}\n", "foreign")])
def test_whose_the_entries_beside_are_is_told(disk, text, owner):
    disk.write("/boot/grub/custom.cfg", text)
    assert grub(disk, "custom") == owner


def test_what_is_tried_next_is_told_and_is_not_what_boots(disk):
    disk.write("/boot/grub/grubenv", "next_entry=ai-stack-trial\n")
    assert grub(disk, "next_entry") == "ai-stack-trial" and grub(disk, "entry")["kernel"] == "6.1.0-56-cloud-amd64"


@pytest.mark.parametrize("gone, name", [("save_env next_entry", "takes_once"), ("custom.cfg", "reads_custom")])
def test_a_configuration_that_cannot_do_it_is_told(disk, gone, name):
    disk.write("/boot/grub/grub.cfg", DEBIAN.replace(gone, "x"))
    assert grub(disk, name) is False


def test_a_host_without_grub_and_a_trial_are_told(disk):
    (disk.folder / "boot/grub/grub.cfg").unlink()
    disk.write("/proc/cmdline", "ro ai_stack.trial=840\n")
    disk.write("/sys/class/watchdog/watchdog0/state")
    disk.write("/sys/firmware/efi/fw_platform_size")
    found = boot.observe(disk.root)
    assert (found["grub"], found["image_bytes"], found["trial"], found["watchdog"], found["firmware"]) == (None, None, True, True, "efi")


def test_what_the_role_remembers_is_told_in_its_words(disk):
    assert host.passthrough(disk.root, Guard()) == {"settings": None, "open": None, "last_change": None, "touched": False, "drained": False}
    disk.write("/etc/ai-stack/pci-passthrough.json", '{"arguments": []}')
    disk.write("/var/lib/ai-stack/pci_passthrough/journal.json",
               '{"plan": "p", "owner": "o", "step": "armed", "at": "t", "boot_id": "b", "want": {}, "x": 1}')
    disk.write("/var/lib/ai-stack/pci_passthrough/last-change.json", '{"result": "restored", "reason": "x", "at": "t", "steps": []}')
    for name in ("baseline.json", "drained"):
        disk.write("/var/lib/ai-stack/pci_passthrough/" + name)
    assert host.passthrough(disk.root, Guard()) == {
        "settings": {"arguments": []}, "open": {"plan": "p", "owner": "o", "step": "armed", "at": "t", "boot_id": "b", "want": {}},
        "last_change": {"result": "restored", "reason": "x", "at": "t"}, "touched": True, "drained": True,
    }  # fmt: skip
