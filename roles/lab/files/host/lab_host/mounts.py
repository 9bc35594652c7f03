# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Puts the files of the description over the kernel's own, in this host's mount namespace only."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

STATE = Path("/run/ai-stack-lab")


def _mount(*arguments):
    subprocess.run(["mount", *[str(argument) for argument in arguments]], check=True)


def is_mount(path):
    return any(line.split()[4] == str(path) for line in Path("/proc/self/mountinfo").read_text().splitlines())


def uncover(path):
    while is_mount(path):
        subprocess.run(["umount", "--recursive", str(path)], check=True)


def over(source, target):
    """SOURCE in the place of TARGET. A place that this kernel does not have is made by covering the folder that should hold it."""
    target = Path(target)
    if not target.exists():
        _make(target, Path(source).is_dir())
    uncover(target)
    _mount("--bind", source, target)


def _make(target, folder):
    parent = target.parent
    if not parent.exists():
        _make(parent, True)
    if not os.access(parent, os.W_OK):
        cover(parent)
    target.mkdir() if folder else target.touch()


def cover(folder):
    """A tmpfs in the place of FOLDER that shows the same entries: folders and files by bind mounts, links as links."""
    folder = Path(folder)
    entries = {entry: (os.readlink(entry) if entry.is_symlink() else entry.is_dir()) for entry in sorted(folder.iterdir())}
    keep = STATE / "covered" / str(folder).strip("/").replace("/", "-")
    keep.mkdir(parents=True, exist_ok=True)
    _mount("--rbind", folder, keep)
    _mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", folder)
    for entry, kind in entries.items():
        if isinstance(kind, str):
            entry.symlink_to(kind)
            continue
        entry.mkdir() if kind else entry.touch()
        _mount("--rbind", keep / entry.name, entry)


def text(target, content):
    """A file of procfs or sysfs with other content. False where the kernel has no such file and none can be made."""
    target = Path(target)
    source = STATE / "files" / str(target).strip("/").replace("/", "-")
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(content)
    if not target.exists():
        return False
    uncover(target)
    _mount("--bind", source, target)
    return True
