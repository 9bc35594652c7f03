# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The packages part of an observation, whichever manager the host has."""

from __future__ import annotations

import contextlib
import re

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import apt, apt_scratch, dnf
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.scratch import scratch
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import dpkg, sets, sources

PREFIX = "ai-stack-facts-"
DISTRIBUTION = "distribution"
RELEVANT = re.compile(r"nvidia|nvlsm|nouveau|^libcuda|^cuda-drivers|rocm|^amdgpu|^libdrm-amdgpu|^intel-(opencl|level-zero|i915)|^habanalabs"
                      r"|^linux-(image|headers|kbuild|modules|generic|virtual)|^kernel(-|$|@)|firmware|^dkms$|^gcc(-\d+)?$|^make$|^kmod|^driverctl$|^mokutil$|^shim")
NOTHING = {"manager": "none", "installed": {}, "held": [], "broken": [], "lock": None, "lists_at": None, "repositories": [], "sets": {}}


def manager(root):
    if root.is_file(apt.STATUS):
        return "apt"
    return "dnf" if any(root.exists(path) for path in dnf.DATABASES) else "none"


def installed(root):
    """{name: {version, ...}} of the whole host, for all other readers too."""
    kind = manager(root)
    return apt.packages(root) if kind == "apt" else dnf.packages(root) if kind == "dnf" else {}


def _shown(packages, wanted, everything):
    return {name: each["version"] for name, each in sorted(packages.items()) if everything or name in wanted or RELEVANT.search(name)}


class AptView:
    """One host's apt, in its own configuration or, where a wanted source is missing, in a scratch one."""

    def __init__(self, root, options, components):
        self.entries = apt.entries(root)
        self.own = sources.of_distribution(self.entries, options["codename"])
        self.repositories = [each for each in options["repositories"] if each.get("type") in ("deb", "folder")]
        wanted = [apt_scratch.intended(each, None) for each in self.repositories]
        self.added = sources.with_components(self.own, components)
        self.missing = bool(self.added) or any(sources.lacking(each, self.entries) for each in wanted) or apt.lists_at(root) is None
        self.named = {}
        for name, entries in [(DISTRIBUTION, self.own + self.added)] + [(each["name"], [entry]) for each, entry in zip(self.repositories, wanted)]:
            for pair in sources.pairs(entries):
                self.named.setdefault((dpkg.without_credentials(pair[0]), pair[1]), name)

    def all_entries(self, place):
        known = sources.pairs(self.entries + self.added)
        extra = [apt_scratch.intended(each, place) for each in self.repositories]
        return self.entries + self.added + [each for each in extra if any(pair not in known for pair in sources.pairs([each]))]

    def report(self, failed):
        """failed: None where nobody asked; then reachable is unknown."""
        found = []
        wanted = [apt_scratch.intended(each, None) for each in self.repositories]
        for name, entries in [(DISTRIBUTION, self.own + self.added)] + [(each["name"], [entry]) for each, entry in zip(self.repositories, wanted)]:
            for uri, suites, components in _by_uri(entries):
                why = None if failed is None else next((why for where, why in failed if where == "*" or dpkg.without_credentials(uri) in where), None)
                found.append({"name": name, "uri": dpkg.without_credentials(uri), "suites": suites, "components": components,
                              "reachable": None if failed is None else why is None, "message": why})
        return found

    def versions(self, policy, name):
        found = []
        for each in (policy.get(name) or {"versions": []})["versions"]:
            if each["origins"]:
                first = each["origins"][0]
                name = self.named.get((first["uri"].rstrip("/"), first["suite"]))
                found.append({"version": each["version"], "origin": first["suite"] if name in (None, DISTRIBUTION) else name, "repository": name})
        return found


def compiler_to_come(found):
    """The compiler that the packages of a set bring along, on a host that has none: path null says so."""
    for each in found["sets"].values():
        for name, version in sorted(((each["simulation"] or {}).get("install") or {}).items()):
            if re.match(r"^gcc(-\d+)?$", name) and (name != "gcc" or found["manager"] == "dnf"):
                return {"name": "gcc", "version": sets.upstream(version), "path": None}
    return None


