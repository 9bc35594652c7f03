# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Module files without code: they say a version, a license and a kernel, and that is all that anything here asks of them."""
from __future__ import annotations

from pathlib import Path

PLACE = 64
LICENSE = {"open": "Dual MIT/GPL", "proprietary": "NVIDIA"}


def module(template, release, version, flavour):
    data = Path(template).read_bytes()
    for mark, text in ((b"V", version), (b"L", LICENSE[flavour])):
        data = data.replace(mark + b"#" * PLACE, text.encode().ljust(PLACE + 1, b"\0"))
    # what follows the kernel's release has to move up to it, and the section keeps its size
    start = data.index(b"K" + b"#" * PLACE)
    end = data.index(b"\0", start)
    rest = data[start + 1 + PLACE:end]
    return data[:start] + (release.encode() + rest).ljust(end - start, b"\0") + data[end:]
