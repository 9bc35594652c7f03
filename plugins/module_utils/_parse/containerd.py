# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What containerd and its files say, as far as nodes are told apart by it. Not a reader of TOML: hosts have none before Python 3.11."""

from __future__ import annotations

import re

# what a containerd without a root file takes in
IMPORTS = ("/etc/containerd/conf.d/*.toml",)
# what containerd takes a file for that says no version
UNSAID = 1
_VERSION = re.compile(r"\sv?(\d+\.\d+\.\d+\S*)")
_TABLE = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+", re.M)
_OLD = re.compile(r"registry['\"]?\.(mirrors|configs|auths)\.")
_CGROUP = re.compile(r"^\s*SystemdCgroup\s*=\s*(true|false)", re.M)
_PART = re.compile(r"""['"]([^'"]*)['"]|([^.'"\s]+)""")
_RUNC = re.compile(r"runtimes\.['\"]?runc['\"]?\.options$")


def version(text):
    """2.4.2 of `containerd --version`; null: it did not say."""
    found = _VERSION.search(text or "")
    return found.group(1) if found else None


def _top(text):
    """What stands before the first table."""
    first = _TABLE.search(text)
    return text[:first.start()] if first else text


def file(text, marker):
    """{version, imports, ours, old_registry} of a file; version: null where it says none, which is 1 to containerd."""
    top = _top(text)
    number = re.search(r"^\s*version\s*=\s*(\d+)", top, re.M)
    listed = re.search(r"^\s*imports\s*=\s*\[(.*?)\]", top, re.M | re.S)
    return {"version": int(number.group(1)) if number else None, "imports": re.findall(r"[\"']([^\"']+)[\"']", listed.group(1)) if listed else [],
            "ours": marker in text[:4096], "old_registry": sorted({"registry.%s" % name for table in _TABLE.findall(text) for name in _OLD.findall(table)})}


def newer(root, drop_ins):
    """Files with a higher version than the root file that takes them in: some patches of containerd stop at one (rule K8S-N3)."""
    return [one for one in drop_ins if (one.get("version") or UNSAID) > (root.get("version") or UNSAID)]


def setting(dump, path):
    """The value of a setting in the text of `containerd config dump`, by its path with / between, as a text without quotes; null: it is not there."""
    table, _slash, name = path.rpartition("/")
    for found in _TABLE.finditer(dump or ""):
        if [one or other for one, other in _PART.findall(found.group(1))] == table.split("/"):
            value = re.search(r"^\s*%s\s*=\s*(.*?)\s*$" % re.escape(name), _top(dump[found.end():]), re.M)
            return value.group(1).strip("\"'") if value else None
    return None


def systemd_cgroup(dump):
    """Whether runc leaves cgroups to systemd, by the text of `containerd config dump`; null: it does not say."""
    for found in _TABLE.finditer(dump or ""):
        if _RUNC.search(found.group(1)):
            after = dump[found.end():]
            value = _CGROUP.search(_top(after))
            return value.group(1) == "true" if value else None
    return None
