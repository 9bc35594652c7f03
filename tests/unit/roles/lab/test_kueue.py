# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Kueue is made once, by a key of its own, and only where a site asks for it. podman and the compiler are stand-ins here."""

from __future__ import annotations

from lab import kubernetes, kueue


def site(tmp_path, **settings):
    return {"cache": tmp_path, "kubernetes": {"address": "10.75.0.2", "versions": ["1.37.2", "1.36.4"], **settings}}


def test_a_site_that_does_not_ask_has_none_of_it(said, tmp_path):
    for one in (site(tmp_path), site(tmp_path, kueue=False), {"cache": tmp_path, "kubernetes": {}}):
        assert kueue.programs(one) == kueue.make(one) == []
    assert said == []


def test_its_programs_are_built_once_by_kubectl_of_the_version_that_is_built(said, tmp_path):
    wanted = site(tmp_path, kueue=True)
    assert kueue.programs(wanted) == ["programs of kueue"]
    kubectl = kubernetes._programs(wanted, "1.37.2")[0] / "kubectl"
    assert said[0][5:] == ("sh", kueue.SOURCE / "build.sh", kueue._place(wanted), kubectl)
    assert kueue.programs(wanted) == []


def test_image_and_manifests_are_made_once_and_no_package(said, tmp_path):
    wanted = site(tmp_path, kueue=True)
    assert kueue.make(wanted) == ["programs of kueue", "image and manifests of kueue"]
    assert [words[-5:] for words in said[1:]] == [("python3", "-B", "/source/kueue/images.py", "/out", "kueue")]
    assert kueue.make(wanted) == []


def test_what_clusters_are_made_of_does_not_follow_it(tmp_path):
    """The programs of a cluster take twenty minutes: their key is of other files."""
    plain, more = ([path.name for path in kubernetes._programs(site(tmp_path, **each), "1.37.2")] for each in ({}, {"kueue": True}))
    assert plain == more
    assert kueue.SOURCE.parent / "go" not in kueue.SOURCE.parents
