# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Which Molecule scenarios there are: a folder of molecule/ with a molecule.yml; long_* ones belong to `make test-long`."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(os.environ.get("AI_STACK_ROOT", Path(__file__).resolve().parent.parent))
# holds create and destroy for all the others; it promises nothing itself
SHARED = "default"


def names(root: Path, long: bool) -> list[str]:
    found = sorted(path.parent.name for path in root.glob("molecule/*/molecule.yml"))
    return [name for name in found if name != SHARED and name.startswith("long_") == long]


# what a scenario runs on, by what its molecule.yml names; one that shares no state brings hosts of its own, the others run on the lab's
STAGES = {"shared/machine/": "machine", "shared/kubernetes/": "programs", "shared_state: false": None}
HOSTS = "lab-up"


def stage_of(root: Path, name: str) -> str | None:
    """The stage that a scenario waits for: a machine with a kernel of its own, the programs of a cluster, the lab's hosts, or none."""
    path = root / "molecule" / name / "molecule.yml"
    text = path.read_text() if path.exists() else ""
    return next((stage for words, stage in STAGES.items() if words in text), HOSTS)


if __name__ == "__main__":
    print("\n".join(name for kind in (False, True) for name in names(ROOT, kind)))
