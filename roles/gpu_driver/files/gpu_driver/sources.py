# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The distribution's own sources with the components that drivers live in, as a drop-in of our own."""

from __future__ import annotations

import glob
import os
import re

import host

DROP_IN = "/etc/apt/sources.list.d/ai-stack-distribution.sources"
ONE_LINE = re.compile(r"^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.*)$")
KEYRING = re.compile(r"(debian|ubuntu)[-a-z]*(archive|keyring)")


def entries():
    """Return (uri, suite, components, signed-by) of every binary source that is not our drop-in."""
    paths = [host.at("/etc/apt/sources.list")] + sorted(glob.glob(host.at("/etc/apt/sources.list.d/*")))
    found = []
    for path in paths:
        if os.path.isfile(path) and path != host.at(DROP_IN):
            with open(path, encoding="utf-8", errors="replace") as handle:
                text = handle.read()
            found += stanzas(text) if path.endswith(".sources") else lines(text) if path.endswith(".list") else []
    return found


def stanzas(text):
    for stanza in re.split(r"\n\s*\n", text):
        fields, last = {}, None
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t") and last:
                fields[last] += "\n" + line
            elif ":" in line:
                last, value = line.split(":", 1)
                last = last.strip().lower()
                fields[last] = value.strip()
        if "deb" in fields.get("types", "deb").split() and fields.get("enabled", "yes").lower() in ("yes", "true", "1", "on"):
            for uri in fields.get("uris", "").split():
                for suite in fields.get("suites", "").split():
                    yield uri.rstrip("/"), suite, fields.get("components", "").split(), fields.get("signed-by", "")


def lines(text):
    for line in text.splitlines():
        found = ONE_LINE.match(line.split("#")[0].strip())
        if found:
            options = dict(pair.split("=", 1) for pair in (found.group(1) or "").split() if "=" in pair)
            yield found.group(2).rstrip("/"), found.group(3), found.group(4).split(), options.get("signed-by", "")


def lacking(components, codename):
    """Return {(uri, suite, signed-by): [component]} of the distribution's suites that lack some."""
    have, keys = {}, {}
    for uri, suite, parts, key in entries():
        ours = not key or KEYRING.search(os.path.basename(key)) or "BEGIN PGP" in key
        if ours and re.match(re.escape(codename) + r"($|[-/])", suite):
            have.setdefault((uri, suite), set()).update(parts)
            keys.setdefault((uri, suite), key)
    found = {}
    for (uri, suite), parts in have.items():
        missing = [name for name in components if name not in parts]
        if missing and parts:
            found[(uri, suite, keys[(uri, suite)])] = missing
    return found


def write(marker, codename, *components):
    """Write the drop-in, or remove it where the host's own sources say it all; return whether it was changed."""
    rows = lacking(components, codename)
    text = "# %s\n" % marker + "\n".join(
        "Types: deb\nURIs: %s\nSuites: %s\nComponents: %s\n%s" % (uri, suite, " ".join(missing), "Signed-By: %s\n" % key if key else "")
        for (uri, suite, key), missing in sorted(rows.items()))
    before = host.read(DROP_IN)
    if not rows:
        host.remove(DROP_IN)
        return {"changed": before is not None}
    if before != text.encode("utf-8"):
        host.write(DROP_IN, text.encode("utf-8"), 0o644)
    return {"changed": before != text.encode("utf-8")}
