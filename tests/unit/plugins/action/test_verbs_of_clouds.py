# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A run on clouds that stops between two steps: what the verbs do then, with the real ansible-playbook. What they do to a real cloud is Molecule's part."""

from __future__ import annotations

import base64
import json

import pytest
import yaml
from verbs import DARK, HERE, Site

# each runs a playbook or two
pytestmark = pytest.mark.long

TASKS = "{{ here }}/playbooks/tasks"
# one controller that is not the one who asks, and two computes; a second cloud on hosts of its own
CLOUDS = {
    "main": {"hosts": ["ctl", "one", "two"], "computes": ["one", "two"], "admin": "admin"},
    "other": {"hosts": ["three"], "computes": ["three"], "admin": "localhost"},
}
NOT_USED_ONCE = {"compute_ids": {}, "releaser": None, "one_time_use": {"wanted": False, "aliases": {}, "out": [], "cards": {}}}
EMPTY = {
    **NOT_USED_ONCE,
    "deployment": "packages",
    "counts_cards": True,
    "settings": {},
    "region": None,
    "providers": {},
    "out_of_service": [],
    "back_in_service": [],
    "flavors": [],
    "access": [],
    "aggregates": [],
    "host_traits": {},
}


@pytest.fixture
def site(tmp_path, root):
    """ctl, one, two and three are this machine; `admin` answers nobody."""
    made = Site(tmp_path, root / "tests/unit/fixtures/observations")
    made.hosts(ctl=HERE, one=HERE, two=HERE, three=HERE, admin=DARK)
    made.here = root
    return made


def run(site, tasks, *arguments, hosts="ctl:one:two:three", lost=(), own=False, releasers=(), **variables):
    """Run tasks of the verbs over hosts of CLOUDS of which some were lost before. Gives the exit status, what was said, and what each host knows after.

    :arg own: each host has its own cloud, as in plays that go over hosts; else there is a loop over clouds.
    """
    parts = {name: {**EMPTY, **cloud} for name, cloud in CLOUDS.items()}
    groups = [
        {"ansible.builtin.add_host": {"name": "{{ item }}", "groups": group}, "loop": list(names), "tags": ["always"]}
        for group, names in (("ai_stack_cloud_services", ["ctl", "one", "two", "three"]), ("ai_stack_lost", lost), ("ai_stack_releasers", releasers))
        if names
    ]
    files = [f"{site.here}/playbooks/vars/{name}.yml" for name in (["own_cloud", "clouds"] if own else ["clouds"])]
    known = "{{ {'failed': __ai_stack_failed | default(none), 'lost': groups['ai_stack_lost'] | default([]) | sort} | to_json }}"
    plays = [
        {"hosts": "localhost", "gather_facts": False, "tasks": groups},
        {"hosts": hosts, "gather_facts": False, "ignore_unreachable": True, "vars_files": files, "tasks": tasks},
        {
            "hosts": hosts,
            "gather_facts": False,
            "tasks": [
                {
                    "ansible.builtin.copy": {"content": known, "dest": "{{ playbook_dir }}/known-{{ inventory_hostname }}", "mode": "0600"},
                    "tags": ["always"],
                }
            ],
        },
    ]
    (site.folder / "play.yml").write_text(json.dumps(plays))
    extra = {"__ai_stack_clouds": {"clouds": parts, "plan_sha256": "0"}, "here": str(site.here), **variables}
    code, said = site.play("play.yml", "-e", json.dumps(extra), *arguments)
    known = {path.name[len("known-") :]: json.loads(path.read_text()) for path in site.folder.glob("known-*")}
    return code, said, known


def over_clouds(file, **more):
    """The tasks of a file for each cloud in turn, as the plays of parts/clouds.yml have them."""
    return [
        {
            "ansible.builtin.include_tasks": {"file": f"{TASKS}/{file}", "apply": {"tags": ["always"]}},
            "loop": "{{ __ai_stack_clouds.clouds | dict2items }}",
            "loop_control": {"loop_var": "__ai_stack_one"},
            "run_once": True,
            "tags": ["always"],
            **more,
        }
    ]


def on_each(file, **more):
    return [{"ansible.builtin.include_tasks": f"{TASKS}/{file}", "tags": ["always"], **more}]


