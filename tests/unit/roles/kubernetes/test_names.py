# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Whom the role asks of a cluster."""

from __future__ import annotations

import json

import templated

ASKED = templated.constants("kubernetes")


def answer(host, silent, authority="cert", member=True):
    said = json.dumps({"silent": silent, "authority": authority, "member": member})
    return {"rc": 0, "stdout": said, "__kubernetes_candidate": host}


def whom(*results):
    return ASKED("__kubernetes_asked", inventory_hostname="w1", __kubernetes_told={"results": list(results)})


def test_one_whose_own_member_of_etcd_answers_is_asked_before_one_that_has_the_api_of_another():
    assert whom(answer("cp1", None, member=False), answer("cp2", None)) == "cp2"
    assert whom(answer("cp1", "it hangs"), answer("cp2", None, member=False)) == "cp2"


def test_the_first_that_answers_is_asked():
    assert whom({"rc": 1, "__kubernetes_candidate": "cp1"}, answer("cp2", "it hangs"), answer("cp3", None)) == "cp3"
    assert whom({"unreachable": True, "__kubernetes_candidate": "cp1"}, answer("cp2", "it hangs")) == "cp2"


def test_who_settles_nodes_is_told_of_their_addresses():
    hosts = {"cp1": {"nodes": {"w3": ["192.0.2.13"]}}, "w3": {"nodes": {}}}
    told = ASKED("__kubernetes_settling", __kubernetes_here=["w3"], __kubernetes_asked="cp1", __kubernetes_decided={"hosts": hosts, "control": ["cp1"]},
                 kubernetes_answer_timeout="7")  # fmt: skip
    assert told == {"joined": ["w3"], "control": ["cp1"], "seconds": 7, "nodes": {"w3": ["192.0.2.13"]}}
