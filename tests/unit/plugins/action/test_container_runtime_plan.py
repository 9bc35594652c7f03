# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What containerd of a node is told: by the version of its files, and refused where a value is none."""

from __future__ import annotations

import pytest
import tomllib
from ansible_collections.sovereign.ai_stack.plugins.action import container_runtime_plan

PAUSE = "registry.k8s.io/pause:3.10.2"


def mine(site, **given):
    return site.run(container_runtime_plan, host="gpu1", **{"version": "2.4.2", "sandbox": PAUSE, **given})[0]


@pytest.mark.parametrize(("version", "config"), [("2.4.2", 4), ("2.0.11", 3)])
def test_files_are_in_the_version_that_containerd_writes_itself(site, version, config):
    found = mine(site, version=version, registries={"*": {"mirrors": ["https://mirror.example.org"]}})
    assert not found.get("failed") and found["messages"] == []
    assert {tomllib.loads(text).get("version", config) for text in found["files"].values()} == {config}
    assert "/etc/containerd/certs.d/_default/hosts.toml" in found["files"] and PAUSE in found["expected"].values()


WRONG = {
    "version": ["0.9.1", "newest"],
    "sandbox": ["", "pause image", '"'],
    "registries": [{"docker.io": {"mirrors": []}}, {"docker.io": "https://mirror"}, {"../x": {"mirrors": ["https://m"]}}, {"*": {"mirrors": ["ftp://m"]}},
                   {"*": {"mirrors": ["https://me:secret@m"]}}, {"*": {"mirrors": ["https://m"], "login": "x"}}, ["x"],
                   {"*": {"mirrors": ["https://m"], "ca": "site.pem"}}],
    "settings": [{"a": {"b": 1}}, ["x"], {"registry": "x"}],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values], ids=str)
def test_a_value_that_is_none_is_refused_by_its_name(site, name, value):
    found = mine(site, **{name: value})
    assert [row["path"] for row in found["conflicts"]] == ["container_runtime_" + name] and found["files"] == {}, found
    assert "secret" not in str(found)


def test_repositories_are_those_of_the_sites_schema(site):
    found = mine(site, repositories=[{"name": "a", "uris": ["https://m"]}, {"name": "b", "type": "deb", "uris": ["https://me:secret@m"], "suites": ["x"]}])
    assert {row["path"].partition("[")[0] for row in found["conflicts"]} == {"container_runtime_repositories"} and "secret" not in str(found)
    assert mine(site, repositories=[{"name": "a", "type": "deb", "uris": ["https://m"], "suites": ["x"]}])["conflicts"] == []


@pytest.mark.parametrize(
    ("there", "rule"),
    [({"paths": ["/usr/bin/containerd", "/opt/bin/containerd"]}, "K8S-N5"), ({"old_registry": ["registry.mirrors"]}, "K8S-N6"),
     ({"version": "2.0.11"}, "K8S-V8"), ({"version": "2.3.4", "paths": ["/usr/bin/containerd"]}, None)],
)  # fmt: skip
def test_the_rules_of_clusters_hold_for_a_node_alone(site, there, rule):
    found = mine(site, observation={"containerd": there})
    assert [(row["rule"], row["host"]) for row in found["conflicts"]] == ([(rule, "gpu1")] if rule else [])


def test_all_that_is_wrong_is_said_at_once(site):
    found = mine(site, version="0.9.1", sandbox="", settings=["x"])
    assert [row["path"] for row in found["conflicts"]] == ["container_runtime_" + name for name in ("sandbox", "settings", "version")]
