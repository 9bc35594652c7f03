# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A compute: nova-compute with Debian's unit and files. Only the hypervisor's driver is the lab's."""
from __future__ import annotations

import json
from pathlib import Path

from . import release, settings, steps

# Nova loads drivers only from below nova.virt, so it lies where a package would put it
DRIVER = "nova/virt/lab_pci.py"


def set_up(shared):
    shared = json.loads(shared)
    steps.trust(shared["authority"])
    steps.write_all(settings.compute(shared["controller"], shared["secrets"]))
    release.set_up("nova-compute")
    steps.write(release.packages() / DRIVER, Path(__file__).with_name("lab_pci.py").read_text(), mode=0o644)
    steps.run("grub-editenv", "/boot/grub/grubenv", "create")
    steps.run("update-grub")
    steps.run("systemctl", "enable", "--quiet", "--now", release.unit("nova-compute"))
