# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The releaser between a cloud and a host: what it gives back, what it leaves, and what is left when it is killed."""

from __future__ import annotations

import json

import pytest
from one_time_machine import ADDRESS, EXPECTED, OTHER, Killed, Site


def used(site, identity="a", number=0, **more):
    """A server has had the card, seen by a round, and is gone."""
    card = site.cloud
    card.takes(identity, "compute1", site.cards[number], **more)
    assert site.round()[list(site.settings["cards"]["compute1"])[number]] == ("used", "")
    card.ends(identity, site.now())


def test_a_used_card_is_wiped_and_comes_back_with_signed_evidence(site, key):
    here = site()
    assert here.round() == {ADDRESS: ("free", "")}
    used(here)
    assert here.round(1)[ADDRESS][0] == "waits"
    assert here.round(3) == {ADDRESS: ("returned", "")}
    assert (here.reserved(), here.host.resets, here.cloud.puts) == (0, [ADDRESS], 1)
    (path,) = here.evidence()
    document = json.loads(path.read_text())
    assert (document["verdict"], document["server"], document["card"]["address"]) == ("fit", {"id": "a", "how": "deleted"}, ADDRESS)
    assert document["answer"]["nonce"] == document["nonce"] == here.card()["last"]["nonce"]
    assert here.verified(path, key)
    path.write_text(path.read_text().replace('"fit"', '"unfit"'))
    assert not here.verified(path, key)
    assert here.round(1) == {ADDRESS: ("free", "")}


def test_an_inventory_may_have_the_full_name_of_a_compute(site):
    here, name = site(), "compute1.example.org"
    here.configure(computes={name: "192.0.2.11"}, cards={name: here.settings["cards"]["compute1"]})
    here.cloud.takes("a", "compute1", here.cards[0])
    assert here.round() == {ADDRESS: ("used", "")}
    here.cloud.ends("a", here.now())
    here.round(1)
    assert here.round(3) == {ADDRESS: ("returned", "")}
    # of two providers that could be this compute neither is
    here.cloud.once("compute1.example.org", OTHER)
    assert here.round(1) == {}
    # a short name that could be either of two is neither
    here.configure(computes={"compute1.example.org": "192.0.2.11", "compute1.example.net": "192.0.2.12"})
    assert here.round(1) == {OTHER: ("free", "")}


def test_each_use_is_wiped_anew(site):
    here = site()
    for number, identity in enumerate(("a", "b", "c"), 1):
        used(here, identity)
        here.round(1)
        assert here.round(3)[ADDRESS][0] == "returned"
        assert (len(here.host.resets), here.cloud.puts, len(here.evidence())) == (number, number, number)


def never_there(site):
    site.cloud.inventories[site.cards[0]]["CUSTOM_H100"]["reserved"] = 1


def unfinished(site):
    """Its allocation is gone, and the server is not."""
    site.cloud.takes("a", "compute1", site.cards[0])
    site.round()
    site.cloud.allocations[site.cards[0]].clear()


def strange(site):
    """Nova knows of no such server."""
    unfinished(site)
    site.cloud.servers.clear()


def two_of_whom_one_is_unfinished(site):
    unfinished(site)
    site.cloud.allocations[site.cards[0]]["b"] = {"resources": {"CUSTOM_H100": 1}}
    site.cloud.gone.append({"id": "b"})
    site.round()
    site.cloud.allocations[site.cards[0]].clear()


def gone_without_a_word(site):
    """Nova shows no such server, and no end of it among what happened to it."""
    strange(site)
    site.cloud.gone.append({"id": "a", "actions": ["create"]})


def its_move_failed(site):
    site.cloud.takes("m", "compute1", site.cards[0])
    site.round()
    site.cloud.servers.clear()
    site.cloud.migrations = [{"uuid": "m", "instance_uuid": "a", "status": "error"}]
    site.cloud.allocations[site.cards[0]].clear()


