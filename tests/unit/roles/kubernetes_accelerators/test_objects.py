# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the program tells a cluster, over an API that keeps documents as the real one does: defaults are added, fields of ours that are gone go."""

from __future__ import annotations

import copy
import io
import json
import types

import packed
import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import accelerators, canary, gpu_operator
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import cluster_nodes
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _clusters

NAMES = ("ledger", "verbs", "api", "cluster_claims", "cluster_nodes", "cluster_pods", "cluster_queues", "claims", "device_plugin", "labels", "queues",
         "objects", "canary", "cli")  # fmt: skip
POOL = {"hosts": ["w1"], "names": ["nvidia.com/gpu"], "image": "registry.example.org/plugin:1", "plugin": "plugin", "mig": False, "tenants": ["research"]}
# a canary is a tenant beside the others
BIRD = canary.documents({"training": POOL})
DOCUMENTS = BIRD + accelerators.documents({"training": POOL}, {"research": {"nvidia.com/gpu": 1}})
SHARED = dict(POOL, names=["nvidia.com/gpu.shared"], sharing={"method": "time_slicing", "resource": "nvidia.com/gpu", "replicas": 4})
SHARES = canary.documents({"training": SHARED}) + accelerators.documents({"training": SHARED}, {"research": {"nvidia.com/gpu.shared": 4}})
# the same with Kueue: one of the two cards is the tenant's own
SHARE = {"training": {"free": {"nvidia.com/gpu": 1}, "tenants": {"research": {"nvidia.com/gpu": [1, 0]}}}}
QUEUED = BIRD + accelerators.documents({"training": POOL}, {"research": {"nvidia.com/gpu": 1}}, SHARE)
OURS = {"by_operator": False, "plugin": _clusters.PLUGIN}
OPERATOR = {"namespace": "gpu-operator", "chart": {"name": "gpu-operator", "version": "v26.7.0"}, "values": {"devicePlugin": {"config": {}}}}
THEIRS = {"by_operator": True, "plugin": gpu_operator.plugin(OPERATOR)}
BY_OPERATOR = BIRD + accelerators.documents({"training": POOL}, {"research": {"nvidia.com/gpu": 1}}, operator=OPERATOR)
# it tells its device plugins nothing of ours
BY_NAME = BIRD + accelerators.documents({"training": POOL}, {"research": {"nvidia.com/gpu": 1}}, operator={**OPERATOR, "values": {"devicePlugin": {}}})
BOTH = BIRD + accelerators.documents({"training": POOL}, {"research": {"nvidia.com/gpu": 1}}, SHARE, OPERATOR)
# the same by claims
CLAIMED = dict(POOL, names=["ai-stack-training"], plugin="driver",
               claims={"class": "ai-stack-training", "driver": "gpu.nvidia.com", "resource": "nvidia.com/"})  # fmt: skip
CLAIMS = canary.documents({"training": CLAIMED}) + accelerators.documents({"training": CLAIMED}, {"research": {"ai-stack-training": 1}})
BY_CLAIMS = {"w1": {"gpu.nvidia.com": 2}}
KINDS = {"localqueues": "LocalQueue", "clusterqueues": "ClusterQueue", "cohorts": "Cohort", "resourceflavors": "ResourceFlavor"}
OF_CLAIMS = {"deviceclasses.resource.k8s.io": "DeviceClass", "resourceclaimtemplates.resource.k8s.io": "ResourceClaimTemplate"}
LISTED = {**{f"{name}.kueue.x-k8s.io": kind for name, kind in KINDS.items()}, "workloads.kueue.x-k8s.io": "Workload", **OF_CLAIMS,
          "serviceaccounts": "ServiceAccount",
          "clusterroles": "ClusterRole", "clusterrolebindings": "ClusterRoleBinding", "daemonsets": "DaemonSet", "priorityclasses": "PriorityClass",
          "configmaps": "ConfigMap", "resourcequotas": "ResourceQuota", "validatingadmissionpolicies": "ValidatingAdmissionPolicy",
          "validatingadmissionpolicybindings": "ValidatingAdmissionPolicyBinding", "namespaces": "Namespace", "nodes": "Node", "pods": "Pod"}  # fmt: skip


