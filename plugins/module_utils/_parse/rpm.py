# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What rpm and dnf say."""

from __future__ import annotations

import re

INSTALLS = ("Installing:", "Installing dependencies:", "Installing weak dependencies:", "Upgrading:", "Downgrading:", "Reinstalling:")
REMOVES = ("Removing:", "Removing dependent packages:", "Removing unused dependencies:")
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
QUERY = "%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{VENDOR}\\n"
OFFERS = "%{name}\\t%{epoch}:%{version}-%{release}\\t%{reponame}\\n"


def without_zero(version):
    """Epoch 0 is no epoch: rpm and dnf write it in some places only."""
    return version[2:] if version.startswith("0:") else version


def installed(text):
    """`rpm -qa --qf QUERY` -> {name: {version, architecture, maintainer}}; of several (kernels) the last as NAME, each as NAME@VERSION."""
    found = {}
    for line in text.splitlines():
        words = line.split("\t")
        if len(words) == 4:
            each = {"version": without_zero(words[1]), "architecture": words[2], "maintainer": words[3], "state": "installed"}
            if words[0] in found:
                before = found[words[0]]
                found.setdefault("%s@%s" % (words[0], before["version"]), before)
                found["%s@%s" % (words[0], each["version"])] = each
            found[words[0]] = each
    return found


def _segments(text):
    """A number is newer than a word, a word than the end, the end than what follows a tilde."""
    parts = re.findall(r"(\d+)|(~|[A-Za-z]+)", text)
    return [(2, int(number), "") if number else (0, 0, "") if word == "~" else (1, 0, word) for number, word in parts] + [(0, 1, "")]


def order(version):
    """Sort key of [epoch:]version-release, as rpm compares."""
    epoch, _colon, rest = version.rpartition(":")
    number, _dash, release = rest.rpartition("-")
    return int(epoch or 0), _segments(number), _segments(release)


def offers(text):
    """`dnf repoquery --showduplicates --qf OFFERS` -> {name: [{version, origin}]}, newest first."""
    found = {}
    for line in text.splitlines():
        words = line.split("\t")
        if len(words) == 3:
            found.setdefault(words[0], {})[without_zero(words[1])] = words[2]
    return {name: [{"version": version, "origin": origin} for version, origin in sorted(each.items(), key=lambda pair: order(pair[0]), reverse=True)]
            for name, each in found.items()}


def split_release(name):
    """kernel-devel-5.14.0-503.el9.x86_64 is the package kernel-devel in one version: -> (kernel-devel, 5.14.0-503.el9); others: (name, None)."""
    match = re.match(r"^(.+?)-(\d\S*-\S+)\.(?:x86_64|aarch64)$", name)
    return match.groups() if match else (name, None)


def of_release(found, name):
    package, version = split_release(name)
    return [each for each in found.get(package, ()) if version in (None, each["version"])]


def _rows(text):
    """(section, [name, arch, version, repository, ...]) of the table; a name that is too long stands on a line of its own."""
    section, left = None, []
    for line in text.splitlines():
        if re.match(r"^[A-Z].*:$", line):
            section, left = line, []
        elif not line.startswith(" "):
            section = section if line.startswith("=") else None
        elif section:
            left += line.split()
            if len(left) >= 5:
                yield section, left
                left = []


def _size(text):
    match = re.search(r"^Total (?:download )?size: ([\d.]+) ?([kMG]?)", text, re.M)
    return int(float(match.group(1)) * UNITS[match.group(2).lower()]) if match else 0


def simulation(text):
    """`dnf --assumeno install ...` -> {ok, install: {name: version}, remove: [name], upgrade: {}, download_bytes}.

    dnf ends 1 when it is told no, so its exit code says nothing.
    """
    would = bool(re.search(r"^(Transaction Summary|Nothing to do)", text, re.M))
    found = {"ok": would, "install": {}, "remove": [], "upgrade": {}, "download_bytes": _size(text)}
    for section, words in _rows(text):
        if section in INSTALLS:
            found["install"][words[0]] = without_zero(words[2])
        elif section in REMOVES:
            found["remove"].append(words[0])
    return found


def complaint(text):
    """Why dnf refused, short."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    kept = [line for line in lines if re.match(r"^(Error: \S|Problem|- |No match for argument)", line)]
    return "; ".join(dict.fromkeys(kept))[:2000] or None


def failures(text):
    """Repositories that did not answer -> [(repository id, why)]."""
    found, here = {}, None
    for line in text.splitlines():
        match = re.match(r"^Errors during downloading metadata for repository '([^']+)':|^Error: Failed to download metadata for repo '([^']+)': (.*)$", line)
        if match:
            here = match.group(1) or match.group(2)
            found.setdefault(here, match.group(3) or "")
        elif here and line.startswith("  - ") and not found[here]:
            found[here] = line[4:].strip()
    return sorted(found.items())


def locked(text):
    """versionlock.list (dnf 4) or versionlock.toml (dnf 5) -> names."""
    toml = re.findall(r'^name\s*=\s*"([^"]+)"', text, re.M)
    plain = (re.match(r"^([^!#\s].*?)-(?:\d+:)?[^-\s]+-[^-\s]+$", line.strip()) for line in text.splitlines())
    return sorted(set(toml or [match.group(1) for match in plain if match]))


def sections(text):
    """A .repo file -> {id: {option: value}}."""
    found, here = {}, None
    for line in text.splitlines():
        match = re.match(r"^\[([^\]]+)\]", line)
        if match:
            here = found.setdefault(match.group(1), {})
        elif here is not None and "=" in line and not line.lstrip().startswith(("#", ";")):
            name, value = line.split("=", 1)
            here[name.strip()] = value.strip()
    return found
