# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the lab makes of accelerators is made once, by a key of its own, and only where a site asks for it. podman and the compiler are stand-ins here."""

from __future__ import annotations

from lab import accelerators, kubernetes


def site(tmp_path, **settings):
    return {"cache": tmp_path, "mirrors": {"debian": "http://archive"}, "kubernetes": {"address": "10.75.0.2", "versions": [], **settings}}


def test_a_site_that_does_not_ask_has_none_of_it(said, tmp_path):
    for one in (site(tmp_path), site(tmp_path, accelerators=False), {"cache": tmp_path, "kubernetes": {}}):
        assert accelerators.programs(one) == accelerators.make(one) == []
    assert said == []


def test_programs_are_built_once_and_let_others_go_first(said, tmp_path):
    wanted = site(tmp_path, accelerators=True)
    assert accelerators.programs(wanted) == ["programs of accelerators"]
    assert said[0][2:7] == ("nice", "-n", "5", "sh", accelerators.SOURCE / "build.sh")
    assert accelerators.programs(wanted) == []


def test_package_image_and_tool_are_made_once(said, tmp_path):
    wanted = site(tmp_path, accelerators=True)
    assert accelerators.make(wanted) == ["programs of accelerators", "packages and images of accelerators", "lib nvidia-smi"]
    assert [words[-2:] for words in said[-3:]] == [
        ("/source/packages.sh", "accelerators"), ("/out", "accelerators"), ("sh", "/source/smi.sh"),
    ]  # fmt: skip
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/nvidia-smi").touch()
    assert accelerators.make(wanted) == []


def test_what_clusters_are_made_of_does_not_follow_them(said, tmp_path):
    """The programs of a cluster take twenty minutes: their key is of other files."""
    plain, more = ([path.name for path in kubernetes._programs(site(tmp_path, **each), None)] for each in ({}, {"accelerators": True}))
    assert plain == more
    assert accelerators.SOURCE.parent / "go" not in accelerators.SOURCE.parents
