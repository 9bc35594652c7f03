# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The firmware's variables, as efivarfs shows them, and the certificates that its key lists hold."""
from __future__ import annotations

import base64
import re
import struct
import uuid
from pathlib import Path

EFI_GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
SHIM = "605dab50-e046-4300-abb6-3dd810dd8b23"
CERT_X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
# what the kernel writes before each value: non-volatile, boot service, runtime
ATTRIBUTES = struct.pack("<I", 7)


def _der(pem):
    body = re.search(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", pem, re.DOTALL)
    return base64.b64decode(body[1])


def signature_list(certificates):
    """An EFI signature database: one list of one X.509 certificate each."""
    owner, lists = uuid.UUID(SHIM).bytes_le, b""
    for certificate in certificates:
        entry = owner + certificate
        lists += CERT_X509.bytes_le + struct.pack("<III", 28 + len(entry), 0, len(entry)) + entry
    return lists


def write(root, secure_boot):
    """ROOT stands for /sys/firmware/efi."""
    variables = Path(root, "efivars")
    variables.mkdir(parents=True)
    Path(root, "fw_platform_size").write_text("64\n")
    certificates = [_der(pem) for pem in secure_boot["enrolled"]]
    values = {"SecureBoot-" + EFI_GLOBAL: bytes([secure_boot["enabled"]]), "SetupMode-" + EFI_GLOBAL: b"\0", "MokListRT-" + SHIM: signature_list(certificates)}
    for name, value in values.items():
        (variables / name).write_bytes(ATTRIBUTES + value)