def other_class(site):
    site.round()
    site.cloud.takes("a", "compute1", site.cards[0], wants="l4:1")
    site.cloud.ends("a", site.now())


def long_ago(site):
    site.round()
    site.cloud.takes("a", "compute1", site.cards[0])
    site.cloud.ends("a", "2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "make",
    [never_there, unfinished, strange, two_of_whom_one_is_unfinished, gone_without_a_word, its_move_failed, other_class, long_ago],
    ids=lambda make: make.__name__,
)
def test_what_no_finished_server_accounts_for_stays(site, make):
    here = site()
    make(here)
    here.round(1)
    assert here.round(5)[ADDRESS][0] == "untied"
    assert (here.reserved(), here.asks, here.cloud.puts) == (1, 0, 0)


def test_a_server_between_two_rounds_accounts_for_its_card(site):
    here = site()
    here.round()
    here.cloud.takes("a", "compute1", here.cards[0])
    here.cloud.ends("a", here.now())
    here.round(1)
    assert here.round(3)[ADDRESS][0] == "returned"


def test_a_server_accounts_for_no_more_cards_than_it_had(site):
    """One was kept from all by hand: nobody can tell which, so both stay; the hand puts its own back."""
    here = site(ADDRESS, OTHER)
    here.round()
    here.cloud.takes("a", "compute1", here.cards[0])
    here.cloud.ends("a", here.now())
    here.cloud.inventories[here.cards[1]]["CUSTOM_H100"]["reserved"] = 1
    here.round(1)
    assert [state for state, _why in here.round(3).values()] == ["untied", "untied"]
    here.cloud.inventories[here.cards[1]]["CUSTOM_H100"]["reserved"] = 0
    assert [state for state, _why in here.round(1).values()] == ["returned", "free"]
    here.cloud.inventories[here.cards[1]]["CUSTOM_H100"]["reserved"] = 1
    here.round(1)
    assert here.round(5)[OTHER][0] == "untied"


def test_a_card_returned_by_hand_leaves_its_server_to_no_other(site, capsys):
    """A server came and went on one, the other was kept from all by hand: the server is that of the returned one, whatever becomes of that later."""
    here = site(ADDRESS, OTHER)
    here.round()
    here.cloud.takes("a", "compute1", here.cards[0])
    here.cloud.ends("a", here.now())
    here.cloud.inventories[here.cards[1]]["CUSTOM_H100"]["reserved"] = 1
    here.round(1)
    assert [state for state, _why in here.round(3).values()] == ["untied", "untied"]
    assert here.modules.cli.main(["return", "compute1", ADDRESS, "it was a's"]) == 0
    assert here.round(1)[OTHER][1].endswith("account for 1 cards, and 1 wait, and 1 came back by hand")
    used(here, "b")
    here.round(1)
    assert here.round(3)[ADDRESS][0] == "returned"
    assert here.round(5)[OTHER][0] == "untied"
    assert (here.reserved(1), here.host.resets) == (1, [ADDRESS, ADDRESS])


def test_a_server_that_was_seen_with_its_card_accounts_for_no_other(site):
    here = site(ADDRESS, OTHER)
    here.round()
    here.cloud.inventories[here.cards[1]]["CUSTOM_H100"]["reserved"] = 1
    used(here)
    here.round(1)
    assert [state for state, _why in here.round(3).values()] == ["returned", "untied"]
    assert here.round(3)[OTHER][0] == "untied"
    assert here.reserved(1) == 1


def test_one_server_with_two_cards_accounts_for_both(site):
    here = site(ADDRESS, OTHER)
    here.round()
    here.cloud.takes("a", "compute1", here.cards[0], wants="h100:2")
    here.cloud.inventories[here.cards[1]]["CUSTOM_H100"]["reserved"] = 1
    here.cloud.ends("a", here.now())
    here.round(1)
    assert [state for state, _why in here.round(3).values()] == ["returned", "returned"]


def elsewhere(site):
    site.cloud.servers[0]["OS-EXT-SRV-ATTR:hypervisor_hostname"] = "compute2"


