# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What containerd is told, read back by Python's own reader of TOML."""

from __future__ import annotations

import pytest
import tomllib
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import containerd, toml
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = st.text(min_size=1, max_size=12)
PLAIN = st.one_of(st.booleans(), st.integers(-(2**40), 2**40), st.text(max_size=20), st.lists(st.text(max_size=8), max_size=3))


@settings(max_examples=300)
@given(st.dictionaries(NAMES, st.one_of(PLAIN, st.dictionaries(NAMES, st.one_of(PLAIN, st.dictionaries(NAMES, PLAIN, max_size=3)), max_size=3)), max_size=4))
def test_what_is_written_is_what_is_read(document):
    assert tomllib.loads(toml.render(document)) == document


@pytest.mark.parametrize("version", [2, 3, 4])
def test_files_are_of_one_version_and_say_whose_they_are(version):
    found = containerd.files(version, "registry.k8s.io/pause:3.10.2", {"*": {"mirrors": ["http://mirror.example.org"]}})
    assert all(text.startswith("# managed by sovereign.ai_stack") for text in found.values())
    root, ours = (tomllib.loads(found[path]) for path in (containerd.ROOT, containerd.DROP_IN))
    assert root == {"version": version, "imports": ["/etc/containerd/conf.d/*.toml"]} and ours["version"] == version


def test_the_old_file_has_one_part_for_all():
    (cri,) = tomllib.loads(containerd.drop_in(2, "pause"))["plugins"].values()
    assert cri["sandbox_image"] == "pause" and cri["enable_cdi"] and cri["containerd"]["runtimes"]["runc"]["options"] == {"SystemdCgroup": True}


def test_new_files_have_images_and_runtime():
    parts = tomllib.loads(containerd.drop_in(4, "pause", {"restrict_oom_score_adj": True}))["plugins"]
    assert parts["io.containerd.cri.v1.images"] == {"pinned_images": {"sandbox": "pause"}, "registry": {"config_path": "/etc/containerd/certs.d"}}
    runtime = parts["io.containerd.cri.v1.runtime"]
    assert runtime["restrict_oom_score_adj"] is True and runtime["containerd"]["default_runtime_name"] == "runc"


def test_a_mirror_is_the_server_too():
    """Otherwise a node of a cut-off site asks the world once its mirrors fail (containerd docs/hosts.md)."""
    row = {"mirrors": ["https://one.example.org", "https://two.example.org:5000"], "ca": "/etc/ssl/site.pem"}
    found = containerd.files(4, "pause", {"registry.k8s.io": row, "*": {"mirrors": ["https://two.example.org:5000"]}})
    mine = tomllib.loads(found["/etc/containerd/certs.d/registry.k8s.io/hosts.toml"])
    assert mine["server"] == "https://two.example.org:5000" and list(mine["host"]) == row["mirrors"]
    assert mine["host"]["https://one.example.org"] == {"capabilities": ["pull", "resolve"], "ca": "/etc/ssl/site.pem"}
    assert "/etc/containerd/certs.d/_default/hosts.toml" in found
