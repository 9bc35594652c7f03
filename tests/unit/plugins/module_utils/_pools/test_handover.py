# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What another tool is handed: which file says what, in which order the steps go, and what is refused. That the tools read it so: tests/oracle."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import handover

from .conftest import NOVA, resource
from .test_passthrough import RISKS

SPEC = {"gpu1": ['{"address": "0000:17:00.0"}', '{"address": "0000:65:00.0"}'], "gpu2": ['{"address": "0000:ca:00.0"}']}
REPORTING = {"nova-compute": {"pci": {"device_spec": SPEC, "report_in_placement": "true"}}, "nova-scheduler": {"filter_scheduler": {"enabled_filters": "A,B"}}}
ASK = {"pci_in_placement": "true"}
SETTINGS = {
    "nova-compute": {"filter_scheduler": ASK, "pci": {"device_spec": SPEC, "report_in_placement": "true", "alias": ["a", "b"]}},
    "nova-api": {"filter_scheduler": ASK, "pci": {"alias": ["a", "b"]}},
    "nova-conductor": {"filter_scheduler": ASK},
    "nova-scheduler": {"filter_scheduler": {**ASK, "enabled_filters": "A,B"}},
    "placement-api": {"placement": {"max_allocation_candidates": "1000"}},
}
LIMITED = {**SETTINGS, "nova-api": {**SETTINGS["nova-api"], "quota": {"driver": "nova.quota.UnifiedLimitsDriver"}}}
HEAD = "# managed by sovereign.ai_stack: handover of main, stage "


def made(tool, settings=None, reporting=None, kept=None, carried=None, **knobs):
    return handover.of_cloud(tool, SETTINGS if settings is None else settings, REPORTING if reporting is None else reporting, knobs, kept, carried)


def files(document, stage):
    (found,) = [one["files"] for one in document["stages"] if one["name"] == stage]
    return found


def test_files_of_kolla_ansible():
    document = made("kolla")
    assert files(document, "report") == {
        "nova/nova-compute.conf": HEAD + "report\n[pci]\nreport_in_placement = true\n",
        "nova/gpu1/nova.conf": HEAD + 'report\n[pci]\ndevice_spec = {"address": "0000:17:00.0"}\ndevice_spec = {"address": "0000:65:00.0"}\n',
        "nova/gpu2/nova.conf": HEAD + 'report\n[pci]\ndevice_spec = {"address": "0000:ca:00.0"}\n',
    }
    found = files(document, "switch")
    assert found["nova/nova-super-conductor.conf"] == found["nova/nova-conductor.conf"] == HEAD + "switch\n[filter_scheduler]\npci_in_placement = true\n"
    assert found["nova/nova-api.conf"] == HEAD + "switch\n[filter_scheduler]\npci_in_placement = true\n[pci]\nalias = a\nalias = b\n"
    assert found["placement/placement-api.conf"] == HEAD + "switch\n[placement]\nmax_allocation_candidates = 1000\n"
    assert sorted(found) == ["nova/gpu1/nova.conf", "nova/gpu2/nova.conf", "nova/nova-api.conf", "nova/nova-compute.conf", "nova/nova-conductor.conf",
                             "nova/nova-scheduler.conf", "nova/nova-super-conductor.conf", "placement/placement-api.conf"]  # fmt: skip


def test_the_file_of_openstack_ansible():
    ((name, text),) = files(made("openstack_ansible"), "switch").items()
    found = json.loads(text.partition("\n")[2])
    assert name == "user_ai_stack.yml" and text.startswith(HEAD + "switch\n")
    assert found["ai_stack_nova_hosts"]["gpu1"] == {"pci": {"device_spec": dict.fromkeys(SPEC["gpu1"])}}
    assert found["ai_stack_nova_groups"]["nova_api_os_compute"] == {"filter_scheduler": ASK, "pci": {"alias": {"a": None, "b": None}}}
    assert found["ai_stack_placement_groups"] == {"placement_api": SETTINGS["placement-api"]} and found["ai_stack_placement_hosts"] == {}
    assert "nova_nova_conf_overrides_site" in found["nova_nova_conf_overrides"]
    # what the site says in its own variables is read in every stage
    for stage in ("report", "back"):
        said = json.loads(files(made("openstack_ansible"), stage)["user_ai_stack.yml"].partition("\n")[2])
        assert "placement_placement_conf_overrides_site" in said["placement_placement_conf_overrides"] and said["ai_stack_placement_groups"] == {}


