# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Kernels of a recorded host."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import apt, kernel, module_file


@pytest.fixture
def seen(tree, guard):
    def observe(name):
        root = tree(name)
        return root, kernel.observe(root, apt.packages(root), guard)

    return observe


def test_running_and_next_kernel_are_told_apart(seen):
    found = seen("hgx-h100")[1]
    assert (found["running"], found["next_boot"], found["next_boot_because"]) == ("6.1.0-50-amd64", "6.1.0-50-amd64", "saved_entry of grubenv")


def test_without_a_boot_loader_the_newest_image_is_next(seen):
    root, _found = seen("hgx-h100")
    shutil.rmtree(root.path + "/boot/grub")
    assert kernel.next_boot(root) == ("6.1.0-56-cloud-amd64", "newest of 3 in /boot")


def test_an_entry_without_an_image_is_unknown(seen):
    root, _found = seen("hgx-h100")
    (Path(root.path) / "boot/vmlinuz-6.1.0-50-amd64").unlink()
    assert kernel.next_boot(root)[0] is None


@pytest.mark.parametrize(("line", "release"), [("source custom.cfg", "6.1.0-56-amd64"), ("", None)], ids=["read", "not read"])
def test_an_entry_for_one_boot_may_lie_beside(seen, line, release):
    """As while the role pci_passthrough waits for its trial: the kernel is known then too."""
    root, _found = seen("hgx-h100")
    folder = Path(root.path) / "boot/grub"
    (folder / "grub.cfg").write_text("menuentry 'x' {\n linux /vmlinuz-6.1.0-50-amd64 ro\n}\n" + line + "\n")
    (folder / "custom.cfg").write_text("menuentry 'tried once' --id 'trial' {\n linux /vmlinuz-6.1.0-56-amd64 ro\n}\n")
    (folder / "grubenv").write_text("next_entry=trial\n")
    assert kernel.next_boot(root)[0] == release


def test_boot_loader_entries_are_followed(seen):
    assert seen("container")[1]["next_boot"] == "5.14.0-503.el9.x86_64"


def test_each_kernel_tells_image_headers_package_and_module(seen):
    kernels = {each["release"]: each for each in seen("hgx-h100")[1]["installed"]}
    old, new, cloud = kernels["6.1.0-50-amd64"], kernels["6.1.0-56-amd64"], kernels["6.1.0-56-cloud-amd64"]
    assert (old["image"], old["initramfs"], old["package"], old["package_version"], old["headers"]) == (
        "/boot/vmlinuz-6.1.0-50-amd64",
        True,
        "linux-image-6.1.0-50-amd64",
        "6.1.176-1",
        True,
    )
    assert old["modules"]["nvidia"] == {
        "version": "535.309.01",
        "flavour": "proprietary",
        "signer": None,
        "path": "/lib/modules/6.1.0-50-amd64/updates/dkms/nvidia-current.ko",
    }
    assert old["modules"]["i915"]["flavour"] == "in_kernel"
    assert new["modules"]["nvidia"] == {
        "version": "580.105.08",
        "flavour": "open",
        "signer": "ai-stack test signing key",
        "path": "/lib/modules/6.1.0-56-amd64/updates/dkms/nvidia.ko.xz",
    }
    assert (new["headers"], new["package"], cloud["modules"]) == (False, None, {})


def test_kernels_are_listed_oldest_first(seen):
    assert [each["release"] for each in seen("hgx-h100")[1]["installed"]] == ["6.1.0-50-amd64", "6.1.0-56-amd64", "6.1.0-56-cloud-amd64"]


@pytest.mark.parametrize("name", ["closed.ko", "closed.ko.gz", "signed.ko", "signed.ko.xz"])
def test_packed_modules_say_the_same_as_plain_ones(tree, name):
    root = tree("mi300x")
    source = Path(__file__).parents[3] / "fixtures/outputs/modules"
    shutil.copy(source / name, root.path + "/" + name)
    plain = "535.309.01" if name.startswith("closed") else "580.105.08"
    assert module_file.describe(root, "/" + name)["version"] == plain


def test_a_module_packed_with_zstd_is_unknown_in_a_recorded_tree(tree):
    root = tree("mi300x")
    (Path(root.path) / "nvidia.ko.zst").write_bytes(b"(\xb5/\xfd")
    assert module_file.describe(root, "/nvidia.ko.zst") == {"name": "nvidia", "version": None, "flavour": None, "signer": None}


def test_the_compiler_is_the_one_that_a_build_takes(seen):
    assert seen("hgx-h100")[1]["compiler"] == {"name": "gcc", "version": "12.2.0", "path": "/usr/bin/gcc"}


def test_without_gcc_there_is_no_compiler(seen):
    assert seen("run-file")[1]["compiler"] is None
