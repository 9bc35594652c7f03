# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Documents of the API beside those that are there.

A request is {documents: in the order in which they are made, cards: {node: {name by which pods ask: how many}}, ready: [nodes that can have a device plugin],
seconds: in which they have to be there, by_operator: whether device plugins come from an operator and not from the documents, plugin: {namespace, selector:
where they are, called: what one is, lacks: what is said where none is on a node}}.
"""

from __future__ import annotations

import json

import api
import claims
import cluster_nodes
import cluster_queues
import device_plugin
import labels
import ledger
import queues

# what hands out cards
FIRST = ("DaemonSet", "DeviceClass")
STATE = "/var/lib/ai-stack/kubernetes-accelerators"
MANAGER = "ai-stack-accelerators"
# of what this role makes and takes away again; namespaces of tenants are not among them
KINDS = ("daemonsets,priorityclasses,configmaps,resourcequotas,validatingadmissionpolicies,validatingadmissionpolicybindings,serviceaccounts,clusterroles,"
         "clusterrolebindings")  # fmt: skip


def name_of(document):
    """Kind, and name with its namespace, as kubectl wants and people read them."""
    meta = document["metadata"]
    return "%s %s" % (document["kind"], "/".join(filter(None, (meta.get("namespace"), meta["name"]))))


def kind_of(document):
    """As kubectl wants it where other groups have kinds of that name."""
    return "%s.%s" % (document["kind"].lower(), cluster_queues.GROUP) if queues.is_one(document) else document["kind"]


def covers(there, wanted):
    """Whether all that is wanted is there; the API adds defaults, and others may add fields of theirs."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(key in there and covers(there[key], one) for key, one in wanted.items())
    if isinstance(wanted, list):
        return isinstance(there, list) and len(there) == len(wanted) and all(map(covers, there, wanted))
    return there == wanted


def left_over(there, wanted):
    """Labels and names that were given before, and are wanted no more."""
    names = [set((one.get("spec") or {}).get("hard") or ()) for one in (there, wanted)]
    return bool(labels.over(there, wanted) or (wanted["kind"] == "ResourceQuota" and names[0] - names[1]))


