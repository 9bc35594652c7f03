# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the policies about claims let through, and what they do not; that an API server judges so is proven by long_kubernetes_allocates_by_claims."""

from __future__ import annotations

import cel
import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import claims

POOL = {"claims": {"class": "ai-stack-training", "driver": "gpu.nvidia.com", "resource": "nvidia.com/"}, "names": ["ai-stack-training"]}
NODE = "authentication.kubernetes.io/node-name"
DRIVER = "system:serviceaccount:ai-stack-accelerators:ai-stack-accelerators-claims"
TENANT = {"ai-stack/tenant": "research", "pool.ai-stack/training": "true"}
ADMIN = {"resource.kubernetes.io/admin-access": "true"}
OWN, TENANTS, VENDORS, ADMINS = "its own node", "namespaces of tenants", "class of the vendor", "adminAccess is for"


def policy(name):
    (found,) = [one for one in claims.documents({"training": POOL})
                if one["kind"] == "ValidatingAdmissionPolicy" and one["metadata"]["name"] == f"ai-stack-accelerators-{name}"]  # fmt: skip
    return found


def told(operation, slices, extra=None, user=DRIVER):
    """What is said of a change of slices {new, old: name of its node; None: it has none}."""
    documents = {key: {"spec": {"nodeName": node} if node else {"allNodes": True}} for key, node in slices.items()}
    about = {"username": user, **({"extra": extra} if extra is not None else {})}
    return cel.refusals(policy("slices"), request={"operation": operation, "userInfo": about}, object=documents.get("new"), oldObject=documents.get("old"))


@pytest.mark.parametrize(("operation", "slices"), [("CREATE", {"new": "w1"}), ("UPDATE", {"new": "w1", "old": "w1"}), ("DELETE", {"old": "w1"})])
def test_a_driver_tells_of_its_own_node_alone(operation, slices):
    assert told(operation, slices, {NODE: ["w1"]}) == []
    # of another node, of none, and with a token of the account that is bound to no pod
    for extra in ({NODE: ["w2"]}, {NODE: [""]}, {"other": ["w1"]}, {}, None):
        (said,) = told(operation, slices, extra)
        assert OWN in said
    of_none = dict.fromkeys(slices)
    assert told(operation, of_none, {NODE: ["w1"]}) and told(operation, of_none, {NODE: [""]}) and told(operation, of_none)
    # drivers of others are theirs to guard
    assert told(operation, slices, {NODE: ["w2"]}, "system:serviceaccount:network:driver") == []


def test_a_slice_moves_to_no_other_node():
    """Which the API server does not let through either, as a node of a slice cannot be changed."""
    assert told("UPDATE", {"new": "w2", "old": "w1"}, {NODE: ["w1"]}) and not told("UPDATE", {"new": "w1", "old": "w1"}, {NODE: ["w1"]})


def test_every_change_of_a_slice_is_judged_and_nothing_goes_where_it_cannot_be():
    spec = policy("slices")["spec"]
    (row,) = spec["matchConstraints"]["resourceRules"]
    assert (row["operations"], row["resources"], spec["failurePolicy"]) == (["CREATE", "UPDATE", "DELETE"], ["resourceslices"], "Fail")
    (one,) = spec["validations"]
    there = "(request.operation == 'DELETE' ? oldObject : object).spec"
    assert one["expression"] == f"(variables.told != '' && has({there}.nodeName) && {there}.nodeName == variables.told)"


def first(*classes):
    return {"name": "card", "firstAvailable": [{"name": f"n{at}", "deviceClassName": one} for at, one in enumerate(classes)]}


def exactly(name, **more):
    return {"name": "card", "exactly": {"deviceClassName": name, **more}}


MINE, OTHER, THEIRS, FREE = "ai-stack-training", "ai-stack-other", "gpu.nvidia.com", "nic.example.com"
CASES = [
    (TENANT, [exactly(MINE)], []), (TENANT, [first(MINE)], []), (TENANT, [first(FREE, MINE)], []), ({}, [first(FREE), exactly(FREE)], []), ({}, [], []),
    ({}, [exactly(MINE)], [TENANTS]), ({}, [first(MINE)], [TENANTS]), ({}, [first(FREE, MINE)], [TENANTS]), (TENANT, [exactly(MINE), first(OTHER)], [TENANTS]),
    (TENANT, [exactly(THEIRS)], [VENDORS]), (TENANT, [first(MINE, THEIRS)], [VENDORS]), ({}, [first(MINE, "mig.nvidia.com")], [TENANTS, VENDORS]),
    ({**TENANT, **ADMIN}, [exactly(MINE, adminAccess=True)], [ADMINS]), ({}, [exactly(FREE, adminAccess=True)], [ADMINS]),
    (ADMIN, [exactly(FREE, adminAccess=True)], []), (TENANT, [exactly(MINE, adminAccess=False)], []),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["resourceclaims", "resourceclaimtemplates"])
@pytest.mark.parametrize(("labels", "requests", "said"), CASES)
def test_a_claim_is_for_classes_of_the_pools_of_its_namespace(kind, labels, requests, said):
    spec = {"devices": {"requests": requests}} if requests else {}
    document = {"spec": {"spec": spec} if kind == "resourceclaimtemplates" else spec}
    for namespace in ({"labels": labels},) + (({},) if not labels else ()):
        found = cel.refusals(policy(kind), object=document, namespaceObject={"metadata": namespace})
        assert len(found) == len(said) and all(one in text for one, text in zip(said, found))
