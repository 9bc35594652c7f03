# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A start runs what somebody added to the initramfs, and only that."""

from __future__ import annotations

import subprocess
import types

import pytest
from lab_host import menu

LISTED = "scripts/init-top/ORDER\nscripts/init-top/udev\nscripts/init-top/ours\nscripts/init-bottom/other\nusr/bin/sh\n"


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """What was run, with an image that has these scripts; udev is the distribution's."""
    words = []

    def run(command, **options):
        words.append(command[:2])
        if command[0] == "unmkinitramfs":
            (tmp_path / "unpacked/main/scripts/init-top").mkdir(parents=True)
            (tmp_path / "unpacked/main/scripts/init-top/ours").touch()
        return types.SimpleNamespace(stdout=words_of["listed"])

    words_of = {"listed": LISTED}
    (tmp_path / "stock").mkdir()
    (tmp_path / "stock/udev").touch()
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(menu, "STOCK", tmp_path / "stock")
    monkeypatch.setattr(menu, "UNPACKED", tmp_path / "unpacked")
    return words, words_of


def test_a_script_of_somebody_runs_once_with_its_image_unpacked(ran, tmp_path):
    menu.run_own_scripts(tmp_path, "/boot/trial.img")
    assert [words[1] for words in ran[0] if words[0] in ("lsinitramfs", "unmkinitramfs")] == [str(tmp_path / "trial.img")] * 2
    assert [words[1] for words in ran[0] if words[0] == "sh"] == [str(tmp_path / "unpacked/main/scripts/init-top/ours")]


def test_an_image_of_the_distribution_alone_is_not_unpacked(ran, tmp_path):
    ran[1]["listed"] = LISTED.replace("ours", "udev")
    menu.run_own_scripts(tmp_path, "/boot/initrd.img-1")
    assert not [words for words in ran[0] if words[0] in ("unmkinitramfs", "sh")]
