# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Where this machine gets its packages from: the lab's hosts ask the same archive, so that no address stands in the collection."""
from __future__ import annotations

import re
from pathlib import Path

MISSING = "no archive of Debian in the package sources of this machine: name one in lab_mirrors, {debian: ..., security: ...}"


def own(root="/"):
    """{debian: uri, security: uri} by the suites of this machine's release; a key is absent where no source has it."""
    codename = _field(Path(root, "etc/os-release").read_text(), "VERSION_CODENAME", "=")
    found = {}
    for uri, suite in _entries(Path(root, "etc/apt")):
        kind = {codename: "debian", codename + "-security": "security", codename + "/updates": "security"}.get(suite.rstrip("/"))
        address = _address(uri, root) if kind else None
        if address:
            found.setdefault(kind, address)
    return found


def _field(text, name, sign):
    match = re.search(r"(?mi)^%s%s\s*\"?([^\"\n]*)" % (name, sign), text)
    return match[1].strip() if match else ""


def _entries(etc):
    """(uri, suite) of every source in both of apt's formats."""
    for path in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]:
        for line in path.read_text().splitlines() if path.exists() else []:
            match = re.match(r"\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)", line)
            if match:
                yield match[1], match[2]
    for path in sorted((etc / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            if "deb" in _field(stanza, "Types", ":").split() and _field(stanza, "Enabled", ":") != "no":
                for uri in _field(stanza, "URIs", ":").split():
                    for suite in _field(stanza, "Suites", ":").split():
                        yield uri, suite


def _address(uri, root):
    """An address that a host can ask too; a list of mirrors gives its first one."""
    if uri.startswith("mirror+file:"):
        listed = Path(root, uri.partition(":")[2].lstrip("/"))
        uri = next((line.split()[0] for line in listed.read_text().splitlines() if line.startswith("http")), "") if listed.exists() else ""
    return uri.rstrip("/") if uri.startswith("http") else None
