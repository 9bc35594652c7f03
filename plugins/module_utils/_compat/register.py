# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one register of rules: a rule is a function under its id, and applies while its row in the tables is enforced.

Stages, what a function of each gets, and what it yields:

=========== ========================== ====================================================================
candidate   (candidate, case)          Objection: why this candidate does not do for these cards
need        (case)                     Need: what the cards ask for beside a driver
host        (case)                     Objection: what keeps this host from any driver
layout      (wish)                     Objection: why a card cannot take a MIG layout
whole       (pairs)                    Objection: why cards cannot be given whole
pool        (claims)                   Objection: what is wrong between pools, cards and record
check       (view)                     a check of the evidence
given       (given)                    the same of a host that gives cards away
promised    (promised)                 the same of a cloud that gets them
spec        (spec)                     Objection: what is wrong with an entry of device_spec
alias       (alias)                    Objection: what is wrong with an entry of alias
services    ({service: alias lines})   Objection: which service has other aliases than the rest
flavor      (flavor)                   Objection: what is wrong with a flavor that asks for cards
selection   (selection)                Objection: what entries of a host do to its functions
passthrough (donor)                   Objection: what keeps a host from giving its cards away
tenants     (watch)                    Objection: who is in the way of what a host of a cloud gets
cloud       (cloud)                    Objection: what keeps a cloud from its pools
argument    (donor)                    (argument, because): what the kernel of a host is told
module      (donor)                    (module, because): what a host loads
setting     (cloud)                    Setting: an option of Nova or Placement
limit       (cloud)                    (kind, id, value, because): a limit
aggregate   (cloud)                    (name, {subject: value}, because): an aggregate of hosts
image       (cloud, pool)              (property, value, because): what images of servers with cards have
gate        (cloud)                    (place, what, targets, costs): a step of the order
cluster     (cluster)                  Objection: what keeps a cluster from its versions and hosts
node        (node)                     Objection: what keeps a host from being a node
member      (member)                   a check of a host of a cluster
=========== ========================== ====================================================================
"""

from __future__ import annotations

from collections import namedtuple

# message, nearest allowed choice; path None: the driver settings as a whole; source None: the sources of the rule;
# host None: the host at hand; warns: it is said, and stops nothing.
Objection = namedtuple('Objection', 'message nearest path source host warns')
Objection.__new__.__defaults__ = (None, None, None, None, False)

Need = namedtuple('Need', 'part because source rule')
Need.__new__.__defaults__ = (None, None)

_RULES = {}


def rule(identity, stage):
    """Register a function as what enforces a rule."""
    def keep(function):
        _RULES.setdefault(stage, []).append((identity, function))
        return function
    return keep


def of(stage, enforced):
    """The (id, function) pairs of a stage that the tables enforce, in the order of registration."""
    return [pair for pair in _RULES.get(stage, ()) if pair[0] in enforced]


def implemented():
    """{id: [stages]} of every rule that some function enforces."""
    found = {}
    for stage, pairs in sorted(_RULES.items()):
        for identity in sorted({pair[0] for pair in pairs}):
            found.setdefault(identity, []).append(stage)
    return found


def entry(index, identity, objection, host=None):
    """The document of an objection: a conflict, a warning, or what becomes a waived row."""
    source = index.source(identity, {'source': objection.source} if objection.source else None)
    return {'rule': identity, 'host': objection.host or host, 'path': objection.path, 'message': objection.message,
            'nearest': objection.nearest, 'source': source}
