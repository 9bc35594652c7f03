# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The packages part of an observation, whichever manager the host has."""

from __future__ import annotations

import re

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import apt, apt_view, dnf
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import dpkg, os_release, sets

RELEVANT = re.compile(
    r"nvidia|nvlsm|nouveau|^libcuda|^cuda-drivers|rocm|^amdgpu|^libdrm-amdgpu|^intel-(opencl|level-zero|i915)|^habanalabs"
    r"|^linux-(image|headers|kbuild|modules|generic|virtual)|^kernel(-|$)|firmware|^dkms$|^gcc(-\d+)?$|^make$|^kmod|^driverctl$|^mokutil$|^shim")
NOTHING = {"manager": "none", "installed": {}, "held": [], "broken": [], "lock": None, "lists_at": None, "repositories": [], "sets": {}, "tools": {}}


def manager(root):
    """dnf where the distribution is of that family, apt where dpkg has its database: some hosts have both."""
    rpm_here = any(root.exists(path) for path in dnf.DATABASES)
    family = os_release.system(root.text("/etc/os-release") or "")["family"]
    if root.is_file(apt.STATUS) and not (family == "redhat" and rpm_here):
        return "apt"
    return "dnf" if rpm_here else "none"


def installed(root):
    """{name: {version, ...}} of the whole host, for all other readers too."""
    kind = manager(root)
    return apt.packages(root) if kind == "apt" else dnf.packages(root) if kind == "dnf" else {}


def _shown(packages, wanted, everything):
    return {name: each["version"] for name, each in sorted(packages.items()) if "@" not in name and (everything or name in wanted or RELEVANT.search(name))}


def compiler_to_come(found):
    """The compiler that the packages of a set bring along, on a host that has none: path null says so."""
    for each in found["sets"].values():
        for name, version in sorted(((each["simulation"] or {}).get("install") or {}).items()):
            if re.match(r"^gcc-\d+$", name) or (name == "gcc" and found["manager"] == "dnf"):
                return {"name": "gcc", "version": sets.upstream(version), "path": None}
    return None


def _refused(request, message):
    return {"ok": False, "message": message, "request": request, "install": {}, "remove": [], "upgrade": {}, "download_bytes": 0, "installed_bytes": 0}


def _to_simulate(requests, packages, options):
    """Nothing to ask where the decided packages, or those of one whole set, are already there."""
    if options["simulate"] == "never":
        return []
    there = [name for name, request in requests.items() if sets.is_installed(request, packages) or (
        name not in options["decided"] and sets.is_proven(options["sets"][name], packages, options["proven"]))]
    if there and options["simulate"] == "auto":
        return []
    return [name for name in requests if name not in there and (name in options["decided"] or _is_of_use(name, requests[name], options))]


def _is_of_use(name, request, options):
    """What no card here takes is not asked for: each answer costs a second or more."""
    definition = options["sets"][name]
    return sets.can_drive(definition, request.get(definition.get("module")), options["cards"].get(definition.get("vendor"), ()), options["refusals"])


def _sets(offers, tool, packages, options):
    """Versions and simulation of every set that fits a card here; tool can simulate and weigh."""
    chosen, extra = options["sets"], options["extra"]
    versions = offers(sorted({name for each in chosen.values() for name in sets.names(each)} | set(extra)))
    found, requests, absent = {}, {}, {}
    for name, each in chosen.items():
        own = sets.of_branch(each, {package: versions[package] for package in sets.names(each)})
        found[name] = {"definition": each, "versions": own, "simulation": None}
        requests[name], absent[name] = sets.request(each, dict(versions, **own), options["with_switch"], extra if each.get("build") == "dkms" else ())
        requests[name] = options["decided"].get(name) or requests[name]
    for name in _to_simulate({name: request for name, request in requests.items() if request}, packages, options):
        why = "no source offers " + ", ".join(absent[name]) if absent[name] and name not in options["decided"] else None
        found[name]["simulation"] = _refused(requests[name], why) if why else tool.simulate(requests[name])
    tool.weigh([each["simulation"] for each in found.values() if each["simulation"]])
    return {"sets": found, "tools": {name: versions[name] for name in extra}}


def _offered(offers, programs):
    """{program: [{version, repository}]} of the first of its packages that some source has."""
    versions = offers(sorted({name for names in programs.values() for name in names})) if programs else {}
    there = {program: next((versions[name] for name in names if versions[name]), []) for program, names in programs.items()}
    return {program: [{key: one[key] for key in ("version", "repository")} for one in rows] for program, rows in there.items()}


def _observe_apt(root, packages, options, guard):
    if not root.live or not options["sets"] and not options["programs"]:
        return {"repositories": apt_view.AptView(root, options).report()}
    with apt_view.opened(root, options, guard) as view:
        found = _sets(view.offers, view.tool, packages, options)
        return dict(found, repositories=view.report(), offered=_offered(view.offers, options["programs"]))


def _observe_dnf(root, packages, options, guard):
    if not root.live or not options["sets"] and not options["programs"]:
        return {}
    with dnf.opened(root, options, guard) as view:
        found = _sets(view.offers, view, packages, options)
        return dict(found, repositories=view.report(), offered=_offered(view.offers, options["programs"]))


def _state(root, kind, packages, guard):
    if kind == "apt":
        return {"held": dpkg.held(packages), "broken": dpkg.broken(packages), "lock": guard("package lock", apt.lock, root), "lists_at": apt.lists_at(root)}
    return {"held": guard("versionlock", dnf.held, root) or [], "broken": [], "lock": guard("package lock", dnf.lock, root), "lists_at": dnf.lists_at(root)}


def observe(root, packages, options, guard):
    """options: codename, sets, extra, components, repositories, cards, refusals, decided, simulate, with_switch, everything, listed, proven, programs,
    seconds."""
    kind = manager(root)
    if kind == "none":
        return dict(NOTHING)
    wanted = {name for each in options["sets"].values() for name in sets.names(each)} | options["listed"] | set(options["extra"])
    found = guard(kind, _observe_apt if kind == "apt" else _observe_dnf, root, packages, options, guard) or {}
    shown = {"manager": kind, "installed": _shown(packages, wanted, options["everything"])}
    return dict(NOTHING, **shown, **_state(root, kind, packages, guard), **found)
