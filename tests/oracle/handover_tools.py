# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""kolla-ansible and OpenStack-Ansible's config_template as they are published, and playbooks that let their own code merge what we hand over.

Of kolla-ansible the tasks are taken too, with their lists of files in their order; the templates are stand-ins, which say something else for options of ours.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import oracle_env
import yaml

PINS = oracle_env.ORACLE / "handover_tools.txt"
TEMPLATES = {
    "nova": "[DEFAULT]\nram_allocation_ratio = 16.0\n[filter_scheduler]\nenabled_filters = ComputeFilter\n[oslo_messaging_notifications]\ndriver = noop\n"
    '[pci]\nalias = {"name": "theirs", "vendor_id": "8086", "product_id": "154d", "device_type": "type-VF"}\n',
    "placement": "[placement]\nmax_allocation_candidates = 7\n[placement_database]\nconnection = sqlite://\n",
}
ROLES = {"nova": "nova-api nova-scheduler nova-super-conductor", "nova-cell": "nova-compute nova-conductor", "placement": "placement-api"}
# the published config_template wants distutils
PYTHONS = ["3.11"]
MINUTES = 10


def environment() -> Path:
    """The environment of the tools, made where it is not there."""
    (python, version), place = oracle_env.interpreter(PYTHONS), oracle_env.folder() / "handover"
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{place}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark, wanted = place / ".stamp", hashlib.sha256(PINS.read_bytes() + version.encode()).hexdigest()
        if not mark.exists() or mark.read_text() != wanted:
            shutil.rmtree(place, ignore_errors=True)
            subprocess.run([python, "-m", "venv", "--without-pip", place], check=True)
            pip = [sys.executable, "-m", "pip", "--python", place / "bin/python", "install", "-q", "--disable-pip-version-check", "--no-deps"]
            done = subprocess.run([*pip, "--only-binary", ":all:", "-r", PINS], stdin=subprocess.DEVNULL, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[-2000:]
            mark.write_text(wanted)
    return place


def play(folder, inventory, plays, *more):
    """Run plays with the tools' own code; fails with what Ansible says."""
    place = environment()
    (folder / "hosts.json").write_text(json.dumps(inventory))
    (folder / "play.json").write_text(json.dumps(plays))
    plugins = [place / "share/kolla-ansible/ansible/action_plugins", place / "share/ansible/plugins/action"]
    told = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTHON", "MOLECULE_"))}
    told.update(ANSIBLE_ACTION_PLUGINS=":".join(map(str, plugins)), ANSIBLE_LIBRARY=str(place / "share/ansible/plugins/modules"),
                ANSIBLE_HOME=str(folder / "ansible"), ANSIBLE_LOCALHOST_WARNING="false", ANSIBLE_NOCOLOR="1", LC_ALL="C.UTF-8")  # fmt: skip
    command = [place / "bin/ansible-playbook", "-i", folder / "hosts.json", *more, folder / "play.json"]
    done = subprocess.run(command, cwd=folder, env=told, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60 * MINUTES)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def inventory(groups):
    """{group: hosts} as an inventory of hosts that are this machine."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3", "ansible_become": False}
    return {"all": {"vars": local, "children": {group: {"hosts": dict.fromkeys(hosts, {})} for group, hosts in groups.items()}}}


def published(role):
    """The task of kolla-ansible's role that merges the configuration of a service."""
    path = environment() / "share/kolla-ansible/ansible/roles" / role / "tasks/config.yml"
    (task,) = [task for task in yaml.safe_load(path.read_text()) if "merge_configs" in task]
    return task


def merged_by_kolla(folder, tree, computes):
    """{(service, host): path} of what kolla-ansible makes of an override tree."""
    hosts = {"nova": ["control1"], "nova-cell": [*computes, "control1"], "placement": ["control1"]}
    plays, found = [], {}
    for role, services in ROLES.items():
        project = role.partition("-")[0]
        given = folder / role / "templates"
        given.mkdir(parents=True)
        (given / f"{project}.conf.j2").write_text(TEMPLATES[project])
        task = published(role)
        task = {key: task[key] for key in ("name", "merge_configs")} | {"loop": [{"key": each} for each in services.split()], "vars": {"service_name": "x"}}
        task["merge_configs"]["sources"] = [each.replace("{{ role_path }}", str(given.parent)) for each in task["merge_configs"]["sources"]]
        told = {"node_custom_config": str(tree), "node_config_directory": str(folder / "made/{{ inventory_hostname }}")}
        plays.append({"hosts": hosts[role], "gather_facts": False, "vars": told, "tasks": [task]})
        for host in hosts[role]:
            for service in services.split():
                found[service, host] = folder / "made" / host / service / f"{project}.conf"
                found[service, host].parent.mkdir(parents=True, exist_ok=True)
    play(folder, inventory({"all_hosts": [*computes, "control1"]}), plays)
    return found


def merged_by_osa(folder, tree, computes):
    """{(service, host): path} of what OpenStack-Ansible makes of its user files in a folder; a control container runs all services but nova-compute."""
    control = {"nova_api_os_compute": "nova-api", "nova_scheduler": "nova-scheduler", "nova_conductor": "nova-conductor", "placement_api": "placement-api"}
    tasks, found = [], {}
    for project, template in TEMPLATES.items():
        (folder / f"{project}.conf.j2").write_text(template)
        variable = f"{project}_{project}_conf_overrides"
        # the task of os_nova and os_placement, tasks/*_post_install.yml
        tasks.append({"config_template": {"src": str(folder / f"{project}.conf.j2"), "dest": str(folder / "made/{{ inventory_hostname }}" / f"{project}.conf"),
                                          "config_overrides": "{{ item.config_overrides }}", "config_type": "ini"},
                      "with_items": [{"config_overrides": "{{ %s }}" % variable}], "vars": {}})  # fmt: skip
    for host in [*computes, "control1"]:
        (folder / "made" / host).mkdir(parents=True)
        for service in ["nova-compute"] if host != "control1" else control.values():
            found[service, host] = folder / "made" / host / f"{service.partition('-')[0]}.conf"
    # defaults of the roles: what no file says is empty there
    defaults = {"placement_placement_conf_overrides": {}, "nova_nova_conf_overrides": {}}
    groups = {**dict.fromkeys(control, ["control1"]), "nova_compute": computes}
    plays = [{"hosts": "all", "gather_facts": False, "vars": defaults, "tasks": tasks}]
    play(folder, inventory(groups), plays, *[word for path in sorted(tree.glob("user_*.yml")) for word in ("-e", f"@{path}")])
    return found
