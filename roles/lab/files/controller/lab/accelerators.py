# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Accelerators in clusters: NVIDIA's container tools from their published module, the stand-in for its device plugin, and the real nvidia-smi for nodes.

All of it is made by a key of its own, since what clusters are made of takes far longer.
"""
from __future__ import annotations

from . import engine, kubernetes, parts

NAME = "accelerators"
SOURCE = kubernetes.SOURCE / NAME


def _wanted(site):
    return bool(site["kubernetes"].get(NAME))


def _place(site):
    key = parts.digest(SOURCE / "build.sh", SOURCE / "go", extra=kubernetes.GO)
    return kubernetes.folder(site) / ("%s-%s" % (NAME, key))


def programs(site):
    """The part that compiles: two minutes of a core."""
    if not _wanted(site):
        return []
    with kubernetes.alone(site):
        return ["programs of %s" % NAME] if kubernetes.build(site, SOURCE / "build.sh", _place(site)) else []


def make(site):
    """Programs, the package, the image, and what nodes are given."""
    if not _wanted(site):
        return []
    done = programs(site)
    made_by = ("packages.sh", "images.py", *("%s/%s" % (NAME, name) for name in ("packages.sh", "images.py")))
    makers = [kubernetes.packages(NAME), kubernetes.images(NAME + "/images.py", NAME)]
    packed = kubernetes.pack(site, NAME, [(_place(site), "bin-" + NAME)], made_by, makers)
    return done + (["packages and images of %s" % NAME] if packed else []) + _smi(site)


def _smi(site):
    """nvidia-smi of Debian, in the folder that every host mounts: the vendor's installer leaves one, see lab_host/node.py."""
    out = site["cache"] / "lib"
    stamp = kubernetes.folder(site) / (".smi-" + parts.digest(SOURCE / "smi.sh", extra=site["mirrors"]["debian"]))
    if stamp.exists() and (out / "nvidia-smi").exists():
        return []
    volumes = ("--volume", "%s:/source:ro" % SOURCE, "--volume", "%s:/out" % out)
    engine.podman("run", "--rm", "--network", "host", *engine.limits(), "--env", "LAB_MIRROR=" + site["mirrors"]["debian"], *volumes, kubernetes.builder(),
                  "sh", "/source/smi.sh", timeout=600)
    stamp.touch()
    return ["lib nvidia-smi"]
