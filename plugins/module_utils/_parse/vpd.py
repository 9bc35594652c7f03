# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Vital product data of a PCI function: tagged, binary, written by whoever made the card."""

from __future__ import annotations

IDENTIFIER, READ_ONLY, READ_WRITE, END = 0x82, 0x90, 0x91, 0x78


def _printable(data):
    return "".join(chr(byte) if 32 <= byte < 127 else " " for byte in data).strip()


def _keywords(data):
    found, at = [], 0
    while at + 3 <= len(data):
        length = data[at + 2]
        name = _printable(data[at:at + 2])
        if name not in ("RV", "RW"):  # checksum and free space
            found.append((name, _printable(data[at + 3:at + 3 + length])))
        at += 3 + length
    return found


def parse(data):
    """-> {part_number, serial, text}; text is the identifier and every field, for markers such as SW_MNG. None: no VPD in it."""
    name, fields, at = "", [], 0
    while at + 3 <= len(data) and data[at] != END:
        tag, length = data[at], data[at + 1] | data[at + 2] << 8
        body = data[at + 3:at + 3 + length]
        if tag == IDENTIFIER:
            name = _printable(body)
        elif tag in (READ_ONLY, READ_WRITE):
            fields += _keywords(body)
        else:
            break
        at += 3 + length
    if not name and not fields:
        return None
    values = dict(reversed(fields))
    text = " ".join([name] + ["%s=%s" % field for field in fields]).strip()
    return {"part_number": values.get("PN") or None, "serial": values.get("SN") or None, "text": text[:2000]}
