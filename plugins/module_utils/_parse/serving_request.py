# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kubelet's request for a certificate by which it serves, and whether it is its own; source: Kubernetes' signer kubernetes.io/kubelet-serving, RFC 2986.

Its DER is read here: hosts have no library for it, and what openssl prints as text goes on in another line where a name has a line break in it.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress

SIGNER = 'kubernetes.io/kubelet-serving'
USER = 'system:node:'
USAGES = {'digital signature', 'key encipherment', 'server auth'}
_SEQUENCE, _SET, _OCTETS, _OID, _TRUE, _ATTRIBUTES, _DNS, _IP = 0x30, 0x31, 0x04, 0x06, 0x01, 0xa0, 0x82, 0x87
_EXTENSIONS, _ALTERNATIVE_NAMES = bytes.fromhex('2a864886f70d01090e'), bytes.fromhex('551d11')
_PARTS = {bytes.fromhex('55040a'): 'O', bytes.fromhex('550403'): 'CN'}
_SHORT = 0x80


def _items(data):
    """[(tag, content)] of a run of DER values."""
    found = []
    while data:
        size, start = data[1], 2
        if size >= _SHORT:
            start = 2 + size - _SHORT
            size = int.from_bytes(data[2:start], 'big')
        if start + size > len(data):
            raise ValueError('it ends too early')
        found.append((data[0], data[start:start + size]))
        data = data[start + size:]
    return found


def _inside(item, tag):
    if item[0] != tag:
        raise ValueError('it has a part of kind %d where one of kind %d is due' % (item[0], tag))
    return _items(item[1])


def _subject(item):
    """[(part, value)]"""
    for each in _inside(item, _SEQUENCE):
        for pair in _inside(each, _SET):
            (dummy, kind), (dummy, value) = _inside(pair, _SEQUENCE)
            yield _PARTS.get(kind, kind.hex()), value.decode('utf-8')


def _names(items):
    """[(kind, value)] of alternative names; only those that a kubelet has."""
    for tag, value in items:
        if tag == _IP:
            yield 'address', str(ipaddress.ip_address(value))
        else:
            yield ('name' if tag == _DNS else 'kind %d' % tag), value.decode('utf-8')


def _extensions(attributes):
    """[(OID, content)] of what is asked for beside the name."""
    for each in attributes:
        (dummy, kind), values = _inside(each, _SEQUENCE)
        if kind != _EXTENSIONS:
            raise ValueError('it has an attribute that a kubelet does not ask for')
        for value in _inside(values, _SET):
            for extension in _inside(value, _SEQUENCE):
                parts = [one for one in _inside(extension, _SEQUENCE) if one[0] != _TRUE]
                yield parts[0][1], parts[-1]


def read(pem):
    """{subject: [(part, value)], names: [(kind, value)]} of a request; ValueError where it is none that a kubelet makes."""
    lines = pem.strip().splitlines()
    if lines[:1] != ['-----BEGIN CERTIFICATE REQUEST-----'] or lines[-1:] != ['-----END CERTIFICATE REQUEST-----']:
        raise ValueError('it is no request')
    try:
        whole = _items(base64.b64decode(''.join(lines[1:-1]), validate=True))
        (information,) = [_inside(one, _SEQUENCE)[0] for one in whole]
        dummy, subject, dummy, *attributes = _inside(information, _SEQUENCE)
        found = [(kind, one) for each in attributes for kind, one in _extensions(_inside(each, _ATTRIBUTES))]
        if any(kind != _ALTERNATIVE_NAMES for kind, dummy in found):
            raise ValueError('it has an extension that a kubelet does not ask for')
        names = [name for dummy, one in found for each in _inside(one, _OCTETS) for name in _names(_inside(each, _SEQUENCE))]
        return {'subject': sorted(_subject(subject)), 'names': names}
    except (IndexError, binascii.Error) as error:
        raise ValueError('it cannot be read: %s' % error)


def waits(request):
    """Whether nobody decided about it yet. request: an object of the API."""
    return request['spec'].get('signerName') == SIGNER and not (request.get('status') or {}).get('conditions')


def objections(request, nodes):
    """Why it is not to be approved, as sentences; none: it is the node's own. nodes: {name: [addresses]} as the inventory has them, never as a node says."""
    spec = request['spec']
    name = spec.get('username', '').partition(USER)[2]
    if not spec.get('username', '').startswith(USER) or name not in nodes:
        return ['%r is no node of this cluster' % spec.get('username')]
    try:
        asked = read(base64.b64decode(spec.get('request', ''), validate=True).decode('utf-8'))
    except ValueError as error:
        return [str(error)]
    found = [] if 'system:nodes' in (spec.get('groups') or ()) else ['who asks is in no group of nodes']
    if asked['subject'] != [('CN', USER + name), ('O', 'system:nodes')]:
        found.append('its subject is not that of %s: %r' % (name, asked['subject']))
    if not set(spec.get('usages') or ()) <= USAGES or 'server auth' not in (spec.get('usages') or ()):
        found.append('it is not for serving: %r' % (spec.get('usages'),))
    mine = {('name', name)} | {('address', one) for one in nodes[name]}
    return found + ['%s %r is not its own' % one for one in asked['names'] if one not in mine] + ([] if asked['names'] else ['it names nothing'])
