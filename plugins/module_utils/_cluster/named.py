# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How documents of a cluster's API are named that this collection makes, and finds again by that."""

from __future__ import annotations

from .._parse.cluster_nodes import OURS


def meta(name, namespace=None, labels=None):
    where = {'namespace': namespace} if namespace else {}
    return dict({'name': name, 'labels': dict(OURS, **(labels or {}))}, **where)