def test_steps_of_kolla_ansible():
    document = made("kolla", folder="/h", inventory="/i")
    assert [(step["n"], step["round"], step["commands"], step["gates"], step["costs"]) for step in document["steps"]] == [
        (1, "report", ["sh /h/put.sh report", "kolla-ansible reconfigure -i /i --tags nova-cell --limit gpu1"], ["report.nova-compute.gpu1"], "one-way"),
        (2, "report", ["sh /h/put.sh report", "kolla-ansible reconfigure -i /i --tags nova-cell --limit gpu2"], ["report.nova-compute.gpu2"], "one-way"),
        (3, "report", [], [], None),
        (4, "switch", ["sh /h/put.sh switch", "kolla-ansible reconfigure -i /i --tags nova,placement"], [
            "switch.nova-api", "switch.nova-compute.gpu1", "switch.nova-compute.gpu2", "switch.nova-conductor", "switch.nova-scheduler",
            "switch.placement-api"], "restart of these services"),
    ]  # fmt: skip
    assert document["gates"]["report.nova-compute.gpu2"] == {
        "container": "nova_compute", "engine": "docker", "hosts": "gpu2", "host": "gpu2", "asks": "exactly", "service": "nova-compute", "project": "nova",
        "wanted": {"pci": {"device_spec": SPEC["gpu2"], "report_in_placement": "true"}},
        "command": "ansible -i /i gpu2 -b -m ansible.builtin.script -a /h/gates/report.nova-compute.gpu2.sh"}  # fmt: skip


def test_steps_of_openstack_ansible():
    document, there = made("openstack_ansible", folder="/h"), "cd /opt/openstack-ansible/playbooks && "
    assert [step["commands"] for step in document["steps"]] == [
        ["sh /h/put.sh report", there + "openstack-ansible os-nova-install.yml --tags nova-config --limit gpu1"],
        ["sh /h/put.sh report", there + "openstack-ansible os-nova-install.yml --tags nova-config --limit gpu2"],
        [],
        ["sh /h/put.sh switch", there + "openstack-ansible os-nova-install.yml --tags nova-config -e nova_conductor_serial=100% -e nova_compute_serial=100%",
         there + "openstack-ansible os-placement-install.yml --tags placement-config"],
    ]  # fmt: skip
    gate = document["gates"]["switch.nova-api"]
    assert (gate["hosts"], gate["host"], gate["venv"], gate["unit"]) == ("nova_api_os_compute", None, "nova", "nova-api-os-compute")
    assert gate["wanted"] == SETTINGS["nova-api"]


@pytest.mark.parametrize("tool", ["kolla", "openstack_ansible"])
def test_the_way_back_keeps_what_cannot_be_undone_and_asks_for_lines_of_ours(tool):
    document = made(tool, LIMITED, folder="/h")
    text = json.dumps(files(document, "back"))
    assert "report_in_placement" in text and "UnifiedLimitsDriver" in text
    assert "device_spec" not in text and "alias" not in text and "pci_in_placement" not in text
    assert document["back"]["commands"][0] == "sh /h/put.sh back" and document["back"] not in document["steps"]
    assert document["back"]["gates"] == ["back.nova-api", "back.nova-compute.gpu1", "back.nova-compute.gpu2"]
    asked = document["gates"]["back.nova-compute.gpu2"]
    assert (asked["asks"], asked["wanted"]) == ("gone", {"pci": {"alias": ["a", "b"], "device_spec": SPEC["gpu2"]}})
    if tool == "kolla":  # without anything that stays there is no file
        assert files(made(tool, {"nova-api": {"pci": {"alias": ["a"]}}}, reporting={}), "back") == {}


@pytest.mark.parametrize("tool", ["kolla", "openstack_ansible"])
def test_the_way_back_leaves_lines_of_the_site_where_they_stand(tool):
    kept = {"nova-compute": {"pci": {"device_spec": ["theirs"]}}, "nova-api": {"pci": {"alias": ["theirs too"]}}}
    document = made(tool, kept=kept)
    text = json.dumps(files(document, "back"))
    assert text.count("theirs too") == 1 and text.count("theirs") == 3 and "0000:17:00.0" not in text
    assert all("theirs" not in json.dumps(document["gates"][name]["wanted"]) for name in document["back"]["gates"])
    assert document["gates"]["switch.nova-api"]["wanted"]["pci"]["alias"] == ["a", "b", "theirs too"]


@pytest.mark.parametrize("tool", ["kolla", "openstack_ansible"])
def test_a_host_for_which_nothing_is_decided_keeps_what_it_was_told(tool):
    away = {"gpu3": {"pci": {"device_spec": ["before"]}}}
    document = made(tool, carried=away)
    for stage in ("report", "switch"):
        text = json.dumps(files(document, stage))
        assert "gpu3" in text and "before" in text
    assert not any("gpu3" in name for name in document["gates"]) and "gpu3" not in json.dumps(document["steps"])
    assert handover.hosts_of(SETTINGS)["gpu2"] == {"pci": {"device_spec": SPEC["gpu2"]}}


