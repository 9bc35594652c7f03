# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The evidence of a site, once, on the controller; see the module of the same name for its documentation."""

from __future__ import annotations

import os

from ansible.plugins.action import ActionBase

from ..plugin_utils import _approved, _clouds, _intent, _lock, _look, _pages, _prover, _recorded, _run, _site, _words
from ..plugin_utils._edge import one_sentence


class ActionModule(ActionBase):
    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        dummy, arguments = self.validate_argument_spec({"mode": {"type": "str", "choices": ["verify", "deploy"], "default": "verify"}})
        with one_sentence(self._display, result, "The evidence", "What the run did before stays."):
            self._evidence(arguments["mode"], task_vars, result)
        return result

    def _evidence(self, mode, task_vars, result):
        self._now, self._folder = _run.now(), os.getcwd()
        intent, dummy = _run.site_variables(self._templar, task_vars)
        if isinstance(intent.get("ai_stack_observations"), str) and isinstance(intent.get("ai_stack_evidence_key"), str):
            raise _site.SiteError("Evidence from recorded files is not signed: leave out ai_stack_evidence_key, or ai_stack_observations.")
        reports = _site.Reports(_site.report_root(intent, self._folder))
        plan, digest, changed = self._plan(reports, intent)
        inside = _run.hosts_inside(task_vars)
        before = _recorded.read_folder(reports.observations, inside)[0] if mode == "deploy" else {}
        seen = _look.look(intent, task_vars, reports, self._folder, [])
        if mode == "deploy":
            _look.lose(seen, set(inside) - set(task_vars["ansible_play_hosts"]))
        waivers, extra = _prover.of_site(intent, self._folder)
        services, used_once = _run.services_of(task_vars, inside), _run.used_once(task_vars, _clouds.of_used_once(plan))
        place = _look.record_place(intent, task_vars, reports, self._folder)
        lived, record = _run.lived(task_vars), _site.read_record(place)
        told = (services, lived, used_once, record, _run.canaries(task_vars, inside))
        evidence = _prover.evidence_of(plan, seen, inside, waivers, self._now, extra, task_vars["groups"], *told)
        if mode == "deploy":
            changes = _prover.changes_of(plan, before, seen, inside, self._now)
            reports.save("changes.json", _site.lines({**changes, "plan_sha256": digest}))
            _prover.add(evidence, _prover.checks_of_changes(changes, self._now))
            self._complete(place, seen, inside, plan, extra, _run.counting(task_vars), used_once)
        self._report(reports, intent, {**evidence, "plan_sha256": digest, "intent_changed": changed}, plan, result)
        if mode == "deploy":
            _lock.release(reports.root)

    def _plan(self, reports, intent):
        """The plan that is to be proven; not one for an intent that has changed meanwhile without a word."""
        path = reports.path("plan.json")
        if not path.exists():
            raise _site.SiteError(f"There is no plan to prove: {path} does not exist. Run the plan first.")
        data = _site.read(path, _site.PLAN_CAP)
        plan = _approved.whole(path, _site.parse(path, data))
        changed = _approved.changed(plan["inputs"].get("intent"), _intent.digests(intent))
        if plan["inputs"].get("intent_sha256") != _intent.digest(intent):
            made, names = plan["inputs"].get("generated_at"), _words.printable(", ".join(changed), 300)
            self._display.warning(f"The intent was changed since {path} was made ({made}): {names}. This proves the plan, not the new intent.")
        return plan, _site.sha256(data), changed

    def _complete(self, place, *told):
        """A card tells its UUID only once the driver runs: it belongs into the record now, not as a change of the next run."""
        old = _site.read_record(place)
        if old:
            new = _site.record_text(_prover.record_of(old, *told))
            if new != _site.record_text(old):
                _site.write(place, [new], 0o644)

    def _report(self, reports, intent, evidence, plan, result):
        reports.save("evidence.json", _site.lines(evidence))
        reports.save("evidence.html", [_pages.render_evidence(evidence, plan)])
        _site.remove(reports.path("evidence.json.sig"))
        if isinstance(intent.get("ai_stack_evidence_key"), str):
            _prover.sign(reports.path("evidence.json"), _run.path_in(self._folder, intent["ai_stack_evidence_key"]))
        summary = evidence["summary"]
        result["reports"] = {name: str(reports.path(name.replace("_", "."))) for name in ("evidence_json", "evidence_html")}
        for text in _prover.text_of(evidence["checks"]):
            self._display.display(text, color="red")
        proven, words = _prover.verdict(evidence)
        result.update(changed=False, summary=summary, failed=not proven)
        result["msg"] = f"{words}: {_prover.counts_of(evidence)}. See {result['reports']['evidence_html']}"
        if not result["failed"]:
            self._display.display(result["msg"], color="green")
