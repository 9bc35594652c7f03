# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A host for the program of the role kubernetes: a root folder, a kubeadm that leaves what the real one does, and an API that answers kubectl."""

from __future__ import annotations

import base64
import json
import shutil
import types
from pathlib import Path

import packed
import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import kubeadm, members

NAMES = ("ledger", "verbs", "api", "kubeadm", "network", "virtual", "cluster_certificates", "cluster_nodes", "cluster_versions", "disruption",
         "serving_request", "archive", "kept", "sets", "etcd", "restore", "places", "serving", "making", "neighbour", "member", "applying", "leaving",
         "tickets", "server", "emptying", "upgrade", "cli")  # fmt: skip
HOSTS = {"cp1": {"address": "192.0.2.11", "part": "control_plane"}, "w1": {"address": "192.0.2.12", "part": "worker"}}
THREE = {**HOSTS, "cp2": {"address": "192.0.2.21", "part": "control_plane"}, "cp3": {"address": "192.0.2.31", "part": "control_plane"}}
SETTINGS = {"name": "ai", "version": "1.37.2", "endpoint": "192.0.2.11:6443", "pods": "10.244.0.0/16", "services": "10.96.0.0/16", "domain": "cluster.local",
            "network": "routed", "images": None, "feature_gates": None, "issuers": [], "conntrack": "manage", "cgroup_v1": False, "swap": False}  # fmt: skip
JOINED, VIRTUAL = "/etc/kubernetes/kubelet.conf", "192.0.2.10"
PODS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


class Killed(BaseException):
    """Whoever ran the program is gone."""


