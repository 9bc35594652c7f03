# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The verbs plan and verify as an operator runs them: the real ansible-playbook, recorded or local hosts."""

from __future__ import annotations

import json
import shutil

import pytest
from verbs import DARK, HERE, Site


@pytest.fixture
def site(tmp_path, root):
    return Site(tmp_path, root / "tests/unit/fixtures/observations")


def test_recorded_files_are_planned_and_proven_with_no_host_contacted(site):
    site.record("gpu1", "h100-bookworm-converged")
    site.record("gpu2", "h100-bookworm-converged")
    for verb in ("plan", "verify"):
        code, said = site.play(f"sovereign.ai_stack.{verb}", "-e", "ai_stack_observations=recorded")
        assert code == 0 and "skipping: no hosts matched" in said and "UNREACHABLE" not in said, said
    assert site.report("plan.json")["hosts"]["gpu2"]["state"] == "converged"
    assert site.report("evidence.json")["summary"]["fail"] == 0


@pytest.mark.parametrize("limit", [[], pytest.param(["--limit", "gpu1"], marks=pytest.mark.long)], ids=str)
@pytest.mark.parametrize("verb", ["plan", "deploy", "verify", "remove", "lab"])
def test_an_inventory_that_is_not_there_ends_every_verb_with_an_error(site, verb, limit):
    (site.folder / "hosts.yml").unlink()
    code, said = site.play(f"sovereign.ai_stack.{verb}", *limit)
    assert code != 0 and "There is no host in the inventory: what -i names could not be read, or has none." in said, said
    assert not (site.folder / "reports").exists()


@pytest.mark.parametrize("verb, rule", [("deploy", "SITE-6"), ("plan", "SITE-8")])
def test_recorded_files_are_refused_once_and_before_a_host_is_asked(site, verb, rule):
    site.record("gpu1", "h100-bookworm-converged")
    code, said = site.play(f"sovereign.ai_stack.{verb}", "-e", "ai_stack_observations=recorded", "-e", "ai_stack_trial=true")
    assert code != 0 and "UNREACHABLE" not in said and said.count(f"CONFLICT {rule}") == 1, said


def test_a_conflict_ends_the_command_with_an_error_after_the_reports(site):
    site.record("gpu1", "gh200-bookworm")
    code, said = site.play("sovereign.ai_stack.plan", "-e", "ai_stack_observations=recorded", "-e", "ai_stack_poools=1")
    assert code != 0 and "CONFLICT INT-1: ai_stack_poools" in said and "on gpu1: " in said and "Traceback" not in said
    assert (site.folder / "reports/example/plan.html").exists()


@pytest.mark.parametrize("words", [["--check"], ["--tags", "preflight"], ["--tags", "install"]], ids=" ".join)
def test_a_deploy_to_a_host_that_does_not_answer_fails_whichever_part_was_asked_for(site, words):
    site.hosts(gpu1=DARK)
    site.saw("gpu1", "h100-bookworm-converged")
    code, said = site.play("sovereign.ai_stack.deploy", *words)
    assert code != 0 and "The host did not answer." in said, said


def test_a_dry_deploy_to_a_host_that_answers_ends_well(site):
    site.hosts(gpu1=HERE)
    code, said = site.play("sovereign.ai_stack.deploy", "--check", "-e", "{ai_stack_pools: []}")
    assert code == 0 and "The host did not answer." not in said, said


LONE = """\
- hosts: here
  gather_facts: false
  roles:
    - role: sovereign.ai_stack.gpu_driver
      vars:
        gpu_driver_source: nvidia-mirror
        gpu_driver_foreign: migrate
        gpu_driver_repositories: [{name: nvidia-mirror, type: folder, path: none, passwd: s3cret}]
        gpu_driver_signing_key: [s3cret]
"""


def test_a_role_alone_refuses_its_own_bad_settings_by_name_and_takes_its_own_repository(site):
    (site.folder / "group_vars/all.yml").unlink()
    site.hosts(here=HERE)
    (site.folder / "lone.yml").write_text(LONE)
    code, said = site.play("lone.yml", "--check", "--tags", "preflight")
    wanted = ("INT-1: ai_stack_repositories[0].passwd", "INT-2: ai_stack_module_signing.key", "INT-7: ai_stack_driver.foreign")
    assert code != 0 and all(words in said for words in wanted), said
    assert "INT-5" not in said and "s3cret" not in said


