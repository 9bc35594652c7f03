# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A module of clouds run against the small cloud of `cloud.py`."""

from __future__ import annotations

import importlib
import json

import cloud as small
import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import session, work

MODULES = "ansible_collections.sovereign.ai_stack.plugins.modules."


@pytest.fixture
def cloud():
    return small.Cloud()


@pytest.fixture
def run(cloud, capsys, monkeypatch):
    """run(NAME, check=False, region=..., **options) -> the module's result; the requests that it made are cloud.asked."""

    def run_module(name, check=False, region="RegionOne", **options):
        monkeypatch.setattr(work, "connect", lambda *words: session.Session(small.connection(cloud, region), "Cloud main", words[-1]))
        # in a process that loaded the controller's part of Ansible a module's warnings go to the screen
        said = []
        monkeypatch.setattr(AnsibleModule, "warn", lambda module, warning: said.append(warning))
        cloud.asked.clear()
        cloud.versions.clear()
        arguments = {"cloud": "main", "_ansible_check_mode": check, "_ansible_diff": True, **options}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            importlib.import_module(MODULES + name).main()
        result = {"warnings": said, **json.loads(capsys.readouterr().out)}
        assert not check or not cloud.writes()
        return result

    return run_module


@pytest.fixture
def settled(run):
    """settled(NAME, **options) -> what the first run says; check mode says the same before, and a second run changes nothing."""

    def run_thrice(name, **options):
        foretold = run(name, check=True, **options)
        result = run(name, **options)
        assert not result.get("failed"), result["msg"]
        assert (foretold["changed"], foretold["changes"], foretold["diff"]) == (result["changed"], result["changes"], result["diff"])
        again = run(name, **options)
        assert (again["changed"], again["changes"], again["diff"]) == (False, [], {"before": {}, "after": {}})
        return result

    return run_thrice
