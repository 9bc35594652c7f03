# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Kueue for clusters: its manager from its published module as the image that its release names, and that release's manifests.

It is made by a key of its own, and only where a site asks for it.
"""
from __future__ import annotations

from . import kubernetes, parts

NAME = "kueue"
SOURCE = kubernetes.SOURCE / NAME


def _wanted(site):
    return bool(site["kubernetes"].get(NAME))


def _place(site):
    key = parts.digest(SOURCE / "build.sh", SOURCE / "go", extra=kubernetes.GO)
    return kubernetes.folder(site) / ("%s-%s" % (NAME, key))


def programs(site):
    """The part that compiles, after what clusters are made of: six minutes of a core."""
    if not _wanted(site):
        return []
    with kubernetes.alone(site):
        done = kubernetes.build(site, SOURCE / "build.sh", _place(site), kubernetes.built(site) / "kubectl")
    return ["programs of %s" % NAME] if done else []


def make(site):
    """Programs, the image and the manifests."""
    if not _wanted(site):
        return []
    done = programs(site)
    packed = kubernetes.pack(site, NAME, [(_place(site), "bin-" + NAME)], ("images.py", NAME + "/images.py"), [kubernetes.images(NAME + "/images.py", NAME)])
    return done + (["image and manifests of %s" % NAME] if packed else [])
