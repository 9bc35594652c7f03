# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The lowest missing layer: stand-ins lie where two real libraries of the driver would, and the real ones lie beside them, known to dpkg.

The names of the libraries carry the version, so their places are not known before the packages are unpacked. dpkg runs `place` after
each of its own runs (its option post-invoke): every real library found then is diverted, every stand-in without one is taken back.
"""
from __future__ import annotations

import subprocess
from pathlib import Path

HERE = Path("/usr/lib/ai-stack-lab")
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
NAMES = ("libnvidia-ml.so", "libnvidia-cfg.so")
PLACES = ("%s.[0-9]*.*", "nvidia/*/%s.[0-9]*.*")
HOOK = Path("/etc/dpkg/dpkg.cfg.d/ai-stack-lab-silicon")
PRELOAD = Path("/etc/ld.so.preload")
REAL = ".real"


def prepare():
    """The two files that make the layers take effect in a new host."""
    PRELOAD.write_text("%s/libkernel.so\n" % HERE)
    if HOOK.parent.is_dir():
        HOOK.write_text("post-invoke=python3 %s/place.py\n" % HERE)
    place()


def place():
    for name in NAMES:
        stand_in = (HERE / name).read_bytes()
        for path in sorted({path for pattern in PLACES for path in LIBRARIES.glob(pattern % name) if not path.is_symlink()}):
            if not path.name.endswith(REAL):
                _place(path, Path(str(path) + REAL), stand_in)


def _place(path, beside, stand_in):
    ours = path.read_bytes() == stand_in
    if not ours and not beside.exists():
        _dpkg_divert("--add", "--no-rename", "--divert", beside, path)
        path.rename(beside)
    if not ours:
        path.write_bytes(stand_in)
        path.chmod(0o644)
    elif not beside.exists() and _is_diverted(path):
        _take_back(path, beside)


def _is_diverted(path):
    """A stand-in that no diversion knows belongs to somebody's installer, see leftovers.py."""
    return subprocess.run(["dpkg-divert", "--truename", str(path)], capture_output=True, text=True, check=False).stdout.strip() != str(path)


def _dpkg_divert(*arguments):
    subprocess.run(["dpkg-divert", "--quiet", *[str(argument) for argument in arguments]], check=False, stdout=subprocess.DEVNULL)


def _take_back(path, beside):
    path.unlink()
    _dpkg_divert("--remove", "--no-rename", "--divert", beside, path)
    # an empty folder was dpkg's to remove and it could not
    if path.parent != LIBRARIES and not any(path.parent.iterdir()):
        path.parent.rmdir()
