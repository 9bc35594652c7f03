# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What tools/docs.py makes from the tables is as new as the tables."""

from __future__ import annotations

import pytest
from house import ROOT

import docs


@pytest.mark.parametrize("name", ["docs/rules.md", "docs/support.md", "README.md"])
def test_generated_page_is_fresh(name):
    assert (ROOT / name).read_text() == docs.pages(ROOT)[name], "run `make docs`"
