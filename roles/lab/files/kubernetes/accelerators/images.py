# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""images.py OUT accelerators: the stand-in for NVIDIA's device plugin, from the program in /bin-accelerators, as an image of that one's name and version."""
from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import images  # noqa: E402  the folder above is no package

PLUGIN = "nvidia/k8s-device-plugin:v0.20.0"


def main(out, what):
    binary = "/bin-%s/nvidia-device-plugin" % what
    files = {"/usr/bin/nvidia-device-plugin": images.program(binary), **images.libraries(binary), **images.busybox("sh")}
    images.Registry(out).image(PLUGIN, files, ["nvidia-device-plugin"])


if __name__ == "__main__":
    main(*sys.argv[1:])
