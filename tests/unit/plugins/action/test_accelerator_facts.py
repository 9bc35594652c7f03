# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the controller adds to an observation, and keeps from it."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action import accelerator_facts, module_trial
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _programs

SITE = {"name": "site", "type": "deb", "uris": ["http://mirror.example.org/site"], "suites": ["stable"], "login": "reader", "password": "pa55word"}


def test_every_distribution_of_the_role_is_known():
    found = accelerator_facts.distributions()
    assert {"debian_12", "debian_13", "ubuntu_24", "redhat_9"} <= set(found)
    assert "main" not in found
    for parts in found.values():
        assert set(parts) == {"sets", "components", "headers", "build_tools"}
        assert all(each["vendor"] in ("nvidia", "amd", "intel", "habana") for each in parts["sets"].values())


def test_what_cards_refuse_is_told_unless_a_site_has_tables_of_its_own():
    said = {identity: group for group in accelerator_facts.refused(None) for identity in group["ids"]}
    assert said["10de:2901"]["proprietary"] is None
    assert accelerator_facts.refused(["tables"]) == []


def test_secrets_travel_apart():
    plain, secret = accelerator_facts.split([SITE, {"name": "open", "uris": []}])
    assert plain == [{"name": "site", "type": "deb", "uris": ["http://mirror.example.org/site"], "suites": ["stable"]}, {"name": "open", "uris": []}]
    assert secret == {"site": {"login": "reader", "password": "pa55word"}}


@pytest.mark.parametrize("repositories", [None, "text", 5, {"name": "x"}, [1, "x", {"uris": []}, {"name": 3}]], ids=repr)
def test_repositories_of_the_wrong_kind_are_left_to_the_schema(repositories):
    assert accelerator_facts.split(repositories) == ([], {})


def test_a_password_that_is_a_number_is_a_secret_too():
    assert accelerator_facts.split([dict(SITE, password=12345678)])[1] == {"site": {"login": "reader", "password": "12345678"}}


def test_a_key_and_the_index_of_a_folder_come_along(tmp_path):
    (tmp_path / "key.asc").write_bytes(b"-----BEGIN")
    (tmp_path / "Packages").write_bytes(b"Package: x\n")
    (tmp_path / "repodata").mkdir()
    (tmp_path / "repodata/repomd.xml").write_bytes(b"<x/>")
    (tmp_path / "x_1_all.deb").write_bytes(b"not needed")
    plain, _secret = accelerator_facts.split([{"name": "a", "signed_by": str(tmp_path / "key.asc")}, {"name": "b", "type": "folder", "path": str(tmp_path)},
                                              {"name": "c", "signed_by": "/no/such/key"}, {"name": "d", "type": "folder", "path": "/no/such/folder"}])
    assert base64.b64decode(plain[0]["key"]) == b"-----BEGIN"
    assert sorted(plain[1]["index"]) == ["Packages", "repodata/repomd.xml"]
    assert "key" not in plain[2]
    assert "index" not in plain[3]


def test_a_huge_index_stays_where_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(accelerator_facts, "INDEX_LIMIT", 4)
    (tmp_path / "Packages").write_bytes(b"Package: x\n")
    assert accelerator_facts.split([{"name": "b", "type": "folder", "path": str(tmp_path)}])[0] == [{"name": "b", "type": "folder", "path": str(tmp_path)}]


@pytest.fixture(params=[(accelerator_facts, "observation"), (module_trial, "trial")], ids=["accelerator_facts", "module_trial"])
def action(request, monkeypatch):
    """run(answer, **arguments of the task) -> (result, arguments of the module)."""
    plugin, key = request.param
    sent = {}

    def run(answer, **arguments):
        made = plugin.ActionModule.__new__(plugin.ActionModule)
        made._task = SimpleNamespace(args=arguments)
        made._templar = SimpleNamespace(template=lambda value: value)
        made._execute_module = lambda module_name, module_args, task_vars: sent.update(module_args) or dict(answer)
        monkeypatch.setattr(plugin.ActionBase, "run", lambda self, tmp, task_vars: {})
        return made.run(task_vars={"inventory_hostname": "gpu1", "ai_stack_repositories": [SITE]}), sent
    run.key = key
    return run


def test_the_sites_repositories_are_added_and_their_secrets_are_one_text(action):
    _result, sent = action({action.key: {"host": None}})
    assert [each["name"] for each in sent["repositories"]] == ["site"]
    assert json.loads(sent["credentials"]) == {"site": {"login": "reader", "password": "pa55word"}}
    assert "pa55word" not in json.dumps(dict(sent, credentials=None))
    assert "debian_12" in sent["distributions"]


def test_only_an_observation_is_told_what_cards_refuse(action):
    _result, sent = action({action.key: {}}, distributions={"x": {}})
    assert ("refusals" in sent) is (action.key == "observation")


def test_what_the_task_says_wins(action):
    _result, sent = action({action.key: {}}, repositories=[], distributions={"x": {}})
    assert (sent["repositories"], sent["distributions"], "credentials" in sent) == ([], {"x": {}}, False)


def test_the_controller_names_the_host(action):
    result, _sent = action({action.key: {"host": "somebody else"}})
    assert result[action.key]["host"] == "gpu1"


def test_a_failure_of_the_module_comes_back_as_it_is(action):
    result, _sent = action({"failed": True, "msg": "no"})
    assert result == {"failed": True, "msg": "no"}


def test_an_answer_without_an_observation_is_refused(monkeypatch):
    made = accelerator_facts.ActionModule.__new__(accelerator_facts.ActionModule)
    made._task = SimpleNamespace(args={"repositories": []})
    made._execute_module = lambda **words: {"changed": False}
    monkeypatch.setattr(accelerator_facts.ActionBase, "run", lambda self, tmp, task_vars: {})
    with pytest.raises(accelerator_facts.AnsibleError, match="holds no observation"):
        made.run(task_vars={"inventory_hostname": "gpu1"})


def test_a_node_is_made_of_what_its_role_brings():
    found = _programs.packages()
    assert set(found) == {"kubeadm", "kubelet", "kubectl", "containerd"} and all(found.values())