class Api:
    """objects: {name: document}; cards: what the plugin makes of a labelled node; calls: all that was asked; logs: what a plugin says."""

    def __init__(self, modules, folder):
        self.modules, self.ground, self.calls = modules, modules.ledger.Ground(modules.objects.STATE, str(folder)), []
        self.ground.run, self.objects, self.cards, self.logs = self.run, {}, {"nvidia.com/gpu": "2"}, (0, "serving")
        # what a kubelet knows of all cards, where it is not what pods can have; nodes whose plugin was started anew
        self.capacity, self.started = None, []
        # kinds of Kueue that the API has, how it answers where it has none, and what a queue says of itself
        self.kueue, self.without, self.works = [], "Error from server (NotFound): the server could not find the requested resource", ("True", "Ready")
        # devices that drivers have on nodes, and claims; None: the API knows none. conditions: of the node
        self.slices, self.claims, self.conditions = None, [], []
        self.put({"kind": "Node", "metadata": {"name": "w1", "labels": {"own": "x"}}})
        self.put({"kind": "Namespace", "metadata": {"name": "default", "labels": {}}})
        (folder / "etc/kubernetes").mkdir(parents=True)
        (folder / "etc/kubernetes/admin.conf").write_text("x")

    def put(self, document):
        self.objects[self.modules.objects.name_of(document)] = document

    def run(self, command, check=True, timeout=0, data=None):
        assert command[:2] == ["kubectl", "--kubeconfig"]
        words = command[5:]
        self.calls.append(words)
        code, text = self.answer(words, json.loads(data) if data else None)
        if check and code:
            raise self.modules.ledger.Refused(text)
        return code, text

    def answer(self, words, given):
        if "logs" in words:
            return self.logs
        if words[:2] == ["get", "pods"] and "--no-headers" in words:
            rows = [(one["spec"]["nodeName"], one["metadata"]["namespace"], one["metadata"]["name"], one["status"]["phase"], one["limits"])
                    for one in self.objects.values() if "limits" in one]  # fmt: skip
            return 0, "".join("   ".join(row) + "\n" for row in rows)
        if words[:2] == ["delete", "pod"]:
            self.started.append(words[-1])
            self.capacity = None
            return 0, ""
        if words[0] == "label":
            labels = self.objects[f"{words[1]} {words[2]}"]["metadata"]["labels"]
            for one in words[3:]:
                del labels[one.removesuffix("-")]
            return 0, ""
        if words[:2] == ["get", "--raw"] and "resource.k8s.io" in words[2]:
            lists = {"resourceslices": self.slices, "resourceclaims": self.claims}
            return (1, self.without) if self.slices is None else (0, json.dumps({"items": lists.get(words[2].rpartition("/")[2], [])}))
        if words[:2] == ["get", "--ignore-not-found"] and not given:
            return 0, json.dumps(self.objects[f"DeviceClass {words[3]}"]) if f"DeviceClass {words[3]}" in self.objects else ""
        if words[:2] == ["get", "--raw"]:
            assert words[2] == "/apis/kueue.x-k8s.io/v1beta2"
            return (0, json.dumps({"resources": [{"name": one} for one in self.kueue]})) if self.kueue else (1, self.without)
        if "delete" in words:
            kind = {name.lower(): name for name in KINDS.values()}.get(words[-2].removesuffix(".kueue.x-k8s.io"), words[-2])
            # other groups have kinds of these names, and nobody waits for what a queue let go
            assert kind not in KINDS.values() or (kind != words[-2] and "--wait=false" in words)
            (name,) = [name for name in self.objects if name.startswith(kind + " ") and name.endswith(words[-1])]
            del self.objects[name]
            return 0, ""
        if words[0] == "apply":
            for one in given["items"]:
                self.take(copy.deepcopy(one))
            return 0, ""
        assert words[0] == "get", words
        if given:
            assert self.kueue or not [one for one in given["items"] if one["kind"] in KINDS.values()], "kubectl knows no such kind"
            names = [self.modules.objects.name_of(one) for one in given["items"]]
            found = [self.objects[name] for name in names if name in self.objects]
            return 0, json.dumps({"items": found}) if len(found) > 1 else json.dumps(found[0]) if found else ""
        return 0, json.dumps({"items": [self.shown(one) for one in self.objects.values() if self.selected(one, words)]})

    def take(self, one):
        """Server-side, at its worst: no field of anybody goes."""
        name = self.modules.objects.name_of(one)
        kept = self.objects.get(name, {"metadata": {}})["metadata"].get("labels", {})
        one["metadata"]["labels"] = {**kept, **one["metadata"].get("labels", {})}
        for container in one.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ()):
            container["terminationMessagePath"] = "/dev/termination-log"
        if one["kind"] in ("ClusterQueue", "LocalQueue"):
            one["status"] = {"conditions": [{"type": "Active", "status": self.works[0], "reason": self.works[1]}]}
        self.put(one)

    def shown(self, one):
        if one["kind"] != "Node":
            return one
        mine = self.cards if "ai-stack/pool" in one["metadata"]["labels"] else {}
        status = {"allocatable": mine, "capacity": self.capacity or mine, "conditions": self.conditions, "nodeInfo": {"kubeletVersion": "v1.37.2"}}
        return {**one, "spec": {}, "status": status}

    def selected(self, one, words):
        kinds = [LISTED[kind] for word in words if set(word.split(",")) <= set(LISTED) for kind in word.split(",")]
        assert self.kueue or not set(kinds) & set(KINDS.values()), "kubectl knows no such kind"
        assert self.slices is not None or not set(kinds) & set(OF_CLAIMS.values()), "kubectl knows no such kind"
        labels = one["metadata"].get("labels", {})
        label, equals, value = (words[words.index("--selector") + 1] if "--selector" in words else "").partition("=")
        return one["kind"] in kinds and (not label or (labels.get(label) == value if equals else label in labels))

    def wanted(self, documents=DOCUMENTS, cards=None, ready=("w1",), owner=None):
        planned = {"w1": {"nvidia.com/gpu": 2}} if cards is None else cards
        request = {"documents": documents, "cards": planned, "ready": list(ready), "seconds": 0, **(owner or OURS)}
        return self.modules.objects.Wanted(self.ground, request)

    def pod(self, name="trainer", node="w1", phase="Running", limits=None):
        self.put({"kind": "Pod", "metadata": {"name": name, "namespace": "research"}, "status": {"phase": phase}, "spec": {"nodeName": node, "containers": []},
                  "limits": limits or "map[cpu:1 nvidia.com/gpu:1]"})  # fmt: skip


@pytest.fixture
def api(tmp_path, monkeypatch):
    modules = types.SimpleNamespace(**packed.program("kubernetes_accelerators", "program.yml", NAMES))
    monkeypatch.setattr(modules.api, "PAUSE", 0)
    return Api(modules, tmp_path)


def differs(api, *given):
    return sorted(row["resource"] for row in api.modules.objects.look(api.wanted(*given))["differs"])


def test_all_of_it_is_told_once(api):
    objects = api.modules.objects
    assert len(differs(api)) == len(DOCUMENTS) and objects.apply(api.wanted()) == {"changed": True}
    assert differs(api) == [] and objects.apply(api.wanted()) == {"changed": False}
    assert objects.prove(api.wanted()) == {"proven": True}
    assert api.objects["Node w1"]["metadata"]["labels"] == {"own": "x", "ai-stack/pool": "training"}


def test_a_node_that_is_not_there_is_not_made(api):
    del api.objects["Node w1"]
    assert "Node w1" not in differs(api)
    api.modules.objects.apply(api.wanted())
    assert "Node w1" not in api.objects
    with pytest.raises(api.modules.ledger.Refused, match="pods can have no card of w1"):
        api.modules.objects.prove(api.wanted())


def test_a_node_that_no_run_made_ready_gets_no_plugin(api):
    """Its runtime would not find what the plugin names."""
    api.modules.objects.apply(api.wanted(ready=()))
    assert api.objects["Node w1"]["metadata"]["labels"] == {"own": "x"} and api.modules.objects.look(api.wanted(ready=()))["differs"] == []
    assert differs(api) == ["Node w1"] and api.modules.objects.apply(api.wanted()) == {"changed": True}
    # one that was made ready before is told what is new, whoever is in the run
    other = accelerators.documents({"other": POOL}, {"research": {"nvidia.com/gpu": 1}})
    api.modules.objects.apply(api.wanted(other, ready=()))
    assert api.objects["Node w1"]["metadata"]["labels"] == {"own": "x", "ai-stack/pool": "other"}


