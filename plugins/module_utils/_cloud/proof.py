# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant's own try of a flavor: servers one after another until one is refused, each with what Nova and Placement say of it, and all gone at the end."""

from __future__ import annotations

import time
from urllib.parse import quote

from .session import CloudError

# what a try that was cut off left behind is known by it
PREFIX = 'ai-stack-live-proof-'
_PAUSE = 2
_OVER = frozenset(('ACTIVE', 'ERROR'))
_FORBIDDEN = 403


def nothing(seen):
    """What is found where nothing was asked for."""
    return {'seen': seen, 'servers': [], 'refused': None, 'left': []}


class Try:
    """tenant, admin: sessions of the one who has the server, and of one who may see hosts and allocations; wait: seconds for each step."""

    def __init__(self, tenant, admin, image, networks, wait):
        self.tenant, self.admin, self.image, self.networks, self.wait = tenant, admin, image, networks, wait

    def sees(self, flavor):
        """The id of a flavor as the tenant sees it; None: he does not."""
        return next((one['id'] for one in self.tenant.listed('compute', '/flavors', 'flavors') if one['name'] == flavor), None)

    def run(self, flavor, count):
        """{seen, servers: [{status, host, cards, fault}], refused: {status, says} or None, left: [names]}."""
        found = nothing(False)
        found['left'], identity = self.clear(), self.sees(flavor)
        if identity is None or found['left']:
            return found
        found['seen'] = True
        try:
            for at in range(count):
                if not self._ask(identity, at, found):
                    break
        finally:
            found['left'] = self.clear()
        return found

    def _image(self):
        rows = self.tenant.get('image', '/images?name=%s' % quote(self.image, safe=''))['images']
        if len(rows) != 1:
            raise CloudError('%s: the tenant sees %d images named %s; one is needed.' % (self.tenant.name, len(rows), self.image))
        return rows[0]['id']

    def _ask(self, flavor, at, found):
        """Whether there is a server now, so that one more can be asked for."""
        networks = self.networks if self.networks in ('none', 'auto') else [{'uuid': one} for one in self.networks.split(',')]
        body = {'server': {'name': '%s%d' % (PREFIX, at), 'flavorRef': flavor, 'imageRef': self._image(), 'networks': networks}}
        try:
            identity = self.tenant.post('compute', '/servers', body)['server']['id']
        except CloudError as error:
            if error.status != _FORBIDDEN:
                raise
            found['refused'] = {'status': error.status, 'says': str(error)}
            return False
        row = self._settled(identity)
        fault = (row.get('fault') or {}).get('message')
        found['servers'].append({'status': row['status'], 'host': row.get('OS-EXT-SRV-ATTR:host'), 'cards': self._cards(identity), 'fault': fault})
        return row['status'] == 'ACTIVE'

    def _settled(self, identity):
        end = time.monotonic() + self.wait
        while True:
            row = self.admin.get('compute', '/servers/%s' % identity)['server']
            if row['status'] in _OVER or time.monotonic() >= end:
                return row
            time.sleep(_PAUSE)

    def _cards(self, server):
        """{provider: {class: count}} of what is allocated beside the host itself, which has the processors."""
        given = self.admin.get('placement', '/allocations/%s' % server)['allocations']
        rows = {uuid: one['resources'] for uuid, one in given.items() if 'VCPU' not in one['resources'] and 'PCPU' not in one['resources']}
        return {self.admin.get('placement', '/resource_providers/%s' % uuid)['name']: resources for uuid, resources in sorted(rows.items())}

    def clear(self):
        """Take away every server of such a try, this one's or one that was cut off. Gives the names of those that stay."""
        end = time.monotonic() + self.wait
        asked = set()
        while True:
            rows = self.tenant.listed('compute', '/servers?name=%s' % quote('^' + PREFIX, safe=''), 'servers')
            mine = [one for one in rows if one['name'].startswith(PREFIX)]
            for one in [one for one in mine if one['id'] not in asked]:
                asked.add(one['id'])
                self.tenant.delete('compute', '/servers/%s' % one['id'])
            if not mine or time.monotonic() >= end:
                return sorted(one['name'] for one in mine)
            time.sleep(_PAUSE)
