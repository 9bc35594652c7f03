# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the lab writes on the hosts of a cloud, when it calls the cloud healthy, and what its driver tells Nova of /sys."""

from __future__ import annotations

import configparser
import json
import sys
import types
from pathlib import Path

import pytest
from lab_cloud import catalog, release, settings, steps
from lab_host import pci

SECRETS = {name: "secret-" + name for name in settings.SECRETS}
ADDRESS = "10.74.0.10"


def parsed(text):
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    return parser


@pytest.fixture(scope="module")
def controller():
    return settings.controller(ADDRESS, SECRETS)


@pytest.fixture(scope="module")
def compute():
    return settings.compute(ADDRESS, {name: SECRETS[name] for name in ("services", "messages")})


@pytest.mark.parametrize("service", ["placement", "nova", "neutron", "glance-api"])
def test_services_log_in_at_keystone_by_its_certificate(controller, service):
    found = next(parsed(text) for path, (_group, text) in controller.items() if path.endswith("/%s.conf" % service))["keystone_authtoken"]
    assert (found["auth_url"], found["cafile"]) == ("https://10.74.0.10:5000/v3", settings.AUTHORITIES)
    assert found["username"] == service.split("-")[0]


def test_no_file_of_the_lab_says_a_word_about_cards(controller, compute):
    for path, (_group, text) in [*controller.items(), *compute.items()]:
        assert "[pci]" not in text
        assert "enabled_filters" not in text
        assert ".conf.d/" not in path or "mariadb" in path


def test_a_compute_gets_no_password_of_a_database_or_of_a_person(compute):
    text = "".join(text for _group, text in compute.values())
    assert "secret-services" in text
    assert not [name for name in ("admin", "tenants", "database") if "secret-" + name in text]
    assert parsed(compute["/etc/nova/nova-compute.conf"][1])["DEFAULT"]["compute_driver"] == "lab_pci.LabDriver"


def test_files_with_secrets_belong_to_the_service_that_reads_them(controller):
    assert {path: group for path, (group, text) in controller.items() if "secret-" in text and group == "root"} == {}


def test_every_tenant_has_a_login_of_its_own():
    found = json.loads(settings.clouds(ADDRESS, SECRETS))["clouds"]
    assert set(found) == {"main", "main-system", *settings.TENANTS}
    assert {found[name]["auth"].get("project_name") for name in settings.TENANTS} == set(settings.TENANTS)
    assert found["main-system"]["auth"]["system_scope"] == "all"
    assert "secret-admin" not in json.dumps([found[name] for name in settings.TENANTS])


def test_limits_are_read_for_the_whole_system_and_the_endpoint_of_nova(controller):
    found = parsed(controller["/etc/nova/nova.conf"][1])["oslo_limit"]
    assert (found["system_scope"], found["endpoint_service_type"], found["endpoint_region_name"]) == ("all", "compute", settings.REGION)
    # a login has one scope
    assert not [key for key in found if key.startswith("project_")]


def test_a_release_runs_beside_the_packages_under_units_of_its_own(tmp_path, monkeypatch):
    assert release.unit("nova-api") == "nova-api"
    assert release.packages() == Path("/usr/lib/python3/dist-packages")
    (tmp_path / "lib/python3.13/site-packages").mkdir(parents=True)
    monkeypatch.setattr(release, "HOME", tmp_path)
    assert [release.unit(name) for name in ("nova-api", "glance-api")] == ["openstack-nova-api", "glance-api"]
    assert release.packages() == tmp_path / "lib/python3.13/site-packages"
    found = {path: parsed(text) for path, (_group, text) in release.files(["placement-api", "nova-compute"]).items()}
    start = found["/etc/systemd/system/openstack-nova-compute.service"]["Service"]["ExecStart"]
    assert start.split()[1:3] == ["--config-file=/etc/nova/nova.conf", "--config-file=/etc/nova/nova-compute.conf"]
    assert found["/etc/systemd/system/openstack-placement-api.service"]["Service"]["ExecStart"].endswith(" --ini /etc/placement/openstack-placement-api.ini")
    assert found["/etc/placement/openstack-placement-api.ini"]["uwsgi"]["logto"] == "/var/log/placement/placement-api.log"


def test_programs_of_a_release_go_before_those_of_the_distribution(tmp_path, monkeypatch):
    (tmp_path / "nova-manage").write_text("#!/bin/sh\necho released\n")
    (tmp_path / "nova-manage").chmod(0o755)
    monkeypatch.setattr(steps, "PROGRAMS", str(tmp_path))
    assert steps.run("nova-manage") == "released\n"