class Machine:
    """fails: how far kubeadm gets before it ends in error; dies: the verb of kubeadm in which the run is killed; refuses: whether its preflight does;
    server: whether an API server lives with the files that it reads; nodes, requests, tokens ({id: description}), namespaces: what the API has; calls: all that
    was run; via: addresses behind a gateway; mine: whether an address is this host's; shut: addresses of kubelets without a certificate; dns: whether it runs;
    routes: what the kernel has; left: days that certificates last; packages: versions of the programs; halts: the static pod before which kubeadm ends when it
    moves; well: whether the kubelet and etcd of this host say so; missing: the image that no mirror has; kept: (pods of the node, budgets); busy: how often
    another kubeadm is seen; etcd: {program: (exit status, output)} of those of etcd; lost: control planes of before that a set has; members: [(name, address,
    whether it answers)] of etcd; learners: names of those of them that have no vote yet; away: addresses of API servers that are off; control: nodes that are
    marked as control planes; secret: that of kubeadm for control planes that join; uploaded: the document that it was made by;
    moved_here: whether the virtual address is on this host; neighbours: what the kernel knows of it, one answer after the other."""

    def __init__(self, modules, folder):
        self.modules, self.ground = modules, modules.ledger.Ground(modules.places.STATE, str(folder))
        self.ground.run, self.calls, self.units = self.run, [], set()
        self.fails = self.dies = self.refuses = None
        self.server, self.container = lambda: True, {"id": "one", "number": 0, "runs": True}
        self.nodes, self.requests, self.tokens, self.namespaces, self.ready = {}, [], {}, ["default", "kube-system"], True
        self.routes, self.left = [], 365
        self.packages, self.halts, self.missing, self.kept, self.busy, self.marks = {"kubelet": "v1.37.2", "kubeadm": "v1.37.2"}, None, None, ([], []), 0, {}
        self.well = True
        self.complete, self.via, self.mine, self.shut, self.dns = True, (), True, (), True
        self.etcd, self.lost, self.learners, self.away = {}, [], (), ()
        self.members, self.control, self.secret, self.uploaded = [("cp1", "192.0.2.11", True)], ["cp1"], None, None
        self.moved_here, self.neighbours = False, []
        self.applied, self.shut_pods = "v1.36.4", []
        self.write("/proc/sys/kernel/random/boot_id", "one\n")

    def write(self, path, text):
        target = Path(self.ground.at(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def text(self, path):
        content = self.ground.read(path)
        return None if content is None else content.decode()

    def ran(self, *words):
        """The calls that begin so."""
        return [one for one in self.calls if one[: len(words)] == list(words)]

    def run(self, command, check=True, timeout=0, data=None):
        self.calls.append(command)
        code, text = self.answer(command)
        if check and code:
            raise self.modules.ledger.Refused(f"'{command[0]}' ended with {code}: {text}")
        return code, text

    def answer(self, command):
        if command[0] == "systemctl":
            return self.systemctl(command)
        if command[0] == "kubeadm":
            return self.upgrade(command) if command[1] == "upgrade" else self.kubeadm(command)
        if command == ["kubelet", "--version"]:
            return 0, "Kubernetes " + self.packages["kubelet"]
        if command[0] == "pgrep":
            self.busy -= 1
            return (0, "7\n") if self.busy >= 0 else (1, "")
        if command[0] == "kubectl":
            return self.kubectl(command[5:])
        if command[0] == "crictl":
            return self.crictl(command)
        if "/usr/local/bin/etcd" in command[0]:
            return self.of_etcd(command)
        if command[:3] == ["ip", "-oneline", "address"]:
            mine = self.mine if command[-1] != VIRTUAL else self.moved_here
            return 0, f"2: eth0    inet {command[-1]}/24 scope global eth0" if mine else ""
        if command[:2] == ["ip", "neighbour"]:
            return 0, f"{command[-1]} dev eth0 {self.neighbours.pop(0)}\n" if self.neighbours else ""
        if command[:3] == ["ip", "route", "get"]:
            return 0, f"{command[3]} via 192.0.2.254 dev eth0" if command[3] in self.via else f"{command[3]} dev eth0"
        if command[:3] == ["ip", "route", "show"]:
            return 0, "".join(f"{one} via 192.0.2.1 dev eth0\n" for one in self.routes)
        return 0, ""

    def of_etcd(self, command):
        name = command[0].rpartition("/")[2]
        if "list" in command:
            # as etcdctl says it: what is not so is left out
            rows = [{"ID": 16 + at, "name": name, "peerURLs": [f"https://{address}:2380"], "clientURLs": [f"https://{address}:2379"],
                     **({"isLearner": True} if name in self.learners else {})} for at, (name, address, dummy) in enumerate(self.members)]  # fmt: skip
            return 0, json.dumps({"members": rows})
        if "health" in command:
            asked = [well and name not in self.learners for name, at, well in self.members if f"https://{at}:2379" in command]
            return (0, "") if any(asked) else (1, "unhealthy")
        if "remove" in command:
            self.members[int(command[-1], 16) - 16] = (None, None, None)
            return 0, ""
        if "save" in command:
            Path(command[-1]).write_text("snapshot of " + str(self.text("/var/lib/etcd/member/snap/db")))
        if "restore" in command and self.dies != "restore":
            folder = Path(command[command.index("--data-dir") + 1]) / "member/snap"
            folder.mkdir(parents=True)
            (folder / "db").write_text(Path(command[3]).read_text().removeprefix("snapshot of "))
        if self.dies == "restore" and "restore" in command:
            raise Killed
        return self.etcd.get(name, (0, '{"hash": 1, "revision": 77, "totalKey": 12, "totalSize": 9}' if "status" in command else ""))

    def systemctl(self, command):
        verb, units = command[1], {one for one in command[2:] if "." in one}
        if verb in ("restart", "disable", "--quiet") and not units:
            return 1, "Too few arguments."
        if verb == "is-active":
            return (0, "active\n") if command[2] in self.units else (3, "inactive\n")
        if verb == "restart":
            self.units |= units
        if verb == "disable":
            self.units -= units
        return 0, ""

    def pods_of_kubeadm(self, version, etcd="3.7.3-0", names=PODS):
        """The static pods of a control plane as kubeadm leaves them."""
        for name in names:
            tag = etcd if name == "etcd" else version
            self.write(f"/etc/kubernetes/manifests/{name}.yaml", f"spec:\n  containers:\n  - name: x\n    image: registry.k8s.io/{name}:{tag}\n")

    def upgrade(self, command):
        if "preflight" in command and "phase" in command:
            return (1, "x\n\t[ERROR CreateJob]: no end\n[preflight] y") if self.refuses else (0, "")
        if command[2] == "apply":
            names = PODS[: PODS.index(self.halts)] if self.halts else PODS
            self.pods_of_kubeadm(command[3], names=names)
            self.write("/etc/kubernetes/tmp/kubeadm-backup-etcd-1/db", "x")
        if self.dies == "upgrade":
            raise Killed
        return (1, "[upgrade/apply] FATAL: no") if self.halts or self.fails == "upgrade" else (0, "")

    def kubeadm(self, command):
        verb = "token" if "token" in command else command[1]
        if command[1:4] == ["init", "phase", "upload-certs"]:
            self.uploaded, self.secret = Path(command[command.index("--config") + 1]).read_text(), {"metadata": {}}
            return (1, "error: no") if self.fails == "upload" else (0, "")
        if command[1:4] == ["init", "phase", "preflight"]:
            return (1, "x\n\t[ERROR Port-6443]: Port 6443 is in use\n\t[ERROR Swap]: swap is\n  on\n[preflight] y") if self.refuses else (0, "")
        if command[1:3] == ["certs", "renew"]:
            self.left = 365
        if command[1:3] == ["certs", "check-expiration"]:
            rows = [{"name": "apiserver", "expirationDate": "x", "residualTime": self.left * 86400, "externallyManaged": False, "missing": False},
                    {"name": "super-admin.conf", "expirationDate": "x", "residualTime": 0, "externallyManaged": False, "missing": True},
                    {"name": "etcd-peer", "expirationDate": "x", "residualTime": 0, "externallyManaged": True, "missing": False}]  # fmt: skip
            return 0, json.dumps({"certificates": rows})
        if verb == "certs":
            return 0, ""
        if verb == "version":
            return 0, self.packages["kubeadm"] + "\n"
        if verb == "config":
            return 0, "registry.k8s.io/kube-apiserver:v1.37.2\nregistry.k8s.io/etcd:3.7.3-0\n"
        if verb == "token":
            self.tokens["bootstrap-token-abc"] = command[command.index("--description") + 1]
            return 0, "abcdef.0123456789abcdef\n"
        if verb == "reset":
            for path in (JOINED, "/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf",
                         *(f"/etc/kubernetes/manifests/{name}.yaml" for name in PODS)):  # fmt: skip
                self.ground.remove(path)
            shutil.rmtree(self.ground.at("/etc/kubernetes/pki"), ignore_errors=True)
            return 0, ""
        self.seen = self.text("/run/ai-stack-kubernetes/discovery.conf"), self.text("/run/ai-stack-kubernetes/kubeadm.yaml")
        ruling = verb == "init" or "controlPlane" in self.seen[1]
        if ruling:
            self.pods_of_kubeadm(self.packages["kubeadm"])
            for name in self.modules.archive.AUTHORITIES:
                if self.text("/etc/kubernetes/pki/" + name) is None:
                    self.write("/etc/kubernetes/pki/" + name, "CA\n" if name == "ca.crt" else f"{name}\n")
            if self.text("/var/lib/etcd/member/snap/db") is None:
                self.write("/var/lib/etcd/member/snap/db", "the data")
        if self.fails == verb:
            return 1, "error: [ERROR CRI]: no"
        at = json.loads(self.seen[1])["controlPlane"]["localAPIEndpoint"]["advertiseAddress"] if ruling and verb == "join" else "192.0.2.11"
        self.write(JOINED, f"clusters:\n- cluster:\n    server: https://{at}:6443\n")
        if ruling:
            self.write("/etc/kubernetes/admin.conf", "x")
        if verb == "init":
            self.write("/etc/kubernetes/super-admin.conf", "x")
            self.tokens["bootstrap-token-first"] = "sovereign.ai_stack: cp1"
        if self.dies == verb:
            raise Killed
        return 0, ""

    def kubectl(self, words):
        if any(f"https://{one}:6443" in words for one in self.away):
            return 1, "dial tcp: no route to host"
        if words[:3] == ["get", "--raw", "/version"]:
            tag = (self.text("/etc/kubernetes/manifests/kube-apiserver.yaml") or "").rpartition(":")[2].strip()
            return 0, json.dumps({"gitVersion": tag})
        if "secret/kubeadm-certs" in words:
            return self.of_secret(words)
        if words[:3] == ["get", "configmap", "kubeadm-config"]:
            return 0, json.dumps({"data": {"ClusterConfiguration": f"kind: ClusterConfiguration\nkubernetesVersion: {self.applied}\n"}})
        if "delete" in words and "pods" in words:
            return 0, ""
        if words[:2] == ["patch", "node"]:
            patch = json.loads(words[-1])
            self.marks[words[2]] = {"mark": patch["metadata"]["annotations"], "shut": patch["spec"]["unschedulable"]}
            return 0, ""
        if "--all-namespaces" in words:
            return self.items(self.kept["poddisruptionbudgets" in words])
        if words[:2] == ["get", "--raw"]:
            return (0, "ok") if self.server() else (1, "refused")
        if words[:3] == ["get", "nodes", "--selector"]:
            return 0, "".join(f"node/{one}\n" for one in [*self.control, *self.lost])
        if words[:2] == ["delete", "node"] and words[2] in self.lost:
            self.lost.remove(words[2])
            return 0, ""
        if words[:3] == ["get", "nodes", "--output"] and words[3] == "name":
            return 0, "".join(f"node/{one}\n" for one in self.nodes)
        if words[:2] == ["get", "nodes"]:
            return self.items([self.node(name, **one) for name, one in self.nodes.items()])
        if words[:2] == ["get", "node"]:
            return 0, json.dumps(self.marked(words[2]))
        if words[:2] == ["get", "namespaces"]:
            return (0, "".join(f"namespace/{one}\n" for one in self.namespaces)) if self.server() else (1, "refused")
        if words[:2] == ["get", "certificatesigningrequests"]:
            return self.items(self.requests)
        if words[:2] == ["certificate", "approve"]:
            next(one for one in self.requests if one["metadata"]["name"] == words[2])["status"] = {"conditions": [{"type": "Approved"}]}
        if words[:2] == ["delete", "node"]:
            del self.nodes[words[2]]
        if "secrets" in words:
            notes = {one: base64.b64encode(text.encode()).decode() for one, text in self.tokens.items()}
            return self.items([{"metadata": {"name": one}, "data": {"description": text}} for one, text in notes.items()])
        if "secret" in words:
            for one in words[words.index("secret") + 1:]:
                del self.tokens[one]
        if "pods" in words:
            return self.items(self.pods(words[words.index("--selector") + 1]))
        if words[0] == "drain" and not self.ready:
            return 1, "error: cannot delete Pods declare no controller"
        if "daemonset/kube-proxy" in words:
            return (0, "") if self.complete else (1, "not found")
        return 0, ""

    def of_secret(self, words):
        if "annotate" in words:
            self.secret = {"metadata": {"annotations": dict([words[-1].split("=")])}}
        if "delete" in words:
            self.secret = None
        return 0, json.dumps(self.secret) if self.secret else ""

    def crictl(self, command):
        """As the real one: of those that ended the last one alone is kept."""
        if "pull" in command:
            return (1, "not found") if self.missing and self.missing in command[-1] else (0, "")
        if "stop" in command:
            if self.container["id"] in command:
                self.container = {**self.container, "runs": False}
            return 0, ""
        if "--output" not in command:
            return 0, "other-1\nother-2\n"
        shown = dict(self.container)
        if not self.container["runs"]:
            number = self.container["number"] + 1
            self.container = {"id": f"again-{number}", "number": number, "runs": self.server()}
            shown = self.container
        return 0, json.dumps({"containers": [{"id": shown["id"], "state": "CONTAINER_RUNNING" if shown["runs"] else "CONTAINER_EXITED",
                                              "metadata": {"attempt": shown["number"]}}]})  # fmt: skip

    def pods(self, label):
        ready = self.dns if label == "k8s-app=kube-dns" else self.ready and label.partition("=")[2] not in self.shut_pods
        return [{"metadata": {"name": f"pod-{name}"}, "spec": {"nodeName": name},
                 "status": {"conditions": [{"type": "Ready", "status": str(bool(ready))}]}} for name in self.nodes]  # fmt: skip

    @staticmethod
    def items(rows):
        return 0, json.dumps({"items": rows})

    def node(self, name, address, pods="10.244.0.0/24", version="v1.37.2", ready=True, troubles=()):
        conditions = {"Ready": ready, "DiskPressure": False, **dict.fromkeys(troubles, True)}
        return {"metadata": {"name": name}, "spec": {"podCIDR": pods},
                "status": {"addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}],
                           "nodeInfo": {"kubeletVersion": version},
                           "conditions": [{"type": name, "status": str(on)} for name, on in conditions.items()]}}  # fmt: skip

    def marked(self, name):
        """A node with what was written about its being shut."""
        node, told = self.node(name, **self.nodes[name]), self.marks.get(name) or {"mark": {}, "shut": None}
        node["metadata"]["annotations"] = {key: one for key, one in told["mark"].items() if one}
        node["spec"]["unschedulable"] = told["shut"]
        return node

    def of_three(self, name, living=(), unasked=(), virtual=VIRTUAL, **changed):
        """What a host of three control planes is asked, for request()."""
        settings = {**SETTINGS, "virtual_address": virtual, "endpoint": f"{virtual}:6443"}
        found = dict(members.requests(settings, THREE, "/usr/local/sbin/x", living, unasked))[name]
        ticket = {"ca": "CA\n", "token": "abc.def", "key": "00ff", "encryption": "the key of all"}
        return {**found, "ticket": {} if found["first"] else ticket, **changed}

    def request(self, name="cp1", /, **changed):
        found = dict(members.requests(SETTINGS, HOSTS, "/usr/local/sbin/x"))[name] if name in HOSTS else {}
        ticket = {"ca": "CA\n", "token": "abc.def"} if name != "cp1" else {}
        return {**found, "plan": "p", "peers": {}, "seconds": 0, "destroy": "", "ticket": ticket, **changed}

    def with_sets(self, name="cp1", **given):
        """What a request has of sets, for request()."""
        found = dict(members.requests({**SETTINGS, "sets": given}, HOSTS, "/usr/local/sbin/x"))[name]
        return {key: found[key] for key in ("files", "units", "gone")}

    def take(self, wanted):
        return self.modules.sets.taken(self.member(**wanted), "a test")

    def member(self, *words, **changed):
        return self.modules.member.Member(self.ground, self.request(*words, **changed))

    def look(self, *words, **changed):
        return self.modules.upgrade.look(self.member(*words, **changed))

    def apply(self, *words, **changed):
        return self.modules.applying.apply(self.member(*words, **changed), "me")

    def reset(self, *words, **changed):
        return self.modules.leaving.reset(self.member(*words, **changed), "me")

    def files(self):
        """Every file of the host, but for what the program remembers."""
        found = ["/" + str(path.relative_to(self.ground.root)) for path in Path(self.ground.root).rglob("*") if path.is_file()]
        return sorted(path for path in found if not path.startswith(self.modules.places.STATE))

    def remembered(self):
        """What the program remembers."""
        return [path for path in Path(self.ground.at(self.modules.places.STATE)).rglob("*") if path.is_file()]


@pytest.fixture
def host(tmp_path, monkeypatch):
    modules = types.SimpleNamespace(**packed.program("kubernetes", "program.yml", NAMES))
    machine = Machine(modules, tmp_path)
    monkeypatch.setattr(modules.api, "PAUSE", 0)
    monkeypatch.setattr(modules.serving, "PAUSE", 0)
    monkeypatch.setattr(modules.neighbour, "PAUSE", 0.001)
    monkeypatch.setattr(modules.neighbour, "knock", lambda address: None)
    monkeypatch.setattr(modules.upgrade, "PAUSE", 0)
    monkeypatch.setattr(modules.serving, "well", lambda url: machine.well)
    monkeypatch.setattr(modules.member, "has_address", lambda address: machine.mine)
    monkeypatch.setattr(modules.server, "serves", lambda ground, address: address not in machine.shut)
    return machine


POLICIES = sorted(f"{kubeadm.POLICIES}/{one}.yaml" for one in ("admission", "audit", "authentication"))