def test_what_somebody_changed_is_put_right(api):
    api.modules.objects.apply(api.wanted())
    api.objects["ResourceQuota research/ai-stack-accelerators"]["spec"]["hard"]["requests.nvidia.com/gpu"] = "9"
    del api.objects["ValidatingAdmissionPolicyBinding ai-stack-accelerators"]
    assert differs(api) == ["ResourceQuota research/ai-stack-accelerators", "ValidatingAdmissionPolicyBinding ai-stack-accelerators"]
    api.modules.objects.apply(api.wanted())
    assert differs(api) == []


def test_a_tenant_and_a_pool_that_go_leave_their_namespace_alone(api):
    api.modules.objects.apply(api.wanted())
    fewer = BIRD + accelerators.documents({"training": dict(POOL, tenants=[], hosts=[])}, {})
    assert differs(api, fewer, {}) == ["Namespace research", "Node w1", "ResourceQuota research/ai-stack-accelerators"]
    api.modules.objects.apply(api.wanted(fewer, {}))
    assert not [key for key in api.objects["Namespace research"]["metadata"]["labels"] if "ai-stack" in key]
    assert api.objects["Node w1"]["metadata"]["labels"] == {"own": "x"} and differs(api, fewer, {}) == []


def test_a_right_that_is_taken_away_goes(api):
    two = {name: dict(POOL, hosts=[]) for name in ("a", "b")}
    api.modules.objects.apply(api.wanted(accelerators.documents(two, {"research": {"nvidia.com/gpu": 2}}), {}))
    fewer = accelerators.documents({**two, "b": dict(POOL, hosts=[], tenants=[])}, {"research": {"nvidia.com/gpu": 2}})
    assert differs(api, fewer, {}) == ["Namespace research"]
    api.modules.objects.apply(api.wanted(fewer, {}))
    assert api.objects["Namespace research"]["metadata"]["labels"] == {"ai-stack/tenant": "research", "pool.ai-stack/a": "true"}
    assert differs(api, fewer, {}) == []


def test_a_label_that_somebody_else_set_gives_no_right(api):
    api.modules.objects.apply(api.wanted())
    api.objects["Namespace default"]["metadata"]["labels"].update({"ai-stack/tenant": "x", "pool.ai-stack/training": "true"})
    assert differs(api) == ["Namespace default"] and api.modules.objects.apply(api.wanted()) == {"changed": True}
    assert api.objects["Namespace default"]["metadata"]["labels"] == {} and api.modules.objects.apply(api.wanted()) == {"changed": False}


def test_a_node_whose_cards_are_in_use_stays_in_its_pool(api):
    api.modules.objects.apply(api.wanted())
    before = copy.deepcopy(api.objects)
    api.pod()
    fewer = accelerators.documents({"training": dict(POOL, hosts=[])}, {"research": {"nvidia.com/gpu": 0}})
    for verb in (api.modules.objects.look, api.modules.objects.apply):
        with pytest.raises(api.modules.ledger.Refused, match="cards of w1 are in use by research/trainer"):
            verb(api.wanted(fewer, {}))
    assert {**before, "Pod research/trainer": api.objects["Pod research/trainer"]} == api.objects
    api.pod(phase="Succeeded")
    assert api.modules.objects.apply(api.wanted(fewer, {})) == {"changed": True}


def test_a_plugin_that_found_other_cards_is_started_anew(api):
    api.modules.objects.apply(api.wanted())
    api.capacity = {"nvidia.com/mig-1g.10gb": "7", "nvidia.com/gpu": "1"}
    # without a plugin there is nothing to start
    assert differs(api) == [] and api.modules.objects.apply(api.wanted()) == {"changed": False}
    api.put({"kind": "Pod", "metadata": {"name": "p", "namespace": cluster_nodes.NAMESPACE, "labels": {"ai-stack/pool": "training"}},
             "spec": {"nodeName": "w1", "containers": []}, "status": {"phase": "Running"}})  # fmt: skip
    found = api.modules.objects.look(api.wanted())
    assert found["outdated"] == ["w1"] and [row["resource"] for row in found["differs"]] == ["cards of w1"]
    assert api.modules.objects.apply(api.wanted()) == {"changed": True} and api.started == ["spec.nodeName=w1"]
    # a card that is ill is no reason: its kubelet knows it still, and a plugin that starts anew would forget the fault
    api.capacity, api.cards = {"nvidia.com/gpu": "2"}, {"nvidia.com/gpu": "1"}
    assert differs(api) == [] and api.modules.objects.apply(api.wanted()) == {"changed": False}


def test_names_that_are_counted_and_cannot_be_had_are_no_cards(api):
    """A kubelet counts them for minutes after its plugin took others."""
    api.modules.objects.apply(api.wanted())
    api.put({"kind": "Pod", "metadata": {"name": "p", "namespace": cluster_nodes.NAMESPACE, "labels": {"ai-stack/pool": "training"}},
             "spec": {"nodeName": "w1", "containers": []}, "status": {"phase": "Running"}})  # fmt: skip
    api.capacity = {"nvidia.com/gpu": "2", "nvidia.com/mig-1g.10gb": "7"}
    api.pod()
    assert differs(api) == [] and api.modules.objects.apply(api.wanted()) == {"changed": False}
    # where no other is there, the plugin has not looked yet
    api.capacity, api.cards = {"nvidia.com/mig-1g.10gb": "7"}, {}
    del api.objects["Pod research/trainer"]
    assert differs(api) == ["cards of w1"]


