# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What rocm-smi says, as JSON."""

from __future__ import annotations

import json

NAMES = {"uuid": ("Unique ID",), "serial": ("Serial Number",), "vbios": ("VBIOS version",), "name": ("Card series", "Card Series", "Device Name")}


def _known(card, names):
    value = next((str(card[name]).strip() for name in names if card.get(name)), "")
    return None if value in ("", "N/A", "None") else value


def _uuid(card):
    """As sysfs writes unique_id: sixteen digits."""
    value = _known(card, NAMES["uuid"])
    try:
        return "%016x" % int(value, 16) if value else None
    except ValueError:
        return value


def _address(card):
    value = _known(card, ("PCI Bus",))
    return value.lower() if value else None


def parse(text):
    """-> {driver_version, gpus: [{address, uuid, serial, name, vbios}]}; None when it is no such answer."""
    lines = [line for line in text.splitlines() if line.startswith("{")]
    try:
        document = json.loads(lines[-1]) if lines else None
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    cards = [card for name, card in document.items() if name.startswith("card") and isinstance(card, dict)]
    system = document.get("system") if isinstance(document.get("system"), dict) else {}
    gpus = [dict({key: _known(card, names) for key, names in NAMES.items()}, address=_address(card), uuid=_uuid(card)) for card in cards]
    return {"driver_version": _known(system, ("Driver version",)), "gpus": gpus}
