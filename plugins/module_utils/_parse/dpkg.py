# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The dpkg status file, and what apt-cache and apt-get say."""

from __future__ import annotations

import re

FIELD = re.compile(r"^(Package|Status|Version|Architecture|Maintainer|Provides|Source): ?(.*)$", re.M)
BROKEN = ("half-installed", "half-configured", "unpacked", "triggers-awaited", "triggers-pending")
INST = re.compile(r"^Inst (\S+?)(?::\S+)? (?:\[([^\]]*)\] )?\((\S+) ")
REMV = re.compile(r"^(?:Remv|Purg) (\S+?)(?::\S+)? \[")
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


def without_credentials(text):
    """An address may carry user and password: neither belongs in an observation."""
    return CREDENTIALS.sub("", text)


def status(text):
    """dpkg status file -> {name: {version, want, state, architecture, maintainer}} of all that is more than a left-over configuration.

    A second architecture of a package (libc6:i386) stands under name:architecture.
    """
    found = {}
    for stanza in text.split("\n\n"):
        fields = dict(FIELD.findall(stanza))
        words = fields.get("Status", "").split()
        if len(words) != 3 or words[2] in ("config-files", "not-installed") or "Package" not in fields:
            continue
        name = fields["Package"]
        if name in found:
            name = "%s:%s" % (name, fields.get("Architecture"))
        found[name] = {"version": fields.get("Version"), "want": words[0], "state": words[2], "flag": words[1],
                       "architecture": fields.get("Architecture"), "maintainer": fields.get("Maintainer", "")}
    return found


def held(packages):
    return sorted(name for name, each in packages.items() if each["want"] == "hold")


def broken(packages):
    return sorted(name for name, each in packages.items() if each["state"] in BROKEN or each["flag"] != "ok")


def policy(text):
    """`apt-cache policy NAME...` -> {name: {installed, candidate, versions: [{version, origins: [(uri, suite, component)]}]}}, newest first."""
    found, here, version = {}, None, None
    for line in text.splitlines():
        if line and not line.startswith(" "):
            here = found[line.rstrip(":")] = {"installed": None, "candidate": None, "versions": []}
        elif here is None:
            continue
        elif line.startswith("  Installed: ") or line.startswith("  Candidate: "):
            value = line.split(": ", 1)[1].strip()
            here[line.split(":")[0].strip().lower()] = None if value.startswith("(") else value
        elif re.match(r"^ (\*\*\*|   ) \S+ -?\d+", line):
            version = {"version": line[5:].split()[0], "origins": []}
            here["versions"].append(version)
        elif version is not None and re.match(r"^ {6,}", line):
            version["origins"] += _origin(line.split())
    return found


def _origin(words):
    if len(words) < 3:  # "100 /var/lib/dpkg/status"
        return []
    suite, _slash, component = words[2].rpartition("/") if words[2] not in ("./", "/") else (words[2], "", "")
    return [{"uri": without_credentials(words[1]), "suite": suite or words[2], "component": component}]


def simulation(text):
    """`apt-get -s install ...` -> {install: {name: version}, remove: [name], upgrade: {name: old version}}."""
    result = {"install": {}, "remove": [], "upgrade": {}}
    for line in text.splitlines():
        inst, remv = INST.match(line), REMV.match(line)
        if inst:
            result["install"][inst.group(1)] = inst.group(3)
            if inst.group(2):
                result["upgrade"][inst.group(1)] = inst.group(2)
        elif remv:
            result["remove"].append(remv.group(1))
    return result


def complaint(text):
    """Why apt refused: the unmet dependencies if it lists them, and its own error lines; one text, short."""
    lines = [line.rstrip() for line in text.splitlines()]
    start = next((number + 1 for number, line in enumerate(lines) if "unmet dependencies" in line), None)
    unmet = []
    for line in lines[start:] if start else []:
        if not line.startswith(" "):
            break
        unmet.append(" ".join(line.split()))
    errors = [line for line in lines if line.startswith("E: ")]
    return without_credentials("; ".join(unmet + errors))[:2000] or None


def sizes(text):
    """`apt-cache show NAME=VERSION...` -> [(name, version, download bytes, installed bytes)]."""
    found = []
    for stanza in text.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Size|Installed-Size): (.*)$", stanza, re.M))
        if "Package" in fields:
            found.append((fields["Package"], fields.get("Version"), int(fields.get("Size", 0)), 1024 * int(fields.get("Installed-Size", 0))))
    return found