BOOT = 1795000000
NOW, BEFORE = "2026-11-18T20:00:00.000000", "2026-11-18T11:00:00.000000"


def row(binary, host, state="up", updated_at=NOW):
    return {"binary": binary, "host": host, "state": state, "updated_at": updated_at}


ROWS = [row("nova-conductor", "c"), row("nova-scheduler", "c"), row("nova-compute", "a")]


@pytest.mark.parametrize(
    ("services", "providers", "said"),
    [
        (ROWS, {"a"}, []),
        (ROWS[1:], {"a"}, ["nova-conductor of c is not known"]),
        ([*ROWS[:2], row("nova-compute", "a", state="down")], {"a"}, ["nova-compute of a does not report"]),
        # what the start before reported
        ([*ROWS[:2], row("nova-compute", "a", updated_at=BEFORE)], {"a"}, ["nova-compute of a does not report"]),
        ([*ROWS[:2], row("nova-compute", "a", updated_at=None)], {"a"}, ["nova-compute of a does not report"]),
        (ROWS, {"b"}, ["Placement has no provider of a"]),
    ],
)
def test_a_cloud_is_healthy_when_each_service_reported_since_the_start(services, providers, said):
    assert catalog.missing(services, providers, "c", ["a"], BOOT) == said


class Topology(dict):
    def _to_json(self):
        return [(one["id"], min(one["cpuset"]), max(one["cpuset"]), one["memory"]) for one in self["cells"]]


@pytest.fixture
def driver(monkeypatch):
    """The driver without Nova: what it takes from there are the base class and the identity of the node."""
    parts = {name: types.ModuleType(name) for name in ("nova", "nova.compute", "nova.virt", "nova.virt.fake", "nova.virt.node")}
    parts["nova.virt.fake"].FakeDriver = type("FakeDriver", (), {"get_available_resource": lambda self, nodename: {"host": nodename}})
    parts["nova.virt.node"].get_local_node_uuid = lambda: "uuid"
    parts["nova"].objects = types.SimpleNamespace(NUMACell=dict, NUMAPagesTopology=dict, NetworkMetadata=dict, NUMATopology=Topology)
    parts["nova.compute"].power_state = types.SimpleNamespace(SHUTDOWN=4)
    parts["nova.virt"].fake, parts["nova.virt"].node = parts["nova.virt.fake"], parts["nova.virt.node"]
    for name, module in parts.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "lab_cloud.lab_pci", raising=False)
    import lab_cloud.lab_pci

    return lab_cloud.lab_pci


def function(address, **more):
    ids = {"vendor": "10de", "device": "2331", "class": "030200", "revision": "a1", "subsystem_vendor": "10de", "subsystem_device": "1626"}
    return {"address": address, **ids, **more}


def test_nova_sees_the_cards_that_sys_shows(driver, tmp_path, monkeypatch):
    pci.write(tmp_path, [function("0000:17:00.0", vfs=16, numa_node=0), function("0000:97:00.0", numa_node=1), function("0000:98:00.0")], {})
    monkeypatch.setattr(driver, "DEVICES", tmp_path / "bus/pci/devices")
    found = driver.LabDriver().get_available_resource("compute1")
    assert (found["host"], found["uuid"]) == ("compute1", "uuid")
    seen = json.loads(found["pci_passthrough_devices"])
    assert [(one["address"], one["vendor_id"], one["product_id"], one["dev_type"], one["numa_node"]) for one in seen] == [
        ("0000:17:00.0", "10de", "2331", "type-PF", 0), ("0000:97:00.0", "10de", "2331", "type-PCI", 1), ("0000:98:00.0", "10de", "2331", "type-PCI", None),
    ]  # fmt: skip
    assert {one["status"] for one in seen} == {"available"}
    # a server with a NUMA node gets to no host that has none
    assert found["numa_topology"] == [(0, 0, 223, 1048576), (1, 224, 447, 1048576)]


def test_a_virtual_function_names_its_card(driver, tmp_path):
    pci.write(tmp_path, [function("0000:17:00.0", vfs=16), function("0000:17:00.1")], {})
    devices = tmp_path / "bus/pci/devices"
    Path(devices / "0000:17:00.1/physfn").symlink_to("../0000:17:00.0")
    seen = driver.device(devices / "0000:17:00.1")
    assert (seen["dev_type"], seen["parent_addr"]) == ("type-VF", "0000:17:00.0")
