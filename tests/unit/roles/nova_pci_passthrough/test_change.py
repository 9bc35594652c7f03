# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the program does to a host: judged first, whole or not at all, and back where a service does not come back."""

from __future__ import annotations

import os
import pathlib
import stat

import pytest
from nova_machine import DOORS, NOVA, PLACEMENT, REPORT, Killed

SPEC = '{"address": "0000:17:00.0", "resource_class": "CUSTOM_H100"}'
ALIAS = '{"name": "h100", "resource_class": "CUSTOM_H100"}'
COMPUTE = {"pci": {"device_spec": {"compute1": [SPEC], "compute2": ["another"]}, "alias": [ALIAS], "report_in_placement": "true"}}
API = {"pci": {"alias": [ALIAS]}, "filter_scheduler": {"pci_in_placement": "true"}}
SCHEDULER = {"filter_scheduler": {"enabled_filters": "ComputeFilter,PciPassthroughFilter", "pci_in_placement": "true"}}
CANDIDATES = {"placement": {"max_allocation_candidates": "1000"}}
SETTINGS = {"nova-compute": COMPUTE, "nova-api": API, "nova-scheduler": SCHEDULER, "nova-conductor": {}, "placement-api": CANDIDATES}
CONTROLLER = ("nova-api", "nova-conductor", "nova-scheduler", "placement-api")
TEXT = f"""\
# managed by sovereign.ai_stack: nova_pci_passthrough
[pci]
alias = {ALIAS}
device_spec = {SPEC}
report_in_placement = true
"""


def test_a_host_gets_its_own_lines_and_its_service_reads_them(host):
    machine = host()
    assert machine.apply(SETTINGS) == {"changed": True, "restarted": ["nova-compute"], "awaits": []}
    assert machine.text(NOVA) == TEXT
    assert machine.ground.known(NOVA)["mode"] == 0o640
    folder = machine.ground.at("/etc/nova/nova.conf.d")
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o755


def test_a_second_run_changes_nothing(host):
    machine = host()
    machine.apply(SETTINGS)
    machine.told.clear()
    assert machine.look(SETTINGS)["differs"] == []
    assert machine.apply(SETTINGS) == {"changed": False, "restarted": [], "awaits": []}
    assert machine.told == []


def test_what_somebody_else_wrote_since_is_found_although_our_file_is_as_planned(host):
    def beaten(document):
        return ["/etc/nova/nova.conf line 9: beats ours"]

    machine = host()
    machine.refuses, well = beaten, machine.refuses
    # where nothing is asked for there is nothing to lose
    assert machine.look({})["differs"] == []
    machine.refuses = well
    machine.apply(SETTINGS)
    machine.refuses = beaten
    with pytest.raises(machine.modules.ledger.Refused, match="line 9: beats ours"):
        machine.look(SETTINGS)


def test_the_copy_of_one_that_was_killed_while_it_asked_goes(host):
    machine = host()
    old, fresh = (pathlib.Path(machine.ground.at("/run"), f"ai-stack-nova-{name}") for name in ("old", "fresh"))
    for folder in (old, fresh):
        (folder / "etc").mkdir(parents=True)
    os.utime(old, (1, 1))
    machine.look(SETTINGS)
    assert not old.exists() and fresh.exists()


def test_only_services_whose_values_change_are_restarted(host):
    machine = host(*CONTROLLER)
    assert machine.look(SETTINGS)["restarts"] == ["nova-api", "nova-scheduler", "placement-api"]
    assert machine.apply(SETTINGS)["restarted"] == ["nova-api", "nova-scheduler", "placement-api"]
    assert machine.text(PLACEMENT).endswith("[placement]\nmax_allocation_candidates = 1000\n")
    assert machine.apply({**SETTINGS, "placement-api": {"placement": {"max_allocation_candidates": "5"}}})["restarted"] == ["placement-api"]


def test_what_nova_refuses_touches_nothing(host):
    machine = host()
    machine.refuses = lambda document: ["nova-compute: line 3: no", "nova-compute: line 4: no"]
    for act in (machine.apply, machine.look):
        with pytest.raises(machine.modules.ledger.Refused, match="line 3: no\nnova-compute: line 4"):
            act(SETTINGS)
    assert (machine.text(NOVA), machine.told, machine.units["nova-compute.service"]["MainPID"]) == (None, [], "7")
    assert machine.ground.load(machine.change({}).ledger.open) is None


