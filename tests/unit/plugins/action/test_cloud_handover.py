# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The folder is made once, told beforehand, and nobody else's files are touched."""

from __future__ import annotations

import hashlib
import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import cloud_handover

SETTINGS = {"nova-compute": {"pci": {"device_spec": {"gpu1": ["one"]}, "alias": ["a"]}}, "nova-api": {"pci": {"alias": ["a"]}}}
REPORTING = {"nova-compute": {"pci": {"device_spec": {"gpu1": ["one"]}}}}


@pytest.fixture
def run(site):
    def handed(settings=SETTINGS, check=False, handover=None, deployment="kolla", reporting=(), hosts=None, conflicts=(), **more):
        values = {
            "reporting": reporting,
            "settings": settings,
            "settings.reporting": REPORTING,
            "providers": {},
            "reserved": {},
            "deployment": deployment,
            "handover": handover or {},
        }
        cloud = {"kind": "nova_cloud", "id": "main", "decisions": [{"subject": key, "value": value} for key, value in values.items()]}
        path = site.folder / "plan.json"
        path.write_text(json.dumps({"resources": [cloud], "hosts": hosts or {}, "conflicts": list(conflicts)}))
        given = {"cloud": "main", "plan": str(path), "plan_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        return site.run(cloud_handover, host="gpu1", check=check, **{**given, "dest": str(site.folder / "handover/main"), **more})[0]

    return handed


def test_the_folder_is_made_once(site, run):
    made, again = run(), run()
    folder = site.folder / "handover/main"
    assert (made["changed"], again["changed"], again["diff"]) == (True, False, [])
    assert (made["folder"], made["tool"]) == (str(folder), "kolla-ansible")
    assert [step["n"] for step in made["steps"]] == [1, 2, 3]
    of_all = {f"{stage}.{name}" for stage in ("switch", "back") for name in ("nova-compute.gpu1", "nova-api")}
    assert set(made["gates"]) == {"report.nova-compute.gpu1", *of_all}
    assert made["back"]["gates"] == ["back.nova-api", "back.nova-compute.gpu1"]
    assert str(folder) in made["steps"][0]["commands"][0]
    assert (folder / "switch/nova/nova-api.conf").read_text().endswith("[pci]\nalias = a\n")
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o644}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_it_goes_into_the_report_folder_where_nobody_says_otherwise(site, run):
    (site.folder / "reports/example").mkdir(parents=True)
    made = run(dest=None)
    assert made["folder"].endswith("/reports/example/handover/main") and made["folder"] in made["steps"][0]["commands"][0]
    # the plan there, whichever it is
    (site.folder / "plan.json").rename(site.folder / "reports/example/plan.json")
    again = site.run(cloud_handover, host="gpu1", cloud="main")[0]
    assert (again["changed"], again["steps"]) == (False, made["steps"])


def test_what_changed_is_shown_and_what_is_gone_goes(site, run):
    run()
    found = run(settings={"nova-compute": SETTINGS["nova-compute"]})
    gone = site.folder / "handover/main/switch/nova/nova-api.conf"
    (shown,) = [one for one in found["diff"] if one["before_header"] == str(gone)]
    assert found["changed"] and "alias = a" in shown["before"] and shown["after"] == "" and not gone.exists()


def test_check_mode_writes_nothing(site, run):
    found = run(check=True)
    assert found["changed"] and found["diff"] and not (site.folder / "handover").exists()


def test_what_the_site_says_of_the_tool_counts(site, run):
    made = run(handover={"kept": {"nova-api": {"pci": {"alias": ["theirs"]}}}, "inventory": "/etc/kolla/multinode", "engine": "podman"})
    assert (site.folder / "handover/main/switch/nova/nova-api.conf").read_text().endswith("alias = a\nalias = theirs\n")
    assert "-i /etc/kolla/multinode" in made["steps"][0]["commands"][1] and made["gates"]["switch.nova-api"]["engine"] == "podman"


def test_a_host_that_is_out_of_service_keeps_what_it_was_told(site, run):
    run()
    away = {"settings": {"nova-api": SETTINGS["nova-api"], "nova-compute": {"pci": {"alias": ["a"]}}}, "reporting": ["gpu1"]}
    kept = site.folder / "handover/main/switch/nova/gpu1/nova.conf"
    before = kept.read_text()
    for state in ("left_out", "refused", "unknown"):
        assert not run(hosts={"gpu1": {"state": state}}, **away).get("failed") and kept.read_text() == before
    # one that no pool takes any more does not
    run(hosts={"gpu1": {"state": "not_ours"}}, **away)
    assert not kept.exists()
    # and of one that nobody remembers nothing is guessed
    found = run(hosts={"gpu2": {"state": "refused"}}, **{**away, "reporting": ["gpu2"]})
    assert found["failed"] and "nothing is decided for gpu2 now" in found["msg"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"handover": {"kept": {"nova-api": {"pci": {"none": ["a"]}}}}}, "The cloud main is not handed over: [pci] none of nova-api has no lines of ours"),
        ({"settings": {"nova-api": {"pci": {"alias": ["{{ x }}"]}}}}, "would take for a template. Nothing was changed."),
        ({"conflicts": [{"rule": "INT-3", "path": "ai_stack_clouds[0].handover.inventory", "host": None}]}, "INT-3 ai_stack_clouds[0].handover.inventory"),
        ({"deployment": "packages"}, "nothing is handed over to a deployment by packages"),
        ({"plan_sha256": "0"}, "is not the plan of this run"),
        ({"cloud": "other"}, "The plan has nothing for the cloud other"),
    ],
)
def test_a_refusal_is_one_sentence_and_writes_nothing(site, run, more, message):
    found = run(**more)
    assert found["failed"] and message in found["msg"] and not (site.folder / "handover").exists()


def test_a_folder_of_somebody_else_is_left_alone(site, run):
    place = site.folder / "handover/main/nova.conf"
    place.parent.mkdir(parents=True)
    place.write_text("mine")
    found = run()
    assert found["failed"] and "nova.conf is not of a hand-over: name another folder" in found["msg"]
    assert [path.name for path in place.parent.iterdir()] == ["nova.conf"]
