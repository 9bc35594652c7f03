# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What tools/docs.py makes from tables and schema is as new as they are."""

from __future__ import annotations

import pytest
from house import ROOT

import docs


@pytest.mark.parametrize("name", ["docs/rules.md", "docs/support.md", "docs/intent.md", "docs/intent.schema.json", "README.md"])
def test_generated_page_is_fresh(name):
    assert (ROOT / name).read_text() == docs.pages(ROOT)[name], "run `make docs`"


def test_make_docs_writes_whatever_is_stale(tmp_path, monkeypatch, capsys):
    made = docs.pages(ROOT)
    for name, text in made.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("stale" if name.startswith("docs/intent") else text)
    monkeypatch.setattr(docs, "pages", lambda root: made)
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    assert docs.main("--check") == 1
    assert docs.main() == 0
    assert "wrote docs/intent.schema.json" in capsys.readouterr().out
    assert docs.main("--check") == 0
