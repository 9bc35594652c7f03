# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runtime of one node without a cluster: what the role container_runtime asks of the same rules."""

from __future__ import annotations

from types import SimpleNamespace

from .._compat.register import entry, of
from . import rules_node, rules_version
from .node import WORKER, Node

RULES = (rules_node, rules_version)
# those that are about containerd alone; the order of its files the program on the host knows best
ASKED = ('K8S-N5', 'K8S-N6', 'K8S-V7', 'K8S-V8')


class Alone:
    """A node that is its own cluster, with the version of containerd that it is to get."""

    def __init__(self, index, host, observation, version, today):
        self.index, self.name, self.runtime = index, host, (version, '')
        self.site, self.row_of_minor = SimpleNamespace(today=today), None
        self.nodes = [Node(self, SimpleNamespace(name=host, known=True, seen=observation), WORKER)]

    @staticmethod
    def path(key):
        return 'container_runtime_version' if key == 'containerd' else 'container_runtime'


def conflicts(index, host, observation, version, today, waived):
    """What speaks against a version of containerd on a host. waived: {rule: waiver} that hold there."""
    alone, found = Alone(index, host, observation, version, today), []
    for stage, given in (('node', alone.nodes[0]), ('cluster', alone)):
        for identity, function in of(stage, index.enforced):
            if identity in ASKED and not any(name in waived for name in index.waivable_by(identity)):
                found += [entry(index, identity, one, host) for one in function(given) if not one.warns]
    return found
