# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Secure boot and the keys that the machine's owner enrolled."""

from __future__ import annotations

from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import efi

VARIABLES = "/sys/firmware/efi/efivars"
SECURE_BOOT = VARIABLES + "/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
MOK = ("/sys/firmware/efi/mok-variables/MokListRT", VARIABLES + "/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23")


def _state(root, efi_here):
    if efi_here is None:
        return "unknown"
    if not efi_here:
        return "disabled"
    data = root.data(SECURE_BOOT)
    if data is None or len(data) < 5:
        return "unknown"
    return "enabled" if data[4] == 1 else "disabled"


def _enrolled(root):
    for path in MOK:
        data = root.data(path)
        if data is not None:  # efivars puts four bytes of attributes before the value
            return efi.certificates(data[4:] if path.startswith(VARIABLES) else data)
    return []


def observe(root):
    """efi is null where /sys/firmware is hidden (a container): nothing can be said then."""
    names = root.names("/sys/firmware")
    efi_here = "efi" in names if names else None
    keys = None if efi_here is None else _enrolled(root) if efi_here else []
    return {"state": _state(root, efi_here), "efi": efi_here, "mok_enrolled": None if keys is None else [each["sha256"] for each in keys], "mok": keys}
