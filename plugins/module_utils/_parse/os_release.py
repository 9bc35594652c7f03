# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""os-release: which distribution this is."""

from __future__ import annotations

import re

# ID and ID_LIKE of os-release -> the family that package managers follow.
FAMILIES = (("debian", ("debian", "ubuntu")), ("redhat", ("rhel", "fedora", "centos", "redhat")), ("suse", ("suse", "sles", "opensuse")))
LINE = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$")


def parse(text):
    """os-release -> {KEY: value}, quotes and backslashes taken away; nothing is expanded."""
    found = {}
    for line in text.splitlines():
        match = LINE.match(line.strip())
        if match:
            value = match.group(2).strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            found[match.group(1)] = value
    return found


def family(values):
    names = [values.get("ID", "")] + values.get("ID_LIKE", "").split()
    for name, members in FAMILIES:
        if any(each == member or each.startswith(member) for each in names for member in members):
            return name
    return None


def system(text):
    values = parse(text)
    return {"distribution": values.get("ID") or None, "version": values.get("VERSION_ID") or None,
            "codename": values.get("VERSION_CODENAME") or None, "family": family(values)}


def set_keys(system_):
    """Names under which a table of this distribution may stand, the most exact first."""
    name, version, kin = system_["distribution"], system_["version"], system_["family"]
    name = {"rhel": "redhat"}.get(name, name)
    major = (version or "").split(".")[0]
    keys = []
    for stem in (name, kin):
        keys += ["%s_%s" % (stem, version), "%s_%s" % (stem, major), stem] if stem and version else [stem] if stem else []
    return list(dict.fromkeys(keys))
