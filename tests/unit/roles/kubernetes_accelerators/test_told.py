# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a scenario compares of a cluster is all that the role tells it."""

from __future__ import annotations

import os
import subprocess

import packed
import pytest

SCRIPT = packed.ROOT / "molecule/shared/kubernetes/told.sh"
KUBECTL = """\
#!/bin/sh
echo "$*" >> "$HERE/calls"
case $1 in api-resources) cat "$HERE/kinds" ;; esac
"""
OF_KUEUE = ["localqueues", "clusterqueues", "cohorts", "resourceflavors", "workloads"]
OF_CLAIMS = ["deviceclasses", "resourceclaimtemplates", "resourceclaims", "resourceslices"]


def asked(folder, extra):
    """The kinds that are compared. extra: those that the API has beside its own."""
    (folder / "kubectl").write_text(KUBECTL)
    (folder / "kubectl").chmod(0o755)
    (folder / "kinds").write_text("".join(f"{one}\n" for one in ["pods", "daemonsets.apps", *extra]))
    subprocess.run(["sh", SCRIPT], check=True, env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "HERE": str(folder)})
    (words,) = [line.split() for line in (folder / "calls").read_text().splitlines() if line.startswith("get ") and "--selector" in line]
    return set(words[1].split(","))


@pytest.mark.parametrize("kueue", [False, True])
@pytest.mark.parametrize("claims", [False, True])
def test_every_kind_that_the_role_makes_is_compared(tmp_path, kueue, claims):
    modules = packed.program("kubernetes_accelerators", "program.yml", ("ledger", "api", "cluster_claims", "cluster_nodes", "cluster_pods", "cluster_queues",
                                                                        "claims", "device_plugin", "labels", "queues", "objects"))  # fmt: skip
    wanted = {"namespaces", *modules["objects"].KINDS.split(",")}
    wanted |= {f"{one}.kueue.x-k8s.io" for one in modules["queues"].KINDS if kueue} | {f"{one}.resource.k8s.io" for one in modules["claims"].KINDS if claims}
    there = [f"{one}.kueue.x-k8s.io" for one in OF_KUEUE if kueue] + [f"{one}.resource.k8s.io" for one in OF_CLAIMS if claims]
    assert asked(tmp_path, there) == wanted
