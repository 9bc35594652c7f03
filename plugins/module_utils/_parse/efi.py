# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""EFI signature lists, as MokListRT holds them."""

from __future__ import annotations

import hashlib
import struct
import uuid

X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
COMMON_NAME = b"\x06\x03\x55\x04\x03"


def _common_name(certificate):
    """The last common name before the key is the subject's: issuer comes first."""
    names, at = [], certificate.find(COMMON_NAME)
    while at >= 0:
        start = at + len(COMMON_NAME) + 2
        if start <= len(certificate):
            names.append(certificate[start:start + certificate[start - 1]].decode("utf-8", "replace"))
        at = certificate.find(COMMON_NAME, start)
    return names[1] if len(names) > 1 else names[0] if names else None


def certificates(data):
    """-> [{sha256, sha1, subject}] of the certificates in it; other kinds of signatures are passed over."""
    found, at = [], 0
    while at + 28 <= len(data):
        total, header, size = struct.unpack_from("<III", data, at + 16)
        if total < 28 or at + total > len(data) or size < 17:
            break
        for start in range(at + 28 + header, at + total - size + 1, size) if data[at:at + 16] == X509 else ():
            certificate = data[start + 16:start + size]
            found.append({"sha256": hashlib.sha256(certificate).hexdigest(), "sha1": hashlib.sha1(certificate).hexdigest(),  # nosec: mokutil shows it
                          "subject": _common_name(certificate)})
        at += total
    return found
