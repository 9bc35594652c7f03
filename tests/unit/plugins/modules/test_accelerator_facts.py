# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The module around an observation: one result, no secret, no traceback."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.common.parameters import PASS_VARS
from ansible.module_utils.testing import patch_module_args
from ansible_collections.sovereign.ai_stack.plugins.modules import accelerator_facts, module_trial

SECRET = "pa55word-of-nobody"
CREDENTIALS = json.dumps({"site": {"login": "debian", "password": SECRET}})


def result(module, arguments, capsys):
    with patch_module_args(arguments), pytest.raises(SystemExit) as ended:
        module.main()
    return json.loads(capsys.readouterr().out), ended.value.code


@pytest.fixture
def seen(tmp_path, capsys):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n')
    return lambda **more: result(accelerator_facts, dict({"root": str(tmp_path)}, **more), capsys)


@pytest.mark.parametrize("check", [False, True])
def test_it_observes_in_check_mode_too_and_changes_nothing(seen, check):
    found, code = seen(_ansible_check_mode=check)
    assert (code, found["changed"], found["observation"]["system"]["distribution"]) == (0, False, "debian")


def test_nothing_of_its_options_but_the_root_comes_back(seen, tmp_path):
    repository = {"name": "site", "type": "deb", "uris": ["http://mirror.example.org/x"], "suites": ["stable"]}
    # ansible-core 2.21 shows options only when a run asks for them; 2.19 always does, and does not know the question
    asked = {"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {}
    found, _code = seen(credentials=CREDENTIALS, repositories=[repository], **asked)
    assert found["invocation"] == {"module_args": {"root": str(tmp_path)}}
    assert SECRET not in json.dumps(found)


def test_a_login_that_is_a_common_word_hides_nothing_else(seen):
    found, _code = seen(credentials=CREDENTIALS)
    assert found["observation"]["system"]["distribution"] == "debian"


def test_a_password_is_hidden_wherever_it_turns_up(seen, tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text("leak=%s\n" % SECRET)
    found, _code = seen(credentials=CREDENTIALS)
    assert SECRET not in json.dumps(found)


@pytest.mark.parametrize("text", ["{torn", "[1]", '"x"', '{"site": "x"}', '{"site": {"password": 5}}'])
def test_credentials_of_the_wrong_kind_are_refused_without_being_shown(seen, text):
    found, code = seen(credentials=text)
    assert (code, found["failed"], found["msg"]) == (1, True, "credentials is not a JSON object of {name: {login, password}}")


@pytest.mark.parametrize("option, value", [("timeout", "soon"), ("simulate", "perhaps"), ("distributions", [1])])
def test_options_of_the_wrong_kind_are_refused(seen, option, value):
    found, code = seen(**{option: value})
    assert (code, found["failed"]) == (1, True)
    assert option in found["msg"]


def test_hostile_text_of_a_host_is_only_text(seen, tmp_path):
    (tmp_path / "etc/os-release").write_text("ID='{{ lookup(\"pipe\", \"id\") }}'\nVERSION_ID='<script>'\n")
    found, _code = seen()
    assert found["observation"]["system"]["distribution"] == '{{ lookup("pipe", "id") }}'


def test_a_trial_without_a_kernel_is_not_tried(capsys, monkeypatch):
    from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import trial_document

    monkeypatch.setattr(trial_document.kernel, "next_boot", lambda root: (None, "no kernel in /boot"))
    found, code = result(module_trial, {"package": "nvidia-kernel-dkms", "credentials": CREDENTIALS}, capsys)
    assert (code, found["changed"], found["modules"], found["trial"]["result"]) == (0, False, [], "not_tried")
    assert found["trial"]["errors"] == ["which kernel boots next cannot be told"]
    assert sorted(found["trial"]) == ["at", "errors", "host", "key", "mode", "result", "seconds"]
    assert sorted(found["trial"]["key"]) == ["compiler", "kernel", "package", "suite", "version"]
    assert SECRET not in json.dumps(found)


def test_a_trial_that_breaks_is_not_tried_and_says_why(capsys, monkeypatch):
    from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe import trial_document

    def broken(*words):
        raise OSError("no room")
    monkeypatch.setattr(trial_document, "_attempt", broken)
    found, code = result(module_trial, {"package": "p", "version": "1", "kernel": "6.1.0-56-amd64"}, capsys)
    assert (code, found["trial"]["result"], found["trial"]["errors"]) == (0, "not_tried", ["OSError: no room"])
    assert found["trial"]["key"]["version"] == "1"


@pytest.mark.parametrize("check, keep", [(False, "/somewhere"), (True, None)])
def test_nothing_is_kept_in_check_mode(capsys, monkeypatch, check, keep):
    asked = {}

    def report(wanted):
        asked.update(wanted)
        return {"trial": {}, "modules": [], "unpacked": []}
    monkeypatch.setattr(module_trial, "report", report)
    result(module_trial, {"package": "p", "keep": "/somewhere", "_ansible_check_mode": check}, capsys)
    assert asked["keep"] == keep
