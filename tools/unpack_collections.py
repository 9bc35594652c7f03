# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""unpack_collections.py WHEEL SITE NAME...: take the named collections out of the `ansible` wheel."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path


def main(wheel: str, site: str, *names: str) -> int:
    folders = {name: "ansible_collections/" + name.replace(".", "/") + "/" for name in names}
    with zipfile.ZipFile(wheel) as archive:
        found = {name: [m for m in archive.namelist() if m.startswith(folder)] for name, folder in folders.items()}
        missing = sorted(name for name, members in found.items() if not members)
        if missing:
            print("not in the bundle: " + " ".join(missing), file=sys.stderr)
            return 1
        for name, members in found.items():
            shutil.rmtree(Path(site, folders[name]), ignore_errors=True)
            archive.extractall(site, [m for m in members if "/tests/" not in m])
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
