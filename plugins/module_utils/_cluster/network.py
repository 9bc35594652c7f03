# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network of pods that needs nothing but routes: a link for each pod, and on each node a route to the pods of each other node of the same segment.

Traffic of pods is always routed, so that replies of services find their way back without the filter for bridges. The program of the role takes this file along.
"""

from __future__ import annotations

import ipaddress
import json

CNI, ROUTES, NAT = '/etc/cni/net.d/10-ai-stack.conflist', '/etc/ai-stack/kubernetes/routes', '/etc/ai-stack/kubernetes/nat.nft'
UNIT = 'ai-stack-kubernetes-network.service'
# a number of our own in the table of routes, so that those of before can be told apart (rtnetlink(7): above 4 is free for administrators)
PROTOCOL = 87
# where a site says nothing
DEFAULTS = {'pods': '10.244.0.0/16', 'services': '10.96.0.0/16', 'domain': 'cluster.local', 'network': 'routed'}
IPV4 = 4
TABLE = 'ai_stack_kubernetes'
_UNIT = """# managed by sovereign.ai_stack
[Unit]
Description=Routes to the pods of other nodes
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip -force -batch %(routes)s
ExecStart=nft --file %(nat)s

[Install]
WantedBy=multi-user.target
"""


def cni(pods):
    """The plugins that each pod of a node goes through. pods: the part of the network that is this node's."""
    link = {'type': 'ptp', 'ipMasq': False, 'ipam': {'type': 'host-local', 'ranges': [[{'subnet': pods}]], 'routes': [{'dst': '0.0.0.0/0'}]}}
    return {'cniVersion': '1.0.0', 'name': 'ai-stack', 'plugins': [link, {'type': 'portmap', 'capabilities': {'portMappings': True}}]}


def routes(name, peers):
    """For `ip -batch`; a node that has no part of the network yet has none here either."""
    known = [one for other, one in sorted(peers.items()) if other != name and one.get('pods') and one.get('address')]
    return ''.join('route replace %s via %s protocol %d\n' % (one['pods'], one['address'], PROTOCOL) for one in known)


def nat(pods):
    """What leaves the network of pods goes out by the name of its node. pods: the whole network."""
    rule = 'ip saddr %s ip daddr != %s masquerade' % (pods, pods)
    chain = '\tchain postrouting {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n\t\t%s\n\t}\n' % rule
    return 'table ip %s\ndelete table ip %s\ntable ip %s {\n%s}\n' % (TABLE, TABLE, TABLE, chain)


def files(name, peers, pods):
    """{path: text} of a node. peers: {name: {address, pods}} of all nodes, with this one."""
    if not (peers.get(name) or {}).get('pods'):
        return {}
    return {CNI: json.dumps(cni(peers[name]['pods']), indent=1, sort_keys=True) + '\n', ROUTES: routes(name, peers), NAT: nat(pods),
            '/etc/systemd/system/' + UNIT: _UNIT % {'routes': ROUTES, 'nat': NAT}}


def _read(text):
    try:
        return ipaddress.ip_network(str(text))
    except ValueError:
        return None


def address(text):
    """An address as the API writes it; one that is none stays as it is."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def objections(pods, services, count, routed=True):
    """[(key, what is wrong)] of the networks of a cluster. count: hosts that are to join; routed: whether the network is that of this module."""
    networks = {'pods': _read(pods), 'services': _read(services)}
    found = [(key, 'is no network such as 10.244.0.0/16: %s' % given) for key, given in (('pods', pods), ('services', services)) if networks[key] is None]
    if not found and networks['pods'].overlaps(networks['services']):
        found.append(('pods', 'overlaps the network of services, %s' % services))
    if routed:
        found += [(key, 'is not IPv4, which the network of routes is for: %s' % one) for key, one in sorted(networks.items()) if one and one.version != IPV4]
    # a node gets 256 addresses (the controller manager's own default)
    room = 2 ** max(0, 24 - networks['pods'].prefixlen) if networks['pods'] is not None and networks['pods'].version == IPV4 else count
    if room < count:
        found.append(('pods', 'has room for %d nodes, and %d are to join: %s' % (room, count, pods)))
    return found


def wrong_place(text, networks):
    """What speaks against an address of the API that is no host's. networks: {pods, services, network}"""
    try:
        place = ipaddress.ip_address(str(text))
    except ValueError:
        return ['is no address: %s' % ascii(text)]
    return ['is in the network of %s: %s' % (key, place) for key in ('pods', 'services') if _read(networks[key]) is not None and place in _read(networks[key])]


def wrong_addresses(pods, services, addresses, routed=True):
    """The same of the addresses of hosts. addresses: {host: address of its node}"""
    networks, found = {'pods': _read(pods), 'services': _read(services)}, []
    for host, at in sorted(addresses.items()):
        try:
            place = ipaddress.ip_address(str(at))
        except ValueError:
            found.append(('address', 'is no address of %s, such as 192.0.2.11: %s' % (host, at or 'none')))
            continue
        if routed and place.version != IPV4:
            found.append(('address', 'of %s is not IPv4, which the network of routes is for: %s' % (host, at)))
        found += [(key, 'holds %s, the address of %s' % (at, host)) for key, one in networks.items() if one is not None and place in one]
    twice = {one for one in addresses.values() if list(addresses.values()).count(one) > 1 and one}
    return found + [('address', 'is that of several hosts: %s' % one) for one in sorted(twice)]
