# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The plan of a whole site, once, on the controller; see the module of the same name for its documentation."""

from __future__ import annotations

import os

from ansible.plugins.action import ActionBase

from ..plugin_utils import _approved, _clusters, _intent, _lock, _look, _pages, _planner, _run, _site, _values, _words
from ..plugin_utils._edge import one_sentence


class ActionModule(ActionBase):
    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec(
            {"mode": {"type": "str", "choices": ["plan", "deploy"], "default": "plan"}, "settled": {"type": "bool", "default": False}}
        )
        self._locked = None
        with one_sentence(self._display, result, "The plan"):
            self._plan(arguments["mode"], arguments["settled"], task_vars, result)
        if self._locked and result["failed"]:
            # nothing comes after a deploy that is refused: nobody else would give it back
            _lock.release(self._locked)
        return result

    def _plan(self, mode, settled, task_vars, result):
        self._now, self._folder = _run.now(), os.getcwd()
        intent, conflicts = _run.site_variables(self._templar, task_vars)
        reports = _site.Reports(_site.report_root(intent, self._folder))
        _site.refuse_in_inventory(reports.root, task_vars.get("ansible_inventory_sources") or ())
        if mode == "deploy" and not self._task.check_mode:
            self._lock(reports)
        seen = _look.look(intent, task_vars, reports, self._folder, conflicts)
        place = _look.record_place(intent, task_vars, reports, self._folder)
        record = self._record(place, conflicts)
        plan = _planner.plan_site(intent, task_vars["groups"], seen, record, self._now, self._folder, settled=settled, acting=mode == "deploy")
        plan["conflicts"] = _intent.with_unread(conflicts, plan["conflicts"])
        plan["warnings"] += [_planner.warning(text) for text in _run.strangers(task_vars)]
        inside = _run.hosts_inside(task_vars)
        if mode == "deploy" and intent.get("ai_stack_observations") is not None:
            said = "a deploy acts on what the hosts are now, not on recorded files"
            plan["conflicts"].append(_intent.conflict("SITE-6", "ai_stack_observations", said, "leave it out, or run plan"))
        plan["conflicts"] += _planner.unasked(intent, seen) if mode == "deploy" else ()
        if mode == "plan" and intent.get("ai_stack_trial") is True and seen.recorded:
            said = "a trial build runs on a host, and with recorded files none is asked"
            plan["conflicts"].append(_intent.conflict("SITE-8", "ai_stack_trial", said, "leave it out, or leave out ai_stack_observations"))
        if mode == "deploy" and isinstance(intent.get("ai_stack_plan"), str):
            self._hold_to(intent["ai_stack_plan"], plan, inside)
        self._report(reports, plan, result)
        self._judge(mode, plan, inside, result)
        if mode == "deploy" or intent.get("ai_stack_trial") is True:
            self._slice(reports, plan, inside, result)
        if mode == "deploy" and not result["failed"]:
            result["clusters"] = _clusters.to_make(plan)
            self._keep(place, record, plan["record"], result)

    def _lock(self, reports):
        stale = _lock.take(reports.root, "deploy", self._now)
        self._locked = reports.root
        if stale:
            self._display.warning(stale)

    def _record(self, place, conflicts):
        try:
            return _site.read_record(place)
        except _site.SiteError as error:
            conflicts.append(_intent.conflict("SITE-2", "ai_stack_record", str(error)))
            return {}

    def _hold_to(self, name, plan, inside):
        """An approved plan is applied exactly, or the differences are conflicts."""
        path = _run.path_in(self._folder, name)
        for host, text in _approved.differences(_approved.read(path), plan, inside):
            plan["conflicts"].append(_intent.conflict("SITE-4", "ai_stack_plan", _words.printable(text, 300), "make and approve a new plan", host))

    def _report(self, reports, plan, result):
        result["plan_sha256"] = reports.save("plan.json", _site.lines({key: plan[key] for key in plan if key != "record"}))
        reports.save("plan.html", [_pages.render_plan(plan)])
        result["reports"] = {"plan_json": str(reports.path("plan.json")), "plan_html": str(reports.path("plan.html"))}
        values = _values.save(reports, plan)
        if values:
            result["reports"]["values"] = list(values.values())

    def _judge(self, mode, plan, inside, result):
        acted_on = {None, *inside}
        blocking = [row for row in plan["conflicts"] if mode == "plan" or row["host"] in acted_on]
        result.update(changed=False, failed=bool(blocking), summary=_planner.summary_of(plan))
        # the conflicts are on the terminal then, and whole in plan.json: a failed task prints its result once more
        for text in _planner.text_of(plan["warnings"]):
            self._display.display(f"WARNING {text}", color="bright purple")
        for text in _planner.text_of(plan["conflicts"]):
            self._display.display(f"CONFLICT {text}", color="red")
        counts = ", ".join(f"{count} {state}" for state, count in sorted(result["summary"]["states"].items()))
        outcome = f"{_words.counted(len(blocking), 'conflict')}, nothing was changed" if blocking else _words.counted(result["summary"]["changes"], "change")
        clusters = result["summary"]["clusters"].items()
        clusters = "".join(f" Cluster {_words.printable(name, 40)}: {_words.counted(count, 'change')}." for name, count in clusters)
        result["msg"] = f"{outcome}. Hosts: {counts or 'none'}.{clusters} See {result['reports']['plan_html']}"
        if not blocking:
            self._display.display(result["msg"], color="green")
            for path in result["reports"].get("values", ()):
                self._display.display(f"For the site to apply, with the chart that it names: {path}", color="green")

    def _slice(self, reports, plan, inside, result):
        """What each host of this run needs, so that a role does not read the whole plan again for every host."""
        run = _lock.process_of_run()
        _site.folder(reports.trials)
        for host, part in _planner.slices_of(plan, inside):
            document = {"run": run, "plan_sha256": result["plan_sha256"], **part}
            _site.write(reports.slices / _site.file_of(host), _site.lines(document))

    def _keep(self, place, old, new, result):
        before, after = _site.record_text(old) if old else "", _site.record_text(new)
        if before == after:
            return
        result["changed"] = True
        if self._task.diff:
            result["diff"] = {"before_header": str(place), "after_header": str(place), "before": before, "after": after}
        if not self._task.check_mode:
            _site.write(place, [after], 0o644)
