# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""images.py OUT accelerators: the stand-ins for NVIDIA's device plugin and its DRA driver, from the program in /bin-accelerators, as images of their names and
versions."""
from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import images  # noqa: E402  the folder above is no package

IMAGES = {"nvidia-device-plugin": "nvidia/k8s-device-plugin:v0.20.0", "gpu-kubelet-plugin": "dra-driver-nvidia/dra-driver-nvidia-gpu:v0.5.0"}


def main(out, what):
    binary = "/bin-%s/nvidia-device-plugin" % what
    for name, image in IMAGES.items():
        files = {"/usr/bin/" + name: images.program(binary), **images.libraries(binary), **images.busybox("sh")}
        images.Registry(out).image(image, files, [name])


if __name__ == "__main__":
    main(*sys.argv[1:])