@pytest.mark.parametrize("tool", ["kolla", "openstack_ansible"])
def test_counting_by_limits_comes_last(tool):
    document = made(tool, LIMITED)
    assert [one["name"] for one in document["stages"]] == ["report", "switch", "limits", "back"]
    assert "quota" not in json.dumps(files(document, "switch")) and "UnifiedLimitsDriver" in json.dumps(files(document, "limits"))
    assert [(step["stage"], step["costs"]) for step in document["steps"]][-2:] == [("limits", None), ("limits", "one-way")]


def test_where_placement_does_not_count_cards_all_are_told_at_once():
    document = made("kolla", reporting={})
    assert [(step["stage"], step["what"]) for step in document["steps"]] == [("switch", "ask for cards, on all services at once")]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"nova-compute": {"pci": {"device_spec": {"../etc": ["a"]}}}}, "the host ../etc has a name that cannot be that of a file"),
        ({"nova-compute": {"pci": {"device_spec": {".hidden": ["a"]}}}}, "the host .hidden"),
        ({"nova-api": {"pci": {"alias": ['{"name": "{{ x }}"}']}}}, "[pci] alias of nova-api has what the other tool would take for a template"),
        ({"nova-api": {"pci": {"alias": ["{% raw %}"]}}}, "[pci] alias of nova-api"),
        ({"nova-console": {}}, "nobody knows where options of nova-console go"),
    ],
)
def test_what_cannot_be_handed_over_is_refused(settings, message):
    with pytest.raises(handover.NotHanded) as why:
        made("kolla", settings)
    assert message in str(why.value)


@pytest.mark.parametrize("knob", ["folder", "inventory"])
def test_a_place_that_a_command_cannot_carry_is_refused(knob):
    with pytest.raises(handover.NotHanded, match="/a b; c has characters that a command does not carry"):
        made("kolla", **{knob: "/a b; c"})


def test_how_a_host_stands():
    gates = made("kolla")["gates"]
    fine = dict.fromkeys(("switch.nova-api", "switch.nova-compute.gpu1"), (0, "as planned"))
    fine["switch.nova-scheduler"] = (3, "nova-scheduler does not run here")
    assert handover.stands(gates, fine) == {
        "refused": None, "differs": [], "due": [], "acts": False, "failing": [], "services": ["nova-api", "nova-compute"]}  # fmt: skip
    lacking = {"switch.nova-api": (1, "[pci] alias lacks a\n[pci] alias lacks b"), "switch.nova-compute.gpu1": (3, "nova-compute does not run here")}
    found = handover.stands(gates, {**fine, **lacking})
    assert found["differs"] == ["nova-api: [pci] alias lacks a; [pci] alias lacks b", "nova-compute: nova-compute does not run here"]
    assert (found["acts"], found["refused"], found["failing"]) == (True, None, ["switch.nova-api", "switch.nova-compute.gpu1"])
    assert handover.stands(gates, {"switch.nova-api": (2, "this release does not take it: x")})["refused"] == "nova-api: this release does not take it: x"


def test_another_deployment_is_named_with_those_that_are_known():
    with pytest.raises(handover.NotHanded, match="by files; it is done for kolla and openstack_ansible"):
        made("files")


def test_lines_of_the_site_stand_beside_ours():
    before = copy.deepcopy(SETTINGS)
    found = handover.beside(SETTINGS, {"nova-compute": {"pci": {"device_spec": ["theirs"]}}, "nova-api": {"pci": {"alias": ["theirs", "a"]}}})
    assert SETTINGS == before
    assert found["nova-compute"]["pci"]["device_spec"] == {host: [*lines, "theirs"] for host, lines in SPEC.items()}
    assert found["nova-api"]["pci"]["alias"] == ["a", "b", "theirs"]
    with pytest.raises(handover.NotHanded, match="report_in_placement of nova-compute has no lines of ours"):
        handover.beside(SETTINGS, {"nova-compute": {"pci": {"report_in_placement": ["x"]}}})
    assert handover.beside(REPORTING, {"nova-api": {"pci": {"alias": ["theirs"]}}}, strict=False) == REPORTING


@pytest.mark.parametrize("tool", ["kolla", "openstack_ansible"])
@pytest.mark.parametrize("series", ["zed", "2025.1", "2026.2"])
def test_whatever_a_plan_says_is_handed_over(cloudy, tool, series):
    plan = cloudy.plan(series=series, cloud={"nova": NOVA.get(series)}, ai_stack_waivers=RISKS)
    cloud = resource(plan, "nova_cloud", "main")
    document = handover.of_cloud(tool, cloud["settings"], cloud.get("settings.reporting", {}))
    assert {gate["service"] for gate in document["gates"].values()} == set(cloud["settings"])
