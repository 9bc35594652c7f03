# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""rpm and dnf. Placeholder until the first slice stands."""

from __future__ import annotations

DATABASES = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")


def packages(root):
    return {}


def observe(root, packages_, options, guard):
    return [], {}


def held(root):
    return []


def lock(root):
    return None


def lists_at(root):
    return None