@pytest.mark.parametrize("place", ["hosts.yml", "host_vars/gpu2.yml", "host_vars/gpu2/driver", "host_vars/gpu2"])
def test_a_variable_of_any_one_host_is_refused(site, place):
    site.record("gpu1", "h100-bookworm-converged")
    site.record("gpu2", "h100-bookworm-converged")
    if place == "hosts.yml":
        site.hosts(gpu1=DARK, gpu2=DARK[:-1] + ", ai_stack_driver: {policy: newest}}")
    else:
        (site.folder / place).parent.mkdir(parents=True)
        (site.folder / place).write_text("ai_stack_driver: {policy: newest}\n")
    code, said = site.play("sovereign.ai_stack.plan", "-e", "ai_stack_observations=recorded")
    assert code != 0 and "CONFLICT INT-1: ai_stack_driver: is set for the host gpu2;" in said, said


@pytest.mark.long  # test_plan.py and test_evidence.py hold the same without a process
@pytest.mark.skipif(not shutil.which("ssh"), reason="ssh is not installed here")
def test_a_limit_of_one_dark_host_plans_the_whole_site(site):
    code, said = site.play("sovereign.ai_stack.plan", "--limit", "gpu2")
    assert code != 0 and "gpu2: did not answer and was never seen" in said and "SITE-7" in said, said
    site.saw("gpu1", "h100-bookworm-converged")
    code, said = site.play("sovereign.ai_stack.plan", "--limit", "gpu2")
    assert code == 0 and "gpu2: did not answer and was never seen" in said, said
    assert set(site.report("plan.json")["hosts"]) == {"gpu1", "gpu2"}
    code, said = site.play("sovereign.ai_stack.verify", "--limit", "gpu2")
    assert code != 0 and "UNKNOWN host.answers on gpu2" in said


@pytest.mark.skipif(not shutil.which("ssh"), reason="ssh is not installed here")
def test_dark_and_broken_hosts_do_not_stop_the_plan_of_the_others(site):
    site.hosts(broken="{ansible_connection: local, ansible_python_interpreter: /nonexistent}", gpu1=HERE, dark=DARK)
    code, said = site.play("sovereign.ai_stack.plan", "--check")
    assert code == 0 and "broken: could not be observed" in said and "dark: did not answer" in said, said
    assert {name: host["state"] for name, host in site.report("plan.json")["hosts"].items() if name != "gpu1"} == {"broken": "unknown", "dark": "unknown"}
    assert site.report("observations/gpu1.json")["schema"] == "sovereign.ai_stack/observation/1"


HOSTILE = "{{ lookup('pipe', 'touch planted') }}</script><script>alert(1)</script>"
MODULE = """\
#!/usr/bin/python
import json, sys
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"path": {"type": "str"}})
module.exit_json(observation=json.load(open(module.params["path"])))
"""
PLAY = """\
- hosts: gpu1
  gather_facts: false
  tasks:
    - hostile_facts: {path: "{{ playbook_dir }}/recorded/gpu1.json"}
      register: __ai_stack_observation
    - sovereign.ai_stack.plan:
        mode: deploy
      delegate_to: localhost
      failed_when: false
    - sovereign.ai_stack.host_plan:
        observation: "{{ __ai_stack_observation.observation }}"
      register: mine
    - ansible.builtin.copy:
        content: "{{ mine.decisions | to_json }} {{ mine.because }} {{ __ai_stack_observation.observation.system.distribution }}"
        dest: "{{ playbook_dir }}/seen"
        mode: "0600"
    - sovereign.ai_stack.evidence:
      delegate_to: localhost
      failed_when: false
"""


# without these the document is refused as a whole, and nothing of it comes any further
KEPT = ("schema", "host", "at", "vendor", "device", "class", "address", "present")