def test_the_copy_that_nova_is_asked_about_goes_again(host):
    machine, seen = host(), []
    machine.write("/etc/nova/nova-compute.conf", "[DEFAULT]\ncompute_driver = a\n")

    def refuses(document):
        given = document["services"]["nova-compute"]
        seen.extend(machine.modules.judge.read_by(given))
        assert [path.replace(document["prefix"], "") for path in seen] == [NOVA, "/etc/nova/nova.conf", "/etc/nova/nova-compute.conf"]
        return []

    machine.refuses = refuses
    machine.look(SETTINGS)
    assert len(seen) == 3
    assert not [path for path in seen if os.path.exists(path)]


def test_a_service_that_does_not_come_back_gets_the_files_of_before(host):
    machine = host()
    machine.apply({"nova-compute": {"pci": {"report_in_placement": "true"}}})
    machine.breaks["nova-compute"] = lambda text: "CUSTOM_H100" in text
    with pytest.raises(machine.modules.ledger.Refused) as raised:
        machine.apply(SETTINGS)
    assert "nova-compute does not run: it ended at its start; it says: x ERROR nova PciConfigInvalidSpec: no such card" in str(raised.value)
    assert "run with the files of before the change" in str(raised.value)
    assert "device_spec" not in machine.text(NOVA)
    assert machine.units["nova-compute.service"]["ActiveState"] == "active"
    assert machine.change(SETTINGS).ledger.status()["last_change"]["result"] == "restored"
    assert machine.change(SETTINGS).journal is None


def test_nothing_goes_back_through_a_one_way_door(host):
    """nova-compute reported, then failed, and does not start without reporting any more."""
    machine = host()
    machine.breaks["nova-compute"] = lambda text: "CUSTOM_H100" in text or "report_in_placement" not in text
    with pytest.raises(machine.modules.ledger.Refused, match="report_in_placement on main cannot be taken back, the rest is as before"):
        machine.apply(SETTINGS)
    assert machine.text(NOVA).splitlines()[1:] == ["[pci]", "report_in_placement = true"]
    assert machine.units["nova-compute.service"]["ActiveState"] == "active"


def test_where_even_the_way_back_fails_the_journal_stays_open(host):
    machine = host()
    machine.breaks["nova-compute"] = lambda text: True
    with pytest.raises(machine.modules.ledger.Refused, match="the files of before the change are back, and yet: nova-compute does not run"):
        machine.apply(SETTINGS)
    assert machine.change(SETTINGS).journal["step"] == "restart"
    machine.breaks.clear()
    assert machine.apply(SETTINGS)["restarted"] == ["nova-compute"]


@pytest.mark.parametrize(
    ("door", "settings", "opens"),
    [
        (DOORS[0][2], {"nova-compute": {"pci": {"report_in_placement": "true"}}}, True),
        (DOORS[0][2], {"nova-compute": {"pci": {"report_in_placement": "false"}}}, False),
        (DOORS[1][2], {"nova-compute": {"quota": {"driver": "nova.quota.UnifiedLimitsDriver"}}}, True),
    ],
)
def test_what_cannot_be_undone_wants_a_yes(host, door, settings, opens):
    machine = host()
    confirmed = [one[2] for one in DOORS if one[2] != door]
    if not opens:
        assert machine.apply(settings, confirmed=confirmed)["changed"]
        return
    with pytest.raises(machine.modules.ledger.Refused, match=f"{door} cannot be undone: say yes to it in ai_stack_confirm"):
        machine.apply(settings, confirmed=confirmed)
    assert machine.text(NOVA) is None
    machine.apply(settings)
    assert not machine.apply(settings, confirmed=[])["changed"]


def test_absent_leaves_only_what_cannot_be_undone(host):
    machine = host()
    machine.apply(SETTINGS)
    assert machine.apply({})["restarted"] == ["nova-compute"]
    assert machine.text(NOVA).splitlines()[1:] == ["[pci]", "report_in_placement = true"]
    assert machine.look({})["stays"] == ["report_in_placement on main"]
    machine = host("nova-scheduler")
    machine.ground.remove(NOVA)
    machine.apply(SETTINGS)
    machine.apply({})
    assert (machine.text(NOVA), machine.look({})["stays"]) == (None, [])


def test_reporting_goes_first_and_takes_nothing_away(host):
    machine = host()
    machine.apply(SETTINGS, now=REPORT)
    assert machine.text(NOVA) == TEXT.replace(f"alias = {ALIAS}\n", "")
    machine.apply(SETTINGS)
    assert machine.text(NOVA) == TEXT
    assert not machine.apply(SETTINGS, now=REPORT)["changed"]


