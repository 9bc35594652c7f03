# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Which hosts of a run the role counts on, and what it takes away on every host."""

from __future__ import annotations

import pytest
import templated
import yaml

ROLE = templated.ROLES / "kubernetes_accelerators"
HOSTS = ("cp1", "w1", "w2", "w3")


@pytest.fixture
def role():
    """A value of the role in a run of three hosts of four: w1 was made ready, w2 was lost after that, w3 is not in the run."""
    found = {host: {"inventory_hostname": host} for host in HOSTS}
    for host in ("w1", "w2"):
        found[host]["__kubernetes_accelerators_ready"] = True
    run = {"hostvars": found, "ansible_play_batch": ["cp1", "w1", "w2"], "groups": {"ai_stack_lost": ["w2"]}, "kubernetes_accelerators_answer_timeout": 1,
           "__kubernetes_accelerators_decided": {"documents": [], "cards": dict.fromkeys(HOSTS[1:], {}), "first": "cp1"}}  # fmt: skip

    of_role = templated.constants(ROLE.name)
    return lambda name, **changed: of_role(name, **{**run, **changed})


def test_a_plugin_is_for_hosts_that_this_run_made_ready(role):
    assert role("__kubernetes_accelerators_readied") == {"ready": ["w1"]}
    # before anything was done all that are in the run would be
    assert role("__kubernetes_accelerators_request")["ready"] == ["cp1", "w1"]
    assert role("__kubernetes_accelerators_request", groups={})["ready"] == ["cp1", "w1", "w2"]


def test_what_is_proven_waits_for_nobody_who_is_not_there(role):
    assert role("__kubernetes_accelerators_proves") == {"cards": {"w1": {}}}


def tasks(name):
    return {task["name"]: task for task in yaml.safe_load((ROLE / f"tasks/{name}.yml").read_text())}


def test_a_host_that_left_its_pool_is_cleaned_too():
    found = [task for task in tasks("absent").values() if "drop_in" in str(task.get("ansible.builtin.file"))]
    assert len(found) == 1 and not {"when", "run_once", "delegate_to"} & set(found[0])


def test_what_is_said_wrongly_keeps_nobody_from_taking_cards_away():
    refusals = {name: str(task["when"]) for name, task in tasks("decide").items() if "ansible.builtin.fail" in task and "skips" not in str(task["when"])}
    assert len(refusals) == 3
    (absent,) = [when for when in refusals.values() if "== 'absent'" in when]
    assert "not __kubernetes_accelerators_decided.first" in absent and all("_state == '" in when for when in refusals.values())
