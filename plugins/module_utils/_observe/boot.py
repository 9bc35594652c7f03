# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The boot loader: the entry that boots, whether another one can be tried once, and what ends a boot that hangs."""

from __future__ import annotations

import re

from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import kernels

MARKER = "managed by sovereign.ai_stack"
ENTRY = "ai-stack-trial"
CONFIGS = ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg")
# File systems whose files GRUB can write in their place.
WRITABLE = ("ext2", "ext3", "ext4", "xfs", "vfat")
TOOLS = ("grub-reboot", "grub-editenv", "update-grub", "mkinitramfs", "update-initramfs", "lsinitramfs")
FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
_LINUX = re.compile(r"\s*linux(?:16|efi)?\s+\S+(.*)$")


def _entry(config, environment):
    """The entry that boots when nothing is tried; None: it cannot be told."""
    lasting = {name: value for name, value in environment.items() if name != "next_entry"}
    found = kernels.grub_pick(kernels.grub_entries(config), kernels.grub_wanted(config, lasting)[0])
    lines = [match.group(1) for match in map(_LINUX.match, (found or {"body": []})["body"]) if match]
    return {"kernel": found["kernel"], "arguments": lines[0].split()} if lines and found["kernel"] else None


def _mount(root, path):
    """(file system, device) that a path lies on; None: nothing tells."""
    best = None
    for row in (line.split() for line in (root.text("/proc/self/mountinfo") or "").splitlines()):
        if "-" not in row or len(row) < row.index("-") + 3:
            continue
        point = row[4].rstrip("/")
        if (path + "/").startswith(point + "/") and (best is None or len(point) >= len(best[0])):
            best = (point, row[row.index("-") + 1], row[2])
    return best and (best[1], best[2])


def _writable(root, path):
    """Whether GRUB can write this file: on a plain disk, in a file system without checks of its own; None: nothing tells."""
    found = _mount(root, path)
    if found is None:
        return None
    device = "/sys/dev/block/" + found[1]
    return found[0] in WRITABLE and not (root.exists(device + "/dm") or root.exists(device + "/md"))


def _custom(root, folder):
    text = root.text(folder + "/custom.cfg")
    return None if text is None else "ours" if MARKER in text else "foreign"


def _grub(root, path, config):
    folder = path.rsplit("/", 1)[0]
    text = root.text(folder + "/grubenv")
    environment = kernels.grubenv(text or "")
    return {
        "config": path, "entry": _entry(config, environment), "environment": text is not None, "writable": _writable(root, folder + "/grubenv"),
        "takes_once": "save_env next_entry" in config, "reads_custom": "custom.cfg" in config, "custom": _custom(root, folder),
        "next_entry": environment.get("next_entry") or None,
    }


def observe(root):
    """See docs/data.md; grub null: there is none."""
    path = next((each for each in CONFIGS if root.is_file(each)), None)
    grub = _grub(root, path, root.text(path, 1 << 22) or "") if path else None
    image = "/boot/initrd.img-" + grub["entry"]["kernel"] if grub and grub["entry"] else None
    return {
        "firmware": "efi" if root.is_dir("/sys/firmware/efi") else "bios", "grub": grub, "image_bytes": root.size(image) if image else None,
        "tools": sorted(name for name in TOOLS if any(root.is_file("%s/%s" % (folder, name)) for folder in FOLDERS)),
        "watchdog": bool(root.names("/sys/class/watchdog")), "trial": "ai_stack.trial=" in (root.line("/proc/cmdline") or ""),
    }
