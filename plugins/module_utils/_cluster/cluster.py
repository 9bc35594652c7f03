# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster of the site: its hosts, and the versions that it gets."""

from __future__ import annotations

from .._parse import cluster_claims
from . import cards, gpu_operator, network, numbers
from .node import CONTROL, MEMBER, SERVER, WORKER, Node

# what is installed on each host; the others are images
PROGRAMS = ('kubeadm', 'kubelet', 'kubectl')


class Cluster:
    """A row of ai_stack_clusters; seen: what its API tells, which counts before what its hosts do."""

    def __init__(self, site, at, row, seen):
        self.site, self.index, self.at, self.row, self.name = site, site.index, at, row, str(row['name'])
        self.groups = {CONTROL: self._members('control_plane'), WORKER: self._members('nodes')}
        # a host in both groups is a control plane that runs work too
        self.everyone = [Node(self, site.hosts[name], part) for part, names in self.groups.items() for name in names
                         if part == CONTROL or name not in self.groups[CONTROL]]
        # one that is out of service is left as it is, and counts
        self.nodes = [one for one in self.everyone if not one.host.out]
        # what a caller knows of it, else what the API told a control plane
        self.seen = seen or {'nodes': next((one.told for one in self.everyone if one.part == CONTROL and one.told is not None), None)}
        self.waived = site.waivers.for_cluster(self.name)
        self.wanted = numbers.plain(str(row.get('kubernetes') or ''))
        self.minor = numbers.branch(self.wanted or '')
        self.row_of_minor = self.index.minors.get(self.minor)
        self.version, self.because = self._version()
        self.pools = cards.pools(self)
        # the other clusters of the site
        self.others = ()

    @property
    def of_accelerators(self):
        """{owner, release, allocation}: who brings what hands out cards, and in which way, as the site says it."""
        return self.row.get('accelerators') or {}

    @property
    def by_operator(self):
        """Whether an operator brings what hands out cards, and not our role."""
        return self.of_accelerators.get('owner') == 'operator'

    @property
    def by_claims(self):
        """Whether pods get cards by claims (DRA), and not from a device plugin."""
        return self.of_accelerators.get('allocation') == 'dra'

    @property
    def operator(self):
        """The row of the operator's release; None: the cluster gets none, or no table has it."""
        return gpu_operator.row_of(self) if self.by_operator else None

    def plugin(self, vendor):
        """The row of what hands out cards of a vendor, a device plugin or a DRA driver, or None. An operator brings that of its release."""
        if self.by_claims:
            return cards.plugin_of(self.index, vendor, None, 'dra')
        wanted = self.operator['device_plugin'] if self.operator else self.row.get('device_plugin')
        return cards.plugin_of(self.index, vendor, wanted, 'device_plugin')

    @property
    def queues(self):
        """The row of the branch of Kueue that the site has there; None: it has none, or no table knows it."""
        return self.index.queues.get(numbers.branch(self.row.get('kueue') or ''))

    @property
    def networks(self):
        """{pods, services, domain, network}: what the site says, or the default."""
        return {key: self.row.get(key) or one for key, one in network.DEFAULTS.items()}

    @property
    def names(self):
        """Its hosts."""
        return {one.name for one in self.nodes}

    def told_of(self, name):
        """What its API tells of a node."""
        return (self.seen.get('nodes') or {}).get(name) or {}

    @property
    def handed(self):
        """Nodes that were put into a pool, by a run before."""
        return [name for name, one in sorted((self.seen.get('nodes') or {}).items()) if (one or {}).get('pool')]

    @property
    def held(self):
        """{node: {name by which nodes have cards: [pods that hold some]}}; None: nobody tells."""
        told = [one.kubernetes.get('holders') for one in self.everyone if one.part == CONTROL]
        return next((one for one in told if isinstance(one, dict)), None)

    @property
    def holders(self):
        """{node: [pods that hold its cards]}; None: nobody tells."""
        return None if self.held is None else cluster_claims.holders(self.held)

    def _members(self, key):
        named = self.row.get(key)
        return sorted(self.site.claims.members({'hosts': named})) if isinstance(named, str) else []

    def path(self, key):
        return 'ai_stack_clusters[%d].%s' % (self.at, key)

    def told(self, name):
        """What the API says of the parts on a host."""
        return [part for part, kind in ((SERVER, 'servers'), (MEMBER, 'etcd')) if name in (self.seen.get(kind) or {})]

    def _of_pods(self, part, kind):
        """{host: version} of a part on control planes: what the API says, else the manifests on the hosts."""
        found = {one.name: one.of_pod(part) for one in self.everyone if one.part == CONTROL}
        found.update((name, numbers.plain(one)) for name, one in (self.seen.get(kind) or {}).items())
        return {name: one for name, one in sorted(found.items()) if one}

    @property
    def servers(self):
        """{host: version} of its API servers."""
        return self._of_pods(SERVER, 'servers')

    @property
    def running(self):
        """Versions that its API servers run, the oldest first; empty: there is no cluster yet."""
        return sorted(set(self.servers.values()), key=numbers.numbers)

    @property
    def members(self):
        """{host: version} of the members of etcd."""
        return self._of_pods(MEMBER, 'etcd')

    @property
    def behind(self):
        """Control planes whose API server is older than the version that is decided."""
        return [name for name, one in self.servers.items() if self.version and numbers.numbers(one) < numbers.numbers(self.version)]

    @property
    def out(self):
        """Hosts that are out of service."""
        return [one for one in self.everyone if one.host.out]

    @property
    def kubelets(self):
        """{host: version} of the kubelets that are there: what the API says, else what is installed."""
        told = {name: numbers.plain((one or {}).get('version')) for name, one in (self.seen.get('nodes') or {}).items()}
        found = {one.name: told.get(one.name) or one.kubelet for one in self.everyone}
        return {name: one for name, one in sorted(found.items()) if one}

    def offered(self, program, branch=None):
        """Versions of a program that all hosts can get, of one branch; one that has no source for it leaves none."""
        told = [set(one.offers(program)) for one in self.nodes if one.host.known]
        found = set.intersection(*told) if told else set()
        return {one for one in found if branch is None or numbers.branch(one) == branch}

    def lack(self, programs, version):
        """Hosts whose repositories do not have a version of these programs, which is not installed there either."""
        return sorted({one.name for one in self.nodes for program in programs if version not in one.offers(program) and one.installed(program) != version})

    def _version(self):
        """(version, because): a patch that the site names, else what the cluster runs, else the newest that its hosts are offered."""
        if not self.minor:
            return None, ''
        if numbers.is_exact(self.wanted):
            return self.wanted, 'the site names it'
        if self.running and numbers.branch(self.running[-1]) == self.minor:
            return self.running[-1], 'it runs'
        best = numbers.newest(set.intersection(*[self.offered(program, self.minor) for program in PROGRAMS]))
        return best, 'the newest that the repositories of all its hosts have' if best else ''

    @property
    def runtime(self):
        """(version, because) of containerd: what the site names, what its hosts have, the newest that is offered to all."""
        asked = numbers.plain(str(self.row.get('containerd') or ''))
        if asked and numbers.is_exact(asked):
            return asked, 'the site names it'
        # what runs pods stays; a host that joins follows the others
        there = {one.installed('containerd') for one in [one for one in self.everyone if one.joined] or self.nodes}
        if len(there) == 1 and None not in there and asked in (None, numbers.branch(min(there))):
            return min(there), 'its hosts have it'
        best = numbers.newest(self.offered('containerd', asked))
        return best, 'the newest that the repositories of all its hosts have' if best else ''

    def hops(self):
        """[minor] that the API servers go through, one after the other, the last one being the wanted one."""
        if not self.running or not self.minor:
            return []
        first = self.running[0]
        return [numbers.next_branch(first, step) for step in range(1, numbers.apart(self.minor, first) + 1)]
