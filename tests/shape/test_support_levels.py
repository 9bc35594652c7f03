# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A platform is called proven only where a scenario deploys to a lab host of it."""

from __future__ import annotations

import pytest
from house import ROOT, document

ROWS = document(ROOT / "plugins/compat/platforms.yml")["rows"]
ARCHIVES = document(ROOT / "plugins/compat/distributions.yml")
STAND_IN = [row for row in ROWS if row["level"] == "proven on a stand-in"]


def hosts_under(group: dict) -> dict:
    own = {name: host for name, host in (group.get("hosts") or {}).items() if host}
    return {name: host for child in (group.get("children") or {}).values() for name, host in hosts_under(child).items()} | own


HOSTS = hosts_under(document(ROOT / "inventories/lab/hosts.yml")["lab"])
PARTS = document(ROOT / "roles/lab/vars/main.yml")["__lab_parts"]
BOARDS = document(ROOT / "inventories/lab/group_vars/lab.yml")
# the stand-ins named -like are no suite of any distribution
SUITES = {row["suite"]: (row["distribution"], row["version"]) for row in ARCHIVES["rows"] if row.get("suite")}


def platforms_of(host: dict) -> set:
    cards = host.get("lab_cards") or []
    cards = BOARDS[cards.strip("{} ")] if isinstance(cards, str) else cards
    return {(*SUITES.get(host["lab_suite"], ()), PARTS[card["part"]]["vendor"]) for card in cards}


def deployed_by(scenario: str) -> set:
    """The platforms of the hosts that a scenario is limited to, where it runs deploy."""
    folder = ROOT / "molecule" / scenario
    assert "sovereign.ai_stack.deploy" in (folder / "converge.yml").read_text()
    arguments = document(folder / "molecule.yml")["ansible"]["executor"]["args"]["ansible_playbook"]
    names = next(text for text in arguments if text.startswith("--limit=")).removeprefix("--limit=").split(",")
    return {platform for name in names for platform in platforms_of(HOSTS.get(name, {}))}


@pytest.mark.parametrize("row", STAND_IN, ids=[f"{row['distribution']}-{row['version']}-{row['vendor']}" for row in STAND_IN])
def test_platform_that_is_proven_on_a_stand_in_is_deployed_by_its_scenario(row):
    assert (row["distribution"], row["version"], row["vendor"]) in deployed_by(row["evidence"])


def test_every_level_but_decided_only_names_its_evidence():
    assert not [row for row in ROWS if (row["level"] == "decided only") == bool(row.get("evidence"))]


def test_every_platform_whose_archives_are_known_has_a_level():
    known = {(row["distribution"], row["version"], row.get("vendor", ARCHIVES["meta"]["defaults"]["vendor"])) for row in ARCHIVES["rows"]}
    assert known == {(row["distribution"], row["version"], row["vendor"]) for row in ROWS}
