# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""This host as a member of a cluster: what is there, made or joined by kubeadm, and back again.

A request is what module_utils/_cluster/members.py writes, with plan, seconds (in which the API has to answer), peers: {name: {address, pods}} of the nodes that
are there, destroy: name of the cluster whose control plane may go, for a host that joins its ticket: {ca, token}, and what restore.py says.
"""

from __future__ import annotations

import base64
import glob
import json
import os
import re
import shutil
import socket
import time

import cluster_certificates
import kubeadm
import ledger
import network
import restore
import sets

STATE = "/var/lib/ai-stack/kubernetes"
RUN = sets.RUN
SCRATCH = DISCOVERY, DOCUMENT = RUN + "/discovery.conf", RUN + "/kubeadm.yaml"
# what a kubelet joins by; kubeadm takes it away at its end
BOOTSTRAP = "/etc/kubernetes/bootstrap-kubelet.conf"
JOINED, ADMIN, SUPER_ADMIN = "/etc/kubernetes/kubelet.conf", "/etc/kubernetes/admin.conf", "/etc/kubernetes/super-admin.conf"
SERVER_POD = "/etc/kubernetes/manifests/kube-apiserver.yaml"
AUTHORITY, ETCD = "/etc/kubernetes/pki/ca.crt", "/var/lib/etcd/member"
# what the cluster was made with, beside the documents that kubeadm keeps
MADE = "/etc/ai-stack/kubernetes/cluster.json"
# where kubelet.conf points to once kubeadm has come to its last steps
LATE = "/var/lib/kubelet/pki/kubelet-client-current.pem"
ENCRYPTION = kubeadm.POLICIES + "/encryption.yaml"
UNITS, CNI, ADDRESSES = "/etc/systemd/system/", "/etc/cni/net.d", "/var/lib/cni/networks/ai-stack"
# of kubeadm, which waits for images, the kubelet and the API itself
LONG = 900
PAUSE, TRIES = 1, 2
# what reads certificates of the control plane beside the API server
OTHERS = "^(etcd|kube-controller-manager|kube-scheduler)$"
RUNTIME = ["crictl", "--runtime-endpoint", kubeadm.SOCKET]
MODE, SECRET = 0o644, 0o600
CONTROL = "control_plane"
PORT = 6443
BUILT_IN = {"default", "kube-node-lease", "kube-public", "kube-system"}
HALF = ("init", "join", "reset")
# the role brings it, right after this question
IGNORED = "FileContent--proc-sys-net-ipv4-ip_forward"
_SERVER = re.compile(r"^\s*server: https://(\S+)\s*$", re.M)


def kubectl(ground, *words, check=True, seconds=60, data=b""):
    """(exit status, output) of kubectl with the way in that needs no identity provider."""
    command = ["kubectl", "--kubeconfig", ground.at(ADMIN), "--request-timeout", "%ds" % min(seconds, 30), *words]
    return ground.run(command, check=check, timeout=seconds, data=data)


class Member:
    """What is asked for, beside what is there."""

    def __init__(self, ground, request):
        self.ground, self.request, self.name = ground, request, request["name"]
        self.ledger = ledger.Ledger(ground)
        self.journal = ground.load(self.ledger.open)
        self.files = dict(request["files"])
        if request["network"]:
            self.files.update(network.files(self.name, request.get("peers") or {}, request["network"]))
        self.units, self.stale = [unit for unit in request["units"] if UNITS + unit in self.files], []

        # a run was cut off while kubeadm made this host a member, or took it out
        self.half = bool(self.journal and self.journal["step"] in HALF)
        self.joined = self.ground.known(JOINED) is not None and (not self.half or finished(self))

    def changed(self, texts, mode):
        """Paths of what is not there as it is wanted."""
        return sorted(path for path, text in texts.items()
                      if self.ground.read(path) != text.encode("utf-8") or self.ground.known(path)["mode"] != mode)  # fmt: skip

    def idle(self):
        """Units that are to run and do not."""
        return [unit for unit in self.units if self.ground.run(["systemctl", "is-active", unit], check=False, timeout=60)[1].strip() != "active"]

    def differs(self):
        """[{resource, before, after}]"""
        rows = [] if self.joined else [{"resource": "member:" + self.name, "before": None, "after": self.request["part"]}]
        for path in self.changed(self.files, MODE) + self.changed(self.request["policies"], SECRET):
            rows.append({"resource": "file:" + path, "before": "there" if self.ground.known(path) else None, "after": "as wanted"})
        if self.request["part"] == CONTROL and self.ground.known(SUPER_ADMIN):
            rows.append({"resource": "file:" + SUPER_ADMIN, "before": "there", "after": None})
        ending = self.ending()
        rows += [{"resource": "certificates:" + self.name, "before": ", ".join(ending) + " end soon", "after": "renewed"}] if ending else []
        rows += restore.differs(self) + sets.differs(self)
        return rows + [{"resource": "unit:" + unit, "before": None, "after": "active"} for unit in self.idle()]

    def ending(self):
        """Certificates of a control plane that end soon (rule K8S-S6)."""
        if not (self.joined and self.request["part"] == CONTROL):
            return []
        text = self.ground.run(["kubeadm", "certs", "check-expiration", "--output", "json"], timeout=120, data=b"")[1]
        try:
            return cluster_certificates.ending(text)
        except ValueError as error:
            raise ledger.Refused("kubeadm does not say when certificates end: %s" % error)

    def refusals(self):
        """What stands in the way; all of it at once."""
        ground, request = self.ground, self.request
        part = CONTROL if ground.known(SERVER_POD) else "worker"
        again = "take it out of that one first, with the inventory of that one"
        found = []
        if self.joined:
            if self.server not in self.servers and not restore.follows(self):
                found.append("this host has joined the cluster at %s, and not that at %s: %s" % (self.server, request["endpoint"], again))
            elif self.orphan:
                found.append("this host is a node of a cluster that was at %s before and is gone: kubernetes_state: absent for this host first" % self.server)
            elif part != request["part"]:
                found.append("this host is a %s of the cluster and was asked to be a %s: %s" % (part, request["part"], again))
            found += self._changed_settings()
        elif not self.journal:
            left = [path for path in ("/etc/kubernetes/manifests/*.yaml", "/etc/kubernetes/pki/*", ETCD) if glob.glob(ground.at(path))]
            found += ["something of another cluster is left here (%s): look whether it is still needed, then kubeadm reset" % ", ".join(left)] if left else []
        if not has_address(request["address"]):
            found.append("%s is no address of this host: say kubernetes_address in the inventory" % request["address"])
        return found + restore.refusals(self) + sets.refusals(self) + self._foreign_networks() + self._far_nodes()

    @property
    def server(self):
        """Where the API is, as this host knows it."""
        return (_SERVER.search(self.ground.text(JOINED) or "") or [None, None])[1]

    @property
    def orphan(self):
        """Whether the control plane is of another cluster than this host, or of none any more: its authority is not the one that this host knows."""
        if self.request["first"] or "authority" not in self.request:
            return False
        known = re.search(r"^\s*certificate-authority-data: (\S+)\s*$", self.ground.text(JOINED) or "", re.M)
        there = (self.request["authority"] or "").strip()
        return known is not None and base64.b64decode(known[1]).decode("utf-8", "replace").strip() != there

    @property
    def servers(self):
        """Where it may be: a kubelet beside an API server asks that one, whatever stands before it."""
        mine = "%s:%d" % (self.request["address"], PORT)
        return [self.request["endpoint"]] + ([mine] if self.request["part"] == CONTROL else [])

    def _changed_settings(self):
        was = self.ground.load(MADE) if self.request["first"] else None
        wanted = self.request["settings"]
        differing = sorted(key for key in wanted if was is not None and was.get(key) != wanted[key])
        return ["the cluster was made with %s: %s, and not %s; this version of the role changes no settings of a cluster that is there"
                % (key, json.dumps(was.get(key)), json.dumps(wanted[key])) for key in differing]  # fmt: skip

    def _far_nodes(self):
        """A route to pods needs their node in the same segment; the control plane asks for all of them."""
        if not (self.request["network"] and self.request["first"]):
            return []
        found = []
        for name, addresses in sorted(self.request["nodes"].items()):
            code, text = self.ground.run(["ip", "route", "get", addresses[0]], check=False, timeout=60)
            if code or " via " in text:
                found.append("%s at %s is not in the network segment of this host, which kubernetes_network: routed needs" % (name, addresses[0]))
        return found

    def _foreign_networks(self):
        """A kubelet takes the first file of this folder."""
        there = sorted(os.path.basename(path) for kind in ("conf", "conflist") for path in glob.glob(self.ground.at("%s/*.%s" % (CNI, kind))))
        if self.request["network"] and there and there[0] < os.path.basename(network.CNI):
            return ["%s/%s is somebody else's network and comes before ours: kubernetes_network: none leaves it alone" % (CNI, there[0])]
        return []


def has_address(address):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.bind((address, 0))
        except OSError:
            return False
    return True


def look(member, versions=()):
    """What would change, or every refusal; the host is left as it is. versions: rows of what has another one."""
    refused = member.refusals()
    if refused:
        raise ledger.Refused("\n".join(refused))
    return {"differs": [*versions, *member.differs()], "joined": member.joined, "open": member.ledger.status()["open"]}


def apply(member, owner):
    """All of it; what kubeadm does not bring to its end is taken back here, in this call."""
    refused = member.refusals()
    if refused:
        raise ledger.Refused("\n".join(refused))
    rows = member.differs()
    if not rows and not member.journal:
        return {"changed": False}
    if member.joined and member.journal and member.journal.get("fresh"):
        # kubeadm came to its end: what is there counts from now on, and there is no way back to before it; logins that it was cut off with go
        for path in (BOOTSTRAP, *SCRATCH):
            member.ground.remove(path)
        member.ledger.commit()
    elif member.half:
        wiped(member)
    sets.before(member, rows)
    fresh = not member.joined
    if fresh:
        ready(member)
    touched = sorted({*member.files, *member.request["policies"], *member.request["gone"]})
    member.ledger.begin({"plan": member.request["plan"], "owner": owner, "touches": {"files": touched}, "irreversible": False, "fresh": fresh,
                         "restore": bool(fresh and member.request.get("restore"))})  # fmt: skip
    try:
        restart = written(member)
        if fresh:
            made(member)
        elif restart:
            member.ledger.step("restart")
            server_again(member)
        restore.followed(member)
        sets.withdrawn(member)
        if member.request["part"] == CONTROL:
            member.ledger.step("settle")
            renewed(member)
            # it is bound to the built-in group of all rights (rule K8S-S3); who needs it again makes it of the authority
            member.ground.remove(SUPER_ADMIN)
        run_units(member)
    except (ledger.Refused, OSError) as error:
        raise ledger.Refused("%s\n%s" % (error, led_back(member, fresh)))
    member.ledger.commit()
    if sets.differs(member):
        # it stays as it is where that fails, and the next run tries again
        sets.taken(member, "the first one")
    return {"changed": True, **({"restored": restore.record(member.ground)} if fresh and member.request.get("restore") else {})}


def written(member):
    """Write the files that differ; whether one of them is read by a running API server when it starts."""
    member.ledger.step("files")
    settings = member.changed(member.files, MODE)
    policies = member.changed(member.request["policies"], SECRET)
    for path in settings:
        member.ground.write(path, member.files[path].encode("utf-8"), MODE)
    for path in policies:
        member.ground.write(path, member.request["policies"][path].encode("utf-8"), SECRET)
    for path in settings:
        if path.startswith("/etc/sysctl.d/"):
            member.ground.run(["sysctl", "--quiet", "--load", member.ground.at(path)], timeout=60)
    member.stale = [unit for unit in member.units if {UNITS + unit, UNITS + unit.replace(".timer", ".service"), network.ROUTES, network.NAT} & set(settings)]
    return bool(policies)


def run_units(member):
    """Those whose files were written start anew."""
    stale = sorted({*member.stale, *member.idle()})
    if stale:
        member.ledger.step("units")
        start(member, stale)


def start(member, units):
    """Start units anew; none are none."""
    if not units:
        return
    member.ground.run(["systemctl", "daemon-reload"], timeout=120)
    member.ground.run(["systemctl", "--quiet", "enable", *units], timeout=120)
    member.ground.run(["systemctl", "restart", *units], timeout=120)
    if network.UNIT in units:
        wanted = {line.split()[2] for line in (member.ground.text(network.ROUTES) or "").splitlines()}
        shown = member.ground.run(["ip", "route", "show", "protocol", str(network.PROTOCOL)], timeout=60, data=b"")[1]
        # last, so that no route is missing meanwhile
        for pods in sorted({line.split()[0] for line in shown.splitlines() if line.split()} - wanted):
            member.ground.run(["ip", "route", "del", pods, "protocol", str(network.PROTOCOL)], check=False, timeout=60)


def ready(member):
    """What kubeadm itself has against this host, before anything is written; a first control plane pulls its images here."""
    if not member.request["first"]:
        return
    with Scratch(member, DOCUMENT, member.request["document"]) as path:
        command = ["kubeadm", "init", "phase", "preflight", "--ignore-preflight-errors", IGNORED, "--config", path]
        code, text = member.ground.run(command, check=False, timeout=LONG)
    if code:
        raise ledger.Refused("kubeadm refuses this host:\n%s" % reasons(text))


def reasons(text):
    """Each error of a kubeadm, or its last words."""
    found = [line.strip() for line in re.findall(r"\[ERROR [^\]]+\]:.*(?:\n(?!\s*\[).+)*", text)]
    return "\n".join(" ".join(one.split())[:600] for one in found) or ledger.tail(text, 3)


class Scratch:
    """A file for one command, in a folder that nobody else can look into and that no disk keeps."""

    def __init__(self, member, path, text):
        self.ground, self.path, self.text = member.ground, path, text

    def __enter__(self):
        os.makedirs(self.ground.at(RUN), mode=0o700, exist_ok=True)
        os.chmod(self.ground.at(RUN), 0o700)
        self.ground.write(self.path, self.text.encode("utf-8"), SECRET)
        return self.ground.at(self.path)

    def __exit__(self, *_dummy):
        self.ground.remove(self.path)


def made(member):
    """The first control plane, or one more member."""
    ground, request = member.ground, member.request
    without_rules(ground)
    ground.run(["systemctl", "--quiet", "enable", "kubelet.service"], timeout=120)
    if request.get("restore"):
        member.ledger.step("init")
        restore.put_back(member, etcd_image(member))
    if request["part"] == CONTROL and ground.known(ENCRYPTION) is None:
        key = {"name": "key1", "secret": base64.b64encode(os.urandom(32)).decode("ascii")}
        ground.write(ENCRYPTION, json.dumps(kubeadm.encryption([key])).encode("ascii"), SECRET)
    if request["first"]:
        member.ledger.step("init")
        ground.save(MADE, request["settings"])
        run_kubeadm(member, "init", "--skip-phases", "preflight", "--skip-token-print")
        if request.get("restore"):
            restore.settled(member, kubectl)
        return
    member.ledger.step("join")
    with Scratch(member, DISCOVERY, discovery(request["endpoint"], request["ticket"])):
        run_kubeadm(member, "join")


def etcd_image(member):
    """The image of etcd that kubeadm brings for this host."""
    with Scratch(member, DOCUMENT, member.request["document"]) as path:
        listed = member.ground.run(["kubeadm", "config", "images", "list", "--config", path], timeout=120, data=b"")[1].split()
    return next(one for one in listed if one.rpartition("/")[2].startswith("etcd:"))


def discovery(endpoint, ticket):
    """Where the API is, by which authority it is known, and a login for a quarter of an hour."""
    cluster = {"server": "https://" + endpoint, "certificate-authority-data": base64.b64encode(ticket["ca"].encode("ascii")).decode("ascii")}
    return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "join", "clusters": [{"name": "cluster", "cluster": cluster}],
                       "users": [{"name": "host", "user": {"token": ticket["token"]}}],
                       "contexts": [{"name": "join", "context": {"cluster": "cluster", "user": "host"}}]})  # fmt: skip


def run_kubeadm(member, verb, *words):
    with Scratch(member, DOCUMENT, member.request["document"]) as path:
        code, text = member.ground.run(["kubeadm", verb, "--config", path, *words], check=False, timeout=LONG)
    if code:
        raise ledger.Refused("kubeadm %s failed: %s%s" % (verb, reasons(text), last_words(member.ground)))


def last_words(ground):
    """What a control plane that does not come up said last: kubeadm only says that it did not."""
    logs = sorted(glob.glob(ground.at("/var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log")), key=os.path.getmtime)
    if not logs:
        return ""
    with open(logs[-1], encoding="utf-8", errors="replace") as stream:
        lines = [line for line in stream if re.search(r" [EF]\d{4} |[Ee]rror|stderr F E", line)]
    return "; the API server said: %s" % lines[-1].split(" F ", 1)[-1].strip()[-400:] if lines else ""


def finished(member):
    """Whether kubeadm came to its end although nobody noted it. One that others use meanwhile is not taken from them."""
    ground = member.ground
    # what was restored is there from the first answer of the API on: nobody knows how far it came, and it is begun again
    if member.journal["step"] == "reset" or member.journal.get("restore"):
        return False
    if not member.request["first"]:
        return member.name in (member.request.get("peers") or {})
    code, text = kubectl(ground, "get", "namespaces", "--output", "name", check=False)
    if code:
        if LATE in (ground.text(JOINED) or ""):
            raise ledger.Refused("this control plane was made, its API does not answer, and nobody noted how far it came: look why%s" % last_words(ground))
        return False
    if kubectl(ground, "--namespace", "kube-system", "get", "daemonset/kube-proxy", "deployment/coredns", "--output", "name", check=False)[0] == 0:
        return True
    others = {line.partition("/")[2] for line in text.split()} - BUILT_IN
    others |= {line.partition("/")[2] for line in kubectl(ground, "get", "nodes", "--output", "name")[1].split()} - {member.name}
    if others:
        raise ledger.Refused("this control plane was not made to its end, and somebody uses it (%s): what is missing wants a look" % ", ".join(sorted(others)))
    return False


def wiped(member):
    """What kubeadm left of a member, as if it had never been one."""
    ground = member.ground
    ground.run(["kubeadm", "reset", "--force", "--cri-socket", kubeadm.SOCKET], timeout=LONG)
    ground.run(["systemctl", "disable", "--now", "kubelet.service"], check=False, timeout=120)
    for path in (JOINED, ADMIN, SUPER_ADMIN, BOOTSTRAP, ENCRYPTION, MADE, *SCRATCH):
        ground.remove(path)
    if member.request["part"] == CONTROL:
        restore.taken_back(ground)
    # addresses of pods that were cut off would be nobody's
    shutil.rmtree(ground.at(ADDRESSES), ignore_errors=True)
    without_rules(ground)
    member.joined = False


def without_rules(ground):
    """Without the rules of services: kubeadm leaves them to others, and the kube-proxy of another cluster builds on them and leaves services out."""
    for family in ("ip", "ip6"):
        ground.run(["nft", "delete", "table", family, "kube-proxy"], check=False, timeout=60)


def renewed(member):
    """New certificates of the same authorities, and everything that reads them anew; the old ones hold meanwhile."""
    if member.ending():
        member.ledger.step("certificates")
        member.ground.run(["kubeadm", "certs", "renew", "all"], timeout=300)
        others = member.ground.run(RUNTIME + ["ps", "--quiet", "--name", OTHERS], timeout=60, data=b"")[1].split()
        if others:
            member.ground.run(RUNTIME + ["stop", "--timeout", "30", *sorted(others)], timeout=120)
        server_again(member)


def server_again(member):
    """Have the kubelet start the API server anew, and wait until it is ready."""
    ground = member.ground
    was = servers(ground)
    up = sorted(one for one, (runs, dummy) in was.items() if runs)
    if up:
        ground.run(RUNTIME + ["stop", "--timeout", "30", *up], timeout=120)
    else:
        # one that ended again and again would be started ever later
        ground.run(["systemctl", "restart", "kubelet.service"], timeout=120)
    last, end = max([number for dummy, number in was.values()], default=0), time.monotonic() + member.request["seconds"]
    while True:
        now = {one: state for one, state in servers(ground).items() if one not in was}
        if any(runs for runs, dummy in now.values()) and kubectl(ground, "get", "--raw", "/readyz", check=False)[0] == 0:
            return
        # the runtime keeps the last one alone, by its number: one that ended twice by itself will not come
        ended = max([number for runs, number in now.values() if not runs], default=last)
        if ended - last >= TRIES or time.monotonic() >= end:
            raise ledger.Refused("the API server does not come back%s" % last_words(ground))
        time.sleep(PAUSE)


def servers(ground):
    """{container of the API server: (whether it runs, number of its start)}"""
    text = ground.run(RUNTIME + ["ps", "--all", "--name", "^kube-apiserver$", "--output", "json"], timeout=60, data=b"")[1]
    return {one["id"]: (one["state"] == "CONTAINER_RUNNING", one["metadata"]["attempt"]) for one in json.loads(text)["containers"]}


def led_back(member, fresh):
    """What came of the way back, be it that it failed too."""
    try:
        return back(member, fresh)
    except (ledger.Refused, OSError) as error:
        return str(error)


def back(member, fresh):
    """The files of before the change, and the host without what kubeadm began."""
    record = member.ledger.need_open()
    if fresh and (member.ground.known(JOINED) or record["step"] in HALF):
        wiped(member)
    policies = [path for path in record["before"]["files"] if path in member.request["policies"]]
    changed = [path for path in policies if member.ground.known(path) != record["before"]["files"][path]]
    for path, was in sorted(record["before"]["files"].items()):
        member.ground.put_back(path, was)
    try:
        if changed and not fresh:
            server_again(member)
        start(member, [unit for unit in member.stale if member.ground.known(UNITS + unit)])
    except ledger.Refused as error:
        raise ledger.Refused("the files of before the change are back, and yet: %s" % error)
    member.ledger.close(record, "restored")
    return "this host is no member of the cluster, as before" if fresh else "it runs with the files of before the change"


def reset(member, owner):
    """Out of the cluster, and the files of before this role; who takes a host out for good has the cluster told first."""
    ground, request = member.ground, member.request
    there = [path for path in (SERVER_POD, ETCD) if os.path.exists(ground.at(path))]
    if not ground.known(JOINED) and not there and not member.journal and not any(ground.known(path) for path in member.files):
        return {"changed": False}
    if member.server not in (None, *member.servers):
        raise ledger.Refused("this host has joined the cluster at %s, and not that at %s: it stays" % (member.server, request["endpoint"]))
    if there and request["destroy"] != request["cluster"]:
        raise ledger.Refused("this host is a control plane (%s): everything that is stored in it would go; kubernetes_destroy names the cluster that may"
                             % ", ".join(there))  # fmt: skip
    touched = sorted({*member.files, *request["policies"], *request["gone"]})
    member.ledger.begin({"plan": request["plan"], "owner": owner, "touches": {"files": touched}, "irreversible": True, "fresh": False})
    member.ledger.step("reset")
    units = [unit for unit in request["units"] if ground.known(UNITS + unit)]
    if units:
        ground.run(["systemctl", "disable", "--now", *units], check=False, timeout=120)
    if ground.known(JOINED) or there or member.half:
        wiped(member)
    record = member.ledger.need_open()
    base = (ground.load(member.ledger.base) or {}).get("before", {}).get("files", {})
    for path in sorted({*base, *touched}):
        ground.put_back(path, base.get(path))
    ground.run(["ip", "route", "flush", "protocol", str(network.PROTOCOL)], check=False, timeout=60)
    ground.run(["nft", "delete", "table", "ip", network.TABLE], check=False, timeout=60)
    if units:
        ground.run(["systemctl", "daemon-reload"], timeout=120)
        # what failed once, as while the API was away, would be listed for ever
        ground.run(["systemctl", "reset-failed", "ai-stack-kubernetes-*"], check=False, timeout=60)
    member.ledger.close(record, "taken back")
    return {"changed": True}