def test_cards_that_are_held_keep_their_names(api):
    """Whoever has a card alone would share it with the next one."""
    api.modules.objects.apply(api.wanted())
    api.pod()
    shares = api.wanted(SHARES, {"w1": {"nvidia.com/gpu.shared": 8}})
    for verb in (api.modules.objects.look, api.modules.objects.apply):
        with pytest.raises(api.modules.ledger.Refused, match="cards of w1 are in use by research/trainer"):
            verb(shares)
    del api.objects["Pod research/trainer"]
    assert api.modules.objects.apply(shares) == {"changed": True}
    # more shares of a card are no other name
    api.cards = {"nvidia.com/gpu.shared": "8"}
    api.pod(limits="map[nvidia.com/gpu.shared:1]")
    more = accelerators.documents({"training": {**SHARED, "sharing": {**SHARED["sharing"], "replicas": 6}}}, {"research": {"nvidia.com/gpu.shared": 6}})
    assert api.modules.objects.apply(api.wanted(more, {"w1": {"nvidia.com/gpu.shared": 12}})) == {"changed": True}


def test_what_a_plugin_reads_comes_and_goes_with_sharing(api):
    api.modules.objects.apply(api.wanted())
    shares = api.wanted(SHARES, {"w1": {"nvidia.com/gpu.shared": 8}})
    api.modules.objects.apply(shares)
    api.cards = {"nvidia.com/gpu.shared": "8"}
    assert api.modules.objects.apply(shares) == {"changed": False} and api.modules.objects.prove(shares) == {"proven": True}
    assert "ConfigMap ai-stack-accelerators/plugin-training" in api.objects
    assert api.objects["Node w1"]["metadata"]["labels"] == {"own": "x", "ai-stack/pool": "training", "ai-stack/isolation": "none"}
    assert "ConfigMap ai-stack-accelerators/plugin-training" in differs(api) and "Node w1" in differs(api)
    api.modules.objects.apply(api.wanted())
    assert "ConfigMap ai-stack-accelerators/plugin-training" not in api.objects
    assert api.objects["Node w1"]["metadata"]["labels"] == {"own": "x", "ai-stack/pool": "training"}
    api.modules.objects.apply(shares)
    assert api.modules.objects.apply(shares.nothing()) == {"changed": True}
    assert sorted(api.objects) == ["Namespace default", "Namespace research", "Node w1"] and api.objects["Node w1"]["metadata"]["labels"] == {"own": "x"}


def test_all_of_it_goes(api):
    api.modules.objects.apply(api.wanted())
    assert api.modules.objects.apply(api.wanted().nothing()) == {"changed": True}
    assert sorted(api.objects) == ["Namespace default", "Namespace research", "Node w1"] and differs(api, [], {}) == []


class Killed(BaseException):
    """Whoever ran the program is gone."""


OLD = {"old": {"free": {"nvidia.com/gpu": 0}, "tenants": {"health": {"nvidia.com/gpu": [2, 0]}}}}


def former(queued=None):
    return accelerators.documents({"old": dict(POOL, tenants=["health"])}, {"health": {"nvidia.com/gpu": 2}}, queued)


@pytest.mark.parametrize(("before", "after"), [(former(), DOCUMENTS), (former(), QUEUED), (former(OLD), QUEUED), (former(OLD), DOCUMENTS)])
def test_a_run_that_dies_anywhere_is_finished_by_the_next(api, before, after):
    """From a cluster with another pool and another tenant, so that things are made and go."""
    api.kueue = list(KINDS)
    api.modules.objects.apply(api.wanted(before))
    start, run = copy.deepcopy(api.objects), api.run
    api.calls.clear()
    api.modules.objects.apply(api.wanted(after))
    whole, calls = copy.deepcopy(api.objects), len(api.calls)

    def dying(at):
        left = iter(range(at))

        def answer(*words, **how):
            if next(left, None) is None:
                raise Killed
            return run(*words, **how)

        return answer

    for at in range(calls):
        api.objects = copy.deepcopy(start)
        api.ground.run = dying(at)
        with pytest.raises(Killed):
            api.modules.objects.apply(api.wanted(after))
        api.ground.run = run
        api.modules.objects.apply(api.wanted(after))
        assert api.objects == whole and differs(api, after) == [], at


def of_kueue(api):
    return sorted(name for name, one in api.objects.items() if one["kind"] in KINDS.values())


def test_queues_come_with_kueue_and_go_in_their_order(api):
    api.kueue = list(reversed(KINDS))
    assert api.modules.objects.apply(api.wanted(QUEUED)) == {"changed": True} and differs(api, QUEUED) == []
    assert of_kueue(api) == ["ClusterQueue ai-stack-research", "Cohort ai-stack-accelerators", "LocalQueue research/ai-stack-accelerators",
                             "ResourceFlavor ai-stack", "ResourceFlavor ai-stack-training"]  # fmt: skip
    assert api.objects["Namespace research"]["metadata"]["labels"]["ai-stack/queue"] == "ai-stack-accelerators"
    assert api.modules.objects.prove(api.wanted(QUEUED)) == {"proven": True}
    api.objects["ClusterQueue ai-stack-research"]["spec"]["resourceGroups"][0]["flavors"][0]["resources"][0]["nominalQuota"] = "9"
    assert differs(api, QUEUED) == ["ClusterQueue ai-stack-research"] and api.modules.objects.apply(api.wanted(QUEUED)) == {"changed": True}
    api.calls.clear()
    assert api.modules.objects.apply(api.wanted()) == {"changed": True} and of_kueue(api) == [] and differs(api) == []
    gone = [words[-2].partition(".")[0] for words in api.calls if "delete" in words]
    assert gone == ["localqueue", "clusterqueue", "cohort", "resourceflavor", "resourceflavor"]
    assert "ai-stack/queue" not in api.objects["Namespace research"]["metadata"]["labels"]
    api.modules.objects.apply(api.wanted(QUEUED))
    assert api.modules.objects.reset(api.wanted(QUEUED)) == {"changed": True} and of_kueue(api) == []


def test_queues_of_the_site_stay(api):
    api.kueue = list(KINDS)
    own = {"kind": "ClusterQueue", "apiVersion": "kueue.x-k8s.io/v1beta2", "metadata": {"name": "own", "labels": {}}, "spec": {}}
    api.put(own)
    api.modules.objects.apply(api.wanted(QUEUED))
    api.modules.objects.reset(api.wanted(QUEUED))
    assert of_kueue(api) == ["ClusterQueue own"]


