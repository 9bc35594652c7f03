# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Cards that are used once: what they show is noted while nobody had them, kept in the record, and held against what they show later."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import record
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import checks_cloud, once
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _clouds, _prover

from .conftest import CARD, OTHER, seen_cloud

HOST = "gpu-h100-1"
TENANTS = {"research": {"max": 1}, "health": {"max": 1}}
IDS = {"vendor": "10de", "device": "2331", "subsystem_vendor": "10de", "subsystem_device": "1626"}
NOTED = {"link_width": 16, "link_speed": "32.0 GT/s PCIe", "firmware": {"rom": "aa", "vpd": None}}
LOOK = {**IDS, **NOTED, "in_use": False, "driver": "vfio-pci"}


@pytest.fixture
def part(cloudy):
    """A function: the cloud's part of the plan of a host whose two cards two tenants share."""

    def planned(**cloud):
        plan = cloudy.plan(series="2026.2", cloud={"hosts": "gpus", **cloud}, pools=[cloudy.pool(tenants=TENANTS)])
        assert plan["conflicts"] == []
        return _clouds.slice_of(plan, "main")

    return planned


def kept(address, **more):
    return {"host": HOST, "address": address, **IDS, "serial": None, **NOTED, **more}


FREE = seen_cloud()["main"]


@pytest.fixture
def expected(part):
    """A function: what the releaser wants to see of the card at CARD. rows: of the record; look: what it shows; seen: the observation of the cloud."""
    cards = part()["one_time_use"]["cards"]
    return lambda *rows, look=None, seen=FREE: once.expected(cards, rows, {HOST: {CARD: look}}, seen)[HOST][CARD]


def test_each_card_that_is_used_once_is_told_to_its_releaser(part):
    told = part()
    assert told["releaser"] == "controller"
    assert told["one_time_use"] == {
        "wanted": True, "aliases": {"h100": "CUSTOM_H100"}, "out": [], "cards": {HOST: {place: {**IDS, "serial": None} for place in (CARD, OTHER)}}
    }  # fmt: skip


def test_what_a_pool_of_one_tenant_has_is_not_used_once(cloudy):
    plan = cloudy.plan(series="2026.2", cloud={"hosts": "gpus"})
    about = _clouds.slice_of(plan, "main")["one_time_use"]
    assert (about["wanted"], about["cards"]) == (False, {}) and _clouds.of_used_once(plan) == ["controller"]


def test_the_record_keeps_what_was_noted_of_this_very_card(expected):
    assert expected(kept(CARD)) == {**IDS, "serial": None, **NOTED}
    # another card lies there now
    assert not once.is_noted(expected(kept(CARD, device="2330")))
    assert not once.is_noted(expected(kept(OTHER)))


@pytest.mark.parametrize("row", [kept(CARD, firmware=None), kept(CARD, link_width=None), {"host": HOST, "address": CARD}, {HOST: {}}, None, "x"])
def test_half_of_a_note_is_none(expected, row):
    assert not once.is_noted(expected(row))


def cloud_with(**card):
    seen = seen_cloud()["main"]
    seen["providers"][HOST][CARD].update(card)
    return seen


HAD = [cloud_with(used=1), cloud_with(reserved=1), None, {"providers": None}, {"providers": {"other": {}}}]


@pytest.mark.parametrize("seen", HAD, ids=["used", "waits", "dark", "untold", "another"])
def test_a_card_that_somebody_may_have_or_had_is_not_noted(expected, seen):
    assert once.is_noted(expected(look=LOOK))
    # a host that shows Placement no card yet has nobody on them
    assert once.is_noted(expected(look=LOOK, seen={"providers": {HOST: {}}}))
    assert not once.is_noted(expected(look=LOOK, seen=seen))
    # what the record has stays, whoever has the card
    assert expected(kept(CARD), seen=seen) == {**IDS, "serial": None, **NOTED}


UNFIT = [{"in_use": True}, {"device": "2330"}, {"link_width": None}, {"firmware": None}]


@pytest.mark.parametrize("change", UNFIT, ids=lambda change: next(iter(change)))
def test_what_a_card_shows_is_noted_only_where_it_shows_all_of_it(expected, change):
    assert expected(look=LOOK) == {**IDS, "serial": None, **NOTED}
    assert not once.is_noted(expected(look={**LOOK, **change}))


def test_the_record_takes_what_was_noted_and_keeps_the_rest():
    other = {"host": "gpu-9", "address": CARD}
    before = {"clouds": {"main": {"unified_limits": True, "used_once": [other, {"by": "hand"}]}}}
    row = {**IDS, "serial": "1", **NOTED}
    mine = {"host": HOST, "address": CARD, **row}
    assert record.noted(before, "main", {HOST: {CARD: row}})["clouds"]["main"] == {"unified_limits": True, "used_once": [other, mine]}
    assert record.noted({"hosts": {}}, "main", {}) == {"hosts": {}}
    assert record.given_back(before, "main", "ctl", [mine])["clouds"]["main"] == {"unified_limits": True, "releaser": "ctl", "used_once": [mine]}
    assert record.given_back(before, "main", None, [])["clouds"]["main"] == {"unified_limits": True}
    assert record.given_back({"hosts": {}}, "main", None, []) == {"hosts": {}}


ANSWERED = {"round": {"cards": []}, "noted": {HOST: {CARD: {**IDS, "serial": None, **NOTED}, OTHER: {**IDS, "serial": None}}}}
AFTER = [
    # who answered in this run, tenants, and what the record says then of who gives cards back, and of how many cards
    ({"controller": ANSWERED}, TENANTS, "controller", 1),
    ({"controller": {"failed": "no"}}, TENANTS, None, 0),
    ({}, TENANTS, None, 0),
    ({"controller": ANSWERED}, {"research": {}}, None, 0),
]


