# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Which files belong to a package."""

from __future__ import annotations

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.run import run, which

INFO = "/var/lib/dpkg/info"
LIST_LIMIT = 1 << 24


def _by_dpkg(root, paths):
    found, left = set(), set(paths)
    names = [name for name in root.names(INFO) if name.endswith(".list")]
    # Packages about drivers first: most questions end there.
    names.sort(key=lambda name: not any(word in name for word in ("nvidia", "dkms", "kmod", "driverctl", "amdgpu")))
    for name in names:
        if not left:
            break
        data = b"\n" + (root.data("%s/%s" % (INFO, name), LIST_LIMIT) or b"")
        here = {path for path in left if b"\n" + path.encode() + b"\n" in data}
        found |= here
        left -= here
    return found


def _by_rpm(paths):
    found = set()
    for path in paths:
        if run([which("rpm") or "rpm", "-qf", path], 10).code == 0:
            found.add(path)
    return found


def owned(root, kind, paths):
    """Those of PATHS that belong to a package, themselves or where they lead (alternatives)."""
    real = {path: root.real(path) or path for path in paths}
    asked = set(paths) | set(real.values())
    if not asked:
        return set()
    known = _by_dpkg(root, asked) if kind == "apt" else _by_rpm(asked) if kind == "dnf" and root.live else set()
    return {path for path in paths if path in known or real[path] in known}
