# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Files below a root: the running host's, or those of a recorded tree. A file that cannot be read is None, never an exception."""

from __future__ import annotations

import os

TEXT_LIMIT = 1 << 20


class Root:
    """All readers take one of these, so that the same code sees a live host and a recorded one."""

    def __init__(self, path="/"):
        self.path = os.path.abspath(path)
        self.live = self.path == "/"

    def at(self, path):
        """Real place of PATH: links that are absolute inside a recorded tree stay inside it."""
        if self.live:
            return path
        done, todo, hops = [], [each for each in path.split("/") if each], 0
        while todo:
            part = todo.pop(0)
            if part == "..":
                done = done[:-1]
                continue
            here = os.path.join(self.path, *(done + [part]))
            if part != "." and os.path.islink(here) and hops < 40:
                hops += 1
                target = os.readlink(here)
                done = [] if target.startswith("/") else done
                todo = [each for each in target.split("/") if each] + todo
            elif part != ".":
                done.append(part)
        return os.path.join(self.path, *done)

    def inside(self, real):
        """Place of a real path as the host itself names it."""
        return real if self.live else "/" + os.path.relpath(real, self.path)

    def data(self, path, limit=TEXT_LIMIT):
        try:
            with open(self.at(path), "rb") as stream:
                return stream.read(limit)
        except (OSError, ValueError):
            return None

    def text(self, path, limit=TEXT_LIMIT):
        data = self.data(path, limit)
        return None if data is None else data.decode("utf-8", "replace")

    def line(self, path):
        """The one line of a sysfs or procfs file; None when there is none or it is empty."""
        text = self.text(path, 4096)
        return (text.strip() or None) if text is not None else None

    def number(self, path):
        try:
            return int(self.line(path) or "", 0)
        except ValueError:
            return None

    def names(self, path):
        try:
            return sorted(os.listdir(self.at(path)))
        except OSError:
            return []

    def link(self, path):
        """Last part of where a link points to: the driver, the IOMMU group."""
        try:
            return os.path.basename(os.readlink(self.at(os.path.dirname(path)) + "/" + os.path.basename(path)))
        except OSError:
            return None

    def real(self, path):
        """Where PATH leads in the end, as the host names it; None: nowhere."""
        real = os.path.realpath(path) if self.live else self.at(path)
        return self.inside(real) if os.path.exists(real) else None

    def is_file(self, path):
        return os.path.isfile(self.at(path))

    def is_dir(self, path):
        return os.path.isdir(self.at(path))

    def exists(self, path):
        return os.path.exists(self.at(path))

    def size(self, path):
        try:
            return os.path.getsize(self.at(path))
        except OSError:
            return None

    def mtime(self, path):
        try:
            return os.stat(self.at(path)).st_mtime
        except OSError:
            return None


class Guard:
    """Runs the parts of an observation: what one of them cannot do is an entry in errors and never stops the others."""

    def __init__(self):
        self.errors = []

    def note(self, what, message):
        self.errors.append({"what": what, "message": " ".join(str(message).split())[:1000]})

    def __call__(self, what, function, *arguments):
        try:
            return function(*arguments)
        except Exception as error:  # pylint: disable=broad-exception-caught  # a host may be broken in any way
            self.note(what, "%s: %s" % (type(error).__name__, error))
            return None
