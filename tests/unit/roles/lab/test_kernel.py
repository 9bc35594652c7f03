# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Which kernel starts next is read from the files that a boot loader reads."""

from __future__ import annotations

import pytest
from lab_host import kernel

INSTALLED = ["6.1.0-9-amd64", "6.1.0-10-amd64", "6.1.0-56-amd64"]


@pytest.fixture
def boot(tmp_path, monkeypatch):
    def order(*command, **options):
        if command[0] == "dpkg":  # numbers by value, as dpkg compares these names
            left, right = ([int(part) for part in name.replace("-amd64", "").replace("-", ".").split(".")] for name in (command[2], command[4]))
            return type("Done", (), {"returncode": int(not left < right)})
        raise AssertionError(command)

    monkeypatch.setattr(kernel, "run", order)
    monkeypatch.setattr(kernel, "grub_defaults", lambda root="/": boot_defaults)
    boot_defaults = {}
    for name in INSTALLED:
        (tmp_path / ("vmlinuz-" + name)).touch()
    (tmp_path / "grub").mkdir()
    (tmp_path / "grub/grubenv").write_text("# GRUB Environment Block\n")
    return tmp_path, boot_defaults


def test_the_newest_starts_where_nothing_else_is_said(boot):
    assert kernel.take_next(boot[0])["release"] == "6.1.0-56-amd64"


def test_an_entry_for_once_is_used_up(boot):
    (boot[0] / "grub/grubenv").write_text("saved_entry=\nnext_entry=Advanced options>Debian, with Linux 6.1.0-10-amd64\n")
    assert kernel.take_next(boot[0])["release"] == "6.1.0-10-amd64"
    assert kernel.take_next(boot[0])["release"] == "6.1.0-56-amd64"


def test_the_default_of_the_boot_loader_is_honoured(boot):
    boot[1]["GRUB_DEFAULT"] = "gnulinux-advanced-1>gnulinux-6.1.0-9-amd64-advanced-1"
    assert kernel.take_next(boot[0])["release"] == "6.1.0-9-amd64"


def test_the_saved_entry_counts_where_the_default_says_so(boot):
    (boot[0] / "grub/grubenv").write_text("saved_entry=Debian, with Linux 6.1.0-9-amd64\n")
    assert kernel.take_next(boot[0])["release"] == "6.1.0-56-amd64"
    boot[1]["GRUB_DEFAULT"] = "saved"
    assert kernel.take_next(boot[0])["release"] == "6.1.0-9-amd64"


MENU = """
menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'gnulinux-simple-1' {
	linux	/boot/vmlinuz-6.1.0-56-amd64 root=/dev/vda1 ro quiet
	initrd	/boot/initrd.img-6.1.0-56-amd64
}
submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced-1' {
	menuentry 'Debian, with Linux 6.1.0-9-amd64' --class debian $menuentry_id_option 'gnulinux-6.1.0-9-amd64-advanced-1' {
		linux	/boot/vmlinuz-6.1.0-9-amd64 root=/dev/vda1 ro old
		initrd	/boot/initrd.img-6.1.0-9-amd64
	}
}
menuentry 'Firmware' $menuentry_id_option 'uefi' {
	fwsetup
}
"""
TRIED = "menuentry 'tried once' --unrestricted --id 'trial' {\n\tlinux /boot/vmlinuz-6.1.0-56-amd64 root=/dev/vda1 ro iommu=pt\n\tinitrd /boot/trial.img\n}\n"


@pytest.mark.parametrize(
    ("wish", "release", "arguments", "initrd"),
    [
        ("", "6.1.0-56-amd64", "root=/dev/vda1 ro quiet", "/boot/initrd.img-6.1.0-56-amd64"),
        ("trial", "6.1.0-56-amd64", "root=/dev/vda1 ro iommu=pt", "/boot/trial.img"),
        ("gnulinux-advanced-1>gnulinux-6.1.0-9-amd64-advanced-1", "6.1.0-9-amd64", "root=/dev/vda1 ro old", "/boot/initrd.img-6.1.0-9-amd64"),
        ("Debian, with Linux 6.1.0-9-amd64", "6.1.0-9-amd64", "root=/dev/vda1 ro old", "/boot/initrd.img-6.1.0-9-amd64"),
        ("gone", "6.1.0-56-amd64", "root=/dev/vda1 ro quiet", "/boot/initrd.img-6.1.0-56-amd64"),
    ],
)
def test_where_there_is_a_menu_its_entry_says_what_starts(boot, wish, release, arguments, initrd):
    (boot[0] / "grub/grubenv").write_text("next_entry=%s\n" % wish)
    (boot[0] / "grub/grub.cfg").write_text(MENU)
    (boot[0] / "grub/custom.cfg").write_text(TRIED)
    assert kernel.take_next(boot[0]) == {"release": release, "arguments": arguments, "initrd": initrd}
    assert kernel.take_next(boot[0])["initrd"] == "/boot/initrd.img-6.1.0-56-amd64"


def test_without_a_menu_arguments_are_those_of_the_defaults(boot):
    boot[1]["GRUB_CMDLINE_LINUX"] = "iommu=pt"
    assert kernel.take_next(boot[0]) == {"release": "6.1.0-56-amd64", "arguments": "root=/dev/vda1 ro iommu=pt", "initrd": None}


def test_a_machine_without_kernel_starts_none(tmp_path):
    assert kernel.take_next(tmp_path) is None


def test_an_install_command_of_modprobe_is_followed(monkeypatch):
    """Debian names its module nvidia-current and loads it by `install nvidia modprobe -i nvidia-current`; kmod shows that line only."""
    shows = {
        ("--use-blacklist", "pci:card"): "install modprobe -i nvidia-current $CMDLINE_OPTS\n",
        ("--ignore-install", "nvidia-current"): "insmod /lib/modules/6.1/drm.ko \ninsmod /lib/modules/6.1/updates/dkms/nvidia-current.ko.xz \n",
    }
    monkeypatch.setattr(kernel, "run", lambda *command, **options: type("Done", (), {"stdout": shows[command[4:]]}))
    assert kernel.candidates("6.1", "pci:card") == ["drm", "nvidia-current"]
