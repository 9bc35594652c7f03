# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Members of etcd: who goes when a control plane joins or leaves, and that none goes while most would not be there."""

from __future__ import annotations

import pytest

from .conftest import THREE
from .test_member import refused

ALL = [(name, one["address"], True) for name, one in sorted(THREE.items()) if one["part"] == "control_plane"]
CONTROL = [name for name, dummy, dummy in ALL]


def but(*silent):
    return [(name, address, name not in silent) for name, address, dummy in ALL]


def left(host):
    return [name for name, dummy, dummy in host.members if name]


@pytest.fixture
def control(host):
    host.apply()
    host.members = list(ALL)
    return host


def room(control, name="cp3", bare=("cp3",), cut_off=False, names=CONTROL):
    nodes = {one: [at] for one, at, dummy in [*control.members, *ALL]}
    asked = {"name": name, "address": THREE[name]["address"], "control": names, "nodes": nodes, "bare": list(bare), "cut_off": cut_off}
    return control.modules.etcd.made_room(control.ground, asked)


def test_the_former_life_of_a_host_goes_before_it_joins(control):
    control.members = but("cp3")
    assert room(control) == ["cp3"] and left(control) == ["cp1", "cp2"]
    control.members = but()[:2]
    assert room(control) == [] and left(control) == ["cp1", "cp2"]


def test_one_that_was_announced_and_never_came_is_known_by_its_address(control):
    control.members = [*but()[:2], ("", "192.0.2.31", False)]
    assert room(control) == ["https://192.0.2.31:2380"] and left(control) == ["cp1", "cp2"]


@pytest.mark.parametrize(("address", "bare"), [("192.0.2.99", ["cp3"]), ("192.0.2.21", ["cp2", "cp3"])])
def test_one_that_never_started_is_lost_where_no_host_is_that_will(control, address, bare):
    control.members = [but()[0], ("cp4", "192.0.2.41", True), ("", address, False)]
    assert room(control, bare=bare) == [f"https://{address}:2380"] and left(control) == ["cp1", "cp4"]


def test_one_that_never_started_may_still_do_it_on_a_host_that_has_the_cluster(control):
    control.members = [but()[0], ("cp4", "192.0.2.41", True), ("", "192.0.2.21", False)]
    assert refused(room, control) == "members of etcd do not answer, and nobody joins before they do: https://192.0.2.21:2380"


def test_a_member_that_answers_is_another_host_unless_this_very_join_was_cut_off(control):
    assert "answers, and this host says that it has no cluster" in refused(room, control)
    assert left(control) == CONTROL
    assert room(control, cut_off=True) == ["cp3"] and left(control) == ["cp1", "cp2"]


def test_a_join_that_was_cut_off_beside_the_only_one_that_votes_is_begun_again(control):
    control.members, control.learners = but()[:2], ("cp2",)
    assert room(control, "cp2", bare=["cp3"], cut_off=True) == ["cp2"] and left(control) == ["cp1"]


@pytest.mark.parametrize("name", ["cp3", ""])
def test_etcd_takes_one_learner_so_that_of_another_host_goes_too(control, name):
    control.members, control.learners = [*but()[:1], (name, "192.0.2.31", True)], (name,)
    assert room(control, "cp2", bare=["cp2"]) == [name or "https://192.0.2.31:2380"] and left(control) == ["cp1"]


def test_a_learner_goes_and_who_votes_alone_stays(control):
    control.members, control.learners = but()[:2], ("cp2",)
    etcd, ground = control.modules.etcd, control.ground
    assert "0 of 0 members" in refused(etcd.forgotten, ground, "cp1", "192.0.2.11") and left(control) == ["cp1", "cp2"]
    assert etcd.objections(ground, "cp2", "192.0.2.21") == "" and etcd.forgotten(ground, "cp2", "192.0.2.21") is True and left(control) == ["cp1"]


def test_who_never_voted_is_missed_by_nobody(control):
    several = control.member("cp1", **control.of_three("cp1", ["cp1", "cp2", "cp3"]))
    control.members, control.learners = list(ALL), ("cp3",)
    control.modules.etcd.whole(several, "before it")
    assert control.modules.etcd.well(control.ground) == ["cp1", "cp2"]


def test_a_lost_one_of_another_name_goes_when_its_place_is_taken(control):
    control.members = [*but(), ("old", "192.0.2.99", False)]
    assert room(control, bare=["cp3"], cut_off=True) == ["cp3", "old"]
    # one that answers is somebody's
    control.members = [*but("cp3"), ("old", "192.0.2.99", True)]
    assert room(control) == ["cp3"] and left(control) == ["cp1", "cp2", "old"]


def test_nobody_joins_beside_a_member_that_may_come_back(control):
    control.members = [*but("cp2", "cp3"), ("cp4", "192.0.2.41", True), ("cp5", "192.0.2.51", True)]
    five = [*CONTROL, "cp4", "cp5"]
    assert refused(room, control, names=five) == "members of etcd do not answer, and nobody joins before they do: cp2"
    assert left(control) == five
    assert room(control, bare=["cp2", "cp3"], names=five) == ["cp3", "cp2"] and left(control) == ["cp1", "cp4", "cp5"]


@pytest.mark.parametrize(("silent", "goes", "why"), [([], "cp3", ""), (["cp3"], "cp3", ""), (["cp2"], "cp3", "1 of 2 members of etcd of those that would stay"),
                                                     (["cp2", "cp3"], "cp3", "1 of 3 members of etcd answer")])  # fmt: skip
def test_none_goes_while_most_would_not_be_there(control, silent, goes, why):
    control.members = but(*silent)
    asked = (control.ground, goes, THREE[goes]["address"])
    assert control.modules.etcd.objections(*asked).startswith(why) and bool(control.modules.etcd.objections(*asked)) is bool(why)
    if why:
        assert why in refused(control.modules.etcd.forgotten, *asked) and left(control) == CONTROL
    else:
        assert control.modules.etcd.forgotten(*asked) is True and left(control) == ["cp1", "cp2"]
        assert control.modules.etcd.forgotten(*asked) is False


def test_the_last_member_never_goes(control):
    control.members = but()[:1]
    assert "0 of 0 members" in control.modules.etcd.objections(control.ground, "cp1", "192.0.2.11")


def test_a_control_plane_is_not_taken_down_beside_one_that_is_down(control):
    several = control.member("cp1", **control.of_three("cp1", ["cp1", "cp2", "cp3"]))
    control.modules.etcd.whole(several, "before it")
    control.members = but("cp2")
    assert refused(control.modules.etcd.whole, several, "before it") == "members of etcd do not answer before it: cp2"
    # a single one is asked by its API alone
    control.modules.etcd.whole(control.member("cp1"), "before it")


def test_a_host_without_etcd_says_so(host):
    assert "no etcd of kubeadm is on this host" in refused(host.modules.etcd.well, host.ground)
