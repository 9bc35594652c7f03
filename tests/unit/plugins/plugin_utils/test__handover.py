# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The folder of a hand-over: its scripts are run here, with a stand-in only for what runs containers."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._pools import handover
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _handover, _site

SPEC = {"gpu1": ["one", "two"]}
SETTINGS = {"nova-compute": {"pci": {"device_spec": SPEC, "alias": ["it's"]}, "filter_scheduler": {"pci_in_placement": "true"}}}
REPORTING = {"nova-compute": {"pci": {"device_spec": SPEC}}}


@pytest.fixture
def folder(tmp_path):
    def written(tool):
        config, place = tmp_path / "etc config", tmp_path / "handover"
        made = handover.of_cloud(tool, SETTINGS, REPORTING, knobs={"folder": str(place), "config": str(config)})
        for path, text in _handover.files_of("main", made, SETTINGS).items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text)
        return place, config

    return written


def put(place, stage):
    done = subprocess.run(["sh", place / "put.sh", stage], capture_output=True, text=True, cwd="/")
    return done.returncode, done.stdout + done.stderr


def texts(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("tool", ["kolla", "openstack_ansible"])
def test_what_is_there_already_is_not_turned_back_by_an_earlier_stage(folder, tool):
    place, config = folder(tool)
    put(place, "switch")
    # a further host reports in a cloud that asks for cards by now: it gets all at once
    assert put(place, "report") == (0, "") and texts(config) == texts(place / "switch")
    assert put(place, "back") == (0, "") and texts(config) == texts(place / "back")
    assert put(place, "report") == (0, "") and all("stage switch" not in text for text in texts(config).values())


@pytest.mark.parametrize("tool", ["kolla", "openstack_ansible"])
def test_stages_are_put_one_after_the_other_and_again(folder, tool):
    place, config = folder(tool)
    for stage in ("report", "report", "switch", "switch", "back", "back"):
        assert put(place, stage) == (0, "")
        assert texts(config) == texts(place / stage)


def test_what_is_not_needed_any_more_goes_and_what_is_theirs_stays(folder):
    place, config = folder("kolla")
    ours = f"# {handover.MARKER} of main, stage switch\n"
    for path, text in {"nova/gone/nova.conf": ours, "nova/their.conf": "[pci]\nother = 1\n", "glance.conf": ours}.items():
        (config / path).parent.mkdir(parents=True, exist_ok=True)
        (config / path).write_text(text)
    assert put(place, "switch") == (0, "")
    assert set(texts(config)) - set(texts(place / "switch")) == {"nova/their.conf", "glance.conf"}


@pytest.mark.parametrize(
    ("tool", "path", "text", "message"),
    [
        ("kolla", "nova/gpu1/nova.conf", "[DEFAULT]\ndebug = true\n", "nova/gpu1/nova.conf is not ours"),
        ("kolla", "nova.conf", "[DEFAULT]\n[pci]\n alias = x\nalias=x\n", "nova.conf line 4: [pci] alias"),
        ("kolla", "nova/gpu1/nova-compute.conf", "[filter_scheduler]\npci_in_placement: false\n", "line 2: [filter_scheduler] pci_in_placement"),
        ("openstack_ansible", "user_variables.yml", "nova_nova_conf_overrides:\n  DEFAULT: {}\n", "user_variables.yml:1:nova_nova_conf_overrides:"),
        ("openstack_ansible", "host_vars/gpu1.yml", "nova_pci_alias: []\n", "host_vars/gpu1.yml:1:nova_pci_alias:"),
        ("openstack_ansible", "user_ai_stack.yml", "a: b\n", "user_ai_stack.yml is not ours"),
    ],
)
def test_what_is_somebody_elses_is_named_and_nothing_is_put(folder, tool, path, text, message):
    place, config = folder(tool)
    (config / path).parent.mkdir(parents=True, exist_ok=True)
    (config / path).write_text(text)
    code, said = put(place, "report")
    assert code == 1 and message in said
    assert texts(config) == {path: text}


def test_a_file_of_another_cloud_is_somebody_elses(folder):
    place, config = folder("kolla")
    (config / "nova/gpu1").mkdir(parents=True)
    (config / "nova/gpu1/nova.conf").write_text(f"# {handover.MARKER} of other, stage switch\n")
    code, said = put(place, "report")
    assert code == 1 and "nova/gpu1/nova.conf is not ours" in said


@pytest.mark.parametrize(
    ("tool", "path", "text"),
    [
        ("kolla", "nova.conf", "[oslo_messaging_notifications]\nalias = x\n#[pci]\n"),
        ("kolla", "neutron.conf", "[pci]\nalias = x\n"),
        ("openstack_ansible", "user_variables.yml", "nova_nova_conf_overrides_site: {}\n# nova_pci_alias: []\n"),
    ],
)
def test_what_is_in_nobodys_way_is_left_alone(folder, tool, path, text):
    place, config = folder(tool)
    config.mkdir()
    (config / path).write_text(text)
    assert put(place, "report") == (0, "")
    assert (config / path).read_text() == text


def test_a_gate_runs_inside_of_the_container(folder, tmp_path):
    place, _config = folder("kolla")
    engine = tmp_path / "bin/docker"
    engine.parent.mkdir()
    engine.write_text(
        '#!/bin/sh\n[ "$1 $2 $3 $4" != "ps -aq --filter name=^nova_compute$" ] || { echo 5a; exit 0; }\n'
        '[ "$1 $2 $3 $4 $5 $6 $7" = "exec -i nova_compute python3 -W ignore -" ] || exit 9\nprintf "%s\\n" "$8 $9" "${10}"\ncat\n'
    )
    engine.chmod(0o755)
    environment = {**os.environ, "PATH": f"{engine.parent}:/usr/bin:/bin"}
    done = subprocess.run(["sh", place / "gates/switch.nova-compute.gpu1.sh"], capture_output=True, text=True, env=environment)
    project, wanted, program = done.stdout.split("\n", 2)
    assert (done.returncode, project) == (0, "nova exactly")
    assert json.loads(wanted) == {"filter_scheduler": {"pci_in_placement": "true"}, "pci": {"alias": ["it's"], "device_spec": ["one", "two"]}}
    assert program == _handover._PROGRAM.read_text()
    engine.write_text("#!/bin/sh\nexit 0\n")
    done = subprocess.run(["sh", place / "gates/switch.nova-compute.gpu1.sh"], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (handover.NOT_HERE, "nova-compute does not run here\n", "")
    # whoever cannot ask does not know
    engine.write_text("#!/bin/sh\necho 'permission denied' >&2; exit 1\n")
    done = subprocess.run(["sh", place / "gates/switch.nova-compute.gpu1.sh"], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (1, "permission denied\n")


def test_a_gate_finds_the_environment_by_its_tag(folder):
    place, _config = folder("openstack_ansible")
    text = (place / "gates/switch.nova-compute.gpu1.sh").read_text()
    assert "exec /openstack/venvs/nova-\"$tag\"/bin/python -W ignore - nova there '{" in text
    assert "\n[ -e /etc/systemd/system/nova-compute.service ] || { echo 'nova-compute does not run here'; exit 3; }\n" in text
    fact = "[keystone]\nvenv_tag = 1\n[nova]\ninstall_method = source\nvenv_tag = 31.2.0\n[placement]\nvenv_tag = 3\n"
    script = next(line for line in text.splitlines() if line.startswith("tag=")).replace("/etc/ansible/facts.d/openstack_ansible.fact", "-")
    assert subprocess.run(["sh", "-c", f'{script}; echo "$tag"'], input=fact, capture_output=True, text=True).stdout == "31.2.0\n"


def test_the_readme_has_every_command_in_order(folder):
    place, _config = folder("kolla")
    said = [line.strip() for line in (place / "README.md").read_text().splitlines() if line.startswith("    ")]
    assert [line.split()[0] for line in said] == ["sh", "kolla-ansible", "ansible", "sh", "kolla-ansible", "ansible"] + ["sh", "kolla-ansible", "ansible"]


def test_a_stage_that_nobody_knows_takes_nothing_away(folder):
    place, config = folder("kolla")
    put(place, "switch")
    before = texts(config)
    for stage in ("repotr", "", "../config", "limits"):
        code, said = put(place, stage)
        assert code == 2 and "put.sh report|switch|back" in said and texts(config) == before


def test_a_folder_that_is_somebody_elses_is_refused(folder):
    place, _config = folder("kolla")
    assert set(_handover.read_folder(place)) == set(texts(place))
    (place / "notes.txt").write_text("mine")
    with pytest.raises(_site.SiteError, match="notes.txt is not of a hand-over"):
        _handover.read_folder(place)
    assert _handover.read_folder(place / "none") == {}
