# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Every series that the tables know is judged by a release of its own, or says why not; environments are pinned whole."""

from __future__ import annotations

import re

import oracle_env
import pytest
from house import document

RELEASES = oracle_env.releases()
ASKED = [row for row in RELEASES if "unproven" not in row]


def test_every_series_is_judged_or_unproven():
    table = document(oracle_env.ROOT / "plugins/compat/nova_series.yml")["rows"]
    majors = {row["series"]: (row["nova"], row["placement"]) for row in table}
    assert {row["series"] for row in RELEASES} == set(majors)
    assert {(row["release"].split(".")[0], row["placement"].split(".")[0]) == majors[row["series"]] for row in ASKED} == {True}


def test_the_oldest_the_newest_and_debians_are_judged_each_time():
    short = [row["series"] for row in ASKED if not row["long"]]
    assert short == [RELEASES[0]["series"], "2025.1", RELEASES[-1]["series"]]


def test_pins_are_exact_and_each_file_is_used():
    files = {path.stem: path.read_text().splitlines() for path in (oracle_env.ORACLE / "pins").glob("*.txt")}
    assert set(files) == {row["pins"] for row in ASKED}
    assert not [line for lines in files.values() for line in lines if not re.fullmatch(r'#.*|[a-z0-9-]+==[0-9][\w.]*( ; python_version >= "3[.]13")?', line)]


def test_the_newest_cloud_of_the_lab_runs_the_release_that_judges():
    newest = ASKED[-1]
    own = (oracle_env.ROOT / f"molecule/shared/openstack_release/{newest['series']}.txt").read_text().splitlines()[1:]
    assert {f"-r ../../../tests/oracle/pins/{newest['pins']}.txt", f"nova=={newest['release']}", f"openstack-placement=={newest['placement']}"} <= set(own)
    assert not [line for line in own[1:] if not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*", line)]


def test_a_release_that_a_machine_cannot_have_says_why(monkeypatch):
    monkeypatch.setattr(oracle_env, "version_of", lambda python: "3.4")
    with pytest.raises(oracle_env.Unproven, match="no Python 3.11"):
        oracle_env.python_of(ASKED[0])
    with pytest.raises(oracle_env.Unproven, match="nobody packs it"):
        oracle_env.python_of({"series": "x", "unproven": "nobody packs it"})