@pytest.mark.parametrize("there", [[], ["clusterqueues", "localqueues", "resourceflavors"]])
def test_queues_without_kueue_are_refused_in_one_sentence(api, there):
    api.kueue = there
    before = copy.deepcopy(api.objects)
    for verb in (api.modules.objects.look, api.modules.objects.apply):
        with pytest.raises(api.modules.ledger.Refused) as refused:
            verb(api.wanted(QUEUED))
        (line,) = str(refused.value).splitlines()
        assert "cohorts" in line and ("localqueues" in line) is not bool(there)
        assert line.endswith("of kueue.x-k8s.io/v1beta2: install Kueue there, or leave the key out")
    assert api.objects == before
    # nobody else is kept from anything
    assert api.modules.objects.apply(api.wanted()) == {"changed": True} and api.modules.objects.reset(api.wanted(QUEUED)) == {"changed": True}


def test_an_api_that_does_not_answer_is_no_cluster_without_kueue(api):
    api.without = "Error from server (ServiceUnavailable): the server is currently unable to handle the request"
    with pytest.raises(api.modules.ledger.Refused, match="nobody knows whether Kueue is there: .*unable to handle"):
        api.modules.objects.look(api.wanted())


def workload(api, name, queue="ai-stack-accelerators", let_go=None, done=False, **spec):
    status = {"admission": {"clusterQueue": let_go}} if let_go else {}
    status["conditions"] = [{"type": "Finished", "status": "True" if done else "False"}]
    api.put({"kind": "Workload", "metadata": {"name": name, "namespace": "research"}, "spec": {"queueName": queue, "active": True, **spec}, "status": status})


MINE = "ai-stack-research"


@pytest.mark.parametrize(("how", "said"), [({"let_go": MINE}, "1 that it let go and 0 that wait"), ({}, "0 that it let go and 1 that wait")])
def test_a_queue_does_not_go_from_under_its_jobs(api, how, said):
    api.kueue = list(KINDS)
    api.modules.objects.apply(api.wanted(QUEUED))
    # what it says of them itself stays as it was where Kueue is away
    api.objects[f"ClusterQueue {MINE}"]["status"].update(reservingWorkloads=2, pendingWorkloads=1)
    workload(api, "mine", **how)
    before, objects = copy.deepcopy(api.objects), api.modules.objects
    for verb, documents in ((objects.look, DOCUMENTS), (objects.apply, DOCUMENTS), (objects.reset, QUEUED)):
        with pytest.raises(api.modules.ledger.Refused, match=f"the queue {MINE} is in use, {said}: they end or go first, .* research/mine; .* delete"):
            verb(api.wanted(documents))
    assert api.objects == before
    # of what stays nobody asks who uses it
    assert objects.apply(api.wanted(QUEUED)) == {"changed": False}
    # those of queues of the site, those that ended, were switched off, or go and wait for Kueue alone
    workload(api, "other", "own", "own")
    workload(api, "elsewhere", "own")
    workload(api, "done", let_go=MINE, done=True)
    workload(api, "off", active=False)
    api.objects["Workload research/mine"]["metadata"]["deletionTimestamp"] = "2026-11-28T08:00:00Z"
    assert objects.apply(api.wanted()) == {"changed": True} and of_kueue(api) == []


@pytest.mark.parametrize("name", ["ClusterQueue ai-stack-research", "Namespace research"])
def test_what_goes_is_not_taken_for_what_is_wanted(api, name):
    """A queue that was taken out and is wanted again before its last job has ended would be found, and vanish then."""
    api.kueue = list(KINDS)
    api.modules.objects.apply(api.wanted(QUEUED))
    api.objects[name]["metadata"].update(deletionTimestamp="2026-11-28T08:00:00Z", finalizers=["kueue.x-k8s.io/resource-in-use"])
    before, words = copy.deepcopy(api.objects), f"{name} is on its way out and is wanted: .* is gone, which waits for kueue.x-k8s.io/resource-in-use"
    for verb in (api.modules.objects.look, api.modules.objects.apply):
        with pytest.raises(api.modules.ledger.Refused, match=words):
            verb(api.wanted(QUEUED))
    assert api.objects == before
    del api.objects[name]
    assert api.modules.objects.apply(api.wanted(QUEUED)) == {"changed": True} and differs(api, QUEUED) == []


@pytest.mark.parametrize("refused", ["ClusterQueue", "Cohort", "ResourceFlavor"])
def test_what_kueue_refuses_leaves_nobody_with_a_queue_that_is_not_there(api, refused):
    api.kueue, take = list(KINDS), api.take

    def judged(one):
        if one["kind"] == refused:
            raise api.modules.ledger.Refused("denied the request")
        take(one)

    api.take, before = judged, set(api.objects)
    with pytest.raises(api.modules.ledger.Refused, match="denied"):
        api.modules.objects.apply(api.wanted(QUEUED))
    assert {name.split(" ")[0] for name in set(api.objects) - before} <= {"ClusterQueue", "Cohort", "ResourceFlavor"}
    api.take = take
    assert api.modules.objects.apply(api.wanted(QUEUED)) == {"changed": True} and differs(api, QUEUED) == []


def test_kueue_is_asked_for_its_kinds_once(api):
    api.kueue = list(KINDS)
    api.modules.queues.refuse(api.wanted(QUEUED))
    assert len(api.calls) == 1
    api.modules.queues.refuse(api.wanted())
    assert len(api.calls) == 1


def test_a_queue_that_is_on_its_way_out_is_no_change(api):
    """It stays until what was let go meanwhile has ended."""
    api.kueue = list(KINDS)
    api.modules.objects.apply(api.wanted(QUEUED))
    stays = copy.deepcopy(api.objects["ClusterQueue ai-stack-research"])
    api.modules.objects.apply(api.wanted())
    stays["metadata"]["deletionTimestamp"] = "2026-11-28T08:00:00Z"
    api.put(stays)
    assert differs(api) == [] and api.modules.objects.apply(api.wanted()) == {"changed": False}