@pytest.mark.parametrize(("answers", "tenants", "releaser", "notes"), AFTER)
def test_a_run_writes_down_who_gives_back_and_what_it_noted(cloudy, answers, tenants, releaser, notes):
    plan = cloudy.plan(series="2026.2", cloud={"hosts": "gpus"}, pools=[cloudy.pool(tenants=tenants)])
    seen = SimpleNamespace(clouds=seen_cloud(), clouds_fresh={"main"}, fresh=set(), documents={})
    noted = {} if len(tenants) == 1 else answers
    row = _prover.record_of({"schema": record.SCHEMA}, seen, [HOST], plan, used_once=noted)["clouds"]["main"]
    assert (row.get("releaser"), len(row.get("used_once", ()))) == (releaser, notes)


DIFFERENT = [
    ({}, []),
    ({"link_width": 8}, ["link_width is 8, not 16"]),
    ({"device": "2330"}, ["device is 2330, not 2331"]),
    ({"firmware": {"rom": "bb", "vpd": None}}, ["firmware.rom is bb, not aa"]),
    ({"firmware": {"rom": "aa", "vpd": "cc"}}, ["firmware.vpd is cc, not None"]),
    # under a server the guest has link and firmware in its hands
    ({"firmware": {"rom": None, "vpd": None}, "link_speed": "2.5 GT/s PCIe", "in_use": True}, []),
    ({"device": "2330", "in_use": True}, ["device is 2330, not 2331"]),
    ({"firmware": {"rom": None, "vpd": None}}, ["firmware.rom is None, not aa"]),
]


@pytest.mark.parametrize(("change", "words"), DIFFERENT)
def test_what_a_card_shows_is_held_against_what_was_noted(change, words):
    assert once.differing({**IDS, **NOTED}, {**LOOK, **change}) == words


# Evidence


@pytest.fixture
def proven(part, tables):
    """A function: {check: row} of what the parts of the role answered. rows: of the record; hosts: those that are looked at; out: cards out of service."""

    def rows(answers, *notes, hosts=(HOST, "controller"), services=(HOST,), out=()):
        want = part()
        about = {**want["one_time_use"], "out": list(out)}
        about["cards"] = once.expected(about["cards"], notes or (kept(CARD), kept(OTHER)))
        services = None if services is None else dict.fromkeys(services, {})
        seen = seen_cloud()["main"]
        found = checks_cloud.of_cloud(Index(tables), "main", {**want, "one_time_use": about}, seen, hosts, services, used_once=answers)
        return {row["id"].partition(".")[2]: row for row in found if row["id"].endswith(("cards_used_once", "cards_come_back"))}

    return rows


def answers(look=None, rows=(), **more):
    return {HOST: {"cards": {CARD: {**LOOK, **(look or {})}, OTHER: LOOK}}, "controller": {"round": {"at": None, "cards": list(rows)}}, **more}


def test_cards_that_show_what_was_noted_and_come_back_are_proven(proven):
    found = proven(answers())
    assert {name: row["status"] for name, row in found.items()} == {"cards_used_once": "pass", "cards_come_back": "pass"}
    assert (found["cards_used_once"]["host"], found["cards_come_back"]["host"]) == (HOST, "controller")


def test_a_card_that_shows_something_else_fails(proven):
    row = proven(answers({"link_width": 8}))["cards_used_once"]
    assert (row["status"], row["observed"]["differing"]) == ("fail", [f"{CARD}: link_width is 8, not 16"])


def test_a_card_of_which_nothing_could_be_noted_fails(proven):
    row = proven(answers(), kept(OTHER))["cards_used_once"]
    assert (row["status"], row["observed"]["differing"]) == ("fail", [f"{CARD}: nothing was noted of it while nobody had it"])


def test_a_card_that_is_out_of_service_does_not_come_back_anyway(proven):
    found = proven(answers({"link_width": 8}), out=[{"host": HOST, "address": CARD, "reason": "quarantined"}])
    assert found["cards_used_once"]["status"] == "pass"


def test_who_is_not_looked_at_is_not_judged(proven):
    assert set(proven(answers(), hosts=(HOST,))) == {"cards_used_once"}
    assert set(proven(answers(), hosts=("controller",))) == {"cards_come_back"}
    # of a cloud that no verb acts on
    assert proven(answers(), services=None) == {}


@pytest.mark.parametrize("state", once.WANTED)
def test_a_card_that_waits_for_an_operator_fails(proven, state):
    rows = [{"host": HOST, "address": CARD, "state": state, "why": "the link"}, {"host": HOST, "address": OTHER, "state": "used", "why": ""}]
    row = proven(answers(rows=rows))["cards_come_back"]
    assert (row["status"], row["observed"]["left"]) == ("fail", [f"{CARD} of {HOST}: {state}, the link"])


def test_a_part_that_does_not_answer_fails_and_one_that_nobody_asked_is_unknown(proven):
    found = proven(answers(controller={"failed": "no socket"}))
    assert (found["cards_come_back"]["status"], found["cards_come_back"]["observed"]) == ("fail", {"left": ["no socket"]})
    assert {row["status"] for row in proven({}).values()} == {"unknown"}


def test_states_that_want_an_operator_are_those_of_the_releaser(root):
    text = (root / "roles/pci_one_time_use/files/releaser/rounds.py").read_text()
    assert f"WANTED = {once.WANTED!r}".replace("'", '"') in text
