# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Members of etcd, asked on a control plane: who answers, and who goes. None goes while most of them would not be there (rule K8S-E4).

kubeadm adds a member as a learner, and gives it its vote once it has caught up: one that is left of a join that was cut off never votes, answers no question
that wants the newest state, and keeps etcd from taking another learner.
"""

from __future__ import annotations

import json

import ledger
import sets

PEER = 2380
# of the member of this host; kubeadm has it listen there without a login
HEALTH = "http://127.0.0.1:2381/health"
TOOLS = sets.RUN + "/members"
# of one that does not answer; many of them are asked one after the other
SHORT = ["--dial-timeout", "5s", "--command-timeout", "10s"]


def peer(address):
    """Where a member that kubeadm made on a host of this address is reached by the others."""
    return "https://%s:%d" % ("[%s]" % address if ":" in address else address, PEER)


def asked(ground, function, *words):
    """What a function says of the members, with the programs of etcd there; one question at a time."""
    return ledger.Ground(ground.state + "/members", ground.root).lock(_asked, ground, function, *words)


def _asked(ground, function, *words):
    image = sets.image(ground)
    if not image:
        raise ledger.Refused("no etcd of kubeadm is on this host (%s)" % sets.ETCD_POD)
    with sets.Tools(ground, image, TOOLS) as tools:
        return function(Members(ground, tools), *words)


class Members:
    """The members, and their health."""

    def __init__(self, ground, tools):
        self.ground, self.tools = ground, tools

    def all(self):
        """[{id, name, peer, learner, well}]; one that was announced and never came has no name."""
        told = json.loads(self.tools.ask("etcdctl", *sets.login(self.ground), *SHORT, "member", "list", "--write-out", "json", seconds=60))
        return [{"id": "%x" % int(one["ID"]), "name": one.get("name") or "", "peer": (one.get("peerURLs") or [""])[0],
                 "learner": one.get("isLearner", False), "well": self._well(one)} for one in told["members"]]  # fmt: skip

    def _well(self, member):
        login = sets.login(self.ground, ",".join(member.get("clientURLs") or ()))
        return bool(member.get("clientURLs")) and self.tools.works("etcdctl", *login, *SHORT, "endpoint", "health")

    def remove(self, member):
        self.tools.ask("etcdctl", *sets.login(self.ground), *SHORT, "member", "remove", member["id"], seconds=60)


def named(member):
    return member["name"] or member["peer"]


def of_host(members, name, address):
    """The member of a host: by its name, or by where it is reached."""
    return [one for one in members if one["name"] == name or one["peer"] == peer(address)]


def quorum(members, gone=()):
    """Why members cannot go, or nothing: most of those that vote have to answer before it, and of those that stay."""
    voters = [one for one in members if not one["learner"]]
    stay = [one for one in voters if one not in gone]
    for those, when in ((voters, "answer"), (stay, "of those that would stay answer")):
        well = [one for one in those if one["well"]]
        if len(well) * 2 <= len(those):
            return "%d of %d members of etcd %s: that is not most of them, and it would lose all" % (len(well), len(those), when)
    return ""


def silent(members):
    """Names of those that vote and do not answer."""
    return sorted(named(one) for one in members if not one["well"] and not one["learner"])


def well(ground):
    """Names of members that answer."""
    return asked(ground, lambda members: sorted(one["name"] for one in members.all() if one["well"]))


def silent_ones(ground):
    """Names of members that vote and do not answer."""
    return asked(ground, lambda members: silent(members.all()))


def whole(member, when):
    """Refuse to take one of several members down while another one is (rule K8S-E4)."""
    left = silent_ones(member.ground) if len(member.request["control"]) > 1 else []
    if left:
        raise ledger.Refused("members of etcd do not answer %s: %s" % (when, ", ".join(left)))


def made_room(ground, request):
    """Before a control plane joins: whatever etcd has of its host's former life goes, learners of joins that were cut off, and members that are lost for good:
    they do not answer, and their hosts have no cluster, or are no control planes any more. request: {name, address, control, nodes, bare, cut_off: whether this
    very join was begun before}; names of who went."""
    return asked(ground, _made_room, request)


def _made_room(asking, request):
    members = asking.all()
    own = of_host(members, request["name"], request["address"])
    if [one for one in own if one["well"]] and not request["cut_off"]:
        raise ledger.Refused("etcd has a member %s at %s that answers, and this host says that it has no cluster: two hosts of one name or address"
                             % (request["name"], request["address"]))  # fmt: skip
    gone = own + [one for one in members if one not in own and (one["learner"] or _is_lost(one, request))]
    left = silent([one for one in members if one not in gone])
    wrong = quorum(members, gone) or left and "members of etcd do not answer, and nobody joins before they do: %s" % ", ".join(left)
    if wrong:
        raise ledger.Refused(wrong)
    for one in gone:
        asking.remove(one)
    return [named(one) for one in gone]


def _is_lost(member, request):
    """Whether it does not answer, and no control plane with a cluster has its name; one that never started has none, and is known by where it would be."""
    living = set(request["control"]) - set(request["bare"])
    known = living if member["name"] else {peer(request["nodes"][name][0]) for name in living}
    return not member["well"] and named(member) not in known


def objections(ground, name, address):
    """Why the member of a host cannot go, or nothing."""
    return asked(ground, _objections, name, address)


def _objections(asking, name, address):
    members = asking.all()
    own = of_host(members, name, address)
    return quorum(members, own) if own else ""


def forgotten(ground, name, address):
    """Have the member of a host go; whether there was one."""
    return asked(ground, _forgotten, name, address)


def _forgotten(asking, name, address):
    members = asking.all()
    own = of_host(members, name, address)
    wrong = quorum(members, own) if own else ""
    if wrong:
        raise ledger.Refused("the member of etcd on %s stays: %s" % (name, wrong))
    for one in own:
        asking.remove(one)
    return bool(own)
