# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must be true on a host, asked of its observation alone. Unknown stays unknown: it is no pass."""

from __future__ import annotations

from . import checks_driver, checks_fabric
from .index import Index
from .register import of
from .view import ROLE, View, row

# Importing them fills the register.
CHECKS = (checks_driver, checks_fabric)


def checks(host, decisions, observation, tables, today):
    """The checks of one host in a fixed order; [] where no driver was decided.

    decisions: rows {subject, value, ...} of the plan, or a mapping; observation: of now; tables: as _tables.load() gives them.
    """
    index = tables if isinstance(tables, Index) else Index(tables)
    view, found = View(index, host, decisions, observation, today), []
    if not view.want.get('driver.vendor'):
        return found
    for identity, function in of('check', index.enforced):
        for each in function(view):
            found.append(row(ROLE, each, identity, host, observation.get('at')))
    return found
