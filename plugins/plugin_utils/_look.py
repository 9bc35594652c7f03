# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What is known of the hosts of a site: fresh where a host answered, else what was seen of it last."""

from __future__ import annotations

from . import _intent, _planner, _recorded, _run, _site, _words


def look(intent, task_vars, reports, folder, conflicts):
    """Seen of every host of the site, whatever the limit. Fresh observations are written down first, then all are read alike."""
    hosts = list(task_vars["groups"].get("all", ()))
    recorded, seen = intent.get("ai_stack_observations"), _planner.Seen()
    if isinstance(recorded, str):
        place = _run.path_in(folder, recorded)
        seen.recorded = str(place)
        if not place.is_dir():
            conflicts.append(_intent.conflict("SITE-5", "ai_stack_observations", f"{_words.printable(str(place))} is no folder"))
    else:
        place = reports.observations
        accept(task_vars, reports, seen)
    seen.documents, seen.about, seen.wrong = _recorded.read_folder(place, hosts)
    if isinstance(recorded, str):
        seen.fresh = set(seen.documents)
    seen.trials, seen.wrong_trials = _recorded.read_trials(reports.trials)
    for host in set(seen.dark) - set(seen.documents):
        seen.documents[host] = {"schema": _recorded.SCHEMA, "host": host, "reachable": False}
    return seen


def accept(task_vars, reports, seen):
    """Write down what the hosts of this run said; where one did not answer, what was seen last stays."""
    inside = _run.hosts_inside(task_vars)
    seen.outside = len(task_vars["groups"].get("all", ())) - len(inside)
    for host in inside:
        document, why = _run.observed(task_vars, host)
        if document is not None:
            _site.write(reports.observations / _site.file_of(host), _site.lines(document))
            seen.fresh.add(host)
        elif why:
            seen.dark[host] = why


def record_place(intent, task_vars, reports, folder):
    if isinstance(intent.get("ai_stack_record"), str):
        return _run.path_in(folder, intent["ai_stack_record"])
    return _site.record_place(task_vars.get("ansible_inventory_sources") or (), reports.root)
