# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Whom the role asks of a cluster."""

from __future__ import annotations

import templated

ASKED = templated.constants("kubernetes")


def answer(host, silent, authority="cert"):
    said = '{"silent": %s, "authority": %s}' % ("null" if silent is None else f'"{silent}"', "null" if authority is None else f'"{authority}"')
    return {"rc": 0, "stdout": said, "__kubernetes_candidate": host}


def whom(*results):
    return ASKED("__kubernetes_asked", inventory_hostname="w1", __kubernetes_told={"results": list(results)})


def test_the_first_that_answers_is_asked():
    assert whom({"rc": 1, "__kubernetes_candidate": "cp1"}, answer("cp2", "it hangs"), answer("cp3", None)) == "cp3"
    assert whom({"unreachable": True, "__kubernetes_candidate": "cp1"}, answer("cp2", "it hangs")) == "cp2"


def test_who_settles_nodes_is_told_of_their_addresses():
    hosts = {"cp1": {"nodes": {"w3": ["192.0.2.13"]}}, "w3": {"nodes": {}}}
    told = ASKED("__kubernetes_settling", __kubernetes_here=["w3"], __kubernetes_asked="cp1", __kubernetes_decided={"hosts": hosts, "control": ["cp1"]},
                 kubernetes_answer_timeout="7")  # fmt: skip
    assert told == {"joined": ["w3"], "control": ["cp1"], "seconds": 7, "nodes": {"w3": ["192.0.2.13"]}}
