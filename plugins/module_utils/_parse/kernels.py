# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Order of kernel releases, and which of them a boot loader starts next."""

from __future__ import annotations

import re

ENTRY = re.compile(r"^\s*(menuentry|submenu)\s+(?:'((?:[^']|'\\'')*)'|\"([^\"]*)\")(.*)$")
IDENTIFIER = re.compile(r"(?:--id\s+|\$menuentry_id_option\s+)(?:'([^']*)'|\"([^\"]*)\"|(\S+))")
IMAGE = re.compile(r"^\s*linux(?:16|efi)?\s+(\S+)")
DEFAULT = re.compile(r"^\s*set\s+default=\"?([^\"]*?)\"?\s*$")


def key(release):
    """Sort key by segments: a number is newer than a word, a word than the end, the end than a release candidate."""
    parts = []
    for number, word in re.findall(r"(\d+)|(~|[A-Za-z]+)", release):
        rank = 3 if number else 0 if word in ("~", "rc", "pre") else 2
        parts.append((rank, int(number or 0), word))
    return parts + [(1, 0, "")]


def newest(releases):
    return max(releases, key=key) if releases else None


def grubenv(text):
    """grubenv -> {name: value}; the filling of # is no line of it."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def grub_entries(text):
    """grub.cfg -> entries in order: {place: [menus on the way, and itself], kernel: release or None, body: [lines between its braces]}."""
    entries, stack, counts, depth = [], [], [0], 0
    for line in text.splitlines():
        match = ENTRY.match(line)
        if match:
            title = match.group(2) if match.group(2) is not None else match.group(3)
            ident = IDENTIFIER.search(match.group(4))
            ident = next((each for each in ident.groups() if each), None) if ident else None
            place = {"kind": match.group(1), "number": counts[-1], "title": title, "id": ident, "depth": depth}
            counts[-1] += 1
            stack.append(place)
            counts.append(0)
            if place["kind"] == "menuentry":
                entries.append({"place": [dict(each) for each in stack], "kernel": None, "body": []})
        elif entries and stack and stack[-1]["kind"] == "menuentry" and depth + line.count("{") - line.count("}") > stack[-1]["depth"]:
            entries[-1]["body"].append(line)
            image = IMAGE.match(line)
            if image and entries[-1]["kernel"] is None:
                entries[-1]["kernel"] = release_of_image(image.group(1))
        depth += line.count("{") - line.count("}")
        while stack and depth <= stack[-1]["depth"]:
            stack.pop()
            counts.pop()
    return entries


def release_of_image(path):
    match = re.match(r"^(?:vmlinuz|vmlinux|kernel|linux)-(.+)$", path.rsplit("/", 1)[-1])
    return match.group(1) if match else None


def _matches(step, place):
    return step in (place["title"], place["id"]) or (step.isdigit() and int(step) == place["number"])


def grub_pick(entries, wanted):
    """The entry that GRUB's name, id or number ("1>0" goes into a submenu) means; None: none of them."""
    steps = wanted.split(">")
    for entry in entries:
        if len(entry["place"]) == len(steps) and all(_matches(step, place) for step, place in zip(steps, entry["place"])):
            return entry
    for entry in entries:  # an id or title alone is found in submenus too; a submenu means its first entry
        if any(wanted in (place["title"], place["id"]) for place in entry["place"]) or _matches(steps[0], entry["place"][0]):
            return entry
    return None


def grub_wanted(config, environment):
    """What grub.cfg asks for, once grubenv had its say: (name, why)."""
    if environment.get("next_entry"):
        return environment["next_entry"], "next_entry of grubenv (this boot only)"
    defaults = [match.group(1) for match in map(DEFAULT.match, config.splitlines()) if match]
    wanted = next((each for each in defaults if "next_entry" not in each), "0")
    if "saved_entry" in wanted:
        saved = environment.get("saved_entry")
        return (saved, "saved_entry of grubenv") if saved else ("0", "first entry: grubenv saved none")
    return wanted or "0", "default of grub.cfg"


def grub_next(config, environment):
    """(release or None, because) of a grub.cfg with its own menu entries."""
    wanted, because = grub_wanted(config, environment)
    entry = grub_pick(grub_entries(config), wanted)
    return (entry["kernel"] if entry else None), because


def bls_entry(name, text):
    """One file of loader/entries -> {id, title, version, kernel}."""
    fields = dict((line.split(None, 1) + [""])[:2] for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return {"id": name, "title": fields.get("title", "").strip(), "version": fields.get("version", "").strip(),
            "kernel": release_of_image(fields.get("linux", "").strip()) or fields.get("version", "").strip() or None}


def bls_next(entries, environment):
    """(release or None, because) of boot loader entries: the saved one, else the newest that is no rescue entry."""
    ordered = sorted(entries, key=lambda each: key(each["version"] or each["id"]), reverse=True)
    ordered = [each for each in ordered if "rescue" not in each["id"]] + [each for each in ordered if "rescue" in each["id"]]
    for name in ("next_entry", "saved_entry"):
        wanted = environment.get(name)
        for number, each in enumerate(ordered):
            if wanted and wanted in (each["id"], each["title"], str(number)):
                return each["kernel"], "%s of grubenv" % name
    return (ordered[0]["kernel"], "newest boot loader entry") if ordered else (None, "no boot loader entry")
