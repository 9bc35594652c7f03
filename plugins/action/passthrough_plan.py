# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a host gives away; see the module of the same name for its documentation."""

from __future__ import annotations

import os
import re

from ansible.plugins.action import ActionBase

from ..module_utils._compat.index import Index
from ..module_utils._compat.register import entry
from ..module_utils._compat.waivers import Waivers
from ..module_utils._pools import alone
from ..plugin_utils import _intent, _planner, _prover, _run, _site, _tables
from ..plugin_utils._edge import one_sentence
from .host_plan import slice_of_this_run

ADDRESS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
ID = re.compile(r"[0-9a-f]{4}")
# GRUB and the shell read these words: nothing in one may end it.
WORD = re.compile(r"[A-Za-z0-9_.,:=/@+%-]+")
MODULE = re.compile(r"[A-Za-z0-9_-]+")
PAGE = re.compile(r"[0-9]+[KMG]")


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        spec = {"observation": {"type": "raw", "required": True}, "console": {"type": "bool", "default": False}, "planned": {"type": "bool", "default": False}}
        spec.update({name: {"type": "raw"} for name in ("cards", "arguments", "modules", "keep_off", "pages")})
        dummy, given = self.validate_argument_spec(spec)
        with one_sentence(self._display, result, "What this host gives away"):
            self._decide({key: _run.plain(value) for key, value in given.items()}, task_vars, result)
        return result

    def _decide(self, given, task_vars, result):
        host, folder = task_vars["inventory_hostname"], os.getcwd()
        site, dummy = _run.site_intent(self._templar, task_vars)
        mine = slice_of_this_run(_site.Reports(_site.report_root(site, folder)), host)
        if given["planned"] and not mine:
            raise _site.SiteError(f"This run has no plan for {host}: the verb did not come to planning it. Nothing was changed.")
        intent, dummy = _run.host_variables(self._templar, task_vars)
        waivers, extra = _prover.of_site(intent, folder)
        index, seen, wrong = Index(_tables.load(extra)), given["observation"], list(_wrong(given))
        result.update(changed=False, planned_by="verb" if mine else "role", want=None, changes=[], warnings_said=[])
        result.update({part: (mine or {}).get(part) for part in ("policy", "tenants")})
        conflicts = wrong
        if mine:
            decisions, conflicts = mine["decisions"], conflicts + mine["conflicts"]
        elif not wrong and not given["cards"]:
            decisions, conflicts = {}, list(_emptied(seen))
        elif not wrong:
            groups = [group for group, hosts in task_vars["groups"].items() if host in hosts]
            waived = Waivers(index, waivers, _run.now()[:10]).for_host(host, groups, [])
            decisions, refused, warned = alone.decided(index, host, seen, _wanted(given), waived)
            conflicts, result["warnings_said"] = conflicts + refused, _planner.text_of(warned)
        if not wrong and "passthrough.bind" in decisions:
            result["want"] = alone.settings(index, decisions, seen, _pages(given))
            result["changes"] = alone.changes(result["want"], seen)
            if result["changes"]:
                conflicts += [entry(index, None, one, host) for one in alone.boots_once(seen, given["console"])]
        result.update(conflicts=conflicts, messages=_planner.text_of(conflicts), plan_sha256=_intent.sha256([result["want"], result["changes"]]))


def _wanted(given):
    return {"cards": given["cards"] or {}, **{name: given[name] or [] for name in ("arguments", "modules", "keep_off")}}


def _emptied(seen):
    """No cards are no wish to take those back that are given away."""
    kept = ((seen.get("passthrough") or {}).get("settings") or {}).get("cards")
    if kept:
        yield _row("cards", f"names none, and this host gives {', '.join(sorted(kept))} away", "pci_passthrough_state: absent, which takes them back")


def _pages(given):
    """The kernel's words for pages that are kept from the boot on, largest first: what a word counts is the size before it."""
    sizes = sorted((given["pages"] or {}).items(), key=lambda item: ("KMG".index(item[0][-1]), int(item[0][:-1])), reverse=True)
    return [word for size, count in sizes for word in (f"hugepagesz={size}", f"hugepages={count}")]


def _wrong(given):
    """What is no value of its variable, whatever the host is."""
    cards, pages = given["cards"] or {}, given["pages"] or {}
    for place, ids in cards.items() if isinstance(cards, dict) else [("", None)]:
        good = isinstance(ids, dict) and set(ids) == {"vendor", "device"} and all(isinstance(one, str) and ID.fullmatch(one) for one in ids.values())
        if not good or not ADDRESS.fullmatch(str(place)):
            yield _row("cards", f"wants addresses with vendor and device, small hex digits in quotes; {place} has {ids}",
                       '{"0000:17:00.0": {vendor: "abcd", device: "0123"}}')
    for name, pattern in (("arguments", WORD), ("modules", MODULE), ("keep_off", MODULE)):
        words = given[name] or []
        for word in words if isinstance(words, list) else [words]:
            if not isinstance(words, list) or not isinstance(word, str) or not pattern.fullmatch(word):
                yield _row(name, f"wants a list of words without spaces and quotes, not {word}", "a list of words")
    for size, count in pages.items() if isinstance(pages, dict) else [("", None)]:
        if not PAGE.fullmatch(str(size)) or not isinstance(count, int) or isinstance(count, bool) or count < 1:
            yield _row("pages", f"wants sizes of pages with their number, not {size}: {count}", "{1G: 64}")


def _row(name, message, near):
    return _intent.conflict(None, f"pci_passthrough_{name}", message, near, source=None)
