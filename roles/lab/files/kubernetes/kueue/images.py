# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""images.py OUT kueue: the manager in /bin-kueue as the image that the manifests beside it name, and these as OUT/kueue/VERSION/manifests.yaml."""
from __future__ import annotations

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import images  # noqa: E402  the folder above is no package

# as the published image has it: its pod may not run as root
USER = "65532:65532"


def main(out, what):
    programs = pathlib.Path("/bin-" + what)
    manifests = (programs / "manifests.yaml").read_bytes()
    reference = re.search(r"image: [^/\s]+/(\S+/kueue:\S+)", manifests.decode())[1]
    images.Registry(out).image(reference, {"/manager": images.program(programs / "manager")}, ["/manager"], USER)
    images.write(pathlib.Path(out) / what / reference.rpartition(":")[2] / "manifests.yaml", manifests)


if __name__ == "__main__":
    main(*sys.argv[1:])
