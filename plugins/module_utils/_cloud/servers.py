# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers and migrations as people want to hear of them: whose, and with how many cards."""

from __future__ import annotations

from .._compat.text import safe

_ALIAS = 'pci_passthrough:alias'
# of a migration; anything else holds on to something, a resize that waits for its confirmation too
_OVER = frozenset(('completed', 'confirmed', 'reverted', 'error', 'failed', 'cancelled', 'done'))
_MANY = 10


def asked(specs):
    """{alias: number of cards} that a flavor asks for."""
    found = {}
    for part in str((specs or {}).get(_ALIAS) or '').split(','):
        name, _dummy, count = part.strip().partition(':')
        if name:
            found[name] = found.get(name, 0) + (int(count) if count.isdigit() else 1)
    return found


def server_of(document, projects):
    """One server of /servers/detail."""
    flavor = document.get('flavor') or {}
    return {'id': document['id'], 'name': document.get('name'), 'status': document.get('status'), 'project_id': document.get('tenant_id'),
            'project': projects.name(document.get('tenant_id')), 'flavor': flavor.get('original_name'), 'host': document.get('OS-EXT-SRV-ATTR:host'),
            'wants_cards': asked(flavor.get('extra_specs'))}


def migration_of(document):
    return {'id': document.get('id'), 'uuid': document.get('uuid'), 'server_id': document.get('instance_uuid'), 'status': document.get('status'),
            'type': document.get('migration_type'), 'source': document.get('source_compute'), 'destination': document.get('dest_compute')}


def going_on(documents):
    """The migrations that are not over."""
    return [migration_of(one) for one in documents if one.get('status') not in _OVER]


def in_words(documents, projects):
    """Servers, each with its project: for a refusal. They are rows of /servers/detail, or already ours."""
    rows = [one if 'project' in one else server_of(one, projects) for one in documents]
    texts = ['server %s of project %s' % (safe(one['name'] or one['id']), safe(one['project'])) for one in rows[:_MANY]]
    return ', '.join(texts) + (' and %d more' % (len(rows) - _MANY) if len(rows) > _MANY else '')
