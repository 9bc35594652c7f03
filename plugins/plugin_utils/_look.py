# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What is known of the hosts of a site: fresh where a host answered, else what was seen of it last."""

from __future__ import annotations

import os

from . import _intent, _planner, _recorded, _run, _site, _words


def look(intent, task_vars, reports, folder, conflicts):
    """Seen of every host of the site, whatever the limit. Fresh observations are written down first, then all are read alike."""
    hosts = list(task_vars["groups"].get("all", ()))
    recorded, seen = intent.get("ai_stack_observations"), _planner.Seen()
    if isinstance(recorded, str):
        place = _run.path_in(folder, recorded)
        seen.recorded = str(place)
        if not place.is_dir():
            near = f"a folder that a plan of the hosts has written, like {_words.printable(str(reports.observations))}"
            conflicts.append(_intent.conflict("SITE-5", "ai_stack_observations", f"{_words.printable(str(place))} is no folder", near))
    else:
        place = reports.observations
        accept(task_vars, reports, seen)
    # what is in the place of a folder of recorded files, and is none, has its conflict
    if place.is_dir() or not isinstance(recorded, str):
        seen.documents, seen.about, seen.wrong = _recorded.read_folder(place, hosts)
    if isinstance(recorded, str):
        seen.fresh = set(seen.documents)
        seen.strangers = _strangers(place, hosts)
    seen.trials, seen.wrong_trials = _recorded.read_trials(reports.trials)
    _clouds(intent, task_vars, reports, seen, place / "clouds" if isinstance(recorded, str) else None)
    conflicts += _nothing_known(seen, hosts, place)
    for host in set(seen.dark) - set(seen.documents):
        seen.documents[host] = {"schema": _recorded.SCHEMA, "host": host, "reachable": False}
    return seen


def alone(host, document, reports=None):
    """Seen of one host, by what a task has just observed of it; with reports, by the trials in them too."""
    shelf, seen = _recorded.Shelf(), _planner.Seen()
    try:
        seen.documents[host], digest = shelf.check(document, f"the observation of {host}", host), _intent.sha256(document)
        seen.about[host] = {"sha256": digest, "at": seen.documents[host].get("at")}
        seen.fresh.add(host)
    except _site.SiteError as error:
        seen.wrong[host] = str(error)
    if reports:
        seen.trials, seen.wrong_trials = _recorded.read_trials(reports.trials)
    return seen


def _strangers(place, hosts):
    """The recorded files of a folder that no host of the inventory has."""
    mine = {_site.file_of(host) for host in hosts}
    return sorted(name for name in os.listdir(place) if name.endswith(".json") and name not in mine) if place.is_dir() else []


def _nothing_known(seen, hosts, place):
    """One dark host stops nobody; a plan of which no host is known would refuse nothing and change nothing, and look well."""
    if not place.is_dir() and seen.recorded or seen.wrong or any(one.get("reachable") is not False for one in seen.documents.values()):
        return
    if seen.recorded and not seen.documents:
        wanted = _words.printable(str(place / _site.file_of(hosts[0])), 300) if hosts else None
        there = f"files of no host: {_words.printable(_words.hosts_in_words(seen.strangers), 300)}" if seen.strangers else "it holds no such file"
        said = f"no host of the inventory has a file in it: wants one a host, HOST.json; {there}"
        yield _intent.conflict("SITE-7", "ai_stack_observations", said, wanted)
    else:
        why = "each was out of reach when it was recorded" if seen.recorded else "none answered, and none was seen before"
        yield _intent.conflict("SITE-7", "observations", f"nothing is known of any host: {why}", "run it where one host can be reached")


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


def _clouds(intent, task_vars, reports, seen, recorded):
    """The same of the clouds of the site; recorded: the folder of recorded files, with which no cloud is asked."""
    rows = intent.get("ai_stack_clouds")
    names = [row["name"] for row in (rows if isinstance(rows, list) else ()) if isinstance(row, dict) and isinstance(row.get("name"), str)]
    for name, (document, why) in (_run.clouds_seen(task_vars, names) if recorded is None else {}).items():
        if document is not None:
            _site.write(reports.clouds / _site.file_of(name), _site.lines(document))
            seen.clouds_fresh.add(name)
        else:
            seen.clouds_dark[name] = why
    seen.clouds, seen.clouds_about, seen.clouds_wrong = _recorded.read_clouds(recorded or reports.clouds, names)
    seen.clouds_fresh = set(seen.clouds) if recorded else seen.clouds_fresh & set(seen.clouds)


def lose(seen, hosts):
    """Hosts that this run lost on its way were seen before their change only."""
    for host in hosts & seen.fresh:
        seen.fresh.discard(host)
        seen.dark[host] = "was lost in the middle of its change: run deploy again once it answers"


def record_place(intent, task_vars, reports, folder):
    if isinstance(intent.get("ai_stack_record"), str):
        return _run.path_in(folder, intent["ai_stack_record"])
    return _site.record_place(task_vars.get("ansible_inventory_sources") or (), reports.root)
