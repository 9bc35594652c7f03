# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The distribution's own sources with the components that drivers live in, as a drop-in of our own.

The module sources is the one that observes: it comes into the archive from plugins/module_utils/_parse, so that plan and act read alike.
"""

from __future__ import annotations

import glob
import os
import re

import host
import sources

DROP_IN = "/etc/apt/sources.list.d/ai-stack-distribution.sources"
LOGIN = re.compile(rb"://[^/@\s]+@")


def entries():
    """Return the entries of every source that is not our drop-in."""
    paths = [host.at("/etc/apt/sources.list")] + sorted(glob.glob(host.at("/etc/apt/sources.list.d/*")))
    found = []
    for path in paths:
        if os.path.isfile(path) and path != host.at(DROP_IN):
            with open(path, encoding="utf-8", errors="replace") as handle:
                found += sources.parse(path, handle.read())
    return found


def write(marker, codename, *components):
    """Write the drop-in, or remove it where the host's own sources say it all; return whether it was changed."""
    added = sources.with_components(sources.of_distribution(entries(), codename), components)
    before = host.read(DROP_IN)
    if not added:
        host.remove(DROP_IN)
        return {"changed": before is not None}
    text = ("# %s\n" % marker + "\n".join(map(sources.render, added))).encode("utf-8")
    if before != text:
        # a login in an address is root's alone, as it is in the source that it comes from
        host.write(DROP_IN, text, 0o600 if LOGIN.search(text) else 0o644)
    return {"changed": before != text}
