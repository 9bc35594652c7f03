# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Aggregates: exactly the hosts, our own metadata only, tenants by id."""

from __future__ import annotations

import pytest

GPU = {"name": "ai-stack-gpu", "hosts": ["compute1", "compute2"], "metadata": {"trait:CUSTOM_AI_STACK_GPU": "required"}}
TENANT = {"name": "ai-stack-tenant-research", "hosts": ["compute1.example.org"], "filter_tenant_id": "research"}


def test_aggregates_are_made_as_planned(settled, cloud):
    result = settled("compute_aggregates", aggregates=[GPU, TENANT])
    assert result["changes"] == [
        "aggregate ai-stack-gpu is made", "host compute1 joins aggregate ai-stack-gpu", "host compute2 joins aggregate ai-stack-gpu",
        "aggregate ai-stack-gpu gets trait:CUSTOM_AI_STACK_GPU=required",
        "aggregate ai-stack-tenant-research is made", "host compute1 joins aggregate ai-stack-tenant-research",
        "aggregate ai-stack-tenant-research gets filter_tenant_id=p-research",
    ]  # fmt: skip
    assert result["aggregates"][1] == {"name": TENANT["name"], "id": 2, "hosts": ["compute1"], "metadata": {"filter_tenant_id": "p-research"}}
    assert result["calls"] == 10


def test_foreign_metadata_and_aggregates_stay_and_foreign_hosts_leave(settled, cloud):
    settled("compute_aggregates", aggregates=[GPU, dict(GPU, name="other")])
    cloud.aggregates[1]["metadata"].update({"availability_zone": "az1", "filter_tenant_id_old": "p-health"})
    result = settled("compute_aggregates", aggregates=[dict(GPU, hosts=["compute1"])])
    assert result["changes"] == ["host compute2 leaves aggregate ai-stack-gpu"]
    assert cloud.aggregates[1]["metadata"]["availability_zone"] == "az1"
    result = settled("compute_aggregates", aggregates=[dict(GPU, hosts=["compute1"], filter_tenant_id="research")])
    assert result["changes"] == ["aggregate ai-stack-gpu gets filter_tenant_id=p-research, no filter_tenant_id_old"]
    assert cloud.aggregates[2]["hosts"] == ["compute1", "compute2"]


def test_many_tenants_take_several_keys(settled, cloud):
    cloud.projects += [{"id": f"{number:032}", "name": f"p{number}", "domain_id": "default"} for number in range(9)]
    settled("compute_aggregates", aggregates=[dict(GPU, filter_tenant_id=[f"p{number}" for number in range(9)])])
    metadata = cloud.aggregates[1]["metadata"]
    assert [len(metadata[key].split(",")) for key in ("filter_tenant_id", "filter_tenant_id1")] == [7, 2]
    assert max(map(len, metadata.values())) <= 255


def test_nothing_is_taken_out_by_a_run_that_did_not_see_all(run, cloud):
    run("compute_aggregates", aggregates=[dict(GPU, filter_tenant_id="health")])
    result = run("compute_aggregates", aggregates=[dict(GPU, hosts=[], filter_tenant_id="research")], whole=False)
    assert result["kept"] == ["aggregate ai-stack-gpu keeps compute1, compute2", "aggregate ai-stack-gpu stays open to p-health"]
    assert (cloud.aggregates[1]["hosts"], cloud.aggregates[1]["metadata"]["filter_tenant_id"]) == (["compute1", "compute2"], "p-health,p-research")
    assert run("compute_aggregates", aggregates=[GPU], state="absent", whole=False)["kept"] == ["aggregate ai-stack-gpu stays"]


def test_all_mistakes_come_at_once(run, cloud):
    cloud.services.append(dict(cloud.services[0], host="node.a.example.org"))
    cloud.services.append(dict(cloud.services[0], host="node.b.example.org"))
    result = run("compute_aggregates", aggregates=[dict(GPU, hosts=["compute7", "node", "compute1", "compute1.example.org"], filter_tenant_id=["nobody"]), GPU])
    assert result["mistakes"] == [
        "aggregate ai-stack-gpu stands there more than once",
        "there is no project nobody; one of: admin, health, research",
        "host compute7 has no compute service; compute2 (there are: compute1, compute2, node.a.example.org, node.b.example.org)",
        "host node has no compute service; it could be any of node.a.example.org, node.b.example.org",
        "host compute1 is named twice, as compute1 too",
    ]
    assert not cloud.writes()


@pytest.mark.parametrize(
    ("hosts", "left", "kept"),
    [([], None, []), (["compute1", "compute2", "never"], None, []), (["compute1"], ["compute2"], ["aggregate ai-stack-gpu stays with compute2"])],
)
def test_an_aggregate_goes_with_its_last_host(settled, cloud, hosts, left, kept):
    settled("compute_aggregates", aggregates=[GPU])
    cloud.services.clear()  # the hosts are gone already
    result = settled("compute_aggregates", aggregates=[{"name": "ai-stack-gpu", "hosts": hosts}, {"name": "never"}], state="absent")
    assert (result["kept"], cloud.aggregates[1]["hosts"] if left else None, bool(cloud.aggregates)) == (kept, left, bool(left))


def test_tenants_of_another_kind_are_refused(run):
    assert run("compute_aggregates", aggregates=[dict(GPU, filter_tenant_id={"a": 1})])["msg"].endswith("neither a project nor a list of projects")
