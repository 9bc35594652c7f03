# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Foreign text in messages, and the nearest of known names."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("H100", "H100"),
        ("a\nb\x1b[2J", "a\\x0ab\\x1b[2J"),
        ("{{ 7 * 7 }}", "{{ 7 * 7 }}"),
        ("\u202eevil", "\\x202eevil"),
        (None, "None"),
        (["a"], "['a']"),
        ("x" * 300, "x" * 197 + "..."),
        ("\x00" * 300, "\\x00" * 49 + "\\..."),
    ],
)
def test_foreign_text_is_one_short_printable_line(value, shown):
    assert text.safe(value) == shown
    assert len(text.safe(value)) <= 200 and text.safe(value).isprintable()


@pytest.mark.parametrize(
    ("wanted", "known", "near"),
    [("H-100", ["A100", "H100", "L4"], "H100"), ("h100", ["A100", "H100"], "H100"), ("zzz", ["A100"], None), ("x", [], None), ("x" * 10**5, ["A100"], None)],
)
def test_nearest_name(wanted, known, near):
    assert text.nearest(wanted, known) == near


def test_what_there_is_follows_the_nearest():
    assert text.did_you_mean("gpuz", ["all", "gpus"]) == "gpus (there are: all, gpus)"
    assert text.did_you_mean("zzz", ["all", "gpus"]) == "one of: all, gpus"
    assert text.did_you_mean("zzz", []) is None


def test_long_lists_are_counted():
    assert text.listed(list("abcdefghij")) == "a, b, c, d, e, f, g, h and 2 more"
