# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which drivers a card certainly refuses, before anything but its PCI id is known: what a host need not ask its package manager."""

from __future__ import annotations

FLAVOURS = ('open', 'proprietary')
_ONLY = {'open_only': 'open', 'proprietary_only': 'proprietary'}


def refuses(row, branch, flavour):
    """What the rules ACC-1, ACC-2 and ACC-3a say of a branch for a card."""
    number, floors, last = int(branch['branch']), row.get('first_version') or {}, row.get('last_branch')
    listed, flavours = branch.get('architectures'), branch.get(flavour)
    return bool(last and number > int(last)
                or listed and row.get('architecture') not in listed
                or row.get('flavour') == 'either' and flavours is not None and row.get('architecture') not in flavours
                or floors and number < min(int(one) for one in floors))


def _of_row(index, vendor, row):
    """{flavour: branches, or None for all of them}."""
    only = _ONLY.get(row.get('flavour'))
    branches = [one for one in index.branches.values() if one.get('vendor') == vendor]
    return {flavour: None if only and only != flavour else frozenset(str(one['branch']) for one in branches if refuses(row, one, flavour))
            for flavour in FLAVOURS}


def takes(row, branch):
    """Whether a card may take some release and flavour of a branch."""
    only = _ONLY.get(row.get('flavour'))
    return any(not refuses(row, branch, flavour) for flavour in FLAVOURS if only in (None, flavour))


def _both(left, right):
    """Where one id stands for several cards only what all of them refuse counts."""
    return right if left is None else left if right is None else left & right


def of(index):
    """[{ids, open, proprietary}]: ids that refuse the same; per flavour the branches that they refuse, null for every branch.

    An id or a branch that is not here is not known, which refuses nothing.
    """
    found, groups = {}, {}
    for (vendor, device), rows in index.devices.items():
        for refused in [_of_row(index, vendor, row) for row in rows if row.get('flavour')]:
            identity = '%s:%s' % (vendor, device)
            found[identity] = {one: _both(found[identity][one], refused[one]) for one in FLAVOURS} if identity in found else refused
    for identity, refused in found.items():
        groups.setdefault(tuple(refused[one] for one in FLAVOURS), []).append(identity)
    return [dict({one: None if branches is None else sorted(branches, key=int) for one, branches in zip(FLAVOURS, key)}, ids=sorted(ids))
            for key, ids in groups.items()]
