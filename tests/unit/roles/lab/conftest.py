# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The lab's two programs are no plugins: the controller's and the host's part are found by their folders."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

FILES = Path(__file__).resolve().parents[4] / "roles/lab/files"
sys.path[:0] = [str(FILES / part) for part in ("controller", "host") if str(FILES / part) not in sys.path]


@pytest.fixture
def said(monkeypatch):
    """What was run. podman and the compiler are stand-ins."""
    from lab import engine, kubernetes

    commands = []

    def run(*words, **_more):
        commands.append(words)
        if "sh" in words and "nice" in words:
            place = words[words.index("sh") + 2]
            (place / ".modules").mkdir(parents=True)
        return types.SimpleNamespace(returncode=0, stdout="", stderr="")

    monkeypatch.setattr(engine, "run", run)
    monkeypatch.setattr(engine, "podman", lambda *words, **_more: commands.append(words))
    monkeypatch.setattr(engine, "image_id", lambda _image: "one")
    monkeypatch.setattr(kubernetes, "_go", lambda _site: "go")
    return commands
