# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The lowest missing layer: the stand-in NVML lies where the real library would, and the real one lies beside it, known to dpkg.

The name of the library carries its version, so the place is not known before the package is unpacked. dpkg runs `place` after
each of its own runs (its option post-invoke): every real library found then is diverted, every stand-in without one is taken back.
"""
from __future__ import annotations

import subprocess
from pathlib import Path

HERE = Path("/usr/lib/ai-stack-lab")
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
PLACES = ("libnvidia-ml.so.[0-9]*.*", "nvidia/*/libnvidia-ml.so.[0-9]*.*")
HOOK = Path("/etc/dpkg/dpkg.cfg.d/ai-stack-lab-silicon")
PRELOAD = Path("/etc/ld.so.preload")
REAL = ".real"


def prepare():
    """The two files that make the layers take effect in a new host."""
    PRELOAD.write_text("%s/libuname.so\n" % HERE)
    if HOOK.parent.is_dir():
        HOOK.write_text("post-invoke=python3 %s/place.py\n" % HERE)
    place()


def place():
    found = sorted({path for pattern in PLACES for path in LIBRARIES.glob(pattern) if not path.is_symlink()})
    for path in found:
        if path.name.endswith(REAL):
            continue
        beside = Path(str(path) + REAL)
        if not beside.exists() and not _is_ours(path):
            _divert(path, beside)
        elif not beside.exists() and _is_diverted(path):
            _take_back(path, beside)


def _is_ours(path):
    return path.read_bytes() == (HERE / "libnvidia-ml.so").read_bytes()


def _is_diverted(path):
    """A stand-in that no diversion knows belongs to somebody's installer, see leftovers.py."""
    return subprocess.run(["dpkg-divert", "--truename", str(path)], capture_output=True, text=True, check=False).stdout.strip() != str(path)


def _dpkg_divert(*arguments):
    subprocess.run(["dpkg-divert", "--quiet", *[str(argument) for argument in arguments]], check=False, stdout=subprocess.DEVNULL)


def _divert(path, beside):
    _dpkg_divert("--add", "--no-rename", "--divert", beside, path)
    path.rename(beside)
    path.write_bytes((HERE / "libnvidia-ml.so").read_bytes())
    path.chmod(0o644)


def _take_back(path, beside):
    path.unlink()
    _dpkg_divert("--remove", "--no-rename", "--divert", beside, path)
    # an empty folder was dpkg's to remove and it could not
    if path.parent != LIBRARIES and not any(path.parent.iterdir()):
        path.parent.rmdir()
