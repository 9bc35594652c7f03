# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A host's apt with the sources that the site wants: its own configuration where they are there, a scratch one where not."""

from __future__ import annotations

import contextlib
import os

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import apt, apt_scratch
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.scratch import scratch
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import dpkg, sources

PREFIX = "ai-stack-facts-"
DISTRIBUTION = "distribution"
OURS = "ai-stack-%s.sources"
LOGIN = "/etc/apt/auth.conf.d/ai-stack-%s.conf"


class AptView:
    """Which sources are there, which are wanted, and what a set's packages are offered as."""

    def __init__(self, root, options):
        self.entries = apt.entries(root)
        self.own = sources.of_distribution(self.entries, options["codename"])
        self.repositories = [each for each in options["repositories"] if each.get("type") in ("deb", "folder")]
        self.added = sources.with_components(self.own, options["components"])
        self.tool, self.failed = None, None
        self.wanted = {each["name"]: self._wanted(each) for each in self.repositories}
        self.set_up = {each["name"]: self._is_set_up(root, each) for each in self.repositories}
        self.missing = bool(self.added) or not all(self.set_up.values()) or apt.lists_at(root) is None

    def _is_set_up(self, root, repository):
        """Is the repository there as the role writes it, with the login of today?"""
        there = [each for each in self.entries if os.path.basename(each["file"]) == OURS % repository["name"]]
        login = [line for line in (root.text(LOGIN % repository["name"]) or "").splitlines() if not line.startswith("#")]
        return not sources.lacking(self.wanted[repository["name"]], there) and login == apt_scratch.netrc([repository]).splitlines()

    def _wanted(self, repository):
        """A folder of packages lies where the role put it: the host's own entry says where."""
        if repository.get("type") == "folder":
            there = [each for each in self.entries if os.path.basename(each["file"]) == OURS % repository["name"]]
            if there:
                return there[0]
        return apt_scratch.intended(repository, None)

    def all_entries(self, place):
        """Everything for a scratch configuration."""
        known = sources.pairs(self.entries + self.added)
        found = self.entries + self.added
        for each in self.repositories:
            if any(pair not in known for pair in sources.pairs([self.wanted[each["name"]]])):
                self.wanted[each["name"]] = apt_scratch.intended(each, place)
                found.append(self.wanted[each["name"]])
        return found

    def named(self):
        """{(uri, suite): name of the repository}."""
        found = {}
        for name, entries in self._named_entries():
            for uri, suite in sources.pairs(entries):
                found.setdefault((dpkg.without_credentials(uri), suite), name)
        return found

    def _named_entries(self):
        return [(DISTRIBUTION, self.own + self.added)] + [(name, [entry]) for name, entry in self.wanted.items()]

    def report(self):
        """The repositories of an observation; reachable is null where nobody asked, set_up for those of the distribution."""
        found = []
        for name, entries in self._named_entries():
            for uri, suites, components in _by_uri(entries):
                uri = dpkg.without_credentials(uri)
                why = next((why for where, why in self.failed or () if where == "*" or where.startswith((uri + " ", uri + "/"))), None)
                found.append({"name": name, "uri": uri, "suites": suites, "components": components,
                              "reachable": None if self.failed is None else why is None, "message": why, "set_up": self.set_up.get(name)})
        return found

    def offers(self, names):
        """{name: [{version, origin, repository}]}, newest first; origin is the site's repository, else the suite."""
        policy, named = self.tool.policy(names), self.named()
        return {name: list(_offers(policy.get(name) or {"versions": []}, named)) for name in names}


def _offers(policy, named):
    for each in policy["versions"]:
        if each["origins"]:
            first = each["origins"][0]
            name = named.get((first["uri"].rstrip("/"), first["suite"]))
            yield {"version": each["version"], "origin": first["suite"] if name in (None, DISTRIBUTION) else name, "repository": name}


def _by_uri(entries):
    found = {}
    for (uri, suite), components in sources.pairs(entries).items():
        suites, parts = found.setdefault(uri, ([], set()))
        suites.append(suite)
        parts.update(components)
    return [(uri, suites, sorted(parts)) for uri, (suites, parts) in found.items()]


@contextlib.contextmanager
def opened(root, options, guard):
    """The view with a working tool."""
    view = AptView(root, options)
    if not view.missing:
        view.tool = apt.Apt(options["seconds"])
        yield view
        return
    with scratch(PREFIX) as place:
        apt_scratch.folders(place)
        view.tool, view.failed = apt_scratch.update(place, view.all_entries(place), view.repositories, options["seconds"])
        for where, why in view.failed:
            guard.note("apt-get update", "%s: %s" % (where, why))
        yield view