def test_the_quota_driver_waits_for_its_limits_and_stays_once_it_is_there(host):
    machine = host("nova-conductor")
    pci, quota = {"pci": {"alias": [ALIAS]}}, {"quota": {"driver": "nova.quota.UnifiedLimitsDriver", "unified_limits_resource_strategy": "require"}}
    settings = {"nova-conductor": {**pci, **quota}}
    machine.apply(settings, later=["quota"], confirmed=[])
    assert "[quota]" not in machine.text(NOVA)
    machine.apply(settings)
    text = machine.text(NOVA)
    assert "driver = nova.quota.UnifiedLimitsDriver\nunified_limits_resource_strategy = require" in text
    assert not machine.apply(settings, later=["quota"])["changed"]
    assert machine.text(NOVA) == text


def test_a_unit_of_the_site_is_restarted_in_place_of_the_one_of_the_distribution(host):
    machine = host()
    machine.units["site-compute.service"] = machine.units.pop("nova-compute.service")
    with pytest.raises(machine.modules.ledger.Refused, match="none of nova-api, nova-compute"):
        machine.apply(SETTINGS)
    machine.service = lambda unit: {"site-compute.service": "nova-compute"}[unit]
    assert machine.apply(SETTINGS, units={"nova-compute": "site-compute.service"})["restarted"] == ["nova-compute"]
    assert machine.units["site-compute.service"]["MainPID"] == "8"


def test_services_that_others_restart_are_named_until_they_were(host):
    machine = host()
    assert machine.apply(SETTINGS, restart=False) == {"changed": True, "restarted": [], "awaits": ["nova-compute"]}
    assert machine.apply(SETTINGS, restart=False) == {"changed": False, "restarted": [], "awaits": ["nova-compute"]}
    assert machine.told == []
    assert machine.apply(SETTINGS)["restarted"] == ["nova-compute"]
    assert machine.look(SETTINGS)["due"] == []
    machine.apply({"nova-compute": {"pci": {"report_in_placement": "true"}}}, restart=False)
    machine.start("nova-compute.service")
    assert machine.apply({"nova-compute": {"pci": {"report_in_placement": "true"}}})["restarted"] == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda machine: machine.write(NOVA, "[pci]\n"), "somebody else's"),
        (lambda machine: machine.units["nova-compute.service"].update(ActiveState="failed"), "nova-compute does not run .its unit is failed.: mend it first"),
        (lambda machine: machine.units.clear(), "none of nova-api, nova-compute, nova-conductor, nova-scheduler, placement-api is on this host"),
        (lambda machine: machine.units["nova-compute.service"].update(LoadState="masked"), "none of"),
    ],
)
def test_a_host_that_is_not_fit_is_left_alone(host, spoil, message):
    machine = host()
    spoil(machine)
    before = machine.text(NOVA)
    with pytest.raises(machine.modules.ledger.Refused, match=message):
        machine.apply(SETTINGS)
    assert (machine.text(NOVA), machine.told) == (before, [])


def test_a_group_that_the_host_lacks_is_named(host):
    machine = host()
    projects = machine.request({})["projects"]
    projects["nova"]["group"] = "no-such-group"
    with pytest.raises(machine.modules.ledger.Refused, match="no group no-such-group"):
        machine.apply(SETTINGS, projects=projects)


def test_an_api_that_answers_with_an_error_did_not_come_back(host):
    machine = host("nova-api")
    machine.deaf.add("http://127.0.0.1:8774/")
    with pytest.raises(machine.modules.ledger.Refused, match="answers with 500"):
        machine.apply(SETTINGS)
    assert machine.text(NOVA) is None


def test_a_service_that_starts_again_and_again_did_not_come_back(host):
    machine = host()
    run = machine.ground.run

    def restless(command, **more):
        if command[:2] == ["systemctl", "show"] and machine.told and "CUSTOM_H100" in (machine.text(NOVA) or ""):
            machine.units["nova-compute.service"]["MainPID"] += "1"
        return run(command, **more)

    machine.ground.run = restless
    with pytest.raises(machine.modules.ledger.Refused, match="it ended after its start"):
        machine.apply(SETTINGS)


