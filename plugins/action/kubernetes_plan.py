# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What each host of a cluster is asked to be; see the module of the same name for its documentation."""

from __future__ import annotations

import os
import re

from ansible.plugins.action import ActionBase

from ..module_utils._cluster import members, network
from ..module_utils._cluster.node import CONTROL, WORKER
from ..module_utils._compat import resolve
from ..module_utils._compat.text import safe
from ..plugin_utils import _intent, _planner, _prover, _run, _tables
from ..plugin_utils._edge import one_sentence

# the names of role variables for the parts of a row of ai_stack_clusters
NAMES = {"name": "cluster", "kubernetes": "version"}
PLACE = re.compile(r"ai_stack_clusters\[0\](\.(\w+))?")
NODE = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
# what has to be said, with an example
NEEDED = {"cluster": "ai", "version": "1.37", "control_plane": "an inventory group of 1, 3 or 5 hosts"}
# what a kubelet is told where the site accepts it
WAIVED = {"cgroup_v1": "K8S-N1", "swap": "K8S-N12"}


class ActionModule(ActionBase):
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        spec = {name: {"type": "raw"} for name in ("cluster", "issuers", "repositories", "others")}
        spec.update(conntrack={"type": "str", "choices": ["manage", "keep"], "default": "manage"}, judges={"type": "bool", "default": True},
                    restores={"type": "bool", "default": False},
                    program={"type": "path", "required": True}, observed_as={"type": "str", "required": True})  # fmt: skip
        dummy, given = self.validate_argument_spec(spec)
        with one_sentence(self._display, result, "What hosts of a cluster are to be"):
            self._decide({key: _run.plain(value) for key, value in given.items()}, task_vars, result)
        return result

    def _decide(self, given, task_vars, result):
        intent, dummy = _run.host_variables(self._templar, task_vars)
        tables = _tables.load(_prover.of_site(intent, os.getcwd())[1])
        inventory, variables = _run.inventory_of(task_vars["groups"]), task_vars["hostvars"]
        result.update(changed=False, hosts={}, first=None, control=[], living=[], bare=[], unseen=[], conflicts=list(_wrong_types(given)))
        if result["conflicts"]:
            result["messages"] = _planner.text_of(result["conflicts"])
            return
        row = _row_of(given["cluster"] or {}, intent.get("ai_stack_clusters"))
        site = {"ai_stack_site": "role", "ai_stack_clusters": [row]}
        repositories = {"ai_stack_repositories": [] if given["repositories"] is None else given["repositories"]}
        conflicts = [_renamed(one) for one in _intent.validate(dict(site, **repositories), host=inventory, group=task_vars["groups"])]
        conflicts += [_row(name, "is not set", near) for name, near in NEEDED.items() if _key(name) not in row]
        # of the whole site: one may be of a pool or another cluster. A verb has said what is wrong with them.
        site["ai_stack_waivers"], wrong = _planner.waivers_of(intent, task_vars["groups"], tables, row.get("name"))
        conflicts += wrong if given["judges"] else []
        if not conflicts:
            inside = set(task_vars["ansible_play_hosts"])
            observations = {host: _run.plain(variables[host].get(given["observed_as"])) or None for host in inside.intersection(inventory)}
            observations.update(_run.observed_elsewhere(given["others"], inside))
            if given["restores"]:
                # its nodes have joined a cluster that is lost, and say nothing of the one that is made of a set
                site["ai_stack_clusters"] = [{key: one for key, one in row.items() if key != "nodes"}]
            plan = resolve.resolve(site, inventory, observations, tables, {}, _run.now()[:10], settled=True)
            # who is not in this run is changed by nobody, and says for himself in his own run what is wrong
            conflicts = [_renamed(one) for one in plan["conflicts"] if _counts(one, inside)] if given["judges"] else []
            found = _hosts(row, task_vars["groups"], variables)
            control = sorted(name for name, one in found.items() if one["part"] == CONTROL)
            away = [host for host in found if not observations.get(host) and host not in inside]
            # where nobody judges the others, who has the cluster still has to be known
            result["unseen"] = sorted(host for host in away if given["judges"] or host in control)
            living, bare = _who_has_it(control, observations)
            # no other host of the site has the address that moves either
            everyone = {host: _address(variables[host]) for host in task_vars["groups"]["all"]}
            unasked = set(control) - set(living) - set(bare)
            # who has it after a restore: the control plane of this run, whatever its name
            restored = sorted(inside.intersection(control))[:1] if given["restores"] else []
            conflicts += list(_wrong(row, found, everyone))
            conflicts += _still_there(unasked.union(living).difference(restored)) if given["restores"] else []
            if not conflicts:
                result["hosts"] = dict(members.requests(_settings(row, given, plan, found), found, given["program"], restored or living, unasked))
                result.update(first=members.maker(control, restored or living), control=control, living=living, bare=bare)
        result.update(conflicts=conflicts, messages=_planner.text_of(conflicts))