@pytest.mark.parametrize("file", ["cloud_gate.yml", "cloud_close.yml", "cloud_offer.yml", "cloud_take_back.yml"])
def test_a_cloud_that_nobody_can_ask_stops_alone_and_costs_no_host(site, file):
    tasks = over_clouds(file, when="__ai_stack_one.key == 'main'")
    code, said, known = run(site, tasks)
    assert code == 0 and set(known) == {"ctl", "one", "two", "three"}, said
    assert known["ctl"] == {"failed": "Cloud main: admin, which asks cloud main, does not answer.", "lost": ["ctl"]}
    assert known["one"]["failed"] is None and known["three"]["failed"] is None


GOES_ON = [
    # who was lost, and whether each cloud goes on
    ([], {"main": True, "other": True}),
    (["one"], {"main": True, "other": True}),
    (["one", "two"], {"main": False, "other": True}),
    (["ctl"], {"main": False, "other": True}),
    (["three"], {"main": True, "other": False}),
]


@pytest.mark.parametrize("lost, wanted", GOES_ON, ids=str)
def test_a_cloud_goes_on_without_a_compute_and_never_without_a_controller(site, lost, wanted):
    tell = {
        "ansible.builtin.set_fact": {"__ai_stack_failed": "{{ __ai_stack_told | default({}) | combine({__ai_stack_one.key: __ai_stack_goes_on}) }}"},
        "loop": "{{ __ai_stack_clouds.clouds | dict2items }}",
        "loop_control": {"loop_var": "__ai_stack_one"},
        "vars": {"__ai_stack_told": "{{ __ai_stack_failed | default({}) }}"},
    }
    dummy, said, known = run(site, [tell], lost=lost)
    assert known["ctl"]["failed"] == wanted, said


def test_a_limit_that_leaves_a_host_out_makes_its_cloud_wait(site):
    cloud = {"key": "main", "value": {**EMPTY, **CLOUDS["main"], "hosts": ["ctl", "one", "two", "away"], "admin": "localhost"}}
    tasks = [
        {"ansible.builtin.set_fact": {"__ai_stack_failed": "{{ [__ai_stack_goes_on, __ai_stack_outside] }}"}},
        {"ansible.builtin.include_tasks": {"file": f"{TASKS}/cloud_take_back.yml", "apply": {"tags": ["always"]}}, "run_once": True},
    ]
    code, said, known = run(site, tasks, __ai_stack_one=cloud)
    assert code == 0 and known["one"]["failed"] == [False, ["away"]], said
    assert known["ctl"]["failed"] == "Cloud main: away run services of it too, and --limit leaves them out. Nothing of it was changed."


@pytest.mark.parametrize(("releasers", "lost", "wanted"), [((), (), [False, ["three"]]), (("three",), (), [True, []]), (("three",), ("three",), [False, []])])
def test_a_cloud_waits_for_its_releaser_and_does_not_go_on_without_it(site, releasers, lost, wanted):
    cloud = {"key": "main", "value": {**EMPTY, **CLOUDS["main"], "releaser": "three"}}
    tasks = [{"ansible.builtin.set_fact": {"__ai_stack_failed": "{{ [__ai_stack_goes_on, __ai_stack_outside] }}"}}]
    code, said, known = run(site, tasks, lost=lost, releasers=releasers, __ai_stack_one=cloud)
    assert code == 0 and known["one"]["failed"] == wanted, said


WIPERS = {"one": {"address": "192.0.2.1", "key": "ssh-ed25519 ONE"}, "two": {"address": "192.0.2.2", "key": "ssh-ed25519 TWO"}}
TOLD = {
    "computes": {"one": "192.0.2.9", "two": "192.0.2.2", "gone": "192.0.2.3", "away": "192.0.2.4"},
    "cards": {name: {"0000:17:00.0": {"serial": name}} for name in ("one", "two", "gone", "away")},
}
KNEW = "192.0.2.9 ssh-ed25519 OLD\n192.0.2.2 ssh-ed25519 TWO\n192.0.2.3 ssh-ed25519 GONE\n192.0.2.4 ssh-ed25519 AWAY"
NEW = {"one": {"0000:17:00.0": {"serial": "new"}}}


def content(text):
    return {"content": base64.b64encode(text.encode()).decode()}


