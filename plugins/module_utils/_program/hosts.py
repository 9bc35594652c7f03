# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host under two names, short and full, as inventories and clouds have them. Pure."""

from __future__ import annotations


def alike(one, other):
    """A short and a full name of one host; two different full names never are."""
    return one.partition('.')[0].lower() == other.partition('.')[0].lower() and ('.' not in one or '.' not in other)


def host_of(name, there):
    """The name by which a host is there: the same, or the one whose first part is; None: none, or several are."""
    if name in there:
        return name
    found = [one for one in there if alike(name, one)]
    return found[0] if len(found) == 1 else None
