# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each host of a cluster is asked to be, as the request that the program of the role `kubernetes` reads.

A request is {cluster, name, address, part, first, endpoint, version, files: {path: text}, policies: {path: text}, units: [names], document: for kubeadm,
network: pods or None, nodes: {name: [addresses]}, settings, gone: [paths], images: repository, ignored: checks of kubeadm that do not stop it, control,
unasked, virtual}. first: whether this host makes the cluster, or is the only control plane that it has; policies: files that an API server reads when it
starts. Of a control plane alone: nodes, settings (what a cluster is made with once and for all), gone (files of sets that nobody wants any more), control:
names of all control planes, unasked: those of which nobody knows whether they have the cluster, virtual: what virtual.py says of the address of the API.
"""

from __future__ import annotations

import json

from . import kubeadm, network, sets, virtual
from .node import CONTROL

MARKER = '# managed by sovereign.ai_stack\n'
SYSCTL, NODES = '/etc/sysctl.d/60-ai-stack-kubernetes.conf', '/etc/ai-stack/kubernetes/nodes.json'
SERVING = 'ai-stack-kubernetes-serving'
DISCOVERY = '/run/ai-stack-kubernetes/discovery.conf'
PORT = 6443
REGISTRY = 'registry.k8s.io'
# what this version of the role does not change in a cluster that is there
LASTING = ('endpoint', 'pods', 'services', 'domain', 'network', 'images', 'feature_gates', 'conntrack', 'cgroup_v1', 'swap')
# what a kubelet has to find when it starts, and what carries traffic of pods
_SETTINGS = {'net.ipv4.ip_forward': 1}
_SERVICE = """%s[Unit]
Description=Approve what nodes ask for to serve by, for their own names and addresses
After=network-online.target

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 %%s approve
""" % MARKER
_TIMER = """%s[Unit]
Description=Approve what nodes ask for to serve by

[Timer]
OnBootSec=2min
OnUnitActiveSec=5min

[Install]
WantedBy=timers.target
""" % MARKER


def _text(document):
    return json.dumps(document, indent=1, sort_keys=True) + '\n'


def documents(rows):
    """Documents of kubeadm as one file; JSON is YAML."""
    return '---\n'.join(_text(one) for one in rows)


def endpoint(given, first, moves=None):
    """name:port of the API. first: address of the first control plane, which it is where nothing stands before it; moves: the address that is no host's."""
    at = moves or first
    address = '[%s]' % at if ':' in at else at
    return given or '%s:%d' % (address, PORT)


def _units(program):
    """What approves on a control plane, again and again: a certificate lives a year."""
    folder = '/etc/systemd/system/' + SERVING
    return {folder + '.service': _SERVICE % program, folder + '.timer': _TIMER}


def maker(control, living):
    """Who makes a cluster, or is all that it has; None: others have it, and one that has none joins them. living: control planes that have joined one."""
    if len(living) > 1:
        return None
    return min(living or control, default=None)


def requests(settings, hosts, program, living=(), unasked=()):
    """{host: request}. settings: as kubeadm.py has them, with network and issuers; hosts: {name: {address, part, taints}}; program: its path on a host;
    living: control planes that were seen to have a cluster; unasked: those that nobody could ask."""
    control = sorted(name for name, one in hosts.items() if one['part'] == CONTROL)
    makes, addresses = maker(control, living), {name: hosts[name]['address'] for name in control}
    nodes = {name: [one['address']] for name, one in hosts.items()}
    sysctl = {SYSCTL: MARKER + ''.join('%s = %s\n' % one for one in sorted(_SETTINGS.items()))}
    policies = {'authentication': kubeadm.authentication(settings['issuers']), 'audit': kubeadm.audit(), 'admission': kubeadm.admission()}
    for name, one in sorted(hosts.items()):
        mine, first, rules = dict(one, name=name), name == makes, one['part'] == CONTROL
        kept, timers = sets.wanted(settings, mine, program) if rules else ({}, [])
        yield name, {
            'cluster': settings['name'], 'name': name, 'address': one['address'], 'part': one['part'], 'first': first, 'version': settings['version'],
            'endpoint': settings['endpoint'], 'network': settings['pods'] if settings['network'] == 'routed' else None,
            'nodes': nodes if rules else {}, 'settings': {key: settings[key] for key in LASTING} if rules else {},
            'document': documents(kubeadm.init(settings, mine) if first else kubeadm.join(settings, mine, DISCOVERY)),
            'files': dict(sysctl, **(dict(_units(program), **{NODES: _text(nodes)}) if rules else {}), **kept),
            'policies': {'%s/%s.yaml' % (kubeadm.POLICIES, kind): _text(document) for kind, document in policies.items()} if rules else {},
            'images': settings['images'] or REGISTRY, 'ignored': kubeadm.ignored(settings),
            'gone': sets.withdrawn(settings) if rules else [], 'control': control if rules else [],
            'unasked': sorted(unasked) if first else [], 'virtual': virtual.told(settings, name, addresses) if rules else None,
            'units': ([SERVING + '.timer'] if rules else []) + timers + ([network.UNIT] if settings['network'] == 'routed' else [])
            + ([virtual.UNIT] if rules and settings.get('virtual_address') else []),
        }