def test_a_releaser_keeps_what_it_was_told_of_a_compute_that_is_lost_and_forgets_one_that_has_no_such_card_any_more(site):
    (block,) = [task for task in yaml.safe_load((site.here / "playbooks/tasks/once_releaser.yml").read_text()) if "block" in task]
    (given,) = [task["vars"] for task in block["block"] if "ansible.builtin.include_role" in task]
    names = {f"told_{name}": given[f"pci_one_time_use_{name}"] for name in ("computes", "cards", "host_keys")}
    # two is lost, away is out of service, and gone is well and has such cards no more
    main = {**EMPTY, **CLOUDS["main"], "hosts": ["ctl", "one", "two", "gone"], "releaser": "three"}
    tasks = [
        {"ansible.builtin.set_fact": {"__ai_stack_wiper": "{{ wipers[inventory_hostname] }}"}, "when": "inventory_hostname in wipers"},
        {"ansible.builtin.set_fact": {"__ai_stack_failed": "{{ [" + ", ".join(names) + "] }}"}, "vars": {**block["vars"], **given, **names}},
    ]
    dummy, said, known = run(
        site, tasks, lost=("two",), releasers=("three",), __ai_stack_one={"key": "main", "value": main}, wipers=WIPERS,
        __ai_stack_noted={"one_time_use": {"wanted": True, "cards": NEW, "aliases": {}, "out": []}},
        __ai_stack_before={"results": [content(json.dumps(TOLD)), content(KNEW)]},
    )  # fmt: skip
    computes, cards, keys = known["three"]["failed"] or (said, None, None)
    assert computes == {"one": "192.0.2.1", "two": "192.0.2.2", "away": "192.0.2.4"}
    assert cards == {**NEW, "two": TOLD["cards"]["two"], "away": TOLD["cards"]["away"]}
    assert keys == {"one": "ssh-ed25519 ONE", "two": "ssh-ed25519 TWO", "away": "ssh-ed25519 AWAY"}
    # the first time it was told nothing
    dummy, said, known = run(
        site, tasks, releasers=("three",), __ai_stack_one={"key": "main", "value": main}, wipers=WIPERS,
        __ai_stack_noted={"one_time_use": {"wanted": True, "cards": NEW, "aliases": {}, "out": []}}, __ai_stack_before={"results": [{}, {}]},
    )  # fmt: skip
    assert known["three"]["failed"] == [{"one": "192.0.2.1"}, NEW, {"one": "ssh-ed25519 ONE"}], said


def test_no_tenant_is_sent_away_after_the_window_ended(site):
    tenants = {"servers": [{"id": "1", "name": "train", "project": "research"}], "how": "stop", "until": "2026-01-01T00:00Z", "scope": "all"}
    code, said, dummy = run(site, on_each("tenants_first.yml"), hosts="one", own=True, __ai_stack_tenants=tenants)
    assert code != 0 and "The window of this host ended at 2026-01-01T00:00Z" in said, said
    assert "Ask who asks the cloud" not in said


def test_no_host_goes_on_whose_tenants_nobody_can_ask_for(site):
    tenants = {"servers": [], "how": None, "until": None, "scope": "all"}
    tasks = [*on_each("tenants_first.yml"), {"ansible.builtin.command": "touch {{ playbook_dir }}/changed"}]
    code, said, dummy = run(site, tasks, hosts="one", own=True, __ai_stack_tenants=tenants)
    assert code != 0 and "admin, which asks cloud main, does not answer" in said and not (site.folder / "changed").exists(), said


PLAN = {"tenants": {"servers": [], "how": None, "until": None, "scope": "all"}, "policy": {"reboot": "when_needed"}}


def test_a_host_boots_only_in_a_run_that_tells_its_cloud_too(site):
    code, said, known = run(site, on_each("give.yml"), "--tags", "reboot", hosts="one", own=True, __gpu_driver_plan=PLAN)
    assert code == 0 and "A host of a cloud boots in a run that tells the cloud too" in known["one"]["failed"], said
    assert known["one"]["lost"] == ["one"] and "Tenants first" not in said


LEFT = [(file, lost) for file in ("give.yml", "tell.yml", "untell.yml") for lost in ("one", "ctl") if (file, lost) != ("untell.yml", "one")]


@pytest.mark.parametrize("file, lost", LEFT)
def test_a_host_that_was_lost_or_whose_cloud_stopped_is_left_as_it_is(site, file, lost):
    code, said, known = run(site, on_each(file), hosts="one", own=True, lost=[lost], __gpu_driver_plan=PLAN)
    assert code == 0 and known["one"]["failed"] is None, said
    # without a loss it goes into the role, which has nothing to go by here
    (site.folder / "known-one").unlink()
    code, said, known = run(site, on_each(file), hosts="one", own=True, __gpu_driver_plan=PLAN)
    assert known["one"]["failed"] is not None, said


