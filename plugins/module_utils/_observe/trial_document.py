# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""One trial as the document that a plan reads."""

from __future__ import annotations

import datetime
import os

from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import apt_view, host, kernel, packages, trial
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.root import Guard, Root
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.scratch import scratch
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import os_release

PREFIX = "ai-stack-trial-"
FETCH_SECONDS = 300


def _options(wanted, system):
    parts = next((wanted["distributions"][key] for key in os_release.set_keys(system) if key in wanted["distributions"]), {})
    return {"codename": system["codename"], "components": list(parts.get("components") or []), "repositories": wanted["repositories"], "seconds": 30}


def _not_tried(why):
    return {"version": None, "compiler": None, "modules": [], "unpacked": [], "result": "not_tried", "errors": [why], "seconds": 0}


def _attempt(root, wanted, options, guard):
    if packages.manager(root) != "apt":
        return _not_tried("a trial needs apt: this host has none")
    with apt_view.opened(root, options, guard) as view, scratch(PREFIX) as place:
        view.tool.seconds = FETCH_SECONDS
        return trial.attempt(view.tool, place, dict(wanted, seconds=wanted["timeout"], jobs=wanted["jobs"] or os.cpu_count() or 1))


def report(wanted):
    """wanted: the module's options. -> {trial, modules, unpacked}."""
    root, guard = Root("/"), Guard()
    system = host.system(root)
    release = wanted["kernel"] or (guard("next boot", kernel.next_boot, root) or (None, ""))[0]
    if release:
        outcome = guard("trial", _attempt, root, dict(wanted, kernel=release), _options(wanted, system), guard)
    else:
        outcome = _not_tried("which kernel boots next cannot be told")
    outcome = outcome or _not_tried("; ".join(each["message"] for each in guard.errors))
    key = {"suite": system["codename"] or "%s%s" % (system["distribution"], system["version"]), "kernel": release, "package": wanted["package"],
           "version": outcome["version"] or wanted["version"], "compiler": outcome["compiler"]}
    at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = dict({name: outcome[name] for name in ("result", "errors", "seconds")}, key=key, mode=wanted["mode"], host=None, at=at)
    return {"trial": document, "modules": outcome["modules"], "unpacked": outcome["unpacked"]}