@pytest.mark.parametrize("step", ["begin", "files", "install", "restart", "restarting", "commit"])
def test_the_next_run_finishes_what_was_cut_off(host, monkeypatch, step):
    machine = host("nova-api", "nova-scheduler", "placement-api")
    change, ledger = machine.modules.change, machine.modules.ledger
    with monkeypatch.context() as patch:

        def dies(*arguments, **more):
            raise Killed(step)

        if step == "begin":
            begin = ledger.Ledger.begin
            patch.setattr(ledger.Ledger, "begin", lambda *arguments: begin(*arguments) or dies())
        elif step in ("files", "restart"):
            note = ledger.Ledger.step
            patch.setattr(ledger.Ledger, "step", lambda book, name: note(book, name) or (dies() if name == step else None))
        elif step == "install":
            write = ledger.Ground.write
            patch.setattr(ledger.Ground, "write", lambda ground, path, *more: dies() if path == PLACEMENT else write(ground, path, *more))
        elif step == "restarting":
            machine.dies = "nova-scheduler"
        else:
            patch.setattr(ledger.Ledger, "commit", dies)
        with pytest.raises(Killed):
            machine.apply(SETTINGS)
    machine.dies = None
    machine.told.clear()
    assert machine.look(SETTINGS)["open"]["owner"] == "me"
    assert machine.apply(SETTINGS)["restarted"] == ["nova-api", "nova-scheduler", "placement-api"]
    assert machine.look(SETTINGS) == {
        "differs": [],
        "services": ["nova-api", "nova-scheduler", "placement-api"],
        "restarts": [],
        "due": [],
        "doors": [],
        "stays": [],
        "open": None,
    }
    assert "enabled_filters" in machine.text(NOVA)
    assert "1000" in machine.text(PLACEMENT)
    assert change.restore(machine.change(SETTINGS)) == {"result": "nothing is under way"}


def test_what_was_cut_off_can_be_led_back_by_hand(host):
    machine = host()
    machine.dies = "nova-compute"
    with pytest.raises(Killed):
        machine.apply({"nova-compute": API})
    machine.dies = None
    assert machine.modules.change.restore(machine.change({"nova-compute": API}))["result"] == "nova-compute: run with the files of before the change"
    assert machine.text(NOVA) is None


def test_services_of_one_file_must_agree(host):
    machine = host("nova-api", "nova-scheduler")
    with pytest.raises(machine.modules.options.Mixed, match="pci_in_placement: nova-api and nova-scheduler read one file"):
        machine.apply({**SETTINGS, "nova-api": {"filter_scheduler": {"pci_in_placement": "false"}}})


# A compute that was installed anew

IDENTITY, ID = "/var/lib/nova/compute_id", "5f5b4a1c-0000-4000-8000-000000000001"


@pytest.fixture
def anew(host):
    """A compute whose nova-compute does not start, as it lost who it is; it does once it knows."""
    machine = host()
    machine.units["nova-compute.service"]["ActiveState"] = "failed"
    machine.known = {"identity": {**machine.request({})["identity"], "id": ID}}
    return machine


def test_a_compute_that_was_installed_anew_gets_its_id_back_and_is_started(anew):
    rows = anew.look(SETTINGS, **anew.known)["differs"]
    assert rows[0] == {"resource": f"file:{IDENTITY}", "before": None, "after": ID}
    assert anew.apply(SETTINGS, **anew.known)["changed"]
    assert anew.text(IDENTITY) == ID and anew.told == ["nova-compute"]
    assert anew.look(SETTINGS, **anew.known)["differs"] == [] and not anew.apply(SETTINGS, **anew.known)["changed"]


def test_whoever_is_killed_in_between_starts_it_with_the_next_run(anew):
    anew.dies = "nova-compute"
    with pytest.raises(Killed):
        anew.apply(SETTINGS, **anew.known)
    anew.dies = None
    assert anew.apply(SETTINGS, **anew.known)["restarted"] == ["nova-compute"]
    assert anew.units["nova-compute.service"]["ActiveState"] == "active"


def test_an_id_that_nobody_knows_is_made_up_by_nobody(anew):
    with pytest.raises(anew.modules.ledger.Refused, match="nova-compute does not run"):
        anew.apply(SETTINGS)
    assert anew.text(IDENTITY) is None


def test_a_compute_with_another_id_is_refused(host):
    machine = host()
    machine.write(IDENTITY, "another\n")
    with pytest.raises(machine.modules.ledger.Refused, match=f"says another, and Nova knows this compute as {ID}"):
        machine.look(SETTINGS, identity={**machine.request({})["identity"], "id": ID})
    machine.write(IDENTITY, ID + "\n")
    assert machine.look(SETTINGS, identity={**machine.request({})["identity"], "id": ID})["differs"][0]["resource"] != f"file:{IDENTITY}"