def test_a_queue_that_lets_nothing_go_is_no_proof(api):
    api.kueue, api.works = list(KINDS), ("False", "FlavorNotFound")
    api.modules.objects.apply(api.wanted(QUEUED))
    with pytest.raises(api.modules.ledger.Refused) as refused:
        api.modules.objects.prove(api.wanted(QUEUED))
    assert str(refused.value).splitlines()[:2] == ["ClusterQueue ai-stack-research lets nothing go: FlavorNotFound",
                                                   "LocalQueue research/ai-stack-accelerators lets nothing go: FlavorNotFound"]  # fmt: skip
    del api.objects["ClusterQueue ai-stack-research"]
    with pytest.raises(api.modules.ledger.Refused, match="ClusterQueue ai-stack-research lets nothing go: Kueue says nothing of it"):
        api.modules.objects.prove(api.wanted(QUEUED))


@pytest.mark.parametrize(("cards", "said"), [({"nvidia.com/gpu": "1"}, "pods can have 1 nvidia.com/gpu of w1, and 2 nvidia.com/gpu was planned"),
                                             ({"nvidia.com/gpu": "0"}, "pods can have no card of w1"),
                                             ({"nvidia.com/gpu": "2", "nvidia.com/mig-1g.10gb": "7"}, "7 nvidia.com/mig-1g.10gb")])  # fmt: skip
def test_cards_that_pods_cannot_have_are_named(api, cards, said):
    api.modules.objects.apply(api.wanted())
    api.cards = cards
    with pytest.raises(api.modules.ledger.Refused, match=said) as refused:
        api.modules.objects.prove(api.wanted())
    assert "no device plugin is on it" in str(refused.value)
    # names of other vendors, and those that a change of MIG left with none, are nobody's business
    api.cards = {"nvidia.com/gpu": "2", "amd.com/gpu": "4", "nvidia.com/mig-1g.10gb": "0", "cpu": "8"}
    assert api.modules.objects.prove(api.wanted()) == {"proven": True}


@pytest.mark.parametrize(("state", "said"), [({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}, "waits: ImagePullBackOff no such image"),
                                             ({"running": {}}, "says: no NVML")])  # fmt: skip
def test_the_last_words_of_a_plugin_are_told(api, state, said):
    api.modules.objects.apply(api.wanted())
    api.cards, api.logs = {}, (0, "no NVML\n")
    api.put({"kind": "Pod", "metadata": {"name": "p", "namespace": cluster_nodes.NAMESPACE, "labels": {"ai-stack/pool": "training"}},
             "spec": {"nodeName": "w1", "containers": []}, "status": {"containerStatuses": [{"state": state}]}})  # fmt: skip
    with pytest.raises(api.modules.ledger.Refused, match=said):
        api.modules.objects.prove(api.wanted())


def plugin_of_operator(api, status=None):
    api.put({"kind": "Pod", "metadata": {"name": "p", "namespace": "gpu-operator", "labels": {"app": "nvidia-device-plugin-daemonset"}},
             "spec": {"nodeName": "w1", "containers": []}, "status": status or {"phase": "Running"}})  # fmt: skip


def test_an_operator_takes_over_from_the_role_and_is_left_its_own(api):
    objects = api.modules.objects
    objects.apply(api.wanted())
    owned = api.wanted(BY_OPERATOR, owner=THEIRS)
    assert objects.apply(owned) == {"changed": True} and objects.apply(owned) == {"changed": False}
    assert "DaemonSet" not in {one["kind"] for one in api.objects.values()} and "Namespace ai-stack-accelerators" not in api.objects
    assert api.objects["Node w1"]["metadata"]["labels"] == {"own": "x", "ai-stack/pool": "training", "nvidia.com/device-plugin.config": "training"}
    # with the operator in it its namespace stays, and its label goes with the pool
    assert objects.apply(owned.nothing()) == {"changed": True}
    assert sorted(api.objects) == ["Namespace default", "Namespace gpu-operator", "Namespace research", "Node w1"]
    assert api.objects["Node w1"]["metadata"]["labels"] == {"own": "x"}


def test_a_config_that_the_site_names_for_its_operator_stays(api):
    objects, owned = api.modules.objects, api.wanted(BY_NAME, owner=THEIRS)
    objects.apply(owned)
    labels = api.objects["Node w1"]["metadata"]["labels"]
    labels["nvidia.com/device-plugin.config"] = "own"
    assert objects.apply(owned) == {"changed": False}
    objects.apply(owned.nothing())
    assert api.objects["Node w1"]["metadata"]["labels"] == {"own": "x", "nvidia.com/device-plugin.config": "own"}


def test_queues_stay_where_an_operator_takes_over(api):
    api.kueue, objects = list(KINDS), api.modules.objects
    objects.apply(api.wanted(QUEUED))
    queues, owned = of_kueue(api), api.wanted(BOTH, owner=THEIRS)
    api.calls.clear()
    assert objects.apply(owned) == {"changed": True} and objects.apply(owned) == {"changed": False} and objects.prove(owned) == {"proven": True}
    # who waits goes on waiting: nothing of his is made anew
    assert of_kueue(api) == queues != [] and not [words for words in api.calls if "delete" in words and ".kueue.x-k8s.io" in str(words)]
    assert "DaemonSet" not in {one["kind"] for one in api.objects.values()}
    labels = api.objects["Node w1"]["metadata"]["labels"], api.objects["Namespace research"]["metadata"]["labels"]
    assert labels[0]["nvidia.com/device-plugin.config"] == "training" and labels[1]["ai-stack/queue"] == "ai-stack-accelerators"
    # of both it is said where they fail: the queue that lets nothing go, and the plugin that has not come
    api.objects["ClusterQueue ai-stack-research"]["status"], api.cards = {}, {}
    with pytest.raises(api.modules.ledger.Refused, match="(?s)lets nothing go.*the GPU operator has brought no device plugin to it"):
        objects.prove(owned)
    # each goes for itself
    assert objects.apply(api.wanted(BY_OPERATOR, owner=THEIRS)) == {"changed": True} and of_kueue(api) == []
    assert "nvidia.com/device-plugin.config" in api.objects["Node w1"]["metadata"]["labels"]
    assert "ai-stack/queue" not in api.objects["Namespace research"]["metadata"]["labels"]
    objects.apply(owned)
    assert objects.apply(owned.nothing()) == {"changed": True}
    assert sorted(api.objects) == ["Namespace default", "Namespace gpu-operator", "Namespace research", "Node w1"]
    assert api.objects["Node w1"]["metadata"]["labels"] == {"own": "x"}