def hostile(value):
    if isinstance(value, dict):
        return {key: hostile(one) if key not in KEPT else one for key, one in value.items()}
    if isinstance(value, list):
        return [hostile(one) for one in value]
    return HOSTILE if isinstance(value, str) else value


def test_what_a_live_host_says_is_never_a_template(site):
    site.hosts(gpu1=HERE)
    document = json.loads((site.fixtures / "h100-bookworm-converged.json").read_text())
    (site.folder / "recorded/gpu1.json").write_text(json.dumps(hostile(document)))
    (site.folder / "library").mkdir()
    (site.folder / "library/hostile_facts.py").write_text(MODULE)
    (site.folder / "play.yml").write_text(PLAY)
    code, said = site.play("play.yml")
    assert code == 0 and not (site.folder / "planted").exists() and "defect of the collection" not in said, said
    assert site.report("observations/gpu1.json")["system"]["distribution"] == HOSTILE
    assert HOSTILE in (site.folder / "seen").read_text()
    for page in ("plan.html", "evidence.html"):
        assert "<script>alert" not in (site.folder / "reports/example" / page).read_text()


def test_the_folder_of_reports_can_be_named_on_the_command_line(site):
    site.record("gpu1", "no-card")
    site.play("sovereign.ai_stack.plan", "-e", "ai_stack_observations=recorded", "-e", "ai_stack_report_dir=elsewhere")
    assert (site.folder / "elsewhere/plan.json").exists() and not (site.folder / "reports").exists()


REFUSED = """\
- hosts: "{{ 'all' if ansible_limit is defined else groups['all'] | first }}"
  gather_facts: false
  tasks:
    - sovereign.ai_stack.plan: {mode: deploy}
      delegate_to: localhost
      run_once: true
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: {cmd: touch changed}
"""


@pytest.mark.parametrize("limit", [[], ["--limit", "gpu1,gpu2"], ["--limit", "gpu2"]], ids=str)
def test_a_refused_deploy_acts_on_no_host(site, limit):
    site.hosts(gpu1=HERE, gpu2=HERE)
    site.saw("gpu1", "h100-bookworm-converged")
    site.saw("gpu2", "gh200-bookworm")
    (site.folder / "play.yml").write_text(REFUSED)
    code, said = site.play("play.yml", *limit)
    assert code != 0 and "nothing was changed" in said and not (site.folder / "changed").exists(), said


def test_a_deploy_does_not_act_on_recorded_files(site):
    site.hosts(gpu1=HERE, gpu2=HERE)
    site.record("gpu1", "h100-bookworm-converged")
    (site.folder / "play.yml").write_text(REFUSED)
    code, said = site.play("play.yml", "-e", "ai_stack_observations=recorded", "--limit", "gpu1")
    assert code != 0 and "SITE-6" in said and not (site.folder / "changed").exists(), said


def test_a_deploy_that_is_not_refused_goes_on(site):
    site.hosts(gpu1=HERE, gpu2=HERE)
    site.saw("gpu1", "h100-bookworm-converged")
    site.saw("gpu2", "gh200-bookworm")
    (site.folder / "play.yml").write_text(REFUSED)
    code, said = site.play("play.yml", "--limit", "gpu1")
    assert code == 0 and (site.folder / "changed").exists(), said
    assert (site.folder / "ai_stack.lock.yml").exists()


def test_remove_acts_on_no_recorded_files(site):
    code, said = site.play("sovereign.ai_stack.remove", "-e", "ai_stack_observations=recorded")
    assert code != 0 and "a removal acts on what hosts are now" in said and "Take the lock" not in said, said


def test_remove_waits_outside_while_another_run_changes_the_site(site):
    lock = site.folder / "reports/example/site.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"owner": "alice", "controller": "elsewhere", "pid": 1, "started": 1, "what": "deploy", "since": "2026-11-25T19:00:00Z"}))
    code, said = site.play("sovereign.ai_stack.remove")
    assert code != 0 and "alice on elsewhere (process 1) runs deploy since" in said and "UNREACHABLE" not in said, said
    lock.unlink()
    dummy, said = site.play("sovereign.ai_stack.remove")
    assert "UNREACHABLE" in said and not lock.exists(), said
