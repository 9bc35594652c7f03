# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An address of the API that is no host's: keepalived has it on a control plane whose API server is ready, and moves it where that one is not.

The control planes tell each other by unicast, so that a network needs to let no multicast through, and hear nobody else: whoever says that he has a higher
priority takes the address. The program of the role takes this file along: the name of the interface is known on the host alone.
"""

from __future__ import annotations

import ipaddress

CONF, UNIT = '/etc/ai-stack/kubernetes/keepalived.conf', 'ai-stack-kubernetes-virtual.service'
PROGRAM, PORT = '/usr/sbin/keepalived', 6443
# by which it asks whether the API server is ready
ASKS = '/usr/bin/curl'
# keepalived knows 1 to 255
ROUTERS, HIGHEST = 255, 200
TABLE = 'ai_stack_kubernetes_virtual'
# Protocol 112 is VRRP, whose second byte says which router: other programs on this host may speak it too. The rules come and go with the unit, and are part of
# it, so that it starts anew when they change.
_GUARD = ('table inet %(table)s; delete table inet %(table)s; table inet %(table)s { chain input { type filter hook input priority filter; policy accept; '
          '%(heard)smeta l4proto 112 @th,8,8 %(router)d drop; }; }')
_UNIT = """# managed by sovereign.ai_stack
[Unit]
Description=Keep the address of the API where an API server is ready
Wants=network-online.target
After=network-online.target

[Service]
RuntimeDirectory=ai-stack-kubernetes-virtual
ExecStartPre=nft "%%(guard)s"
ExecStart=%(program)s --dont-fork --log-console --vrrp --use-file %(conf)s \\
 --pid %%%%t/ai-stack-kubernetes-virtual/pid --vrrp_pid %%%%t/ai-stack-kubernetes-virtual/vrrp.pid
ExecStopPost=-nft delete table inet %(table)s
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
""" % {'program': PROGRAM, 'conf': CONF, 'table': TABLE}
# no preemption: an address that moves costs the requests that are under way
_CONF = """# managed by sovereign.ai_stack
global_defs {
    router_id %(name)s
    script_user root
    enable_script_security
    vrrp_check_unicast_src
}
vrrp_script api {
    script "%(asks)s --silent --fail --output /dev/null --max-time 4 --cacert /etc/kubernetes/pki/ca.crt %(url)s"
    interval 2
    timeout 5
    fall 2
    rise 1
    init_fail
}
vrrp_instance api {
    state BACKUP
    nopreempt
    interface %(interface)s
    virtual_router_id %(router)d
    priority %(priority)d
    advert_int 1
%(peers)s    virtual_ipaddress {
        %(virtual)s
    }
    track_script {
        api
    }
}
"""


def server(address):
    """Where the API server of one host is, whatever stands before the API."""
    return 'https://%s:%d' % ('[%s]' % address if ':' in address else address, PORT)


def told(settings, name, control):
    """{address, peers, priority, router} of a control plane; None: the cluster has no such address. control: {name: address} of all control planes."""
    if not settings.get('virtual_address'):
        return None
    names = sorted(control)
    return {'address': settings['virtual_address'], 'peers': [control[one] for one in names if one != name], 'priority': HIGHEST - names.index(name),
            # of its own in a segment with other clusters, as the address is
            'router': int(ipaddress.ip_address(settings['virtual_address'])) % ROUTERS + 1}


def _peers(address, peers):
    """A single one tells itself, which its own rules keep it from hearing: without a peer keepalived falls back to multicast."""
    return '    unicast_src_ip %s\n    unicast_peer {\n%s    }\n' % (address, ''.join('        %s\n' % one for one in peers or [address]))


def guard(peers, router):
    """Rules by which nobody but the peers is heard about this address."""
    family = 'ip6' if any(':' in one for one in peers) else 'ip'
    heard = 'meta l4proto 112 @th,8,8 %d %s saddr { %s } accept; ' % (router, family, ', '.join(peers)) if peers else ''
    return _GUARD % {'table': TABLE, 'heard': heard, 'router': router}


def files(name, address, interface, given):
    """{path: text} of a control plane. given: what told() says; interface: that of its address."""
    text = _CONF % {'name': name, 'interface': interface, 'router': given['router'], 'priority': given['priority'], 'virtual': given['address'],
                    'url': server(address) + '/readyz', 'peers': _peers(address, given['peers']), 'asks': ASKS}
    return {CONF: text, '/etc/systemd/system/' + UNIT: _UNIT % {'guard': guard(given['peers'], given['router'])}}
