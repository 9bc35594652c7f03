# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A cloud's part of a plan, in the words of the roles and modules that act on it. Pure: documents in, values out."""

from __future__ import annotations

from ..module_utils._pools import handover

# what runs act on: packages by our own role, the others through the tool that deploys them
ACTED_ON = ("packages", handover.KOLLA, handover.OSA)


class NotPlanned(Exception):
    """Why a plan has nothing that could be acted on for a cloud, in one sentence."""


def slice_of(plan, name) -> dict:
    """What a run does for a cloud; the shapes are those that docs/data.md gives under "A cloud's part of the plan"."""
    rows = {kind: dict(_of(plan, name, kind)) for kind in ("nova_cloud", "aggregate", "registered_limit", "project_limit", "flavor")}
    if name not in rows["nova_cloud"]:
        raise NotPlanned(f"The plan has nothing for the cloud {name}: its conflicts say why, or no pool names it.")
    cloud = rows["nova_cloud"][name]
    return {
        "deployment": cloud.get("deployment", "packages"),
        "handover": cloud.get("handover", {}),
        "settings": cloud["settings"],
        "settings_reporting": cloud.get("settings.reporting", {}),
        "reporting": cloud.get("reporting", []),
        "providers": cloud["providers"],
        "out_of_service": [{"host": host, "address": address} for host, cards in sorted(cloud["reserved"].items()) for address in sorted(cards)],
        "hosts": cloud.get("hosts", []),
        "admin": cloud.get("admin") or "localhost",
        "region": cloud.get("region"),
        "back_in_service": cloud.get("back_in_service", []),
        "computes": sorted(cloud["settings"].get("nova-compute", {}).get("pci", {}).get("device_spec", {})),
        "live": cloud.get("live", []),
        "compute_ids": cloud.get("compute_ids", {}),
        "releaser": cloud.get("releaser"),
        "one_time_use": cloud.get("one_time_use", {"wanted": False, "aliases": {}, "out": [], "cards": {}}),
        "not_enforced": cloud.get("tenancy.not_enforced", []),
        "counts_cards": bool(rows["registered_limit"]),
        "aggregates": [_aggregate(each, values) for each, values in sorted(rows["aggregate"].items())],
        "host_traits": _traits(rows["aggregate"].values()),
        "registered": {each: values["limit"] for each, values in sorted(rows["registered_limit"].items())},
        "projects": _limits(rows["project_limit"]),
        "flavors": [values["flavor"] for _name, values in sorted(rows["flavor"].items())],
        "access": [{**values["flavor"], "access": values["access"]} for _name, values in sorted(rows["flavor"].items())],
    }


def named(plan) -> list:
    """The clouds of a plan."""
    return sorted(one["id"] for one in plan.get("resources") or () if one["kind"] == "nova_cloud")


def acted_on(plan) -> dict:
    """{name: what a run does for it} of every cloud that a run acts on: one whose hosts are known."""
    found = {one["id"]: {row["subject"]: row["value"] for row in one["decisions"]} for one in plan["resources"] if one["kind"] == "nova_cloud"}
    mine = sorted(name for name, values in found.items() if values.get("hosts") and values.get("deployment") in ACTED_ON)
    # nothing is decided for a host that is out of service or refused: what it was told before stays
    aside = {host for host, about in plan.get("hosts", {}).items() if about["state"] in ("left_out", "refused")}
    slices = {name: slice_of(plan, name) for name in mine}
    return {name: {**one, "hosts": [host for host in one["hosts"] if host not in aside]} for name, one in slices.items()}


def of_used_once(plan) -> list:
    """The hosts that a part of the role pci_one_time_use is on."""
    found = [one for one in acted_on(plan).values() if one["releaser"]]
    return sorted({host for one in found for host in [*one["one_time_use"]["cards"], one["releaser"]]})


def _of(plan, name, kind):
    """(name within the cloud, {subject: value}) of the resources of a kind; the cloud itself has the cloud's name."""
    for one in plan["resources"]:
        cloud, _slash, inside = one["id"].partition("/")
        if one["kind"] == kind and cloud == name:
            yield inside or name, {row["subject"]: row["value"] for row in one["decisions"]}


def _aggregate(name, values):
    found = {"name": name, "hosts": values["hosts"], "metadata": values.get("metadata", {})}
    return {**found, "filter_tenant_id": values["filter_tenant_id"]} if "filter_tenant_id" in values else found


def _traits(aggregates):
    found = {}
    for values in aggregates:
        for host in values["hosts"] if "provider_trait" in values else ():
            found.setdefault(host, []).append(values["provider_trait"])
    return {host: sorted(traits) for host, traits in sorted(found.items())}


def _limits(rows):
    found = {}
    for each, values in sorted(rows.items()):
        tenant, _slash, resource = each.partition("/")
        found.setdefault(tenant, {})[resource] = values["limit"]
    return found
