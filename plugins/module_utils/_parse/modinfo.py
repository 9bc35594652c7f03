# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A kernel module file: its .modinfo section and who signed it, without modinfo (which a bare host may not have)."""

from __future__ import annotations

import struct

MAGIC_SIGNED = b"~Module signature appended~\n"
COMMON_NAME = b"\x06\x03\x55\x04\x03"


def section(read, name=b".modinfo"):
    """Bytes of one section of a 64-bit little-endian ELF object; read(offset, length) gives bytes. None: no such thing."""
    head = read(0, 64)
    if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
        return None
    table, = struct.unpack_from("<Q", head, 0x28)
    size, count, names = struct.unpack_from("<HHH", head, 0x3A)
    headers = read(table, size * count)
    if size < 64 or len(headers) < size * count or names >= count:
        return None

    def header(number):  # name offset, file offset, length
        return struct.unpack_from("<I20xQQ", headers, number * size)

    strings = read(*header(names)[1:])
    for number in range(count):
        start, offset, length = header(number)
        if strings[start:start + len(name) + 1] == name + b"\0":
            return read(offset, length)
    return None


def fields(data):
    """.modinfo -> {key: first value}: version, license, name, vermagic ..."""
    found = {}
    for pair in data.split(b"\0"):
        if b"=" in pair:
            key, value = pair.split(b"=", 1)
            found.setdefault(key.decode("ascii", "replace"), value.decode("utf-8", "replace"))
    return found


def signer(tail):
    """Common name in the signature at the end of a module; None: not signed, or signed by key id alone."""
    if not tail.endswith(MAGIC_SIGNED):
        return None
    body = tail[:-len(MAGIC_SIGNED)]
    length, = struct.unpack(">I", body[-4:])
    signature = body[-12 - length:-12]
    at = signature.find(COMMON_NAME)
    if at < 0 or at + 7 > len(signature):
        return None
    start = at + len(COMMON_NAME) + 2
    return signature[start:start + signature[start - 1]].decode("utf-8", "replace") or None


def flavour(license_text):
    """NVIDIA's open modules say Dual MIT/GPL, the closed ones NVIDIA."""
    if not license_text:
        return None
    return "proprietary" if license_text.strip() == "NVIDIA" else "open"
