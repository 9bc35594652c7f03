# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What containerd 2.4.2 itself printed, and files as people write them; Python's own reader of TOML is the judge where it can be."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomllib
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import containerd as wanted
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import containerd

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures/containerd"
DUMP = (FIXTURES / "dump-2.4.2.toml").read_text()


def flat(table, path=()):
    for name, value in table.items():
        if isinstance(value, dict):
            yield from flat(value, (*path, name))
        elif not isinstance(value, list) and not any("/" in part for part in (*path, name)):
            yield "/".join((*path, name)), value


def test_every_setting_of_the_dump_is_read_as_python_reads_it():
    rows = dict(flat(tomllib.loads(DUMP)["plugins"], ("plugins",)))
    assert len(rows) > 100
    told = {path: containerd.setting(DUMP, path) for path in rows}
    assert told == {path: str(value).lower() if isinstance(value, bool) else str(value) for path, value in rows.items()}


def test_the_real_containerd_has_what_it_was_told():
    expected = wanted.expected(4, "registry.k8s.io/pause:3.10.2", {"restrict_oom_score_adj": True})
    assert {path: containerd.setting(DUMP, path) for path in expected} == expected
    assert containerd.systemd_cgroup(DUMP) is True and containerd.file(DUMP, "x")["version"] == 4


def test_what_is_not_there_is_none():
    assert containerd.setting(DUMP, "plugins/io.containerd.cri.v1.runtime/nothing") is None
    assert containerd.setting(DUMP, "plugins/nobody/enable") is None and containerd.setting("", "a/b") is None
    assert containerd.systemd_cgroup("") is None


def test_its_version():
    assert containerd.version((FIXTURES / "version-2.4.2.txt").read_text()) == "2.4.2"
    assert containerd.version("containerd containerd.io 1.6.20 2806fc1057397dbaeefbea0e4e17bddfbd388f38") == "1.6.20"
    assert containerd.version("") is None and containerd.version(None) is None


@pytest.mark.parametrize(
    ("text", "version", "imports"),
    [
        ("version = 3\nimports = ['/a/*.toml', \"/b.toml\"]\n", 3, ["/a/*.toml", "/b.toml"]),
        ("# version = 9\n  version=2 # old\n[plugins]\nversion = 4\n", 2, []),
        ('imports = [\n  "/a/*.toml",\n]\n', None, ["/a/*.toml"]),
        ("", None, []),
    ],
)
def test_a_file_that_somebody_wrote(text, version, imports):
    found = containerd.file(text, "managed by")
    assert (found["version"], found["imports"], found["ours"]) == (version, imports, False)


def test_old_tables_of_registries_are_found():
    text = '[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\n[plugins.x.registry.configs.y.tls]\n[plugins.x.registry]\nconfig_path = ""\n'
    assert containerd.file(text, "x")["old_registry"] == ["registry.configs", "registry.mirrors"]
