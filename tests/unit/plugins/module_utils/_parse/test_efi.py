# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The list of keys that a machine's owner enrolled, made with efitools."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import efi

FIRST = "f4ded858c08fb297e75dc56f70aa4bb0940f0d5176f8705262117b09ab031798"
SECOND = "d08f258278b009fa2600c4e081f00bb036d088056eae6eb30efa26471c116dba"


def test_certificates_are_told_by_their_fingerprints(binary):
    found = efi.certificates(binary("efi/mok-list.esl"))
    assert [(each["sha256"], each["subject"]) for each in found] == [(FIRST, "ai-stack test signing key"), (SECOND, "second key")]
    assert found[0]["sha1"] == "2b484e35b677dd098504b0322cbc1322c4e6c0ca"


@pytest.mark.parametrize("cut", [0, 27, 28, 100, 856], ids=lambda cut: "cut-%d" % cut)
def test_a_torn_list_ends_where_it_is_torn(binary, cut):
    assert efi.certificates(binary("efi/mok-list.esl")[:cut]) == []


@pytest.mark.parametrize("data", [b"\0" * 64, b"\xff" * 64, efi.X509 + b"\x1c\0\0\0" + b"\0" * 8], ids=["zeros", "ones", "empty list"])
def test_rubbish_holds_no_key(data):
    assert efi.certificates(data) == []