def test_the_part_that_only_looks_takes_nothing_back(site):
    other = {"__ai_stack_one": {"key": "other", "value": {**EMPTY, **CLOUDS["other"]}}}
    task = {"ansible.builtin.include_tasks": f"{TASKS}/cloud_take_back.yml", "run_once": True, "tags": ["preflight", "install"], "vars": other}
    code, said, known = run(site, [task], "--tags", "preflight")
    assert code == 0 and "Remove the flavors" not in said and known["three"]["failed"] is None, said
    # there is no such cloud: with the part that acts it is asked
    code, said, known = run(site, [task], "--tags", "install")
    assert "Remove the flavors" in said and "Cloud other" in known["three"]["failed"], said


def test_hosts_that_were_lost_on_the_way_are_counted(site):
    code, said, known = run(site, on_each("count_lost.yml"), hosts="ctl:two:three")
    assert code == 0 and known["ctl"]["lost"] == ["one"], said


STANDS = {"acts": False, "services": ["nova-api", "nova-compute"], "differs": [], "failing": []}
STEPS = [
    {"round": "report", "gates": ["report.nova-compute.one"], "what": "let one report", "commands": ["put report", "configure one"]},
    {"round": "report", "gates": ["report.nova-compute.two"], "what": "let two report", "commands": ["configure two"]},
    {"round": "report", "gates": [], "what": "gate: providers", "commands": []},
    {"round": "switch", "gates": ["switch.nova-api", "switch.nova-compute.one"], "what": "ask for cards", "commands": ["put switch", "configure"]},
]
WAITS = [
    # (round of the role, round of the hand-over, gates of one that do not hold, what is said; None: the cloud goes on)
    ("report", "report", ["report.nova-compute.one"], "to let one report:\nput report\nconfigure one"),
    ("report", "report", ["report.nova-compute.two"], "to let two report:\nconfigure two"),
    ("cards", "switch", ["switch.nova-api"], "to ask for cards:\nput switch\nconfigure"),
    ("report", "report", [], None),
    # what it lacked in a round before
    ("cards", "report", ["report.nova-compute.one"], None),
]


@pytest.mark.parametrize(("until", "asked", "failing", "wanted"), WAITS)
def test_a_cloud_of_another_tool_waits_with_the_commands_that_are_due(site, until, asked, failing, wanted):
    told = {"round": asked, "failing": failing, "differs": [f"{name}: lacks a" for name in failing]}
    main = {**EMPTY, **CLOUDS["main"], "deployment": "kolla", "settings": {"nova-api": {}, "nova-compute": {}}}
    tasks = [
        {"ansible.builtin.set_fact": {"__ai_stack_services": STANDS}},
        {"ansible.builtin.set_fact": {"__ai_stack_hand_over": told}, "when": "inventory_hostname == 'one'"},
        {
            "block": [{"ansible.builtin.include_tasks": f"{TASKS}/handover_wait.yml", "vars": {"__ai_stack_until": until}, "run_once": True}],
            "rescue": [{"ansible.builtin.include_tasks": f"{TASKS}/stop_cloud.yml", "run_once": True}],
        },
    ]
    handed = {"results": [{"item": "main", "tool": "kolla-ansible", "folder": "/f", "steps": STEPS, "gates": {}}]}
    more = {"__ai_stack_one": {"key": "main", "value": main}, "__ai_stack_handovers": handed}
    code, said, known = run(site, tasks, **more)
    failed = known["ctl"]["failed"]
    assert code == 0 and (failed is None) is (wanted is None), said
    if wanted:
        assert failed.startswith("Cloud main: it waits for kolla-ansible. To do on the host from which it deploys the cloud, " + wanted)
        assert failed.endswith(f"What is not there yet:\n{told['differs'][0]}")
    # without a host that is lost
    assert run(site, tasks, lost=("one",), **more)[2]["ctl"]["failed"] is None
    # and with --check nothing is waited for
    code, said, known = run(site, tasks, "--check", **more)
    assert code == 0, said


def test_a_cloud_of_which_no_host_runs_a_service_does_not_go_on(site):
    main = {**EMPTY, **CLOUDS["main"], "deployment": "kolla", "settings": {"nova-api": {}, "nova-scheduler": {}}}
    tasks = [
        {"ansible.builtin.set_fact": {"__ai_stack_services": STANDS}},
        {"ansible.builtin.include_tasks": f"{TASKS}/handover_wait.yml", "vars": {"__ai_stack_until": "report"}, "run_once": True},
    ]
    handed = {"results": [{"item": "main", "tool": "kolla-ansible", "folder": "/f", "steps": STEPS, "gates": {}}]}
    code, said, dummy = run(site, tasks, __ai_stack_one={"key": "main", "value": main}, __ai_stack_handovers=handed)
    assert code != 0 and "No host of it runs nova-scheduler: hosts in ai_stack_clouds" in said, said