def _by_uri(entries):
    found = {}
    for (uri, suite), components in sources.pairs(entries).items():
        suites, parts = found.setdefault(uri, ([], set()))
        suites.append(suite)
        parts.update(components)
    return [(uri, suites, sorted(parts)) for uri, (suites, parts) in found.items()]


def _sets(view, tool, packages, options):
    """Versions and simulation of every set that fits a card here."""
    chosen, extra = options["sets"], options["extra"]
    policy = tool.policy(sorted({name for each in chosen.values() for name in sets.names(each)} | set(extra)))
    tools = {name: view.versions(policy, name) for name in extra}
    found, asked = {}, {}
    for name, each in chosen.items():
        versions = {package: view.versions(policy, package) for package in sets.names(each)}
        more = extra if each.get("build") == "dkms" else ()
        asked[name] = sets.request(each, dict(tools, **versions), options["with_switch"], more)
        found[name] = {"definition": each, "versions": versions, "simulation": None}
    for name in _to_simulate(asked, packages, options):
        found[name]["simulation"] = _simulation(tool, options["decided"].get(name) or asked[name][0], asked[name][1])
    return found


def _to_simulate(asked, packages, options):
    """Nothing to ask where the decided packages, or those of one whole set, are already there."""
    if options["simulate"] == "never":
        return []
    wanted = {name: options["decided"].get(name) or request for name, (request, _absent) in asked.items() if request or name in options["decided"]}
    there = [name for name, request in wanted.items() if sets.is_installed(request, packages)]
    if there and options["simulate"] == "auto":
        return []
    return [name for name in wanted if name not in there]


def _simulation(tool, request, absent):
    if absent:
        return {"ok": False, "message": "no source offers " + ", ".join(absent), "request": request, "install": {}, "remove": [], "upgrade": {},
                "download_bytes": 0, "installed_bytes": 0}
    return tool.simulate(request)


@contextlib.contextmanager
def opened(root, options, guard):
    """(view, Apt, failures) over the host's own configuration, or over a scratch one where a wanted source is missing."""
    view = AptView(root, options, options["components"])
    if not view.missing:
        yield view, apt.Apt(options["seconds"]), None
        return
    with scratch(PREFIX) as place:
        tool, failed = apt_scratch.update(place, view.all_entries(place), view.repositories, options["seconds"])
        for where, why in failed:
            guard.note("apt-get update", "%s: %s" % (where, why))
        yield view, tool, failed


def _observe_apt(root, packages, options, guard):
    if not root.live or not options["sets"]:
        return AptView(root, options, options["components"]).report(None), {}
    with opened(root, options, guard) as (view, tool, failed):
        return view.report(failed), _sets(view, tool, packages, options)


def observe(root, packages, options, guard):
    """options: codename, sets, extra, components, repositories, decided, simulate, with_switch, everything, seconds."""
    kind = manager(root)
    if kind == "none":
        return dict(NOTHING)
    wanted = {name for each in options["sets"].values() for name in sets.names(each)} | options["listed"] | set(options["extra"])
    if kind == "apt":
        asked = guard("apt", _observe_apt, root, packages, options, guard)
        parts = {"held": dpkg.held(packages), "broken": dpkg.broken(packages), "lock": guard("package lock", apt.lock, root), "lists_at": apt.lists_at(root)}
    else:
        asked = guard("dnf", dnf.observe, root, packages, options, guard)
        parts = {"held": guard("versionlock", dnf.held, root) or [], "broken": [], "lock": guard("package lock", dnf.lock, root), "lists_at": dnf.lists_at(root)}
    repositories, found = asked or ([], {})
    return dict(parts, manager=kind, installed=_shown(packages, wanted, options["everything"]), repositories=repositories, sets=found)
