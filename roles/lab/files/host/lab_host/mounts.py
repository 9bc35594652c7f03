# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Puts the files of the description over the kernel's own, in this host's mount namespace only."""
from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

STATE = Path("/run/ai-stack-lab")
# what podman mounted; the controller's folder of this host outlives a reboot
FIRST = Path("/lab/mounts")
VOLATILE = ("/run", "/run/lock", "/tmp")


def points():
    return Counter(line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())


def remember():
    FIRST.write_text("\n".join(sorted(points().elements())))


def clear():
    """Process 1 starts anew in the same container: everything that was mounted since its first start goes, and so does what a reboot forgets."""
    first = Counter(FIRST.read_text().split("\n"))
    for _round in range(20):
        extra = points() - first
        if not extra:
            break
        for point in sorted(extra, key=len, reverse=True):
            subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)
    for folder in VOLATILE:
        for entry in Path(folder).iterdir():
            if str(entry) in first or entry.name == ".containerenv":
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()


def _mount(*arguments):
    subprocess.run(["mount", *[str(argument) for argument in arguments]], check=True)


def is_mount(path):
    return bool(points()[str(path)])


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