def by_a_migration(site):
    """While a server moves, its old card is kept by the migration."""
    site.cloud.allocations[site.cards[0]] = {"m": {"resources": {"CUSTOM_H100": 1}}}
    site.round()
    site.cloud.migrations = [{"uuid": "m", "instance_uuid": "a", "status": "confirmed"}]
    elsewhere(site)


@pytest.mark.parametrize("leave", [elsewhere, by_a_migration], ids=lambda leave: leave.__name__)
def test_a_server_that_went_elsewhere_is_finished_here(site, leave):
    here = site()
    here.cloud.takes("a", "compute1", here.cards[0])
    here.round()
    leave(here)
    here.cloud.allocations[here.cards[0]].clear()
    here.round(1)
    assert here.round(3)[ADDRESS][0] == "returned"


def test_a_server_that_still_moves_is_not_finished(site):
    here = site()
    here.cloud.takes("a", "compute1", here.cards[0])
    here.round()
    elsewhere(here)
    here.cloud.servers[0]["status"] = "VERIFY_RESIZE"
    here.cloud.allocations[here.cards[0]].clear()
    here.round(1)
    assert here.round(3)[ADDRESS][0] == "untied"


def narrow(host):
    host.write(f"/sys/bus/pci/devices/{ADDRESS}/current_link_width", "8\n")


def with_other_firmware(host):
    host.write(f"/sys/bus/pci/devices/{ADDRESS}/rom", "another")


def without_a_width(host):
    host.write(f"/sys/bus/pci/devices/{ADDRESS}/current_link_width", "Unknown\n")


def without_a_reset(host):
    host.write(f"/sys/bus/pci/devices/{ADDRESS}/reset_method", "\n")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [(narrow, "link_width is 8, not 16"), (with_other_firmware, "firmware.rom is not known"), (without_a_width, "link_width is not known"),
     (without_a_reset, "reset is not known")], ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_a_card_that_fails_stays_and_is_reported_until_somebody_returns_it(site, key, capsys, spoil, why):
    here = site()
    used(here)
    spoil(here.host)
    here.round(1)
    assert here.round(3) == {ADDRESS: ("failed", why)}
    assert here.round(60) == {ADDRESS: ("failed", why)}
    assert (here.reserved(), here.asks, here.cloud.puts) == (1, 1, 0)
    (path,) = here.evidence()
    assert here.verified(path, key)
    assert json.loads(path.read_text())["verdict"] == "unfit"
    assert here.modules.cli.main(["return", "compute1", ADDRESS, "looked at"]) == 1
    assert (here.reserved(), here.asks) == (1, 2)
    here.host.card(ADDRESS, "0")
    here.host.remove(f"/sys/bus/pci/devices/{ADDRESS}/rom")
    assert here.modules.cli.main(["return", "compute1", ADDRESS, "mended"]) == 0
    assert (here.reserved(), here.asks) == (0, 3)


def listed_by_address(site):
    site.configure(out=[{"host": "compute1", "address": ADDRESS.upper(), "reason": "Xid 79"}])


def listed_by_serial(site):
    site.configure(out=[{"serial": "S17", "reason": "Xid 79"}])


def by_its_trait(site):
    site.cloud.traits[site.cards[0]].add("CUSTOM_AI_STACK_OUT_OF_SERVICE")


@pytest.mark.parametrize("take", [listed_by_address, listed_by_serial, by_its_trait], ids=lambda take: take.__name__)
def test_a_card_out_of_service_stays_and_comes_back_by_one_verb(site, take):
    here = site()
    never_there(here)
    take(here)
    assert here.round(9)[ADDRESS][0] == "out"
    assert here.modules.cli.main(["return-serial", "S17", "checked"]) == 1
    assert (here.reserved(), here.asks) == (1, 0)
    here.configure(out=[])
    here.cloud.traits[here.cards[0]].discard("CUSTOM_AI_STACK_OUT_OF_SERVICE")
    assert here.round(9)[ADDRESS][0] == "untied"
    assert here.modules.cli.main(["return-serial", "S17", "checked"]) == 0
    assert (here.reserved(), here.host.resets) == (0, [ADDRESS])
    assert json.loads(here.evidence()[0].read_text())["server"]["reason"] == "checked"


