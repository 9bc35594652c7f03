# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Repositories and their secrets, which travel apart so that only the secrets need hiding."""

from __future__ import annotations

import json

# Hiding a very short text would hide half of every answer.
SHORTEST = 4


def joined(repositories, text):
    """-> (repositories with login and password, the passwords); ValueError when the text is not {name: {login, password}} of texts."""
    try:
        secrets = json.loads(text or "{}")
    except ValueError:
        raise ValueError("credentials is not a JSON object of {name: {login, password}}") from None
    parts = secrets.values() if isinstance(secrets, dict) else [None]
    if not all(isinstance(each, dict) and all(isinstance(value, str) for value in each.values()) for each in parts):
        raise ValueError("credentials is not a JSON object of {name: {login, password}}")
    passwords = {each["password"] for each in parts if len(each.get("password", "")) >= SHORTEST}
    return [dict(each, **secrets.get(each.get("name"), {})) for each in repositories], passwords
