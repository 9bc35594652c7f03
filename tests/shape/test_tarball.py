# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Partners get what galaxy.yml's allow-list names, and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from house import ROOT, document, documents, relative, scalars, tasks

LARGEST = 1_500_000  # bytes of the tarball
GALAXY = Path(sys.executable).parent / "ansible-galaxy"
LARGEST_FILE = 400_000
FOLDERS = {"changelogs", "docs", "inventories", "meta", "playbooks", "plugins", "roles", "tests"}
FILES = {"MANIFEST.json", "FILES.json", "galaxy.yml", "README.md", "LICENSE", "CHANGELOG.md", "requirements.yml", "requirements.txt",
         "execution-environment.yml"}  # fmt: skip
REFUSED = re.compile(r"(^|/)(__pycache__|\.git|reports|\.pytest_cache|\.hypothesis)(/|$)|\.(pyc|retry|gz|deb|rpm|ko|so|o|img|pem|key|lock)$")


@pytest.fixture(scope="module")
def tarball(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tarball")
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    subprocess.run([GALAXY, "collection", "build", "--output-path", folder, ROOT], check=True, capture_output=True, env=environment)
    return next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def members(tarball):
    with tarfile.open(tarball) as archive:
        return {member.name: member.size for member in archive if member.isfile()}


def test_tarball_is_small(tarball, members):
    assert tarball.stat().st_size < LARGEST
    assert not {name: size for name, size in members.items() if size > LARGEST_FILE}


def test_tarball_holds_only_the_rooms_of_the_house(members):
    assert {name.split("/")[0] for name in members if "/" in name} <= FOLDERS
    assert {name for name in members if "/" not in name} <= FILES
    assert not [name for name in members if name.startswith("tests/") and not name.startswith("tests/sanity/ignore-")]


def test_tarball_holds_nothing_built_or_secret(members):
    assert not [name for name in members if REFUSED.search(name)]


def test_tarball_holds_all_that_git_knows_of_its_rooms(members):
    rooms = ["plugins", "roles", "playbooks", "inventories", "meta", "docs"]
    known = subprocess.run(["git", "ls-files", "-z", *rooms], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    assert not sorted(name for name in known if name and (ROOT / name).exists() and name not in members)


def test_tarball_holds_what_an_editor_needs(members):
    assert "docs/intent.schema.json" in members


def test_version_is_named_once(members, tarball):
    with tarfile.open(tarball) as archive:
        manifest = json.load(archive.extractfile("MANIFEST.json"))
    assert manifest["collection_info"]["version"] == document(ROOT / "galaxy.yml")["version"]


def test_every_collection_that_is_used_is_a_dependency():
    """Modules, by their full name, of roles and playbooks."""
    declared = {"ansible.builtin", "sovereign.ai_stack", *document(ROOT / "galaxy.yml")["dependencies"]}
    used = {}
    for path in [*ROOT.glob("roles/*/tasks/**/*.yml"), *ROOT.glob("roles/*/handlers/*.yml"), *ROOT.glob("playbooks/*.yml")]:
        for content in documents(path):
            for task in tasks(content):
                for key in task:
                    if key.count(".") >= 2 and ".".join(key.split(".")[:2]) not in declared:
                        used.setdefault(key, []).append(relative(path))
    assert used == {}


def test_names_with_dots_are_read_as_modules():
    assert list(scalars({"a": [1, {"b": "x"}]})) == [(("<key>",), "a"), (("a",), 1), (("a", "<key>"), "b"), (("a", "b"), "x")]
