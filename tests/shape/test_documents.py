# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the documents point at is there, every page can be reached from README.md, and their examples are ones that the plan takes."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _intent, _planner, _recorded
from house import ROOT, document, relative, tracked

PAGES = [path for path in tracked("*.md") if relative(path).startswith(("README", "docs/", "roles/"))]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#([^)\s]+))?\)")
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
SITE = {"ai_stack_site": "example", "ai_stack_pools": [{"name": "training", "hosts": "gpu_workers", "use": "host"}]}


def links(page):
    return [(page.parent / name).resolve() for name, _part in LINK.findall(page.read_text()) if "://" not in name]


def intents():
    for page in PAGES:
        for text in BLOCK.findall(page.read_text()):
            found = yaml.safe_load(text)
            if isinstance(found, dict) and next(iter(found)).startswith("ai_stack_"):
                yield pytest.param(found, id=f"{relative(page)}-{next(iter(found))}")


def test_what_a_page_links_to_is_there():
    assert not [f"{relative(page)}: {target}" for page in PAGES for target in links(page) if not target.exists()]


def test_every_page_is_reached_from_the_readme():
    found, fresh = set(), {ROOT / "README.md"}
    while fresh:
        found |= fresh
        fresh = {target for page in fresh for target in links(page) if target.suffix == ".md"} - found
    assert not {relative(path) for path in (ROOT / "docs").glob("*.md")} - {relative(path) for path in found}


def test_an_inventory_that_a_page_names_is_there():
    named = {name for page in PAGES for name in re.findall(r"(?<![\w./-])((?:inventories|examples)/[\w.-]*\w)", page.read_text())}
    assert not sorted(name for name in named if not (ROOT / name).exists())


def test_the_example_is_a_site_that_the_plan_takes():
    hosts = document(ROOT / "inventories/example/hosts.yml")
    intent = document(ROOT / "inventories/example/group_vars/all.yml")
    assert _intent.validate(intent, group=list(hosts), host=[name for group in hosts.values() for name in group["hosts"]]) == []


@pytest.mark.parametrize("found", list(intents()))
def test_an_example_of_a_page_is_an_intent_without_a_conflict(found):
    assert _intent.validate({**SITE, **found}) == []


def test_the_repository_of_the_guide_gives_a_driver_that_is_in_support_without_a_waiver():
    blocks = [yaml.safe_load(text) for text in BLOCK.findall((ROOT / "docs/guide-deploy.md").read_text())]
    found = next(one for one in blocks if "ai_stack_repositories" in one)
    text = (ROOT / "tests/unit/fixtures/observations/h100-bookworm.json").read_text()
    sets = json.loads(text)["packages"]["sets"]
    old = sets["nvidia-proprietary"]["versions"]["nvidia-kernel-dkms"][0]["version"]
    seen = _planner.Seen()
    host = json.loads(text)["host"]
    seen.documents[host] = _recorded.Shelf().check(json.loads(text.replace(old, "580.178.04-1")), host, host)
    for offers in seen.documents[host]["packages"]["sets"]["nvidia-proprietary"]["versions"].values():
        for offer in offers:
            offer["repository"] = found["ai_stack_repositories"][0]["name"]
    made = _planner.plan_site({**SITE, **found}, {"all": [host], "gpu_workers": [host]}, seen, {}, "2026-11-25T20:00:00Z")
    decided = {row["subject"]: row["value"] for row in made["hosts"][host]["decisions"]}
    assert made["conflicts"] == [] and (decided["driver.version"], decided["driver.source"]) == ("580.178.04", "nvidia-mirror")
