# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The menu of a host that has GRUB's files: which entry starts, with what arguments, and what its initramfs does to cards first."""
from __future__ import annotations

import re
import subprocess
from pathlib import Path

STOCK = Path("/usr/share/initramfs-tools/scripts/init-top")
UNPACKED = Path("/run/ai-stack-lab/init-top")
_HEAD = re.compile(r"\s*menuentry\s+(['\"])(.*?)\1(.*)\{\s*$")
_ID = re.compile(r"(?:--id|\$menuentry_id_option)\s+'?([^'\s]+)")
_LINE = re.compile(r"\s*(linux|initrd)\s+(\S+)\s*(.*?)\s*$")


def entries(text):
    """[{title, id, linux, arguments, initrd}] of every entry that starts a kernel, in their order; submenus are looked through."""
    found = []
    for line in text.splitlines():
        head, part = _HEAD.match(line), _LINE.match(line)
        if head:
            name = _ID.search(head[3])
            found.append({"title": head[2], "id": name[1] if name else head[2]})
        elif part and found:
            found[-1][part[1]] = part[2]
            if part[1] == "linux":
                found[-1]["arguments"] = part[3]
    return [entry for entry in found if "linux" in entry]


def pick(boot, wish, release):
    """The entry that WISH names (title or id, the way through submenus before it), else the first of this kernel; None without a menu."""
    texts = [path.read_text() for path in (boot / "grub/grub.cfg", boot / "grub/custom.cfg") if path.exists()]
    found = [entry for text in texts for entry in entries(text)]
    name = wish.rpartition(">")[2]
    named = [entry for entry in found if name and name in (entry["title"], entry["id"])]
    return next(iter(named + [entry for entry in found if entry["linux"].endswith("vmlinuz-" + release)]), None)


def run_own_scripts(boot, initrd):
    """What somebody added to init-top of this initramfs is run as there: after the cards are seen, before any driver gets one."""
    image = boot / Path(initrd).name
    listed = subprocess.run(["lsinitramfs", str(image)], capture_output=True, text=True, check=False).stdout
    names = [line.rpartition("/")[2] for line in listed.splitlines() if re.search(r"(^|/)scripts/init-top/[^/]+$", line)]
    own = sorted(name for name in names if name != "ORDER" and not (STOCK / name).exists())
    if own:
        subprocess.run(["unmkinitramfs", str(image), str(UNPACKED)], check=True)
    for name in own:
        script = next(path for path in UNPACKED.rglob("scripts/init-top/" + name))
        subprocess.run(["sh", str(script)], cwd="/", check=False)
        print("init-top", name)
    subprocess.run(["rm", "-rf", str(UNPACKED)], check=False)