def _row_of(given, rows):
    """What the role was given, and the site's own row of that name before it; but for the version, which a verb has decided."""
    mine = {key: one for key, one in given.items() if one not in ("", None, {})}
    named = [one for one in rows or () if isinstance(one, dict) and one.get("name") == mine.get("name")] if isinstance(rows, list) else []
    site = {key: one for one in named[:1] for key, one in one.items() if key != "kubernetes" or "kubernetes" not in mine}
    return {**mine, **site}


def _key(name):
    return next((key for key, one in NAMES.items() if one == name), name)


def _row(name, message, near):
    return _intent.conflict(None, f"kubernetes_{name}", message, near, source=None)


def _renamed(row):
    """A row whose path is a variable of the role."""
    found = PLACE.match(row["path"] or "")
    if not found:
        return dict(row, path=(row["path"] or "").replace("ai_stack_repositories", "kubernetes_repositories"))
    key = found[2] or "name"
    name = "container_runtime_version" if key == "containerd" else f"kubernetes_{NAMES.get(key, key)}"
    return dict(row, path=name + row["path"][found.end() :])


def _hosts(row, groups, variables):
    """{name: {address, part}}; a host in both groups is a control plane."""
    found = {}
    for part, key in ((WORKER, "nodes"), (CONTROL, "control_plane")):
        named = row.get(key)
        for host in groups.get(named, [named] if named in groups["all"] else []):
            mine = variables[host]
            # a control plane that is a node too runs pods
            taints = [] if host in found else None
            found[host] = {"address": _address(mine), "part": part}
            found[host].update({"taints": taints} if taints is not None else {})
    return found


def _address(variables):
    """That of a host, by its variables."""
    return network.address(str(_run.plain(variables.get("kubernetes_address") or variables.get("ansible_host") or "")))


def _wrong_types(given):
    """What cannot be looked into."""
    if not isinstance(given["cluster"], (dict, type(None))):
        yield _row("cluster", f"wants a row of ai_stack_clusters, not {safe(given['cluster'])}", "{name: ai, kubernetes: ...}")
    issuers = given["issuers"] or []
    if not isinstance(issuers, list) or not all(isinstance(one, dict) and isinstance(one.get("issuer"), dict) for one in issuers):
        yield _row("issuers", f"wants rows of jwt of an AuthenticationConfiguration, not {safe(issuers)}", "[{issuer: {url: ..., audiences: [...]}, ...}]")


def _counts(row, inside):
    return (row["path"] or "").startswith("ai_stack_clusters") and (row["host"] is None or row["host"] in inside)


def _wrong(row, hosts, everyone):
    """What the core does not ask about. everyone: {name: address} of the hosts of the site"""
    addresses = {name: one["address"] for name, one in hosts.items()}
    said = {**network.DEFAULTS, **row}
    for key, message in network.wrong_addresses(said["pods"], said["services"], addresses, said["network"] == "routed"):
        yield _row(key, message, network.DEFAULTS.get(key, "kubernetes_address of each host, in the inventory"))
    bad = sorted(name for name in hosts if not NODE.fullmatch(name))
    if bad:
        yield _row("nodes", f"names hosts whose names no node can have: {safe(', '.join(bad))}", "lower case, digits, dots and hyphens")
    same = sorted(name for name, address in everyone.items() if address == network.address(row.get("virtual_address")))
    if row.get("virtual_address") and same:
        yield _row("virtual_address", f"is the address of {safe(same[0])}: {safe(row['virtual_address'])}", "a free address of their segment")


def _who_has_it(control, observations):
    """(control planes that have joined a cluster, those that have not); who is in neither nobody could ask."""
    told = {name: (observations.get(name) or {}).get("kubernetes") or {} for name in control}
    return [[name for name in control if told[name].get("joined") is state] for state in (True, False)]


def _still_there(others):
    """A set beside members of the cluster that it is of would make a second one. others: control planes beside the one that is made of it, that have a cluster
    or that nobody could ask."""
    if others:
        yield _row("restore", f"is for a cluster that is lost, and these may still be its control planes: {safe(', '.join(sorted(others)))}",
                   "kubernetes_state: absent for them, with kubernetes_destroy, or out of the group")  # fmt: skip


def _settings(row, given, plan, hosts):
    decided = {one["subject"]: one["value"] for made in plan["resources"] if made["kind"] == "cluster" for one in made["decisions"]}
    first = min(name for name, one in hosts.items() if one["part"] == CONTROL)
    said = {key: one for key, one in row.items() if key not in ("nodes", "control_plane")}
    settings = {**network.DEFAULTS, "images": None, "feature_gates": None, "virtual_address": None, **said}
    return dict(settings, version=decided.get("kubernetes", row["kubernetes"]), conntrack=given["conntrack"], issuers=given["issuers"] or [],
                endpoint=members.endpoint(row.get("endpoint"), hosts[first]["address"], row.get("virtual_address")),
                **{key: any(one["rule"] == rule for one in plan["waived"]) for key, rule in WAIVED.items()})  # fmt: skip
