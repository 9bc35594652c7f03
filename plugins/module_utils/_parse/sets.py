# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Package sets: which names they hold, which versions go together, what an installation of one would ask for."""

from __future__ import annotations

import re

FRIENDS = ("fabric_manager", "imex", "nvlsm", "nscq")


def upstream(version):
    """The driver's own version in a package version: without epoch and without the packager's revision."""
    return re.sub(r"^\d+:", "", version).rsplit("-", 1)[0] if version else None


def names(definition):
    """Every package name of a set."""
    friends = [definition.get(key) for key in FRIENDS]
    return list(dict.fromkeys(list(definition.get("packages") or []) + list(definition.get("companions") or []) + [each for each in friends if each]))


def _for_kernel(value, kernel):
    """{kernel} in a name of a package stands for the kernel that boots next."""
    if isinstance(value, list):
        return [_for_kernel(each, kernel) for each in value]
    return value.replace("{kernel}", kernel) if isinstance(value, str) else value


def chosen(parts, vendors, kernel):
    """The sets that drive a card that is here, for that kernel."""
    return {name: {key: _for_kernel(value, kernel or "unknown") for key, value in each.items()}
            for name, each in (parts.get("sets") or {}).items() if each.get("vendor") in vendors}


def _is_refused(definition, branch, refusal):
    branches = refusal.get(definition["flavour"], ())
    return branches is None or branch in branches


def can_drive(definition, version, cards, refusals):
    """Whether some card that is here may take the set in this version of its module, as far as the refusals of the tables tell.

    cards: ids of those that are of the set's vendor; refusals: [{ids, open, proprietary}] as _compat/refusals.py makes them.
    A card that they do not name may take anything.
    """
    if definition.get("flavour") not in ("open", "proprietary"):
        return True
    branch = (upstream(version) or definition.get("branch") or "").split(".")[0]
    known = {identity: each for each in refusals for identity in each["ids"]}
    return not cards or any(card not in known or not _is_refused(definition, branch, known[card]) for card in cards)


def of_branch(definition, versions):
    """The offers of a set that is one module stream: streams share package names, so other branches stand beside its own."""
    branch = definition.get("branch") if definition.get("stream") else None
    if not branch:
        return versions
    found = {}
    for name, offers in versions.items():
        own = [each for each in offers if upstream(each["version"]).startswith(branch + ".")]
        found[name] = own or (offers if name in (definition.get("companions") or ()) else [])
    return found


def same_upstream(offers, version):
    """The newest offer of that upstream version; None: there is none."""
    return next((each["version"] for each in offers if upstream(each["version"]) == version), None)


def _newest(offers):
    return offers[0]["version"] if offers else None


def request(definition, versions, with_switch, extra=()):
    """-> ({name: version} to ask the package manager for, [names that no source offers]).

    The packages of a set are of one upstream version, the module's newest; where one is not offered in it,
    its newest is asked for and the package manager says what is wrong. Companions come at their newest.
    """
    lead = definition.get("module")
    wanted = upstream(_newest(versions.get(lead) or [])) if lead else None
    asked, absent = {}, []
    for name in definition.get("packages") or []:
        offers = versions.get(name) or []
        version = same_upstream(offers, wanted) or _newest(offers)
        if version:
            asked[name] = version
        else:
            absent.append(name)
    for name in list(definition.get("companions") or []) + list(extra):
        if versions.get(name):
            asked[name] = _newest(versions[name])
    for key in ("fabric_manager", "nvlsm") if with_switch else ():
        name = definition.get(key)
        version = same_upstream(versions.get(name) or [], wanted) if key == "fabric_manager" else _newest(versions.get(name) or [])
        if name and version:
            asked[name] = version
    return asked, absent


def is_proven(definition, packages, proven):
    """The set is there in the versions that an earlier change of ours proved: newer offers move nothing by themselves."""
    names_ = definition.get("packages") or []
    return bool(names_) and all(name in packages and packages[name].get("version") == proven.get(name) for name in names_)


def is_installed(asked, packages):
    return bool(asked) and all(packages.get(name, {}).get("version") == version for name, version in asked.items())
