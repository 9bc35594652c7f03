# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a node of a cluster is made of, from the vars of its roles."""

from __future__ import annotations

import pathlib

import yaml

ROLES = pathlib.Path(__file__).resolve().parent.parent.parent / "roles"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def packages() -> dict:
    """{program: [names of its package]}"""
    found = {}
    for role in ("container_runtime", "kubernetes"):
        with open(ROLES / role / "vars/main.yml", encoding="utf-8") as stream:
            found.update(yaml.load(stream, Loader=LOADER)[f"__{role}_programs"])
    return found