def test_a_card_in_use_and_a_free_one_are_not_returned(site, capsys):
    here = site()
    assert here.modules.cli.main(["return", "compute1", ADDRESS, "why not"]) == 1
    assert "it is not kept from anybody" in capsys.readouterr().err
    here.cloud.takes("a", "compute1", here.cards[0])
    assert here.modules.cli.main(["return", "compute1", ADDRESS, "why not"]) == 1
    assert "a server has it" in capsys.readouterr().err
    assert here.modules.cli.main(["return", "compute1", OTHER, "why not"]) == 1
    assert "0 cards" in capsys.readouterr().err
    assert here.modules.cli.main(["return", "compute1", ADDRESS, " "]) == 1
    assert here.cloud.puts == 0


@pytest.mark.parametrize("answer", [{"refused": "no route"}, {"nonce": "x", "address": ADDRESS}, {"address": OTHER}])
def test_a_host_that_does_not_answer_this_question_is_asked_the_same_again(site, answer):
    here = site()
    used(here)
    here.round(1)
    real, asked = here.modules.rounds.ask, []

    def other(ground, command, question, timeout):
        asked.append(question["nonce"])
        return dict({"nonce": question["nonce"]}, **answer)

    here.modules.rounds.ask = other
    assert here.round(3)[ADDRESS][0] == "silent"
    assert here.round(3)[ADDRESS][0] == "silent"
    here.modules.rounds.ask = real
    assert here.round(3)[ADDRESS][0] == "returned"
    assert len(set(asked)) == 1 and here.card()["last"]["nonce"] == asked[0]


def test_another_use_in_the_middle_is_not_given_back(site):
    """Somebody gives the card back by hand, and a server takes it, while it is wiped: the generation is another one."""
    here = site()
    used(here)
    here.round(1)
    real = here.modules.rounds.ask

    def meanwhile(*words):
        found = real(*words)
        here.cloud.takes("b", "compute1", here.cards[0])
        return found

    here.modules.rounds.ask = meanwhile
    assert here.round(3)[ADDRESS] == ("waits", "its provider changed while it was wiped; it is wiped again")
    assert (here.reserved(), here.cloud.puts) == (1, 0)
    here.modules.rounds.ask = real
    assert here.round(1)[ADDRESS] == ("used", "")


def test_a_change_of_the_provider_alone_wipes_again(site):
    here = site()
    used(here)
    here.round(1)
    real = here.modules.rounds.ask

    def meanwhile(*words):
        here.cloud.generations[here.cards[0]] += 1
        return real(*words)

    here.modules.rounds.ask = meanwhile
    assert here.round(3)[ADDRESS][0] == "waits"
    here.modules.rounds.ask = real
    assert here.round(3)[ADDRESS][0] == "returned"
    assert len(here.host.resets) == 2


def end_state(site):
    return site.reserved(), site.card()["cycle"], site.card()["last"]["result"], site.card()["last"]["server"], site.cloud.puts


def cut_at(here, number):
    """Whether a round in which the program dies at that cut was cut at all."""
    here.cut = number
    try:
        here.round(3)
    except Killed:
        return True
    finally:
        here.cut = None
    return False


def test_killed_at_each_step_it_ends_the_same_and_gives_back_once(tmp_path, key):
    number, cut = 0, True
    while cut:
        here = Site(tmp_path / str(number), key, ADDRESS)
        used(here)
        here.round(1)
        cut = cut_at(here, number)
        seen = [here.round(1)[ADDRESS][0] for _round in range(3)]
        assert seen[-1] == "free", number
        assert end_state(here) == (0, None, "returned", {"id": "a", "how": "deleted"}, 1), number
        assert all(here.verified(path, key) for path in here.evidence()), number
        assert here.card()["last"]["evidence"] in [path.name for path in here.evidence()], number
        assert len(here.host.resets) == 1, number
        number += 1
    assert number > 15


