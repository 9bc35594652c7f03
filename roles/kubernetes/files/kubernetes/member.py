# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""This host as a member of a cluster: what is asked for beside what is there, and what stands in the way.

A request is what module_utils/_cluster/members.py writes, with plan, seconds (in which the API has to answer), peers: {name: {address, pods}} of the nodes that
are there, destroy: name of the cluster whose control plane may go, for a host that joins its ticket: {ca, token}, with {key, encryption} for a control plane,
and what restore.py says. left: whether the cluster was told that this control plane goes; encryption: digest of the key of secrets that others have.
"""

from __future__ import annotations

import base64
import glob
import json
import os
import re
import socket

import cluster_certificates
import ledger
import making
import neighbour
import network
import places
import restore
import sets
import virtual

_SERVER = re.compile(r"^\s*server: https://(\S+)\s*$", re.M)


class Member:
    """What is asked for, beside what is there."""

    def __init__(self, ground, request):
        self.ground, self.request, self.name = ground, request, request["name"]
        self.ledger = ledger.Ledger(ground)
        self.journal = ground.load(self.ledger.open)
        self.files = dict(request["files"])
        if request["network"]:
            self.files.update(network.files(self.name, request.get("peers") or {}, request["network"]))
        if request.get("virtual"):
            self.files.update(virtual.files(self.name, request["address"], interface(ground, request["address"]), request["virtual"]))
        self.units, self.stale = [unit for unit in request["units"] if places.UNITS + unit in self.files], []

        # a run was cut off while kubeadm made this host a member, or took it out
        self.half = bool(self.journal and self.journal["step"] in making.HALF)
        self.joined = self.ground.known(places.JOINED) is not None and (not self.half or making.finished(self))

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
        for path in self.changed(self.files, places.MODE) + self.changed(self.request["policies"], places.SECRET):
            rows.append({"resource": "file:" + path, "before": "there" if self.ground.known(path) else None, "after": "as wanted"})
        if self.request["part"] == places.CONTROL and self.ground.known(places.SUPER_ADMIN):
            rows.append({"resource": "file:" + places.SUPER_ADMIN, "before": "there", "after": None})
        ending = self.ending()
        rows += [{"resource": "certificates:" + self.name, "before": ", ".join(ending) + " end soon", "after": "renewed"}] if ending else []
        rows += restore.differs(self) + sets.differs(self)
        if self.request.get("virtual") and not all(os.path.exists(self.ground.at(path)) for path in (virtual.PROGRAM, virtual.ASKS)):
            rows.append({"resource": "program:keepalived", "before": None, "after": "there"})
        return rows + [{"resource": "unit:" + unit, "before": None, "after": "active"} for unit in self.idle()]

    def ending(self):
        """Certificates of a control plane that end soon (rule K8S-S6)."""
        if not (self.joined and self.request["part"] == places.CONTROL):
            return []
        text = self.ground.run(["kubeadm", "certs", "check-expiration", "--output", "json"], timeout=120, data=b"")[1]
        try:
            return cluster_certificates.ending(text)
        except ValueError as error:
            raise ledger.Refused("kubeadm does not say when certificates end: %s" % error)

    def refusals(self):
        """What stands in the way; all of it at once."""
        ground, request = self.ground, self.request
        part = places.CONTROL if ground.known(places.SERVER_POD) else "worker"
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
            left = [path for path in ("/etc/kubernetes/manifests/*.yaml", "/etc/kubernetes/pki/*", places.ETCD) if glob.glob(ground.at(path))]
            found += ["something of another cluster is left here (%s): look whether it is still needed, then kubeadm reset" % ", ".join(left)] if left else []
        if not self.joined and request["first"]:
            found += self._no_second_cluster()
        if self.joined and self._other_key():
            found.append("this control plane has another key of secrets than the others: what one writes the other cannot read")
        if not has_address(request["address"]):
            found.append("%s is no address of this host: say kubernetes_address in the inventory" % request["address"])
        return found + restore.refusals(self) + sets.refusals(self) + self._foreign_networks() + self._far_nodes() + self._far_address() + self._taken_address()

    def _no_second_cluster(self):
        """Whoever has the cluster already may be one that nobody could ask."""
        if self.half and self.journal["step"] == "join":
            return ["a join was cut off on this host, and no other control plane has the cluster any more: kubernetes_state: absent for it first"]
        names = ", ".join(self.request.get("unasked") or ())
        return ["nobody can tell whether %s has the cluster already, and a second one is never made: a run with all control planes makes the first" % names] \
            if names else []

    def _other_key(self):
        mine, others = (self.ground.known(places.ENCRYPTION) or {}).get("sha256"), self.request.get("encryption")
        return bool(mine and others and mine != others)

    @property
    def server(self):
        """Where the API is, as this host knows it."""
        return (_SERVER.search(self.ground.text(places.JOINED) or "") or [None, None])[1]

    @property
    def orphan(self):
        """Whether the control plane is of another cluster than this host, or of none any more: its authority is not the one that this host knows."""
        if self.request["first"] or "authority" not in self.request:
            return False
        known = re.search(r"^\s*certificate-authority-data: (\S+)\s*$", self.ground.text(places.JOINED) or "", re.M)
        there = (self.request["authority"] or "").strip()
        return known is not None and base64.b64decode(known[1]).decode("utf-8", "replace").strip() != there

    @property
    def servers(self):
        """Where it may be: a kubelet beside an API server asks that one, whatever stands before it."""
        mine = "%s:%d" % (self.request["address"], places.PORT)
        return [self.request["endpoint"]] + ([mine] if self.request["part"] == places.CONTROL else [])

    def _changed_settings(self):
        was = self.ground.load(places.MADE) if self.request["part"] == places.CONTROL else None
        wanted = self.request["settings"]
        differing = sorted(key for key in wanted if was is not None and was.get(key) != wanted[key])
        return ["the cluster was made with %s: %s, and not %s; this version of the role changes no settings of a cluster that is there"
                % (key, json.dumps(was.get(key)), json.dumps(wanted[key])) for key in differing]  # fmt: skip

    def _far_address(self):
        """One that moves is found by its segment alone."""
        given = (self.request.get("virtual") or {}).get("address")
        return ["the virtual address %s is not in the network segment of this host" % given] if given and self._is_far(given) else []

    def _taken_address(self):
        """Nobody has the cluster yet, so nobody has its address either, unless a run was cut off here."""
        given = (self.request.get("virtual") or {}).get("address")
        if not given or self.joined or not self.request["first"] or interface(self.ground, given) or self._is_far(given):
            return []
        return ["somebody else has the virtual address %s already: the cluster wants a free one" % given] if neighbour.answers(self.ground, given) else []

    def _is_far(self, address):
        code, text = self.ground.run(["ip", "route", "get", address], check=False, timeout=60)
        return bool(code) or " via " in text

    def _far_nodes(self):
        """A route to pods needs their node in the same segment; a control plane asks for all of them."""
        if not (self.request["network"] and self.request["part"] == places.CONTROL):
            return []
        found = []
        for name, addresses in sorted(self.request["nodes"].items()):
            if self._is_far(addresses[0]):
                found.append("%s at %s is not in the network segment of this host, which kubernetes_network: routed needs" % (name, addresses[0]))
        return found

    def _foreign_networks(self):
        """A kubelet takes the first file of this folder."""
        there = sorted(os.path.basename(path) for kind in ("conf", "conflist") for path in glob.glob(self.ground.at("%s/*.%s" % (places.CNI, kind))))
        if self.request["network"] and there and there[0] < os.path.basename(network.CNI):
            return ["%s/%s is somebody else's network and comes before ours: kubernetes_network: none leaves it alone" % (places.CNI, there[0])]
        return []


def interface(ground, address):
    """Name of the one that has an address, as keepalived wants it; empty: none has."""
    words = ground.run(["ip", "-oneline", "address", "show", "to", address], check=False, timeout=60, data=b"")[1].split()
    return words[1].partition("@")[0] if len(words) > 1 else ""


def has_address(address):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.bind((address, 0))
        except OSError:
            return False
    return True