class Wanted:
    """What is asked for, beside what is there."""

    def __init__(self, ground, request):
        self.ground, self.request, self.documents = ground, request, request["documents"]

    def nothing(self):
        """The same request, of a cluster that is to be told nothing any more."""
        return Wanted(self.ground, dict(self.request, documents=[], cards={}))

    @property
    def made(self):
        """Whether there is a cluster."""
        return self.ground.known(api.ADMIN) is not None

    def there(self):
        """{name: document} of those that are wanted and there."""
        if not self.documents:
            return {}
        data = json.dumps({"apiVersion": "v1", "kind": "List", "items": self.documents}).encode("utf-8")
        found = api.ask(self.ground, "get", "--ignore-not-found", "--filename", "-", data=data) or {"items": []}
        return {name_of(one): one for one in found.get("items", [found])}

    def stale(self):
        """What is ours and no longer wanted: [documents to delete], [documents whose labels go]."""
        wanted = {name_of(one) for one in self.documents}
        ours = ",".join("%s=%s" % one for one in cluster_nodes.OURS.items())
        goes = [one for one in self._listed(KINDS + queues.kinds(self.ground) + claims.kinds(self.ground), ours) if name_of(one) not in wanted]
        goes += [one for one in self._listed("namespaces", ours) if name_of(one) not in wanted]
        deleted = {name_of(one) for one in goes}
        bare = [one for kind, label in (("nodes", cluster_nodes.POOL), ("namespaces", cluster_nodes.TENANT)) for one in self._listed(kind, label)
                if name_of(one) not in wanted | deleted]  # fmt: skip
        return goes, bare

    def _listed(self, kinds, label):
        """What is on its way out goes by itself."""
        found = api.ask(self.ground, "get", kinds, "--all-namespaces", "--selector", label)["items"]
        return [one for one in found if "deletionTimestamp" not in one["metadata"]]

    def known(self):
        """{node: (what its kubelet knows of cards, ill ones too, what was planned)} where it knows others than were planned. For minutes after it changed its
        names a kubelet counts the old ones still, and gives none of them: these are no cards."""
        found, claimed = {}, claims.cards(self.ground)
        for node in api.ask(self.ground, "get", "nodes", "--selector", cluster_nodes.POOL)["items"]:
            planned, by_claims = (one.get(node["metadata"]["name"]) or {} for one in (self.request["cards"], claimed))
            ours, can_be_had = set(map(cluster_nodes.whose, planned)), {**cluster_nodes.cards(node["status"].get("allocatable")), **by_claims}
            every = {**cluster_nodes.cards(node["status"].get("capacity")), **by_claims}
            all_of = {name: count for name, count in every.items() if cluster_nodes.whose(name) in ours}
            counts = {name: count for name, count in all_of.items() if name in planned or name in can_be_had}
            if all_of and counts != planned:
                found[node["metadata"]["name"]] = (counts or all_of, planned)
        return found

    def outdated(self):
        """{node: what its kubelet knows of cards} where a plugin runs that found other cards when it started, as before a change of MIG or of sharing."""
        return {node: counts for node, (counts, dummy) in self.known().items() if device_plugin.there(self, node)}

    def _takes(self, node):
        """Whether a node gets its labels, and with them a device plugin: one that is there, as its kubelet alone makes it, and has what describes cards to its
        runtime, by this run or by the one that labelled it."""
        return node is not None and (node["metadata"]["name"] in self.request["ready"] or cluster_nodes.POOL in (node["metadata"].get("labels") or {}))

    def differing(self):
        """[documents to write], [documents to delete], [documents whose labels go]"""
        if not self.made:
            return (self.documents, [], [])
        queues.refuse(self)
        there = self.there()
        mine = [one for one in self.documents if one["kind"] != "Node" or self._takes(there.get(name_of(one)))]
        return ([one for one in mine if not covers(there.get(name_of(one)), one) or left_over(there[name_of(one)], one)], *self.stale())


def judged(wanted):
    """What differs, as Wanted.differing() has it, or every refusal."""
    writes, goes, bare = wanted.differing()
    refused = refusals(wanted, goes, bare)
    if refused:
        raise ledger.Refused("\n".join(refused))
    return writes, goes, bare


def look(wanted):
    """What would change, or every refusal, and the nodes that know other cards than they have; the cluster is left as it is."""
    writes, goes, bare = judged(wanted)
    there = wanted.there() if wanted.made else {}
    rows = [{"resource": name_of(one), "before": "there" if name_of(one) in there else None, "after": "as wanted"} for one in writes]
    rows += [{"resource": name_of(one), "before": "there", "after": None} for one in goes]
    rows += [{"resource": name_of(one), "before": "labels of ours", "after": None} for one in bare]
    stale = wanted.outdated() if wanted.made else {}
    planned = wanted.request["cards"]
    rows += [{"resource": "cards of " + node, "before": counted(there), "after": counted(planned[node])} for node, there in sorted(stale.items())]
    return {"differs": rows, "outdated": sorted(stale)}


def refusals(wanted, goes, bare):
    return device_plugin.rivals(wanted) + claims.rivals(wanted) + leaving(wanted) + held(wanted, bare) + queues.used(wanted.ground, goes)


def leaving(wanted):
    """What is wanted and on its way out would be gone a while after it was found there, or written."""
    said = "%s is on its way out and is wanted: run this again when it is gone, %s"
    there = wanted.there() if wanted.made else {}
    return [said % (name, "which waits for " + ", ".join(one["metadata"].get("finalizers") or ("whoever deletes it",)))
            for name, one in sorted(there.items()) if "deletionTimestamp" in one["metadata"]]  # fmt: skip