def test_cards_that_an_operator_does_not_bring_are_said_with_what_is_to_be_done(api):
    owned = api.wanted(BY_OPERATOR, owner=THEIRS)
    api.modules.objects.apply(owned)
    assert api.modules.objects.prove(owned) == {"proven": True}
    api.cards, api.logs = {}, (0, "no NVML\n")
    with pytest.raises(api.modules.ledger.Refused, match="the GPU operator has brought no device plugin to it: its chart gpu-operator v26.7.0"):
        api.modules.objects.prove(owned)
    plugin_of_operator(api)
    with pytest.raises(api.modules.ledger.Refused, match="its device plugin says: no NVML"):
        api.modules.objects.prove(owned)
    # after a change of MIG by the host it is started anew, as one of ours is: its own manager of that is off
    api.cards, api.capacity = {"nvidia.com/gpu": "2"}, {"nvidia.com/mig-1g.10gb": "7", "nvidia.com/gpu": "1"}
    assert api.modules.objects.look(owned)["outdated"] == ["w1"]
    assert api.modules.objects.apply(owned) == {"changed": True} and api.started == ["spec.nodeName=w1"]
    assert [words[:5] for words in api.calls if words[:2] == ["delete", "pod"]] == [
        ["delete", "pod", "--namespace", "gpu-operator", "--selector"]]  # fmt: skip


def test_a_second_owner_is_refused_and_keeps_nobody_from_leaving(api):
    api.put({"kind": "DaemonSet", "metadata": {"name": "plugin", "namespace": "elsewhere", "labels": {"app": "nvidia-device-plugin-daemonset"}}})
    for verb in (api.modules.objects.look, api.modules.objects.apply):
        with pytest.raises(api.modules.ledger.Refused, match="by elsewhere/plugin: it goes first, or the row of the cluster says"):
            verb(api.wanted())
    assert not [words for words in api.calls if words[0] == "apply"]
    api.modules.objects.apply(api.wanted(BY_OPERATOR, owner=THEIRS))
    assert api.modules.objects.reset(api.wanted()) == {"changed": True}


def slices(count):
    pool = {"name": "w1", "generation": 1, "resourceSliceCount": 1}
    devices = [{"name": f"gpu-{at}"} for at in range(count)]
    return [{"spec": {"driver": "gpu.nvidia.com", "nodeName": "w1", "pool": pool, "devices": devices}}] if count else []


def claim(pod, pool="w1"):
    results = [{"driver": "gpu.nvidia.com", "pool": pool, "device": "gpu-0", "request": "card"}]
    return {"metadata": {"name": "one", "namespace": "research"},
            "status": {"allocation": {"devices": {"results": results}}, "reservedFor": [{"resource": "pods", "name": pod}]}}  # fmt: skip


def to_claims(api, **how):
    return api.wanted(CLAIMS, BY_CLAIMS, **how)


def test_cards_by_claims_are_told_once_and_proven_by_what_drivers_have(api):
    objects = api.modules.objects
    api.slices, api.cards = [], {}
    assert objects.apply(to_claims(api)) == {"changed": True}
    with pytest.raises(api.modules.ledger.Refused, match="pods can have no card of w1, and 2 gpu.nvidia.com was planned"):
        objects.prove(to_claims(api))
    api.slices = slices(2)
    assert objects.prove(to_claims(api)) == {"proven": True} and objects.apply(to_claims(api)) == {"changed": False}
    # what a device plugin hands out beside it is one way too much
    api.cards = {"nvidia.com/gpu": "2"}
    with pytest.raises(api.modules.ledger.Refused, match="pods can have 2 gpu.nvidia.com, 2 nvidia.com/gpu of w1"):
        objects.prove(to_claims(api))


def test_all_of_claims_goes_and_so_does_what_a_driver_may_do(api):
    api.slices, api.cards = slices(2), {}
    before = set(api.objects)
    api.modules.objects.apply(to_claims(api))
    assert {"DeviceClass ai-stack-training", "ClusterRole ai-stack-accelerators-claims", "ResourceClaimTemplate ai-stack-canary/ai-stack-training"} <= set(
        api.objects)
    assert api.modules.objects.reset(to_claims(api)) == {"changed": True}
    assert set(api.objects) - before == {"Namespace research"} and api.modules.objects.reset(to_claims(api)) == {"changed": False}


@pytest.mark.parametrize("back", [False, True])
def test_cards_that_pods_hold_are_not_handed_out_in_another_way(api, back):
    api.slices = []
    ways = [(api.wanted, "DaemonSet ai-stack-accelerators/plugin-training"), (lambda: to_claims(api), "DaemonSet ai-stack-accelerators/driver-training")]
    (old, theirs), (new, ours) = ways[::-1] if back else ways
    api.modules.objects.apply(old())
    api.slices, api.cards = (slices(2), {}) if back else ([], {"nvidia.com/gpu": "2"})
    if back:
        api.claims = [claim("trainer")]
    else:
        api.pod()
    for verb in (api.modules.objects.look, api.modules.objects.apply):
        with pytest.raises(api.modules.ledger.Refused, match="cards of w1 are in use by research/trainer"):
            verb(new())
    assert theirs in api.objects and ours not in api.objects
    api.objects.pop("Pod research/trainer", None)
    api.claims = []
    assert api.modules.objects.apply(new()) == {"changed": True}
    assert ours in api.objects and theirs not in api.objects


@pytest.mark.parametrize("back", [False, True])
def test_the_new_way_waits_until_the_old_one_is_gone(api, back):
    """With both a card would be handed out twice."""
    api.slices, api.conditions = [], [{"type": "Ready", "status": "True"}]
    old, new, ours = (to_claims(api), api.wanted(), "plugin") if back else (api.wanted(), to_claims(api), "driver")
    api.cards = {}
    api.modules.objects.apply(old)
    api.slices, api.cards = (slices(2), {}) if back else ([], {"nvidia.com/gpu": "2"})
    with pytest.raises(api.modules.ledger.Refused, match="pods can still have %s of w1" % ("gpu.nvidia.com" if back else "nvidia.com/gpu")):
        api.modules.objects.apply(new)
    assert f"DaemonSet ai-stack-accelerators/{ours}-training" not in api.objects
    api.slices, api.cards = [], {}
    # the next run goes on
    assert api.modules.objects.apply(new) == {"changed": True} and f"DaemonSet ai-stack-accelerators/{ours}-training" in api.objects