def test_killed_at_each_step_a_card_that_fails_stays(tmp_path, key):
    number, cut = 0, True
    while cut:
        here = Site(tmp_path / str(number), key, ADDRESS)
        used(here)
        narrow(here.host)
        here.round(1)
        cut = cut_at(here, number)
        assert here.round(1)[ADDRESS][0] == "failed", number
        assert end_state(here) == (1, None, "failed", {"id": "a", "how": "deleted"}, 0), number
        number += 1
    assert number > 10


@pytest.mark.parametrize("ended", [False, True])
def test_killed_as_it_came_back_a_new_server_is_wiped_for_itself(site, ended):
    """The card came back, nobody noted it, and the next server has it, or had it."""
    here = site()
    used(here)
    here.round(1)
    real = here.cloud.request

    def dies(*words):
        found = real(*words)
        if words[2] == "PUT":
            raise Killed()
        return found

    here.cloud.request = dies
    with pytest.raises(Killed):
        here.round(3)
    here.cloud.request = real
    assert (here.reserved(), here.card()["cycle"]["step"]) == (0, "put")
    here.minutes += 1
    here.cloud.takes("b", "compute1", here.cards[0])
    if ended:
        here.cloud.ends("b", here.now())
        assert here.round(1)[ADDRESS][0] == "returned"
        assert (here.card()["last"]["server"]["id"], len(here.host.resets), here.cloud.puts) == ("b", 2, 2)
    else:
        assert here.round(1)[ADDRESS] == ("used", "")
        assert (here.card()["last"]["result"], here.card()["users"], here.cloud.puts) == ("returned", ["b"], 1)


def test_killed_as_it_came_back_a_hand_that_keeps_it_is_not_overruled(site):
    here = site()
    used(here)
    here.round(1)
    real = here.cloud.request

    def dies(*words):
        found = real(*words)
        if words[2] == "PUT":
            raise Killed()
        return found

    here.cloud.request = dies
    with pytest.raises(Killed):
        here.round(3)
    here.cloud.request = real
    never_there(here)
    here.cloud.generations[here.cards[0]] += 1
    assert here.round(1)[ADDRESS][0] == "untied"
    assert here.round(60)[ADDRESS][0] == "untied"
    assert (here.reserved(), here.cloud.puts) == (1, 1)


def test_a_run_ends_with_three_where_a_card_wants_an_operator(site, capsys):
    here = site(settle=0)
    assert here.modules.cli.main(["run"]) == 0
    never_there(here)
    assert here.modules.cli.main(["run"]) == 3
    capsys.readouterr()
    assert here.modules.cli.main(["report"]) == 0
    assert json.loads(capsys.readouterr().out)["cards"][0]["state"] == "untied"


def test_what_a_card_shows_is_printed_as_it_is_noted(site, capsys):
    here = site()
    assert here.modules.cli.main(["look", "compute1", ADDRESS]) == 0
    assert json.loads(capsys.readouterr().out) == {"compute1": {ADDRESS: EXPECTED}}
    assert here.modules.cli.main(["check"]) == 0
    assert json.loads(capsys.readouterr().out) == {"used_once": 1, "shown": {"compute1": {ADDRESS: EXPECTED}}}
    assert here.modules.cli.main(["look", "compute9", ADDRESS]) == 1
    assert "compute9 is not among the computes" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("nothing",), ("return", "compute1"), ("run", "more")])
def test_other_words_are_answered_with_the_usage(site, words, capsys):
    assert site().modules.cli.main(list(words)) == 2
    assert "Usage" in capsys.readouterr().err


def test_an_answer_of_the_cloud_that_is_an_error_is_one_sentence(site, capsys):
    here = site()
    here.cloud.broken["GET", "/traits"] = (500, {})
    assert here.modules.cli.main(["run"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
