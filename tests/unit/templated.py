# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a role makes of variables, as Ansible's own templating reads its vars/main.yml."""

from __future__ import annotations

from pathlib import Path

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

try:
    from ansible.template import trust_as_template
except ImportError:

    def trust_as_template(value):
        return value


ROLES = Path(__file__).resolve().parents[2] / "roles"


def constants(role):
    """A function: the value of a role's name beside these variables."""
    loader = DataLoader()
    found = loader.load(trust_as_template((ROLES / role / "vars/main.yml").read_text()))

    def value(name, **variables):
        return Templar(loader=loader, variables={**found, **variables}).template(found[name])

    return value