@pytest.mark.parametrize("back", [False, True])
def test_who_takes_a_card_while_its_way_goes_keeps_it_from_the_new_one(api, back):
    """Nobody held one when it was asked; then the old way goes, and nodes can give none of its cards any more."""
    api.slices, api.cards, api.conditions = [], {}, [{"type": "Ready", "status": "True"}]
    old, new = (to_claims(api), api.wanted()) if back else (api.wanted(), to_claims(api))
    theirs, ours = (f"DaemonSet ai-stack-accelerators/{one}-training" for one in (("driver", "plugin") if back else ("plugin", "driver")))
    api.modules.objects.apply(old)
    answer = api.answer

    def taken(words, given):
        if "delete" in words and words[-2] == "DaemonSet":
            (api.claims.append(claim("trainer")) if back else api.pod())
        return answer(words, given)

    api.answer = taken
    with pytest.raises(api.modules.ledger.Refused, match="cards of w1 are in use by research/trainer: they go first"):
        api.modules.objects.apply(new)
    assert theirs not in api.objects and ours not in api.objects
    # what is left of the old way is who holds a card of it: the next run is refused before it changes anything
    before = copy.deepcopy(api.objects)
    for verb in (api.modules.objects.look, api.modules.objects.apply):
        with pytest.raises(api.modules.ledger.Refused, match="cards of w1 are in use by research/trainer: they go first"):
            verb(new)
    assert api.objects == before
    api.objects.pop("Pod research/trainer", None)
    api.claims = []
    assert api.modules.objects.apply(new) == {"changed": True} and ours in api.objects


def test_cards_of_another_vendor_are_in_nobodys_way(api):
    """They are of the same nodes, and stay whatever becomes of the plan's."""
    api.slices, api.conditions, api.cards = [], [{"type": "Ready", "status": "True"}], {"gpu.intel.com/i915": "1", "amd.com/gpu": "4"}
    for limits in ("map[cpu:1 gpu.intel.com/i915:1]", "map[amd.com/gpu:1]"):
        api.pod(name=f"pod-{len(limits)}", limits=limits)
    assert api.modules.objects.apply(to_claims(api)) == {"changed": True} and api.modules.objects.apply(to_claims(api)) == {"changed": False}
    # nor is one that pods have on a node without cards of the plan
    api.pod(name="elsewhere", node="w9")
    assert api.modules.objects.apply(to_claims(api)) == {"changed": False}
    api.pod(name="both", limits="map[amd.com/gpu:1 nvidia.com/gpu:1]")
    with pytest.raises(api.modules.ledger.Refused, match="cards of w1 are in use by research/both: they go first"):
        api.modules.objects.apply(to_claims(api))


def test_a_class_goes_before_the_rules_about_it(api):
    """Without them any namespace could claim what it gives."""
    api.slices, api.cards = [], {}
    api.modules.objects.apply(to_claims(api))
    api.calls.clear()
    assert api.modules.objects.reset(to_claims(api)) == {"changed": True}
    gone = [words[-2] for words in api.calls if "delete" in words]
    assert set(gone[:2]) == {"DaemonSet", "DeviceClass"} and "ValidatingAdmissionPolicy" in gone[2:] and "ServiceAccount" in gone[2:]


def test_in_a_cluster_by_claims_the_driver_is_what_is_spoken_of(api):
    api.slices, api.cards = [], {}
    wanted = to_claims(api, owner={"by_operator": False, "plugin": _clusters.DRIVER})
    api.modules.objects.apply(wanted)
    with pytest.raises(api.modules.ledger.Refused, match="no DRA driver is on it"):
        api.modules.objects.prove(wanted)
    pod = {"kind": "Pod", "metadata": {"name": "p", "namespace": cluster_nodes.NAMESPACE, "labels": {"ai-stack/pool": "training"}},
           "spec": {"nodeName": "w1", "containers": []}, "status": {}}  # fmt: skip
    api.put(pod)
    for status, logs, said in (({}, (0, "no NVML"), "its DRA driver says: no NVML"), ({}, (1, ""), "its DRA driver does not run yet"),
                               ({"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}, (0, ""), "its DRA driver waits: Image")):
        pod["status"], api.logs = status, logs
        with pytest.raises(api.modules.ledger.Refused, match=said):
            api.modules.objects.prove(wanted)


def test_claims_of_somebody_else_are_refused(api):
    api.slices = []
    api.put({"kind": "DeviceClass", "metadata": {"name": "gpu.nvidia.com"}})
    for asked in (api.wanted(), to_claims(api)):
        with pytest.raises(api.modules.ledger.Refused, match="the cluster has the DeviceClass gpu.nvidia.com"):
            api.modules.objects.apply(asked)
    assert not [words for words in api.calls if words[0] == "apply"]


def test_an_api_that_says_nothing_of_claims_is_believed_to_have_none_by_nobody(api):
    api.without = "error: the server is currently unable to handle the request"
    with pytest.raises(api.modules.ledger.Refused, match="nobody knows"):
        api.modules.objects.look(api.wanted())


def test_without_a_cluster_everything_would_be_new_and_nothing_is_told(api):
    api.ground.remove("/etc/kubernetes/admin.conf")
    assert len(differs(api)) == len(DOCUMENTS) and api.calls == []
    with pytest.raises(api.modules.ledger.Refused, match="there is no cluster on this host"):
        api.modules.objects.apply(api.wanted())


def test_the_command_line_answers_in_json(api, monkeypatch, capsys):
    cli = api.modules.cli
    monkeypatch.setattr(cli, "GROUND", api.ground)
    for verb in ("look", "apply", "prove", "reset"):
        request = {"documents": DOCUMENTS, "cards": {"w1": {"nvidia.com/gpu": 2}}, "ready": ["w1"], "seconds": 0, **OURS}
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(request)))
        assert cli.main([verb]) == 0, capsys.readouterr()
        json.loads(capsys.readouterr().out)
