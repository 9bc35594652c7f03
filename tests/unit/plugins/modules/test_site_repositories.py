# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Repositories on a host: written once, shown with --diff, and no password anywhere but in its file."""

from __future__ import annotations

import base64
import json
import stat

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import repository_files
from ansible_collections.sovereign.ai_stack.plugins.modules import site_repositories

SECRET = "pa55word-of-nobody"
ROW = {"name": "site", "type": "deb", "uris": ["https://mirror.example.org/x"], "suites": ["stable"], "signed_by": "site.asc",
       "key": base64.b64encode(b"the key").decode()}  # fmt: skip


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """The module on a host whose root is a folder."""
    files = repository_files.files

    def below(manager, row):
        return {str(tmp_path) + path: one for path, one in files(manager, row).items()}

    monkeypatch.setattr(repository_files, "files", below)

    def run_module(check=False, **more):
        arguments = {"repositories": [ROW], "manager": "apt", "_ansible_check_mode": check, "_ansible_diff": True, "_ansible_remote_tmp": str(tmp_path), **more}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            site_repositories.main()
        return json.loads(capsys.readouterr().out)

    return run_module


def test_what_is_foretold_is_written_once(run, tmp_path):
    foretold = run(check=True)
    assert not (tmp_path / "etc").exists()
    result = run()
    assert foretold["changed"] and foretold["written"] == result["written"] and foretold["diff"] == result["diff"]
    assert "URIs: https://mirror.example.org/x" in (tmp_path / "etc/apt/sources.list.d/ai-stack-site.sources").read_text()
    assert (tmp_path / "etc/apt/keyrings/ai-stack-site.asc").read_text() == "the key"
    again = run()
    assert (again["changed"], again["written"], again["diff"]) == (False, [], [])


def test_a_password_stands_in_one_file_that_root_alone_reads(run, tmp_path):
    result = run(credentials=json.dumps({"site": {"login": "us", "password": SECRET}}))
    file = tmp_path / "etc/apt/auth.conf.d/ai-stack-site.conf"
    assert SECRET in file.read_text() and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SECRET not in json.dumps(result) and "is not shown" in json.dumps(result["diff"])
    file.chmod(0o644)
    assert run(credentials=json.dumps({"site": {"login": "us", "password": SECRET}}))["written"] == [str(file)]


def test_a_password_that_goes_is_not_shown(run, tmp_path):
    """It is no secret of this run any more, and stands in the file of before."""
    row = {"name": "site", "type": "rpm", "uris": ["https://mirror.example.org/x"]}
    run(repositories=[row], manager="dnf", credentials=json.dumps({"site": {"login": "us", "password": SECRET}}))
    assert SECRET in (tmp_path / "etc/yum.repos.d/ai-stack-site.repo").read_text()
    result = run(repositories=[row], manager="dnf")
    assert result["changed"] and SECRET not in json.dumps(result)
    assert SECRET not in (tmp_path / "etc/yum.repos.d/ai-stack-site.repo").read_text()


def test_credentials_that_cannot_be_read_are_one_sentence(run):
    assert "is not a JSON object" in run(credentials="[]")["msg"]