def held(wanted, bare):
    """A node whose cards are in use is not taken out of its pool, nor do its cards get other names, nor does another way hand them out: who has a card alone
    would share it."""
    if not wanted.made:
        return []
    leaving = {one["metadata"]["name"] for one in bare if one["kind"] == "Node"}
    everybody = claims.holders(wanted.ground) if leaving else {}
    found = {**claims.leavers(wanted), **{node: pods for node, pods in everybody.items() if node in leaving}}
    pods_of = sorted({pod for pods in found.values() for pod in pods})
    return ["cards of %s are in use by %s: they go first" % (", ".join(sorted(found)), claims.shown(pods_of))] if found else []


def written(ground, documents):
    """Have the API take them over; fields of ours that are not in them go."""
    for part in queues.first(documents):
        data = json.dumps({"apiVersion": "v1", "kind": "List", "items": part}).encode("utf-8")
        words = ("apply", "--server-side", "--force-conflicts", "--field-manager", MANAGER, "--filename", "-")
        api.kubectl(ground, *words, seconds=120, data=data)


def clear(wanted, goes, bare):
    """Take away what is ours and no longer wanted."""
    # whose right it was has none before its quota goes, and what hands out cards goes before the rules about them: a class is one of those
    for one in bare:
        labels.forget(wanted.ground, one)
    for one in sorted(goes, key=lambda one: (one["kind"] not in FIRST, queues.turn(one))):
        where = ["--namespace", one["metadata"]["namespace"]] if "namespace" in one["metadata"] else []
        # a queue stays until what it let go has ended, and nobody waits for that
        waits = ["--wait=false"] if queues.is_one(one) else []
        api.kubectl(wanted.ground, *where, "delete", "--ignore-not-found", *waits, kind_of(one), one["metadata"]["name"], seconds=180)


def apply(wanted):
    """What does not differ is left alone; each part is whole or not there, and the next run goes on."""
    if not wanted.made:
        raise ledger.Refused("there is no cluster on this host: %s is missing" % api.ADMIN)
    writes, goes, bare = judged(wanted)
    clear(wanted, goes, bare)
    if writes:
        claims.settled(wanted)
    there = wanted.there()
    for one in [one for one in writes if name_of(one) in there]:
        labels.forget(wanted.ground, there[name_of(one)], one)
    written(wanted.ground, writes)
    stale = wanted.outdated()
    for node in sorted(stale):
        api.kubectl(wanted.ground, "delete", "pod", *device_plugin.of(wanted, node), seconds=120)
    return {"changed": bool(writes or goes or bare or stale)}


def reset(wanted):
    """Nothing of it is left; where there is no cluster there is nothing."""
    return apply(wanted.nothing()) if wanted.made else {"changed": False}


def prove(wanted):
    """Wait until pods can have the cards that were planned, of each node of the request and no other."""
    api.until(wanted.request["seconds"], lambda: unwell(wanted), ledger.Refused)
    return {"proven": True}


def asleep(wanted):
    """Queues of the request from which nothing would go."""
    mine = [name_of(one) for one in wanted.documents if one["kind"] in queues.WORK]
    there = wanted.there() if mine else {}
    return queues.asleep({name: there.get(name) for name in mine})


def unwell(wanted):
    """What is not as it should be."""
    cards, wrong = wanted.request["cards"], asleep(wanted)
    seen = cluster_nodes.nodes(api.ask(wanted.ground, "get", "nodes"), claims.cards(wanted.ground))
    ours = {cluster_nodes.whose(name) for names in cards.values() for name in names}
    for node, planned in sorted(cards.items()):
        there = {name: count for name, count in ((seen.get(node) or {}).get("cards") or {}).items() if cluster_nodes.whose(name) in ours}
        if there != planned:
            why = device_plugin.last_words(wanted, node)
            wrong.append("pods can have %s of %s, and %s was planned; %s" % (counted(there), node, counted(planned), why))
    return wrong


def counted(cards):
    return ", ".join("%d %s" % (count, name) for name, count in sorted(cards.items())) or "no card"
