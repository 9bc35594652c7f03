# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Build results: what counts, for whom."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.index import Index
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.trials import Builds

KEY = {"suite": "trixie", "kernel": "6.12.1-amd64", "package": "nvidia-kernel-dkms", "version": "1-1", "compiler": "gcc 14.2.0"}


def trial(result, mode="full", errors=(), **key):
    return {"key": {**KEY, **key}, "mode": mode, "result": result, "errors": list(errors), "host": "gpu1", "at": "now"}


def result(trials, tables=None, **key):
    return Builds(Index(tables or {}), {}, trials).result({**KEY, **key})


@pytest.mark.parametrize(
    ("trials", "verdict"),
    [
        ([], "unknown"),
        ([trial("built")], "built"),
        ([trial("built", "quick")], "quick"),
        ([trial("failed", "quick")], "failed"),
        ([trial("not_tried")], "unknown"),
        ([trial("built"), trial("failed")], "failed"),
        ([trial("failed"), trial("built")], "failed"),
        ([trial("built", "quick"), trial("built")], "built"),
        ([trial("built"), trial("built", "quick")], "built"),
        ([trial("built", compiler="gcc 13")], "other"),
        ([trial("built", kernel="6.12.2-amd64")], "other"),
        ([trial("built", version="2-1")], "unknown"),
        ([trial("built", suite="bookworm")], "unknown"),
        ([trial("built", compiler="gcc 13"), trial("failed")], "failed"),
    ],
)
def test_trials_answer_for_their_key_only(trials, verdict):
    assert result(trials)[0] == verdict


def test_failure_brings_the_compilers_line_and_says_where(tables):
    assert result([trial("failed", errors=["a.c:1: error", "more"])]) == ("failed", "a.c:1: error", "trial on gpu1 at now")


def test_what_could_not_be_tried_says_why():
    assert result([trial("not_tried", errors=["disk full"])]) == ("unknown", "it could not be tried: disk full", "trial on gpu1 at now")


@pytest.mark.parametrize(
    ("suite", "package", "version", "kernel", "verdict"),
    [
        ("bookworm", "nvidia-open-kernel-dkms", "535.261.03-1", "6.1.0-50-cloud-amd64", "built"),
        ("bookworm", "nvidia-open-kernel-dkms", "535.261.03-1", "6.1.0-56-cloud-amd64", "failed"),
        ("bookworm", "nvidia-kernel-dkms", "535.309.01-0+deb12u1", "6.1.0-56-amd64", "built"),
        ("bookworm", "nvidia-kernel-dkms", "535.309.01-0+deb12u1", "6.1.0-56-cloud-amd64", "other"),
        ("trixie", "nvidia-kernel-dkms", "550.163.01-2", "6.12.118+deb13-amd64", "built"),
        ("trixie", "nvidia-kernel-dkms", "550.163.01-2", "6.12.999+deb13-amd64", "other"),
        ("noble", "nvidia-kernel-dkms", "550.163.01-2", "6.12.118+deb13-amd64", "unknown"),
    ],
)
def test_tables_answer_where_nobody_tried(tables, suite, package, version, kernel, verdict):
    assert result([], tables, suite=suite, package=package, version=version, kernel=kernel)[0] == verdict


def test_trial_counts_for_more_than_a_table(tables):
    key = {"suite": "trixie", "package": "nvidia-kernel-dkms", "version": "550.163.01-2", "kernel": "6.12.118+deb13-amd64"}
    assert result([trial("failed", **key)], tables, **key)[0] == "failed"


def test_observations_bring_trials_along():
    assert Builds(Index({}), {"gpu1": {"trials": {"any": trial("built")}}, "gpu2": None}, ()).result(KEY)[0] == "built"
