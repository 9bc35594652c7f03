# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Clusters of a plan: which a deploy makes, and what it changes on a host."""

from __future__ import annotations

from ..module_utils._cluster import accelerators as told
from ..module_utils._cluster import canary, gpu_operator, proof
from ..module_utils._cluster.node import CARDS
from ..module_utils._compat import state
from ..module_utils._parse import cluster_nodes
from . import _intent, _programs, _words

# where our own device plugins, or DRA drivers, are
PLUGIN = {"namespace": cluster_nodes.NAMESPACE, "selector": cluster_nodes.POOL, "called": "device plugin", "lacks": "no device plugin is on it"}
DRIVER = {**PLUGIN, "called": "DRA driver", "lacks": "no DRA driver is on it"}


def of_plan(plan):
    """Resources of kind cluster."""
    return [one for one in plan.get("resources") or () if one["kind"] == "cluster"]


def to_make(plan):
    """[{name, hosts, kubernetes, containerd, sandbox, accelerators}] for the roles; accelerators: null where no pool names the cluster."""
    return [{"name": one["id"], "hosts": sorted(proof.hosts_of(one)), "accelerators": accelerators(one) if "pools" in proof.decided(one) else None,
             **{key: proof.decided(one)[key] for key in ("kubernetes", "containerd", "sandbox")}}
            for one in of_plan(plan)]  # fmt: skip


def accelerators(resource):
    """{first, control, cards, documents, canaries, messages, by_operator, plugin}: what a cluster is told about cards, and who tells it; control: who else can;
    by_operator: whether device plugins and CDI come from an operator; plugin: {namespace, selector, called, lacks}, where they are, what one
    is, and what is said where none is."""
    want = proof.decided(resource)
    pools, control = want.get("pools") or {}, sorted(want["control_plane"])
    operator, ours = want.get("operator"), DRIVER if want.get("allocation") == "dra" else PLUGIN
    # no pod goes past its quota from the moment at which the operator may come
    documents = canary.documents(pools) + (gpu_operator.policy(operator) if operator else [])
    documents += told.documents(pools, want.get("quotas") or {}, want.get("queues"), operator)
    canaries = canary.canaries(pools, want.get("sandbox"))
    return {"first": min(control, default=None), "control": control, "cards": want.get("cards") or {}, "documents": documents, "canaries": canaries,
            "messages": [], "by_operator": operator is not None, "plugin": gpu_operator.plugin(operator) if operator else dict(ours)}  # fmt: skip


def not_yet(plan, intent, documents):
    """Conflicts of what is decided for clusters and no role does yet. documents: {host: observation}"""
    places = {row["name"]: at for at, row in enumerate(intent.get("ai_stack_clusters") or ()) if isinstance(row, dict) and isinstance(row.get("name"), str)}
    for one in of_plan(plan):
        for text, near in _beyond(one, documents):
            what = f"the plan of cluster {_words.printable(one['id'], 40)} {text}, and this version does not act on it yet: deploy refuses"
            yield _intent.conflict("INT-7", f"ai_stack_clusters[{places.get(one['id'], 0)}]", what, near)


def _beyond(one, documents):
    """(what no role does yet, what one does)"""
    want = proof.decided(one)
    moved = sorted({row["resource"].partition(":")[2] for row in one["changes"] if row["before"] is not None and row["resource"].startswith("containerd:")})
    if moved:
        yield f"moves {_words.hosts_in_words(moved)} to another containerd", "containerd: with the version that runs"
    yield from _unserved(want)
    if "sandbox" not in want:
        yield "names no image that holds the namespaces of pods: no table knows that of its version", "another minor of Kubernetes"
    systems = {host: (documents.get(host) or {}).get("system") or {} for host in proof.hosts_of(one)}
    known = {path.stem.lower(): path.stem.replace("_", " ") for path in _programs.ROLES.glob("kubernetes/vars/*_*.yml")}
    strange = sorted(host for host, system in systems.items() if system.get("distribution") and _system(system) not in known)
    if strange:
        yield f"has hosts whose packages no role knows: {_words.hosts_in_words(strange)}", f"hosts with {', '.join(sorted(known.values()))}"


def _unserved(want):
    for name, pool in sorted((want.get("pools") or {}).items()):
        if (pool.get("sharing") or {}).get("method") == "mps":
            yield f"has pods share the cards of pool {_words.printable(name, 40)} by MPS", "method: time_slicing, or no sharing"


def unserved(resource):
    """Conflicts of what is decided for the cards of one cluster and no role does yet."""
    return [_intent.conflict("INT-7", "ai_stack_pools", f"the plan {text}, and this version does not act on it yet", near)
            for text, near in _unserved(proof.decided(resource))]  # fmt: skip


def _system(system):
    return f"{system['distribution']}_{str(system.get('version')).partition('.')[0]}".lower()


def of_host(plan, host):
    """Those that a host is in."""
    return [one for one in of_plan(plan) if host in proof.hosts_of(one)]


def predicted(plan, host, observation, hosts):
    """[{resource, before, after}] that the clusters of a plan say of a host; repositories and holds of its packages come with the first change. hosts: those of
    the run; another one that had no cards yet gets none."""
    away = {CARDS % (name, host) for one in of_plan(plan) for name in proof.hosts_of(one) if name not in hosts}
    rows = [row for row in proof.predicted(of_plan(plan), host) if row["before"] is not None or row["resource"] not in away]
    known = {row["resource"] for row in plan["hosts"][host]["changes"]}
    if not rows:
        return []
    seen = observation.get("packages") or {}
    names = {f"repository:{one['name']}" for one in seen.get("repositories") or () if one.get("set_up") is False}
    names |= {f"hold:{one[0]}" for one in _programs.packages().values() if one[0] not in (seen.get("held") or ())}
    return rows + [{"resource": name, "before": None, "after": True} for name in sorted(names - known)]


def state_of(plan, host, observation):
    """{resource: value} of a host, with what clusters change of it."""
    return {**state.of(observation), **(proof.state_of(host, observation) if of_host(plan, host) else {})}
