# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's observation beside what was decided for it, and the making of one check."""

from __future__ import annotations

from . import cards
from .state import values

ROLE = 'gpu_driver'


class View:
    """What the checks look at."""

    def __init__(self, index, host, decisions, observation, today):
        self.index, self.host, self.want, self.seen, self.today = index, host, values(decisions), observation, today
        self.known = observation.get('reachable') is not False
        self.driver = observation.get('driver') or {}
        self.nvml = observation.get('nvml') or {}
        self.kernel = observation.get('kernel') or {}
        self.packages = observation.get('packages') or {}
        self.units = observation.get('units')

    @property
    def nvidia(self):
        return self.want.get('driver.vendor') == 'nvidia'

    @property
    def version(self):
        return self.want.get('driver.version')

    @property
    def loaded(self):
        """{module: {version, flavour}} as loaded; None: not known."""
        return self.driver.get('loaded')

    @property
    def next_kernel(self):
        """The kernel that boots next, as installed; None: not known."""
        release = self.kernel.get('next_boot')
        return next((one for one in self.kernel.get('installed') or () if one.get('release') == release), None)

    @property
    def gpus(self):
        """What NVML lists, by address; None: it did not answer."""
        if self.nvml.get('status') != 'ok':
            return None
        return {cards.address(gpu.get('address')): gpu for gpu in self.nvml.get('gpus') or ()}

    def version_of(self, part):
        """Version of a part of the driver: None where it is not installed, 'unknown' where nothing tells."""
        if part not in self.driver:
            return 'unknown'
        return (self.driver[part] or {}).get('version')

    def planned(self):
        """Cards of this host that answer on the bus; the dead are the plan's business."""
        return [card for card in cards.of(self.seen, self.index) if card['status'] == 'ok' and card['row']]


def check(what, promise, expected, observed, how, status=None):
    """One check; the status follows from the values unless the caller knows better. observed None: unknown."""
    if status is None:
        status = 'unknown' if observed is None else 'pass' if observed == expected else 'fail'
    return {'what': what, 'promise': promise, 'expected': expected, 'observed': observed, 'how': how, 'status': status}


def row(role, each, identity, host, at):
    """A check as it stands in the evidence. each: of check(); at: when it was observed."""
    return {'id': '%s.%s' % (role, each['what']), 'host': each.get('host', host), 'role': role, 'promise': each['promise'], 'status': each['status'],
            'expected': each['expected'], 'observed': each['observed'], 'observed_at': at, 'how': each['how'], 'rule': identity}


def none_for(what, promise, why):
    """A check that has nothing to look at here, and says why."""
    return check(what, promise, None, why, 'the plan', 'not_applicable')
