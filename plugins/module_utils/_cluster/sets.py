# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of etcd: what a control plane is told of them, and the timer that takes them.

given: {recipients: [public keys of age], to: a folder, or the words of a command that reads a set, own_disk, keep, schedule, fresh_hours, scratch} of a row of
ai_stack_clusters, or nothing; what is left out has a default here.
"""

from __future__ import annotations

import json

MARKER = '# managed by sovereign.ai_stack\n'
CONFIG, UNIT = '/etc/ai-stack/kubernetes/sets.json', 'ai-stack-kubernetes-set'
SCRATCH = '/run/ai-stack-kubernetes'
DEFAULTS = {'own_disk': False, 'keep': 14, 'schedule': '*-*-* 00/6:00:00', 'fresh_hours': 24, 'scratch': SCRATCH}
_PLACE = '/etc/systemd/system/' + UNIT
# what a run that was ended leaves behind goes with the unit: it is in clear
_SERVICE = """%s[Unit]
Description=Take a set of etcd, encrypted and off this host
After=network-online.target remote-fs.target containerd.service

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 %s set
ExecStopPost=/usr/bin/rm -rf %s/set
TimeoutStartSec=1h
UMask=0077
Nice=10
"""
_TIMER = """%s[Unit]
Description=Take a set of etcd

[Timer]
OnCalendar=%s
RandomizedDelaySec=5min
Persistent=true

[Install]
WantedBy=timers.target
"""


def _told(settings, node, given):
    return {'cluster': settings['name'], 'endpoint': settings['endpoint'], 'version': settings['version'], 'host': node['name'], 'address': node['address'],
            **{key: given[key] for key in ('recipients', 'to', 'own_disk', 'keep', 'fresh_hours', 'scratch')}}


def wanted(settings, node, program):
    """(files, units) of a control plane; both empty where the site has no sets."""
    if not settings.get('sets'):
        return {}, []
    given = {**DEFAULTS, **settings['sets']}
    told = json.dumps(_told(settings, node, given), indent=1, sort_keys=True) + '\n'
    return {CONFIG: told, _PLACE + '.service': _SERVICE % (MARKER, program, given['scratch']), _PLACE + '.timer': _TIMER % (MARKER, given['schedule'])}, \
        [UNIT + '.timer']


def withdrawn(settings):
    """Files of a control plane that go: the site has sets no more."""
    return [] if settings.get('sets') else [CONFIG, _PLACE + '.service', _PLACE + '.timer']
