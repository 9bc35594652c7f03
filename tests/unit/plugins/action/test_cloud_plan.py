# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A run acts on a cloud by the plan that it made itself, and by no other."""

from __future__ import annotations

import hashlib
import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import cloud_plan, host_plan
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _lock

CLOUD = {"kind": "nova_cloud", "id": "main", "decisions": [{"subject": key, "value": {}} for key in ("settings", "providers", "reserved")]}


@pytest.fixture
def plan(site):
    def written(document):
        path = site.folder / "plan.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return {"plan": str(path), "plan_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}

    return written


def test_the_part_of_a_cloud(site, plan):
    result, dummy = site.run(cloud_plan, host="gpu1", cloud="main", **plan({"resources": [CLOUD]}))
    assert (result["changed"], result["settings"], result["flavors"], result["counts_cards"]) == (False, {}, [], False)


@pytest.mark.parametrize(
    ("document", "more", "message"),
    [
        ({"resources": [CLOUD]}, {"plan_sha256": "0" * 64}, "is not the plan of this run: another one was written since. Nothing was changed."),
        ({"resources": [CLOUD]}, {"cloud": "other"}, "The plan has nothing for the cloud other"),
        ({"resources": []}, {}, "The plan has nothing for the cloud main"),
        ("[]", {}, "does not hold a JSON object"),
        ("{", {}, "is not JSON"),
    ],
)
def test_any_other_plan_is_refused_in_one_sentence(site, plan, document, more, message):
    result, dummy = site.run(cloud_plan, host="gpu1", **{"cloud": "main", **plan(document), **more})
    assert result["failed"]
    assert message in result["msg"]


def test_a_plan_that_is_not_there_is_named(site):
    result, dummy = site.run(cloud_plan, host="gpu1", cloud="main", plan=str(site.folder / "none.json"), plan_sha256="0")
    assert "none.json cannot be read" in result["msg"]


ACTED = {**CLOUD, "decisions": [*CLOUD["decisions"], {"subject": "deployment", "value": "packages"}, {"subject": "hosts", "value": ["c1", "gpu1"]}]}
FILES, TOOL = (
    {**ACTED, "id": name, "decisions": [*ACTED["decisions"][:-2], {"subject": "deployment", "value": name}, ACTED["decisions"][-1]]}
    for name in ("files", "kolla")
)


@pytest.fixture
def written(site):
    """Plan and slice of a run in the report folder; run: of another one."""

    def write(document, **more):
        reports = site.folder / "reports/example"
        (reports / "slices").mkdir(parents=True, exist_ok=True)
        (reports / "plan.json").write_text(json.dumps(document))
        digest = hashlib.sha256((reports / "plan.json").read_bytes()).hexdigest()
        part = {**dict.fromkeys(host_plan.PARTS), "run": _lock.process_of_run(), "plan_sha256": digest, **more}
        (reports / "slices/gpu1.json").write_text(json.dumps(part))

    return write


def test_the_parts_of_all_clouds_that_a_run_acts_on(site, written):
    written({"resources": [FILES, ACTED, {**CLOUD, "id": "no hosts"}]})
    for planned in (False, True):
        result, dummy = site.run(cloud_plan, host="gpu1", planned=planned)
        assert list(result["clouds"]) == ["main"], result
        assert (result["clouds"]["main"]["hosts"], result["clouds"]["main"]["admin"]) == (["c1", "gpu1"], "localhost")
        assert "settings" not in result
    written({"resources": [FILES]})
    assert site.run(cloud_plan, host="gpu1", planned=True)[0]["clouds"] == {}
    written({"resources": [TOOL]})
    assert site.run(cloud_plan, host="gpu1", planned=True)[0]["clouds"]["kolla"]["deployment"] == "kolla"


@pytest.mark.parametrize("state", ["left_out", "refused"])
def test_a_host_for_which_nothing_is_decided_keeps_what_it_was_told(site, written, state):
    written({"resources": [ACTED], "hosts": {"c1": {"state": "converged"}, "gpu1": {"state": state}}})
    assert site.run(cloud_plan, host="gpu1")[0]["clouds"]["main"]["hosts"] == ["c1"]


@pytest.mark.parametrize("more", [{"run": {"pid": 1}}, {"plan_sha256": "0" * 64}])
def test_a_plan_of_another_run_is_refused_where_only_this_runs_will_do(site, written, more):
    written({"resources": [ACTED]}, **more)
    assert list(site.run(cloud_plan, host="gpu1")[0]["clouds"]) == ["main"]
    result, dummy = site.run(cloud_plan, host="gpu1", planned=True)
    assert result["failed"] and "Nothing was changed." in result["msg"]
    assert site.run(cloud_plan, host="gpu2", planned=True)[0]["failed"]
