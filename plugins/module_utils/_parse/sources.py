# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Package sources of apt: both notations in, deb822 out; and what is missing among them.

The program of the role gpu_driver takes this file along: it imports the standard library alone.
"""

from __future__ import annotations

import re

ONE_LINE = re.compile(r"^(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)$")
# what an option of one line is called in deb822, where it has another name there
FIELDS = {"arch": "architectures", "lang": "languages", "target": "targets"}
VERBS = {"+": "-add", "-": "-remove"}
# options of one line that apt 2.6 does not read in deb822, and without which it takes no second entry of their suite
NO_FIELD = {"allow-insecure", "allow-weak", "allow-downgrade-to-insecure", "inrelease-path"}
# what apt takes for a no; it takes every other word for a yes
NO = ("no", "false", "0", "off", "without", "disable")


def parse(path, text):
    """A file of sources -> its entries; apt reads no file of another name."""
    return parse_deb822(text) if path.endswith(".sources") else parse_list(text) if path.endswith(".list") else []


def _stanza(text):
    fields, last = {}, None
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] in " \t" and last:
            fields[last] += "\n" + line.strip()
        elif ":" in line:
            last, value = line.split(":", 1)
            last = last.strip().lower()
            fields[last] = value.strip()
    return fields


def parse_deb822(text):
    """*.sources -> entries {types, uris, suites, components, options}; a stanza with Enabled: no is none."""
    found = []
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields = _stanza(stanza)
        if "uris" in fields and fields.get("enabled", "yes").lower() not in NO:
            found.append({"types": fields.pop("types", "deb").split(), "uris": fields.pop("uris").split(), "suites": fields.pop("suites", "").split(),
                          "components": fields.pop("components", "").split(), "options": {name: value for name, value in fields.items() if name != "enabled"}})
    return found


def _field(name):
    bare = name.rstrip("+-")
    return FIELDS.get(bare, bare) + VERBS.get(name[len(bare):], "")


def parse_list(text):
    """*.list -> entries, one a line."""
    found = []
    for line in text.splitlines():
        match = ONE_LINE.match(line.split("#")[0].strip())
        if match:
            pairs = (pair.split("=", 1) for pair in (match.group(2) or "").split() if "=" in pair)
            options = {_field(name): value.replace(",", " ") for name, value in pairs}
            found.append({"types": [match.group(1)], "uris": [match.group(3)], "suites": [match.group(4)],
                          "components": match.group(5).split(), "options": options})
    return found


def render(entry):
    """deb822 text of an entry, with all its options: apt reads no sources of which two say another option of one suite."""
    lines = ["Types: deb", "URIs: " + " ".join(entry["uris"]), "Suites: " + " ".join(entry["suites"])]
    lines += ["Components: " + " ".join(entry["components"])] if entry["components"] else []
    for name, value in sorted(entry["options"].items()):
        lines.append("%s: %s" % ("-".join(word.capitalize() for word in name.split("-")), value.replace("\n", "\n ")))
    return "\n".join(lines) + "\n"


def lists_only(entry):
    """The entry for package lists alone: translations and contents decide nothing."""
    return dict(entry, options=dict(entry["options"], targets="Packages", languages="none"))


def pairs(entries):
    """{(uri, suite): set of components} of binary sources."""
    found = {}
    for entry in entries:
        for uri in entry["uris"] if "deb" in entry["types"] else ():
            for suite in entry["suites"]:
                found.setdefault((uri.rstrip("/"), suite), set()).update(entry["components"])
    return found


def of_distribution(entries, codename):
    """The distribution's own entries among the host's: suites of its code name, signed by nobody else's key."""
    def own(entry):
        key = entry["options"].get("signed-by", "")
        signed = not key or re.search(r"(debian|ubuntu)[-a-z]*-(archive|keyring)", key.rsplit("/", 1)[-1])
        return signed and "deb" in entry["types"] and all(re.match(re.escape(codename) + r"($|[-/])", suite) for suite in entry["suites"])
    return [entry for entry in entries if codename and entry["suites"] and own(entry)]


def with_components(entries, components):
    """Entries that add COMPONENTS to each (uri, suite) that lacks some; [] when nothing is missing, or apt would not take it."""
    have, found = pairs(entries), []
    # a flat folder of packages has no components
    for entry in [each for each in entries if each["components"] and not NO_FIELD & set(each["options"])]:
        for uri in entry["uris"]:
            for suite in entry["suites"]:
                lacking = [each for each in components if each not in have[(uri.rstrip("/"), suite)]]
                if lacking:
                    have[(uri.rstrip("/"), suite)].update(lacking)
                    found.append(dict(entry, types=["deb"], uris=[uri], suites=[suite], components=lacking))
    return found


def lacking(wanted, entries):
    """True when a source that is wanted is not among the host's entries."""
    have = pairs(entries)
    return any(not components <= have.get(pair, set()) or pair not in have for pair, components in pairs([wanted]).items())


def failures(text):
    """Output of `apt-get update` -> [(address and suite as apt prints them, why)]."""
    found, lines = [], text.splitlines()
    for number, line in enumerate(lines):
        match = re.match(r"^Err:\d+ (.+)$", line)
        if match:
            why = [each.strip() for each in lines[number + 1:number + 3] if each.startswith("  ")]
            found.append((match.group(1).strip(), "; ".join(why)))
        match = re.match(r"^[EW]: (?:GPG error: |The repository '|Failed to fetch )(\S+)[ ']*(.*)$", line)
        if match and not any(match.group(1).startswith(where.split()[0]) for where, _why in found):
            found.append((match.group(1), line[3:]))
    return found
